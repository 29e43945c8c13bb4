"""Registration's pages of what is there: each state with what it means and what to do, and what is done from them."""

import re

import pytest

from registry.commands import change, find
from registry.console.views.registration_words import CARRIERS, ENTITY_TYPES, USE_CASES, brand_standing
from registry.lifecycle.registration import BRAND, CARRIER
from registry.records import Assignment, Brand, Campaign, Fee, Number
from registry.registration import words
from tests.registry.builders import AT, DID, a_brand, a_campaign, a_number, a_tenant

ROOT = "/console/registration"


async def put(console, *records):
    """Set rows."""
    async with console.database.writing() as connection:
        await change(connection, actor="test", put=[*records])


class TestWords:
    """Everything that TCR, carriers and life cycles have a word for has one here, for people."""

    def test_closed_sets(self):
        """No word of TCR stands in a page as it is."""
        assert set(ENTITY_TYPES) == set(words.ENTITY_TYPES)
        assert set(USE_CASES) == set(words.USE_CASES)
        assert set(CARRIERS) == {"att", "tmobile", "verizon", "us_cellular"}

    @pytest.mark.parametrize("state", sorted(BRAND.states - {""}))
    def test_states_of_brands(self, state):
        """Each says what it means and what to do; a state that nobody has heard of is told as one."""
        assert brand_standing(state).means != brand_standing("unheard_of").means
        assert brand_standing(state).todo


class TestOverview:
    """Where the company is."""

    async def test_brands_campaigns_and_the_fee(self, console, admin):
        """With their states; the fee in the company's currency, and whether it was charged."""
        seen = await admin.go(ROOT)
        assert seen.status == 200
        assert "Acme LLC" in seen.words
        assert "VERIFIED" in seen.words
        assert "US$89. Once, plus tax" in seen.words
        assert "It has not been charged" in seen.words
        fee = Fee(tenant="acme", kind="registration", at=AT, cents=8900, currency="USD", application="form")
        await put(console, fee)
        seen = await admin.go(ROOT)
        assert "It was charged on" in seen.words
        assert "It has not been charged" not in seen.words

    async def test_canada_pays_in_its_own_dollars(self, console, admin):
        """CA$121."""
        await put(console, a_tenant(currency="CAD", country="CA"))
        assert "CA$121." in (await admin.go(ROOT)).words

    async def test_a_company_that_is_new(self, console):
        """Is told what comes first, with the way there."""
        async with console.database.writing() as connection:
            await change(connection, actor="test", remove=[(Campaign, ("CSOLO",))])
            await change(connection, actor="test", remove=[(Brand, ("BSOLO",))])
        solo = await console.visitor("solo")
        seen = await solo.go(ROOT)
        assert "No brand yet" in seen.words
        assert f'href="{ROOT}/new-brand"' in seen.text
        assert "The form opens as soon as the brand is VERIFIED." in seen.words
        assert f'href="{ROOT}/new-campaign"' not in seen.text


class TestBrand:
    """The page of a brand."""

    @pytest.mark.parametrize("status", ["verified", "unverified", "suspended", "pending", "deleted", "self_declared"])
    async def test_each_state_is_explained(self, console, admin, status):
        """What it means, the reasons, and what to do."""
        await put(console, a_brand(status=status, faults=("The EIN is not known.",)))
        seen = await admin.go(f"{ROOT}/brands/BACME")
        standing = brand_standing(status)
        assert standing.label in seen.words
        assert standing.means in seen.words
        assert standing.todo in seen.words
        assert "The EIN is not known." in seen.words

    async def test_one_that_was_registered_elsewhere_has_no_form(self, console, admin):
        """So support has to help."""
        await put(console, a_brand(status="unverified"))
        seen = await admin.go(f"{ROOT}/brands/BACME")
        assert "there is no form to correct" in seen.words
        assert "Correct and submit again" not in seen.words

    async def test_another_companys_is_not_there(self, admin):
        """As unknown as one that is none."""
        theirs, none = await admin.go(f"{ROOT}/brands/BSOLO"), await admin.go(f"{ROOT}/brands/BNONE")
        assert (theirs.status, theirs.words) == (404, none.words)


class TestCampaigns:
    """The list and the page of a campaign."""

    async def test_carriers_have_badges_with_words(self, console, admin):
        """Each on its own; a word that is not known is told as one."""
        await put(console, a_campaign(att="rejected", tmobile="suspended", verizon="odd"))
        seen = await admin.go(f"{ROOT}/campaigns/CACME")
        assert "AT&T Rejected does not take its texts" in seen.words
        assert "T-Mobile Suspended has stopped its texts" in seen.words
        assert "Verizon Odd has given a state that is not known here" in seen.words
        assert "VERIFIED, but not by all" in seen.words
        assert "odd" not in CARRIER.states

    @pytest.mark.parametrize(
        ("state", "said"),
        [
            ({"status": "rejected", "faults": ("Say how.",)}, "Correct the campaign and submit it again."),
            ({"status": "suspended"}, "Read why it was suspended and contact support."),
            ({"status": "expired"}, "Register a new campaign."),
            ({"sharing": "declined"}, "Correct the campaign and share it again."),
            ({"dca_complete": False}, "The aggregators review it by hand: 1 to 2 weeks."),
            ({"sharing": "pending", "dca_complete": False}, "up to 3 days"),
        ],
    )
    async def test_what_is_to_be_done(self, console, admin, state, said):
        """Of every state; with what reviewers said."""
        await put(console, a_campaign(**state))
        seen = await admin.go(f"{ROOT}/campaigns/CACME")
        assert said in seen.words
        assert all(fault in seen.words for fault in state.get("faults", ()))
        assert said in (await admin.go(ROOT)).words

    async def test_numbers_of_the_limit(self, console, admin):
        """49, or as many as wanted with a number pool; the SMS page shows which."""
        seen = await admin.go(f"{ROOT}/campaigns/CACME")
        assert "1 of 49" in seen.words
        assert "/console/phone-system/sms?campaign=CACME" in seen.text
        await put(console, a_campaign(number_pool="approved"))
        seen = await admin.go(f"{ROOT}/campaigns/CACME")
        assert "of 49" not in seen.words
        assert "approved a number pool" in seen.words

    async def test_asking_for_a_number_pool(self, console, admin):
        """Is asked once, and settled by the provider's people only."""
        await admin.go(f"{ROOT}/campaigns/CACME")
        seen = await admin.send(f"{ROOT}/campaigns/CACME/ask-number-pool")
        assert seen.said.startswith("Asked.")
        assert "Number pool asked for" in seen.words
        refused = await admin.send(f"{ROOT}/campaigns/CACME/ask-number-pool")
        assert refused.status == 200
        assert "said-warning" in refused.text
        refused = await admin.send(f"{ROOT}/campaigns/CACME/settle-number-pool", {"approved": "yes"})
        assert "said-warning" in refused.text
        async with console.database.reading() as connection:
            found = await find(connection, Campaign, {("CACME",)})
        assert found["CACME",].number_pool == "requested"

    async def test_one_that_ended_offers_a_new_one(self, console, admin):
        """And no way to end it again."""
        await put(console, a_campaign(status="deactivated"))
        seen = await admin.go(f"{ROOT}/campaigns/CACME")
        assert f"{ROOT}/new-campaign?brand=BACME" in seen.text
        assert "/deactivate" not in seen.text
        assert "ended already" in (await admin.go(f"{ROOT}/campaigns/CACME/deactivate")).words


class TestDeactivation:
    """It ends a campaign for good, so it asks to type its id."""

    async def test_it_tells_what_follows(self, admin):
        """For good, SMS off, and for how many numbers."""
        seen = await admin.go(f"{ROOT}/campaigns/CACME/deactivate")
        assert "This is permanent." in seen.words
        assert "SMS goes off for 1 number" in seen.words

    @pytest.mark.parametrize("typed", ["", "CTWO", "cacme", "CACME01"])
    async def test_another_text_ends_nothing(self, console, admin, typed):
        """The page is there again, with what was typed and what to type."""
        await admin.go(f"{ROOT}/campaigns/CACME/deactivate")
        seen = await admin.send(f"{ROOT}/campaigns/CACME/deactivate", {"confirm": typed})
        assert seen.status == 422
        assert "Type CACME, exactly as it stands here." in seen.words
        assert f'value="{typed}"' in seen.text
        async with console.database.reading() as connection:
            assert (await find(connection, Campaign, {("CACME",)}))["CACME",].status == "active"

    async def test_its_id_ends_it(self, console, admin):
        """SMS is off for its numbers, and they are on their way out of it."""
        await admin.go(f"{ROOT}/campaigns/CACME/deactivate")
        seen = await admin.send(f"{ROOT}/campaigns/CACME/deactivate", {"confirm": "CACME"})
        assert seen.path == f"{ROOT}/campaigns/CACME"
        assert seen.said == "The campaign is deactivated. SMS is off for its numbers."
        async with console.database.reading() as connection:
            assert (await find(connection, Number, {(DID,)}))[DID,].sms == "disabled"
            assert (await find(connection, Assignment, {(DID,)}))[DID,].state == "removing"

    async def test_another_companys_is_not_there(self, admin):
        """Whatever is typed."""
        assert (await admin.go(f"{ROOT}/campaigns/CSOLO/deactivate")).status == 404
        assert (await admin.send(f"{ROOT}/campaigns/CSOLO/deactivate", {"confirm": "CSOLO"})).status == 404


class TestTollFree:
    """Numbers that are in no campaign."""

    @pytest.mark.parametrize(
        ("state", "said"), [("verified", "Verified"), ("pending", "Pending"), (None, "Not verified"), ("?", "Not v")]
    )
    async def test_each_with_its_verification(self, console, admin, state, said):
        """In words, and what to do."""
        await put(console, a_number("+18005550100", kind="toll_free", sms="disabled", toll_free_verification=state))
        seen = await admin.go(f"{ROOT}/toll-free")
        assert "800-555-0100" in seen.words
        assert said in seen.words
        assert "Switch texting on for a local number of the user." in seen.words
        assert DID not in seen.text

    async def test_a_company_without_any(self, admin):
        """Is told so."""
        assert "No toll-free numbers" in (await admin.go(f"{ROOT}/toll-free")).words


class TestRights:
    """Support sees everything and changes nothing; employees see nothing."""

    PATHS = (
        ROOT,
        f"{ROOT}/brands",
        f"{ROOT}/brands/BACME",
        f"{ROOT}/campaigns",
        f"{ROOT}/campaigns/CACME",
        f"{ROOT}/campaigns/CACME/deactivate",
        f"{ROOT}/toll-free",
        f"{ROOT}/new-brand",
        f"{ROOT}/new-campaign",
    )

    @pytest.mark.parametrize("path", PATHS)
    async def test_employees_get_nothing(self, console, path):
        """The pages are the company's."""
        employee = await console.visitor("employee")
        assert (await employee.go(path)).status == 403

    @pytest.mark.parametrize("path", [path for path in PATHS if "ACME" not in path])
    async def test_support_sees_and_has_no_buttons(self, console, path):
        """No form that changes something is on a page for who only looks."""
        support = await console.visitor("support")
        seen = await support.go(path)
        assert seen.status == 200
        main = seen.text.partition("<main")[2]
        assert not re.findall(r'<form[^>]*method="post"', main)

    async def test_support_can_do_nothing(self, console):
        """Nor without the button."""
        support = await console.visitor("support")
        await support.go(ROOT)
        seen = await support.send(f"{ROOT}/new-brand", {"entity_type": "PRIVATE_PROFIT"})
        assert "said-warning" in seen.text
