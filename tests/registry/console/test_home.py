"""Home: the steps of registration and what needs an admin; an employee's numbers; the provider's way to companies."""

import pytest

from registry.commands import change
from tests.registry.builders import DID, OTHER_DID, a_brand, a_campaign, a_number, an_assignment


async def put(console, *records):
    """Change rows beside the console."""
    async with console.database.writing() as connection:
        await change(connection, actor="test", put=records)


def steps(seen):
    """The states of the four steps."""
    return [part.split('"')[0] for part in seen.text.split('<li class="step step-')[1:]]


class TestAdmins:
    async def test_what_is_done_and_what_comes_next(self, console, admin):
        """Brand, campaign and numbers are in order; of two people with a licence one can text, so people are next."""
        seen = await admin.go("/console")
        assert (seen.status, steps(seen)) == (200, ["done", "done", "done", "now"])
        assert "Go to the people" in seen.words
        assert "1 numbers can text" in seen.words
        assert 'data-live="' in seen.text
        del console

    @pytest.mark.parametrize(
        ("brand", "campaign", "states", "words"),
        [
            ("pending", "draft", ["waiting", "later", "later", "later"], "TCR looks at the brand"),
            ("unverified", "draft", ["wrong", "later", "later", "later"], "TCR could not confirm the brand"),
            ("verified", "pending", ["done", "waiting", "later", "later"], "review the campaign"),
            ("verified", "rejected", ["done", "wrong", "later", "later"], "turned down"),
        ],
    )
    async def test_each_step_of_a_company_on_its_way(self, console, brand, campaign, states, words):
        """What is to be done has a link to the page; what cannot be done yet has none."""
        await put(console, a_brand("BSOLO", tenant="solo", status=brand))
        await put(console, a_campaign("CSOLO", brand_id="BSOLO", status=campaign, dca_complete=False))
        seen = await (await console.visitor("solo")).go("/console")
        assert steps(seen) == states
        assert words in seen.words

    async def test_what_needs_an_admin_is_named(self, console, admin):
        """A suspended campaign and a number that failed, each with what helps and a way there."""
        await put(console, a_campaign("CACME", status="suspended"))
        await put(console, a_campaign("CTWO", status="expired"))
        await put(console, a_number(OTHER_DID, user="ann"), an_assignment(OTHER_DID, state="failed", fault="A fault."))
        seen = await admin.go("/console")
        assert "Campaign suspended: CACME" in seen.words
        assert 'href="/console/registration/campaigns/CACME"' in seen.text
        assert "1 number did not get into the campaign +1 202-555-0102 (Ben): A fault." in seen.words
        assert "0 numbers can text" in seen.words, "the campaign is suspended"
        assert "CTWO" not in seen.text, "nothing is in it"

    async def test_another_company_is_not_on_it(self, console, admin):
        """Nothing of solo's is told to acme."""
        await put(console, a_campaign("CSOLO", brand_id="BSOLO", status="suspended"))
        assert "CSOLO" not in (await admin.go("/console")).text


class TestEmployees:
    async def test_their_number_can_text(self, console):
        """They see it with the way to Messages, and nothing that is an admin's."""
        seen = await (await console.visitor("employee")).go("/console")
        assert "You can text" in seen.words
        assert "+1 202-555-0101 Can text" in seen.words
        assert 'href="/console/messages"' in seen.text
        assert "/console/phone-system" not in seen.text

    async def test_why_not_in_their_words(self, console):
        """As the catalogue has it for employees, without ids and jargon."""
        await put(console, a_campaign("CACME", status="suspended"))
        seen = await (await console.visitor("employee")).go("/console")
        assert "You cannot text yet" in seen.words
        assert "administrator" in seen.words
        assert "CACME" not in seen.text

    async def test_without_a_number(self, console):
        """It says whom to ask."""
        await put(console, a_number(DID, user=None))
        seen = await (await console.visitor("employee")).go("/console")
        assert "You have no number yet Ask your administrator for one." in seen.words


class TestProvider:
    @pytest.mark.parametrize("who", ["operator", "support"])
    async def test_they_choose_a_company_first(self, console, who):
        """Their own has no steps of registration to show."""
        seen = await (await console.visitor(who)).go("/console")
        assert (seen.status, steps(seen)) == (200, [])
        assert 'href="/console/provider/tenants"' in seen.text
