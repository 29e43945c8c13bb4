"""Phone System > SMS: the state of brand and campaigns, the Assignment column, assigning one or many, and removing."""

import re

import pytest

from registry.commands import change
from tests.registry.admin import SOLO_DID
from tests.registry.builders import DID, OTHER_DID, a_brand, a_campaign, a_number, a_user, an_assignment

SMS = "/console/phone-system/sms"
ASSIGN = f"{SMS}/assign"


async def put(console, *records):
    """Change rows beside the console."""
    async with console.database.writing() as connection:
        await change(connection, actor="test", put=records)


async def link(console, did=DID):
    """A number's assignment."""
    return (await console.api.get(f"/v1/numbers/{did}")).body["assignment"]


def row(seen, number):
    """What a number's row says."""
    cells = next(part for part in seen.text.split("<tr>") if f">{number}</a>" in part)
    return " ".join(re.sub(r"<[^>]*>", " ", cells.split("</tr>")[0]).split())


def form(seen):
    """Whether there is anything to send on a page, besides signing out and searching."""
    return re.findall(r'<form[^>]*method="post" action="(?!/console/sign-out)([^"]+)"', seen.text)


class TestTable:
    @pytest.mark.parametrize(
        ("state", "column", "more"),
        [
            ({"state": "assigned"}, "Assigned (CACME)", ""),
            ({"state": "pending"}, "Pending", "The number is on its way into campaign CACME."),
            ({"state": "failed", "fault": "A carrier said no."}, "Enabling Failed", "A carrier said no. Use Assign"),
            ({"state": "removing"}, "Pending", "on its way out of its campaign"),
        ],
    )
    async def test_the_assignment_column(self, console, admin, state, column, more):
        """As the console's SMS page has it, with what helps."""
        await put(console, an_assignment(**state))
        seen = row(await admin.go(SMS), "+1 202-555-0101")
        assert f"Ben On {column}" in seen
        assert more in seen

    async def test_a_legacy_number_is_not_assigned(self, console, admin):
        """It could text before, and is in no campaign: it says what to do."""
        await put(console, a_number(OTHER_DID, user="ann", sms_page=True))
        seen = row(await admin.go(SMS), "+1 202-555-0102")
        assert "On Not assigned It cannot text: use Assign to campaign." in seen

    async def test_numbers_that_never_texted_are_not_on_it(self, admin):
        """Nor those of other companies."""
        seen = await admin.go(SMS)
        assert "555-0101" in seen.text
        assert "555-0102" not in seen.text
        assert "555-0103" not in seen.text

    async def test_it_is_filtered(self, console, admin):
        """By assignment, campaign and first digits; where nothing fits, it says so."""
        await put(console, a_number(OTHER_DID, user="ann", sms_page=True))
        for query, there in (
            ("assignment=none", [False, True]),
            ("assignment=assigned", [True, False]),
            ("campaign=CACME", [True, False]),
            ("prefix=202-555-0102", [False, True]),
        ):
            text = (await admin.go(f"{SMS}?{query}")).text
            assert [number in text for number in (">+1 202-555-0101<", ">+1 202-555-0102<")] == there, query
        assert "No number fits" in (await admin.go(f"{SMS}?campaign=CTWO")).words

    async def test_an_assigned_number_of_a_suspended_campaign(self, console, admin):
        """The column stays, and it says that the number cannot text."""
        await put(console, a_campaign("CACME", status="suspended"))
        seen = await admin.go(SMS)
        assert "Assigned (CACME) It cannot text now: the campaign is SUSPENDED." in row(seen, "+1 202-555-0101")


class TestState:
    async def test_brand_and_campaigns_with_their_words(self, console, admin):
        """VERIFIED, or what they are, and how full each campaign is; and the fee."""
        await put(console, a_campaign("CTWO", status="pending", sharing="pending", dca_complete=False))
        seen = await admin.go(SMS)
        assert "Acme LLC VERIFIED" in seen.words
        assert "CACME VERIFIED" in seen.words
        assert "1 of 49 numbers" in seen.words
        assert "CTWO PENDING" in seen.words
        assert "Registering costs US$89. Once, plus tax" in seen.words

    async def test_before_both_are_verified_nothing_is_assigned(self, console, admin):
        """The menu says what is lacking; who sends the form all the same is told why not."""
        await put(console, a_brand(status="unverified"), a_number(OTHER_DID, user="ann", sms_page=True))
        seen = await admin.go(SMS)
        assert "Acme LLC UNVERIFIED" in seen.words
        assert f"{ASSIGN}?dids=" not in seen.text
        assert "No campaign is VERIFIED" in (await admin.go(f"{ASSIGN}?dids=%2B12025550102")).words
        seen = await admin.send(ASSIGN, [("did", OTHER_DID)])
        assert "1 was not: +1 202-555-0102: " in seen.said
        assert await link(console, OTHER_DID) is None

    async def test_a_full_campaign_asks_for_a_pool(self, console, admin):
        """It warns when it is full; the carriers are asked once."""
        dids = [f"+1202556{place:04}" for place in range(48)]
        await put(console, *(a_number(did, user=None, sms="disabled") for did in dids))
        await put(console, *(an_assignment(did) for did in dids))
        seen = await admin.go(SMS)
        assert "49 of 49 numbers" in seen.words
        assert "The campaign is full." in seen.words
        assert 'rel="next"' not in seen.text
        seen = await admin.send(f"{SMS}/campaigns/CACME/number-pool")
        assert seen.said.startswith("Your provider asks the carriers for a number pool")
        assert "Your provider asks the carriers for a number pool, since" in seen.words
        assert form(seen) == [f"{SMS}/choose"]
        await put(console, a_campaign("CACME", number_pool="approved"))
        assert "49 numbers; it has a number pool." in (await admin.go(SMS)).words


class TestAssigning:
    async def test_one_from_its_dots_and_saved(self, console, admin):
        """The seed's way: Assign to campaign, Save; Pending, and once the aggregator has it Assigned (CACME)."""
        await put(console, a_number(OTHER_DID, user="ann", sms_page=True))
        seen = await admin.go(SMS)
        assert f'href="{ASSIGN}?dids=%2B12025550102">Assign to campaign</a>' in seen.text
        page = await admin.go(f"{ASSIGN}?dids=%2B12025550102")
        fields = [*admin.form_of(page, ASSIGN)]
        assert ("did", OTHER_DID) in fields
        assert ("campaign", "CACME") in fields
        seen = await admin.send(ASSIGN, fields)
        assert seen.said.startswith("1 number was assigned to campaign CACME: Pending, up to 48 hours.")
        assert "Ann" not in seen.said
        assert "Pending" in row(seen, "+1 202-555-0102")
        await put(console, an_assignment(OTHER_DID))
        assert "Assigned (CACME)" in row(await admin.go(SMS), "+1 202-555-0102")

    async def test_many_with_a_choice_of_campaign(self, console, admin):
        """Boxes lead to the page with the choice; what one is refused for does not stop the others."""
        toll_free = "+18335550111"
        await put(console, a_number(OTHER_DID, user="ann", sms_page=True))
        await put(console, a_number(toll_free, user="ann", kind="toll_free", sms_page=True))
        seen = await admin.send(f"{SMS}/choose", [("did", OTHER_DID), ("did", DID)])
        assert seen.path.startswith(ASSIGN)
        assert 'value="CTWO"' in seen.text
        fields = [("did", did) for did in (DID, OTHER_DID, toll_free, SOLO_DID)]
        seen = await admin.send(ASSIGN, [*fields, ("campaign", "CTWO")])
        assert seen.said.startswith("2 numbers were assigned to campaign CTWO: Pending, up to 48 hours. 2 were not: ")
        assert "+1 833-555-0111: Not a number that texts." in seen.said
        assert "+1 202-555-0103: Not found." in seen.said
        assert [(await link(console, did))["campaign_id"] for did in (DID, OTHER_DID)] == ["CTWO", "CTWO"]

    async def test_another_companys_campaign_is_not_there(self, console, admin):
        """Its id does nothing."""
        seen = await admin.send(ASSIGN, [("did", DID), ("campaign", "CSOLO")])
        assert "No such campaign." in seen.said
        assert (await link(console))["campaign_id"] == "CACME"

    async def test_without_a_box(self, admin):
        """It says what to do."""
        seen = await admin.send(f"{SMS}/choose", [])
        assert (seen.path, seen.said) == (SMS, "Tick the numbers that are to be assigned.")

    async def test_numbers_of_others_have_no_page(self, admin):
        """Not found, as one that is not there."""
        for did in ("%2B12025550103", "%2B12025550188", "x"):
            assert (await admin.go(f"{ASSIGN}?dids={did}")).status == 404
            assert (await admin.go(f"{SMS}/{did}/remove")).status == 404
            assert (await admin.send(f"{SMS}/{did}/remove")).status == 404


class TestRemoving:
    async def test_it_is_asked_first_and_leaves(self, console, admin):
        """What follows is told; then it is on its way out."""
        page = await admin.go(f"{SMS}/%2B12025550101/remove")
        assert "It leaves campaign CACME" in page.words
        assert "Ben can no longer text from it" in page.words
        seen = await admin.send(f"{SMS}/%2B12025550101/remove")
        assert seen.said.startswith("+1 202-555-0101 leaves its campaign.")
        assert (await link(console))["state"] == "removing"


class TestWhoMay:
    async def test_support_sees_and_has_no_buttons(self, console):
        """No boxes, no dots; and the forms refuse."""
        support = await console.visitor("support")
        async with console.database.writing() as connection:
            await connection.exec_driver_sql("UPDATE sign_ins SET acting_for = 'acme' WHERE tenant = 'phoneco'")
        seen = await support.go(SMS)
        assert "Assigned (CACME)" in seen.words
        assert 'type="checkbox"' not in seen.text
        assert "Remove" not in seen.words
        assert (await support.send(ASSIGN, [("did", DID), ("campaign", "CTWO")])).said.startswith("Not allowed")
        assert (await support.send(f"{SMS}/%2B12025550101/remove")).said.startswith("Not allowed")
        assert (await link(console))["campaign_id"] == "CACME"

    async def test_employees_do_not(self, console):
        """Neither look nor send."""
        await put(console, a_user("ben"))
        employee = await console.visitor("employee")
        assert (await employee.go(SMS)).status == 403
        assert (await employee.send(ASSIGN, [("did", DID)])).status == 403
