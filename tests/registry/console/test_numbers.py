"""Numbers: the inventory, one number with what is known of it, whose it is, and what operators do."""

import pytest

from registry.commands import change
from tests.registry.admin import SOLO_DID
from tests.registry.builders import DID, OTHER_DID, a_number, an_assignment

NUMBERS = "/console/phone-system/numbers"
ONE = f"{NUMBERS}/%2B12025550101"
OPERATORS = ("/new", "/%2B12025550101/go")


async def put(console, *records):
    """Change rows beside the console."""
    async with console.database.writing() as connection:
        await change(connection, actor="test", put=records)


async def number(console, did=DID, **options):
    """A number as the API shows it."""
    return (await console.api.get(f"/v1/numbers/{did}", **options)).body


@pytest.fixture
async def operator(console):
    """An operator who looks at acme."""
    operator = await console.visitor("operator")
    async with console.database.writing() as connection:
        await connection.exec_driver_sql("UPDATE sign_ins SET acting_for = 'acme' WHERE tenant = 'phoneco'")
    return operator


class TestInventory:
    async def test_all_numbers_with_kind_user_and_sms(self, console, admin):
        """Those that never texted, too; those of others are not among them."""
        await put(console, a_number("+18335550111", user=None, kind="toll_free", sms="disabled"))
        words = (await admin.go(NUMBERS)).words
        assert "+1 202-555-0101 Local Ben Enabled Assigned (CACME)" in words
        assert "+1 202-555-0102 Local Ben Disabled –" in words
        assert "+1 833-555-0111 Toll-free In the pool Disabled –" in words
        assert "555-0103" not in words

    async def test_it_is_filtered(self, console, admin):
        """By kind, state, first digits, and whether anybody has it."""
        await put(console, a_number("+18335550111", user=None, kind="toll_free", sms="disabled"))
        for query, there in (
            ("kind=toll_free", [False, False, True]),
            ("sms=enabled", [True, False, False]),
            ("prefix=202", [True, True, False]),
            ("pool=yes", [False, False, True]),
        ):
            text = (await admin.go(f"{NUMBERS}?{query}")).text
            assert [f">+1 {end}<" in text for end in ("202-555-0101", "202-555-0102", "833-555-0111")] == there, query

    async def test_on_and_in_no_campaign_is_not_assigned(self, console, admin):
        """It is not called Disabled while its switch is on."""
        await put(console, a_number(OTHER_DID, user="ann"))
        assert "+1 202-555-0102 Local Ben Not assigned" in (await admin.go(NUMBERS)).words


class TestOne:
    async def test_what_is_known(self, console, admin):
        """Progress, campaign, whose it is, and where its history is."""
        await put(console, an_assignment(state="pending"))
        seen = await admin.go(ONE)
        assert "Pending The number is on its way into campaign CACME." in seen.words
        assert "Do not switch it off and on" in seen.words
        assert 'href="/console/audit?kind=numbers&amp;object=%2B12025550101"' in seen.text
        assert "Let it go" not in seen.words

    async def test_it_is_given_to_somebody_else(self, console, admin):
        """Who is searched for by name; SMS goes off, and it leads to the new person's switches."""
        page = await admin.go(f"{ONE}/give")
        assert "A number that changes hands loses SMS" in page.words
        assert "Nobody found" in (await admin.go(f"{ONE}/give?search=zzz")).words
        fields = dict(admin.form_of(page, f"{ONE}/give")) | {"user": "ann"}
        seen = await admin.send(f"{ONE}/give", fields)
        assert seen.path == "/console/phone-system/users/ann"
        now = await number(console)
        assert (now["user"], now["sms"]) == ("ann", "disabled")

    async def test_it_goes_into_the_pool(self, console, admin):
        """Where nobody has it."""
        fields = dict(admin.form_of(await admin.go(f"{ONE}/give"), f"{ONE}/give")) | {"user": "the pool"}
        seen = await admin.send(f"{ONE}/give", fields)
        assert seen.said == "+1 202-555-0101 is in the pool, with SMS off."
        assert (await number(console))["user"] is None

    async def test_who_is_late_or_chose_nobody_is_told(self, console, admin):
        """And the number stays whose it is."""
        fields = dict(admin.form_of(await admin.go(f"{ONE}/give"), f"{ONE}/give"))
        assert "Choose who gets the number." in (await admin.send(f"{ONE}/give", fields)).said
        await put(console, a_number(sms="disabled"))
        seen = await admin.send(f"{ONE}/give", fields | {"user": "ann"})
        assert (seen.status, "Somebody changed this number" in seen.said) == (409, True)
        seen = await admin.send(f"{ONE}/give", {"version": "*", "user": "sol"})
        assert (seen.status, "No such user." in seen.said) == (422, True)
        assert (await number(console))["user"] == "ben"

    async def test_others_are_not_there(self, admin):
        """As unknown as a number that is not there."""
        for did in (SOLO_DID, "+12025550188"):
            path = f"{NUMBERS}/{did.replace('+', '%2B')}"
            for answer in (
                await admin.go(path),
                await admin.go(f"{path}/give"),
                await admin.send(f"{path}/give", {"user": "ann", "version": "*"}),
            ):
                assert answer.status == 404


class TestOperators:
    async def test_a_number_is_added(self, console, operator):
        """Into the company's inventory, with SMS off; what is wrong stands at the field."""
        seen = await operator.send(f"{NUMBERS}/new", {"did": "202 555 0177", "kind": "local", "user": ""})
        assert seen.path.endswith("12025550177")
        assert seen.said.startswith("+1 202-555-0177 is in the company's inventory.")
        seen = await operator.send(f"{NUMBERS}/new", {"did": "202 555 0177", "kind": "local", "user": "nobody"})
        assert seen.status == 422
        assert 'value="202 555 0177"' in seen.text

    async def test_it_moves_to_another_company(self, console, operator):
        """Out of its campaign, into that company's pool."""
        assert "It leaves campaign CACME" in (await operator.go(f"{ONE}/go")).words
        seen = await operator.send(f"{ONE}/move", {"tenant": "solo"})
        assert seen.said == "+1 202-555-0101 is in the other company's pool now."
        assert (await operator.go(ONE)).status == 404
        assert (await number(console, key="solo"))["user"] is None

    async def test_it_is_ported_out_only_when_that_is_certain(self, operator):
        """It cannot be undone: a box is to be ticked."""
        assert (await operator.send(f"{ONE}/port-out", {})).status == 422
        assert (await operator.go(ONE)).status == 200
        seen = await operator.send(f"{ONE}/port-out", {"sure": "yes"})
        assert seen.said == "+1 202-555-0101 left."
        assert (await operator.go(ONE)).status == 404

    async def test_admins_do_not(self, console, admin):
        """Nor see that it can be done; and support neither."""
        support = await console.visitor("support")
        for visitor in (admin, support):
            for path in OPERATORS:
                assert (await visitor.go(NUMBERS + path)).status == 403
            assert (await visitor.send(f"{ONE}/port-out", {"sure": "yes"})).status == 403
            assert (await visitor.send(f"{ONE}/move", {"tenant": "solo"})).status == 403
            assert (await visitor.send(f"{NUMBERS}/new", {"did": "+12025550177"})).status == 403
        assert (await number(console))["user"] == "ben"


class TestEmployees:
    async def test_employees_do_not_look(self, console):
        """Their own number is on their own page."""
        employee = await console.visitor("employee")
        for path in (NUMBERS, ONE, f"{ONE}/give"):
            assert (await employee.go(path)).status == 403
