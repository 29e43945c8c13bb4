"""The chain: what is hashed, in which order, and whose a row is."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from registry.audit.chain import START, Entry, link
from registry.commands import change
from registry.records import Assignment, Campaign, Contact, Extension
from registry.tables import audit, audit_head
from tests.registry.builders import BASICS, DID, a_brand, a_campaign, a_number, a_tenant, a_user

AT = datetime(2026, 11, 20, 13, 0, 0, 250, tzinfo=UTC)
ENTRY = Entry(
    at=AT,
    actor="key:1",
    action="changed",
    kind="users",
    row_key='["ben"]',
    before='{"name":"Ben"}',
    after='{"name":"Bén"}',
    tenant="acme",
)


async def do(database, *put, remove=()):
    """Make one change, in a transaction of its own."""
    async with database.writing() as connection:
        return await change(connection, actor="tess", put=put, remove=remove)


async def written(database):
    """The rows of the audit, the oldest first, and its head."""
    async with database.reading() as connection:
        rows = list(await connection.execute(sa.select(audit).order_by(audit.c.id)))
        head = (await connection.execute(sa.select(audit_head.c.count, audit_head.c.hash))).one()
        return rows, tuple(head)


class TestLink:
    def test_the_bytes_are_those_of_version_1(self):
        """For ever: rows of old databases are checked with it. Another form is another version."""
        assert link(START, ENTRY) == "1:8769edadc8d20105a72a8e2a28d754868679ea59f1af4f72db42daa1185fd9de"

    @pytest.mark.parametrize("field", Entry._fields)
    def test_every_field_is_in_it(self, field):
        """None can be changed without another hash; a missing text is not an empty one."""
        other = AT + timedelta(microseconds=1) if field == "at" else ""
        assert link(START, ENTRY._replace(**{field: other})) != link(START, ENTRY)
        if field != "at":
            assert link(START, ENTRY._replace(**{field: None})) != link(START, ENTRY._replace(**{field: ""}))

    def test_the_row_before_is_in_it(self):
        """Or rows could change places."""
        assert link("1:ab", ENTRY) != link(START, ENTRY)

    def test_an_instant_is_the_same_in_any_zone(self):
        """Databases give back their own."""
        there = AT.astimezone(timezone(timedelta(hours=-5)))
        assert link(START, ENTRY._replace(at=there)) == link(START, ENTRY)


class TestAppend:
    async def test_an_empty_database_has_an_empty_chain(self, database):
        """The first row follows a constant."""
        assert await written(database) == ([], (0, START))

    async def test_rows_follow_each_other(self, database):
        """Within a change and from one to the next; the head is the last one's."""
        await do(database, *BASICS)
        await do(database, a_tenant(name="Changed"))
        rows, head = await written(database)

        hashes = [START]
        for row in rows:
            assert row.prev_hash == hashes[-1]
            assert row.hash == link(row.prev_hash, Entry(*row[1:8], row.tenant))
            hashes.append(row.hash)
        assert head == (7, hashes[-1])
        assert len(set(hashes)) == 8

    async def test_a_thousand_rows_are_in_their_order(self, database):
        """As an import writes them: ids grow along the chain."""
        await do(database, a_tenant(), *(a_user(f"u{n:04}") for n in range(1200)))
        rows, head = await written(database)

        assert [row.prev_hash for row in rows[1:]] == [row.hash for row in rows[:-1]]
        assert head[0] == len(rows) == 1201

    async def test_what_failed_left_nothing(self, database):
        """Neither a row nor a longer chain."""
        await do(database, a_tenant())
        before = await written(database)
        with pytest.raises(sa.exc.IntegrityError):
            await do(database, a_user(tenant="nobody"))
        assert await written(database) == before

    async def test_writers_at_once_make_one_chain(self, database):
        """There is one at a time."""
        await asyncio.gather(*(do(database, a_tenant(f"t{n}")) for n in range(10)))
        rows, head = await written(database)

        assert [row.prev_hash for row in rows] == [START, *(row.hash for row in rows[:-1])]
        assert head == (10, rows[-1].hash)


class TestOwners:
    async def test_whose_a_row_is(self, database):
        """A campaign is its brand's company's, an assignment its number's; known from the change itself or from SQL."""
        await do(database, *BASICS, Contact(number="+13035550111", carrier="att", line="mobile"))
        await do(database, a_campaign(status="suspended"))
        await do(database, Extension(tenant="acme", digits="1", user="ben"), remove=[(Assignment, (DID,))])
        await do(database, remove=[(Campaign, ("CACME",))])
        rows, _ = await written(database)

        assert {row.tenant for row in rows if row.kind != "contacts"} == {"acme"}
        assert [row.tenant for row in rows if row.kind == "contacts"] == [None]
        assert len(rows) == len(BASICS) + 1 + 1 + 2 + 1

    async def test_what_changes_companies_is_neither_s_to_see(self, database):
        """The record of before is one company's, that of after the other's."""
        await do(database, *BASICS, a_tenant("solo"))
        await do(database, a_number(tenant="solo", user=None))
        rows, _ = await written(database)

        assert (rows[-1].kind, rows[-1].tenant) == ("numbers", None)

    async def test_a_campaign_follows_its_brand(self, database):
        """Also when both are new."""
        await do(database, a_tenant("solo"), a_brand("BSOLO", tenant="solo"), a_campaign("CSOLO", brand_id="BSOLO"))
        rows, _ = await written(database)

        assert [row.tenant for row in rows] == ["solo"] * 3
