"""The second wall: on PostgreSQL a company's transaction sees and writes its own rows, whatever the query forgot.

The rows of this file come from the metadata: a new table without a policy fails here.
"""

import contextlib
from datetime import UTC, date, datetime

import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.ext.asyncio import create_async_engine

from registry import tables, work_tables
from registry.audit.verifying import verify
from registry.columns import UtcDateTime, metadata
from registry.commands import change, find
from registry.database import Database, confine
from registry.documents import render_all
from registry.projector import read_position
from registry.records import Brand
from registry.settings import Settings
from tests.registry.builders import a_brand, a_campaign, a_number, a_tenant, a_user, an_assignment
from tests.registry.dialects import a_server, only_postgresql

pytestmark = [only_postgresql, pytest.mark.asyncio(loop_scope="module")]
assert tables
assert work_tables

#: Tables with rows of no company: what a company's transaction may do with them.
NOBODY_S = {
    "contacts": {"SELECT"},
    "sweeps": {"SELECT"},
    "projection": {"SELECT"},
    "audit_head": {"SELECT", "UPDATE"},
    "token_keys": set(),
    "sign_ins": set(),
    "campaign_ends": set(),
    "sign_in_tries": set(),
    "outbox": {"INSERT"},  # (and to see where it ends, test_documents_of_others)
}
OWNED = [table for table in metadata.sorted_tables if table.name not in NOBODY_S]
BY_NAME = pytest.mark.parametrize("table", OWNED, ids=str)
AT = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)


def of(company, did):
    """The values that tell one company's rows from the other's, by column or table and column."""
    return {
        "tenants.id": company,
        "tenant": company,
        "users.id": f"{company}-user",
        "user": f"{company}-user",
        "brands.id": f"B{company}",
        "brand_id": f"B{company}",
        "campaigns.id": f"C{company}",
        "campaign_id": f"C{company}",
        "applications.id": f"A{company}",
        "numbers.did": did,
        "did": did,
        "tcr_jobs.object": f"C{company}",
        "tcr_marks.object": f"B{company}",
        "tcr_events.object": f"C{company}",
        "notices.once": company,
        "notices.id": 1 if company == "acme" else 2,
        "notice": 1 if company == "acme" else 2,
        "logins.invitation": company,
        "api_keys.id": f"K{company}",
        "key": f"K{company}",
    }


ACME, SOLO = of("acme", "+12025550101"), of("solo", "+12025550102")


def a_row(table, whose, prefix=""):
    """A row of a table, as one of a company's."""
    row = {}
    for column in table.columns:
        named = whose.get(f"{table.name}.{column.name}", whose.get(column.name))
        if named is not None:
            row[column.name] = named
        elif table.name in {"audit", "notices"} and column.name == "id":
            continue
        elif column.primary_key:
            row[column.name] = f"{prefix}{whose['tenant']}-{column.name}"
        elif not column.nullable:
            row[column.name] = a_value(column.type)
    return row


def a_value(kind):
    """Something that a column can hold."""
    if isinstance(kind, UtcDateTime):
        return AT
    if isinstance(kind, tables.Texts):
        return ()
    return {sa.Boolean: False, sa.Date: date(2026, 1, 1), sa.Integer: 1, sa.BigInteger: 1}.get(type(kind), "x")


@pytest.fixture(scope="module")
def settings(databases, tmp_path_factory):
    """One database for all that is here: nothing that is tried comes to be."""
    with databases.new(tmp_path_factory.mktemp("walls")) as settings:
        yield settings


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def database(settings):
    """Each table has a row of acme's and one of solo's."""
    async with Database.opened(settings) as database:
        async with database.writing() as connection:
            for table in OWNED:
                await connection.execute(sa.insert(table), [a_row(table, ACME), a_row(table, SOLO)])
            # (those of the numbers and people that are here, which nobody wrote)
            counts, people = work_tables.number_counts, work_tables.people_counts
            await connection.execute(sa.delete(counts).where(counts.c.place == "here"))
            await connection.execute(sa.delete(people).where(people.c.licence == "x"))
        yield database


@contextlib.asynccontextmanager
async def tried(database, tenant):
    """A transaction of a company's that comes to nothing: its rows are needed again."""
    with contextlib.suppress(InterruptedError):
        async with database.writing(tenant=tenant) as connection:
            yield connection
            raise InterruptedError


async def rows(database, table, tenant):
    """What a query without any condition shows."""
    async with database.reading(tenant=tenant) as connection:
        return [row._mapping for row in await connection.execute(sa.select(table))]


def belongs(table, row, whose):
    """Whether a row is one of a company's: every value that tells is its."""
    told = a_row(table, whose)
    return all(row[name] == value for name, value in told.items() if name in row and value in whose.values())


class TestEveryTable:
    async def test_those_of_nobody_are_told(self, database):
        """A new table is either a company's, and has its rows here, or is named above."""
        assert NOBODY_S.keys() <= metadata.tables.keys()

    @BY_NAME
    async def test_it_has_a_policy_that_binds_its_owner_too(self, database, table):
        """Enabled, forced, and for every command."""
        async with database.reading() as connection:
            flags = sa.text("SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = to_regclass(:name)")
            assert tuple((await connection.execute(flags, {"name": table.name})).one()) == (True, True)
            policies = sa.text("SELECT cmd FROM pg_policies WHERE tablename = :name")
            assert list(await connection.scalars(policies, {"name": table.name})) == ["ALL"]

    @BY_NAME
    async def test_a_query_without_a_condition_shows_one_s_own(self, database, table):
        """And the registry's own work sees all."""
        mine = await rows(database, table, "acme")
        assert len(mine) == 1
        assert belongs(table, mine[0], ACME)
        assert not belongs(table, mine[0], SOLO)
        assert len(await rows(database, table, None)) == 2
        assert await rows(database, table, "nobody") == []

    @BY_NAME
    async def test_others_rows_are_not_changed_or_removed(self, database, table):
        """Either the rows are not there, or the table may not be written at all."""
        before = await rows(database, table, "solo")
        column = list(table.columns)[-1]
        for statement in (sa.update(table).values({column.name: column}), sa.delete(table)):
            with contextlib.suppress(DBAPIError):  # (a right that is missing, or a row that others need)
                async with tried(database, "acme") as connection:
                    assert (await connection.execute(statement)).rowcount == 1
        assert await rows(database, table, "solo") == before

    @BY_NAME
    async def test_a_row_of_others_is_not_written(self, database, table):
        """Neither as a new one nor by giving away one's own."""
        with pytest.raises(ProgrammingError, match=r"row-level security|permission denied"):
            async with database.writing(tenant="acme") as connection:
                await connection.execute(sa.insert(table).values(a_row(table, SOLO, prefix="new-")))

    @pytest.mark.parametrize(
        ("table", "column"),
        [
            (table, column)
            for table in OWNED
            for column in table.columns
            if column.foreign_keys and not column.primary_key
        ],
        ids=str,
    )
    async def test_a_row_cannot_name_what_is_another_company_s(self, database, table, column):
        """A reference past the wall would tell that there is something."""
        with pytest.raises(ProgrammingError, match="row-level security"):
            async with database.writing(tenant="acme") as connection:
                await connection.execute(sa.update(table).values({column.name: SOLO[column.name]}))

    @pytest.mark.parametrize("name", NOBODY_S)
    async def test_what_is_nobody_s_is_out_of_reach(self, database, name):
        """But for what a change needs."""
        async with database.reading() as connection:
            rights = {
                right
                for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")
                if await connection.scalar(sa.func.has_table_privilege("a2p_tenant", name, right))
            }
        assert rights == NOBODY_S[name]

    async def test_the_audit_is_only_added_to(self, database):
        """A company's transaction cannot edit even its own."""
        for statement in ("UPDATE audit SET actor = 'me'", "DELETE FROM audit", "TRUNCATE audit"):
            with pytest.raises(ProgrammingError, match="permission denied"):
                async with database.writing(tenant="acme") as connection:
                    await connection.execute(sa.text(statement))

    async def test_documents_of_others_are_not_seen(self, database):
        """What goes out of the database is everybody's; how far it is may be asked."""
        async with database.reading(tenant="acme") as connection:
            assert (await read_position(connection)).seq == 0
            with pytest.raises(ProgrammingError, match="permission denied"):
                await connection.execute(sa.text("SELECT document FROM outbox"))


class TestWithoutSayingWho:
    async def test_a_connection_that_says_nothing_sees_nothing(self, postgres, settings):
        """Not even the owner of the tables, unless it is a superuser, whom nothing binds."""
        name = sa.make_url(settings.database_url).database
        postgres.run("DO $$ BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
        engine = create_async_engine(settings.database_url)
        async with engine.begin() as connection:
            await connection.execute(sa.text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"))
        await engine.dispose()
        reader = create_async_engine(postgres.url(name, user="reader"))
        async with reader.connect() as connection:
            assert await connection.scalar(sa.text("SELECT count(*) FROM users")) == 0
            await connection.execute(sa.select(sa.func.set_config("a2p.tenant", ":all", sa.true())))
            assert await connection.scalar(sa.text("SELECT count(*) FROM users")) == 2
        await reader.dispose()

    async def test_it_ends_with_the_transaction(self, database):
        """A connection goes back to its pool as it came."""
        for _ in range(10):
            async with database.reading(tenant="acme") as connection:
                assert await connection.scalar(sa.text("SELECT current_user")) == "a2p_tenant"
            async with database.writing() as connection:
                assert await connection.scalar(sa.text("SELECT current_user")) != "a2p_tenant"
                assert await connection.scalar(sa.text("SELECT count(*) FROM users")) == 2

    async def test_no_company_can_be_all(self, database):
        """The word for the registry's own work is no id."""
        with pytest.raises(ValueError, match="no company"):
            async with database.reading(tenant=":all"):
                pass


class TestChanges:
    async def test_a_company_s_change_is_whole(self, database):
        """The row, its audit in the chain and its document come from a transaction that sees no other company."""
        async with tried(database, "acme") as connection:
            before = (await read_position(connection)).seq
            number = a_number("+12025550177", tenant="acme", user="acme-user")
            link = an_assignment("+12025550177", campaign_id="Cacme", brand_id="Bacme")
            assert await change(connection, actor="key:1", put=[number, link]) == 2
            assert (await read_position(connection)).seq == before + 2  # The number, and its user's.
            rows = await connection.execute(sa.text("SELECT tenant FROM audit WHERE actor = 'key:1'"))
            assert list(rows.scalars()) == ["acme", "acme"]

    async def test_what_is_another_s_is_as_unknown_as_none(self, database):
        """To who looks it up by its key, and to who would write over it."""
        async with database.writing(tenant="acme") as connection:
            assert await find(connection, Brand, {("Bsolo",)}) == {}
        with pytest.raises(DBAPIError):
            async with database.writing(tenant="acme") as connection:
                await change(connection, actor="key:1", put=[a_brand("Bsolo", tenant="acme")])

    async def test_the_key_is_looked_up_before(self, database):
        """Whoever calls is known by then; from there on the same transaction sees theirs only."""
        async with database.writing() as connection:
            assert await connection.scalar(sa.text("SELECT count(*) FROM api_keys")) == 2
            await confine(connection, "acme")
            assert await connection.scalar(sa.text("SELECT count(*) FROM api_keys")) == 1


@pytest.fixture(scope="module")
def own_server(dialect):
    """A PostgreSQL without our role."""
    with a_server() as server:
        yield server


class TestUserOfPostgres:
    """The registry needs no superuser."""

    async def test_one_that_may_make_roles_needs_nothing(self, own_server):
        """Its database, its tables; the role is made with the first migration, and policies bind the owner as well."""
        own_server.run("CREATE ROLE maker LOGIN CREATEROLE")
        with own_server.database(owner="maker") as name:
            await self.check(Settings(database_url=own_server.url(name, user="maker")))

    async def test_one_that_may_not_says_what_is_missing(self, own_server):
        """A sentence for the administrator; with what it names, everything works."""
        own_server.run("CREATE ROLE keeper LOGIN")
        with own_server.database(owner="keeper") as name:
            settings = Settings(database_url=own_server.url(name, user="keeper"))
            with pytest.raises(PermissionError, match="Have an administrator run") as refused:
                async with Database.opened(settings):
                    pass
            own_server.run("DO $$ BEGIN CREATE ROLE a2p_tenant; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
            own_server.run(str(refused.value).rpartition("NOLOGIN;")[2])
            await self.check(settings)

    @staticmethod
    async def check(settings):
        """Changes for all, changes for one, and a copy of everything."""
        async with Database.opened(settings) as database:
            async with database.writing() as connection:
                companies = [a_tenant("acme"), a_tenant("solo"), a_brand("BSOLO", tenant="solo"), a_user()]
                await change(connection, actor="import", put=[*companies, a_campaign("CSOLO", brand_id="BSOLO")])
            async with database.writing(tenant="acme") as connection:
                await change(connection, actor="key:1", put=[a_brand(), a_campaign(), a_number(), an_assignment()])
                assert await connection.scalar(sa.text("SELECT count(*) FROM campaigns")) == 1
                assert await connection.scalar(sa.text("SELECT current_user")) == "a2p_tenant"
            async with database.reading() as connection:
                documents = [key async for batch in render_all(connection) for key in batch]
                assert len(documents) == 2 + 2 + 1 + 1  # Brands, campaigns, a user and a number.
                assert (await verify(connection, {}, lambda *_: None)).finding is None
