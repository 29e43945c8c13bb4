"""The ledger's second wall: on PostgreSQL a company's transaction sees its own rows, whatever the query forgot.

The tables of this file come from the metadata: a new one without a policy fails here.
"""

import asyncio
import contextlib

import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import create_async_engine

from registry.ledger import erasure
from registry.ledger.database import LedgerDatabase
from registry.ledger.queries import VERDICTS, Search, counts, page, whole
from registry.ledger.retention import Keep, trim
from registry.ledger.tables import decisions, events, messages, metadata, tallies, texts
from registry.settings import Settings
from tests.registry.dialects import a_server, only_postgresql
from tests.registry.ledger.filling import fill
from tests.registry.ledger.journal import START_MS, TENANT
from tests.registry.ledger.looking import numbers

pytestmark = [only_postgresql, pytest.mark.asyncio(loop_scope="module")]

#: Tables whose rows are no company's, and out of the reach of every company's transaction.
NOBODY_S = {"cursors", "gaps", "retained", "secrets"}
OWNED = [table for table in metadata.sorted_tables if table.name not in NOBODY_S]
BY_NAME = pytest.mark.parametrize("table", OWNED, ids=str)
#: What a company's transaction may change: to have its texts erased, and nothing else.
CHANGING = {"texts": {"DELETE"}, "erasures": {"INSERT"}}
CHANGED = {"messages": {"erasure"}, "erasures": {"texts", "done_ms"}}
#: Messages of two companies, and one whose envelope is not known, which is nobody's.
COMPANIES = ("acme", "solo", "")
VALUES = {sa.String: "x", sa.BigInteger: 1, sa.SmallInteger: 0}


def a_row(table, company):
    """A row of a table, as one of a company's."""
    told = {"tenant": company, "message_id": f"m-{company}"}
    told |= {"id": f"m-{company}"} if table is messages else {}
    return {
        column.name: told.get(column.name, VALUES[type(column.type)])
        for column in table.columns
        if column.name in told or not (column.nullable or column.autoincrement is True or column.name == "id")
    }


def whose(table, row):
    """The company that a row is of."""
    return row.tenant if "tenant" in table.c else row.message_id.removeprefix("m-")


@pytest.fixture(scope="module")
def settings(dialect, postgres, postgres_ledger, tmp_path_factory):
    """One ledger for all that is here: nothing that is tried comes to be."""
    with postgres.database(postgres_ledger) as name:
        yield Settings(data_dir=tmp_path_factory.mktemp("walls"), ledger_url=postgres.url(name))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ledger(settings):
    """Each table has a row of each company's, and of nobody's."""
    async with LedgerDatabase.made(settings) as ledger:
        async with ledger.writing() as connection:
            for table in OWNED:
                await connection.execute(sa.insert(table), [a_row(table, company) for company in COMPANIES])
        yield ledger


@contextlib.asynccontextmanager
async def tried(ledger, tenant):
    """A transaction of a company's that comes to nothing: its rows are needed again."""
    with contextlib.suppress(InterruptedError):
        async with ledger.writing(tenant=tenant) as connection:
            yield connection
            raise InterruptedError


async def rows(ledger, table, tenant):
    """What a query without any condition shows."""
    async with ledger.reading(tenant=tenant) as connection:
        return list(await connection.execute(sa.select(table)))


class TestEveryTable:
    async def test_those_of_nobody_are_told(self, ledger):
        """A new table is either a company's, and has its rows here, or is named above."""
        assert metadata.tables.keys() >= NOBODY_S
        assert all({"tenant", "message_id"} & set(table.c.keys()) for table in OWNED)
        assert not any("tenant" in metadata.tables[name].c for name in NOBODY_S)

    @BY_NAME
    async def test_it_has_a_policy_that_binds_its_owner_too(self, ledger, table):
        """Enabled, forced, and for every command."""
        async with ledger.reading() as connection:
            flags = sa.text("SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = to_regclass(:name)")
            assert tuple((await connection.execute(flags, {"name": table.name})).one()) == (True, True)
            policies = sa.text("SELECT cmd FROM pg_policies WHERE tablename = :name")
            assert list(await connection.scalars(policies, {"name": table.name})) == ["ALL"]

    @BY_NAME
    async def test_a_query_without_a_condition_shows_one_s_own(self, ledger, table):
        """And the ledger's own work sees all."""
        for company in ("acme", "solo"):
            assert [whose(table, row) for row in await rows(ledger, table, company)] == [company]
        assert sorted(whose(table, row) for row in await rows(ledger, table, None)) == sorted(COMPANIES)
        assert await rows(ledger, table, "nobody") == []

    @BY_NAME
    async def test_a_company_s_transaction_may_do_what_an_erasure_needs(self, ledger, table):
        """Its rights are counted, column by column."""
        async with ledger.reading() as connection:
            rights = {
                right
                for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")
                if await connection.scalar(sa.func.has_table_privilege("a2p_tenant", table.name, right))
            }
            changed = {
                column.name
                for column in table.columns
                if await connection.scalar(
                    sa.func.has_column_privilege("a2p_tenant", table.name, column.name, "UPDATE")
                )
            }
        assert rights == {"SELECT"} | CHANGING.get(table.name, set())
        assert changed == CHANGED.get(table.name, set())

    @pytest.mark.parametrize("name", sorted(NOBODY_S))
    async def test_what_is_nobody_s_is_out_of_reach(self, ledger, name):
        """How far the ledger is, and what it signs with, is for no company to see."""
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with ledger.reading(tenant="acme") as connection:
                await connection.execute(sa.select(metadata.tables[name]))


class TestOthersRows:
    async def test_no_text_of_others_is_erased(self, ledger):
        """An erasure that names all of them takes one's own."""
        async with tried(ledger, "acme") as connection:
            assert (await connection.execute(sa.delete(texts))).rowcount == 1
            assert (await connection.execute(sa.update(messages).values(erasure=7))).rowcount == 1
            await connection.execute(sa.text("SET LOCAL ROLE NONE"))
            await connection.execute(sa.select(sa.func.set_config("a2p.tenant", ":all", sa.true())))
            assert sorted(await connection.scalars(sa.select(texts.c.message_id))) == ["m-", "m-solo"]

    async def test_an_erasure_is_on_one_s_own_record(self, ledger):
        """And on no other's, nor on nobody's."""
        erasures = metadata.tables["erasures"]
        for company in ("solo", ""):
            with pytest.raises(ProgrammingError, match="row-level security"):
                async with ledger.writing(tenant="acme") as connection:
                    await connection.execute(sa.insert(erasures).values(a_row(erasures, company)))

    async def test_a_message_is_not_given_away(self, ledger):
        """Whose it is, and what it says, no company's transaction changes."""
        for change in ({"tenant": "solo"}, {"recipient": "+12025550177"}):
            with pytest.raises(ProgrammingError, match="permission denied"):
                async with ledger.writing(tenant="acme") as connection:
                    await connection.execute(sa.update(messages).values(change))

    async def test_questions_find_nothing_of_others(self, ledger):
        """Even where a caller mistakes one company for another."""
        async with ledger.reading(tenant="acme") as connection:
            assert (await page(connection, "solo", Search(), after=None, limit=9)).messages == []
            assert await whole(connection, "solo", "m-solo") is None
            assert await counts(connection, "solo", by_day=False, since_ms=0, until_ms=START_MS) == []
            assert len((await page(connection, "acme", Search(), after=None, limit=9)).messages) == 1


class TestWithoutSayingWho:
    async def test_a_connection_that_says_nothing_sees_nothing(self, postgres, settings, ledger):
        """Nor does one that says an empty word: messages without an envelope are nobody's."""
        name = sa.make_url(settings.ledger_url).database
        postgres.run("DO $$ BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
        async with ledger.writing() as connection:
            await connection.execute(sa.text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"))
        reader = create_async_engine(postgres.url(name, user="reader"))
        async with reader.connect() as connection:
            for table in OWNED:
                assert await connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0
            for said, seen in (("", 0), ("acme", 1), (":all", 3)):
                await connection.execute(sa.select(sa.func.set_config("a2p.tenant", said, sa.true())))
                for table in OWNED:
                    assert await connection.scalar(sa.select(sa.func.count()).select_from(table)) == seen
        await reader.dispose()

    async def test_it_ends_with_the_transaction(self, ledger):
        """A connection goes back to its pool as it came."""
        for _ in range(10):
            async with ledger.reading(tenant="acme") as connection:
                assert await connection.scalar(sa.text("SELECT current_user")) == "a2p_tenant"
            async with ledger.writing() as connection:
                assert await connection.scalar(sa.text("SELECT current_user")) != "a2p_tenant"
                assert await connection.scalar(sa.select(sa.func.count()).select_from(messages)) == len(COMPANIES)

    @pytest.mark.parametrize("word", [":all", ""])
    async def test_no_company_has_such_a_name(self, ledger, word):
        """The word for the ledger's own work, and the one for nobody."""
        with pytest.raises(ValueError, match="no company"):
            async with ledger.reading(tenant=word):
                pass


@pytest.fixture(scope="module")
def own_server(dialect):
    """A PostgreSQL without our role."""
    with a_server() as server:
        yield server


async def write_as_owner(ledger):
    """Write another company's row, without the role of a company's transaction."""
    async with ledger.writing() as connection:
        await connection.execute(sa.select(sa.func.set_config("a2p.tenant", TENANT, sa.true())))
        await connection.execute(sa.insert(tallies).values(a_row(tallies, "nobody")))


class TestUserOfPostgres:
    """The ledger needs no superuser: policies bind the one whom its tables belong to."""

    async def test_one_that_may_make_roles_needs_nothing(self, own_server):
        """Its database, its tables, the role."""
        own_server.run("CREATE ROLE maker LOGIN CREATEROLE")
        with own_server.database(owner="maker") as name:
            await self.check(Settings(ledger_url=own_server.url(name, user="maker")))

    async def test_one_that_may_not_says_what_is_missing(self, own_server):
        """With what the sentence names, everything works; nobody has to start anything again."""
        own_server.run("CREATE ROLE keeper LOGIN")
        with own_server.database(owner="keeper") as name:
            settings = Settings(ledger_url=own_server.url(name, user="keeper"))
            async with LedgerDatabase.made(settings) as ledger:
                with pytest.raises(PermissionError, match="Have an administrator run") as refused:
                    await ledger.signing_key()
                own_server.run("DO $$ BEGIN CREATE ROLE a2p_tenant; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
                own_server.run(str(refused.value).rpartition("NOLOGIN;")[2])
                await ledger.signing_key()
            await self.check(settings)

    @staticmethod
    async def check(settings):
        """Messages are written, read by their company, erased, and deleted when their time is over."""
        async with LedgerDatabase.made(settings) as ledger:
            first, _, _ = await fill(ledger, {}, {"verdict": "block"}, {"tenant": "solo"})
            async with ledger.reading(tenant=TENANT) as connection:
                assert len((await page(connection, TENANT, Search(), after=None, limit=9)).messages) == 2
                found = await whole(connection, TENANT, first)
                assert found.text
                assert len(found.events) == 2
                assert found.record
                decided = await counts(
                    connection, TENANT, by_day=False, since_ms=START_MS - 9**9, until_ms=START_MS + 9**9
                )
                assert {one.verdict for one in decided} <= set(VERDICTS)
                assert sum(one.messages for one in decided) == 2
            begun = await erasure.begin(ledger, tenant=TENANT, actor="test", kind="tenant", subject="")
            assert (await erasure.carry_on(ledger, begun, within_s=60)).texts == 2
            assert await erasure.unfinished(ledger) == []
            assert (await numbers(ledger))["texts"] == 1
            async for _ in trim(ledger, Keep(1, 1, 1, 1, 1, 1), now_ms=START_MS + 9 * 86_400_000):
                await asyncio.sleep(0)
            assert {table.name for table in (messages, events, texts, decisions)}.isdisjoint(await numbers(ledger))
            with pytest.raises(ProgrammingError, match="row-level security"):
                await write_as_owner(ledger)
