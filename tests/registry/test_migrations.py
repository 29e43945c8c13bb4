"""Forward on a database of a version before, with rows in it: every row is there afterwards, and the chain holds it.

What the first version wrote, table by table; test_migrations_from_each.py has rows of all versions, made up.
"""

import hashlib
import re
from datetime import UTC, date, datetime

import orjson
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from registry import database as registry_database
from registry.audit.chain import Entry, link
from registry.audit.verifying import verify
from registry.columns import metadata
from registry.commands import change
from registry.database import Database
from tests.registry.builders import a_number, a_tenant
from tests.registry.dialects import only_postgresql

AT = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
DID = "+12025550101"

#: Every table of the first version, each with at least one row, as that version wrote them.
FIRST = {
    "tenants": [("acme", "Acme", "US", "America/New_York", "USD", date(2019, 4, 1))],
    "users": [("ben", "acme", "Ben", "employee", "X2")],
    "extensions": [("acme", "1001", "ben")],
    "brands": [("BACME", "acme", "Acme LLC", "verified", 78, False)],
    "campaigns": [
        (
            *("CACME", "BACME", "low_volume", [], "active", "accepted", True, False),
            *("approved", "approved", "approved", "review", None, True, False, False, False),
            *("A", "", ["On my way."], ["STOP"], ""),
        )
    ],
    "numbers": [
        (DID, "acme", "ben", "local", "enabled", AT, None, None, None),
        ("+12025550102", "acme", None, "local", "disabled", None, None, None, None),
    ],
    "assignments": [(DID, "assigned", "CACME", "BACME")],
    "api_keys": [("key1", "0" * 64, "acme", None, ["send"], "made", None)],
    "contacts": [("+13035550111", "att", "mobile")],
    "opt_outs": [("acme", "+13035550199", AT, "stop", None)],
    "audit": [
        (1, AT, "import", "created", "tenants", '["acme"]', None, '{"id":"acme"}'),
        (3, AT, "import", "created", "users", '["ben"]', None, '{"id":"ben","tenant":"acme"}'),
        (4, AT, "import", "created", "contacts", '["+13035550111"]', None, '{"number":"+13035550111"}'),
        (5, AT, "key:1", "changed", "campaigns", '["CACME"]', '{"brand_id":"BACME"}', '{"brand_id":"BACME"}'),
        (6, AT, "key:1", "removed", "assignments", f'["{DID}"]', f'{{"did":"{DID}"}}', None),
        (8, AT, "key:1", "changed", "users", '["x"]', '{"tenant":"acme"}', '{"tenant":"solo"}'),
    ],
    "outbox": [(7, "{reg}:brand:BACME", b"{}", AT)],
}


@pytest.fixture
async def before(without_tables, settings):
    """A database of the first version with rows; gives its columns by table."""
    if not settings.database_url:
        settings.data_dir.mkdir()
    engine = registry_database._engine(settings.sql_url())
    columns = {}
    async with engine.connect() as connection:
        await connection.execution_options(writes=True)
        async with connection.begin():
            await connection.run_sync(registry_database.migrate, "0001")
            for name, rows in FIRST.items():
                table = await connection.run_sync(
                    lambda sync, name=name: sa.Table(name, sa.MetaData(), autoload_with=sync)
                )
                columns[name] = names = [column.name for column in table.columns]
                await connection.execute(sa.insert(table), [dict(zip(names, row, strict=True)) for row in rows])
            if settings.database_url:  # (rows that name their own number do not take one)
                for name, column in (("audit", "id"), ("outbox", "seq")):
                    taken = sa.func.pg_get_serial_sequence(name, column)
                    await connection.execute(sa.select(sa.func.setval(taken, 8)))
    await engine.dispose()
    return columns


@pytest.fixture
async def after(settings, before):
    """The same, as every command of today opens it."""
    async with Database.opened(settings) as database:
        yield database


async def test_every_row_is_as_it_was(after, before):
    """In the columns that it had; a test of a new version adds what it does to others."""
    assert {name for name, rows in FIRST.items() if not rows} == set()
    async with after.reading() as connection:
        for name, rows in FIRST.items():
            table = metadata.tables[name]
            wanted = sa.select(*(table.c[column] for column in before[name])).order_by(*table.primary_key.columns)
            found = [
                tuple(list(v) if isinstance(v, tuple) else v for v in row) for row in await connection.execute(wanted)
            ]
            assert found == rows, name
        assert await connection.scalar(sa.text("SELECT epoch FROM projection")) == 0


async def test_new_columns_have_the_value_that_they_mean(after):
    """A number that can text stands on the SMS page; one that never could does not."""
    async with after.reading() as connection:
        shown = sa.select(metadata.tables["numbers"].c.sms_page).order_by(sa.text("did"))
        assert list(await connection.scalars(shown)) == [True, False]
        assert await connection.scalar(sa.text("SELECT number_pool FROM campaigns")) == "none"


async def test_the_tables_are_those_of_the_code(after):
    """As on an empty database; also the two that only the first version's rows went through."""
    async with after.reading() as connection:
        assert (
            await connection.run_sync(lambda sync: compare_metadata(MigrationContext.configure(sync), metadata))
        ) == []


async def test_rows_of_the_audit_get_their_place_in_the_chain(after):
    """In the order of their ids, as they were found; and whose they are, where today's rows tell."""
    audit = metadata.tables["audit"]
    async with after.reading() as connection:
        rows = list(await connection.execute(sa.select(audit).order_by(audit.c.id)))
        head = (await connection.execute(sa.select(metadata.tables["audit_head"]))).one()
        verdict = await verify(connection, {}, lambda *_: None)

    assert [row.tenant for row in rows] == ["acme", "acme", None, "acme", "acme", None]
    assert (rows[0].prev_hash, [row.prev_hash for row in rows[1:]]) == ("0", [row.hash for row in rows[:-1]])
    assert (head.count, head.hash) == (6, rows[-1].hash)
    assert verdict.finding is None


async def test_the_migration_s_form_is_the_chain_s(after):
    """It stands in both, and the one in the migration never changes."""
    audit = metadata.tables["audit"]
    async with after.reading() as connection:
        row = (await connection.execute(sa.select(audit).order_by(audit.c.id))).first()

    assert row.hash == link("0", Entry(*row[1:8], row.tenant))
    said = ["a2p-audit/1", "0", "2026-11-20T13:00:00.000000+00:00", *row[2:8], "acme"]
    assert row.hash == "1:" + hashlib.sha256(orjson.dumps(said)).hexdigest()


async def test_life_goes_on(after):
    """The next change continues the chain, and numbers of rows that grow by themselves are taken by none."""
    async with after.writing() as connection:
        await change(connection, actor="test", put=[a_tenant("new"), a_number("+12025550103", tenant="new", user=None)])
    async with after.reading() as connection:
        verdict = await verify(connection, {}, lambda *_: None)

    assert (verdict.finding, verdict.head.length) == (None, 8)


@only_postgresql
async def test_the_rows_have_their_walls(after):
    """Also those that were there before there were any."""
    async with after.reading(tenant="acme") as connection:
        assert await connection.scalar(sa.text("SELECT count(*) FROM users")) == 1
    async with after.reading(tenant="solo") as connection:
        assert await connection.scalar(sa.text("SELECT count(*) FROM users")) == 0


async def walls_of(connection):
    """The policy of every table, as the database says it."""
    rows = await connection.execute(sa.text("SELECT tablename, qual, with_check FROM pg_policies"))
    return {table: (seen, written) for table, seen, written in rows}


async def test_what_is_kept_apart_is_counted_of_what_was_there(after):
    """The person, and nobody with several; both numbers have an assignment, or are not on the SMS page."""
    async with after.reading() as connection:
        shown = {name: [] for name in ("people_counts", "people_with_several", "unassigned_counts")}
        for name in shown:
            shown[name] = [tuple(row) for row in await connection.execute(sa.select(metadata.tables[name]))]
    assert shown == {"people_counts": [("acme", "X2", 1)], "people_with_several": [], "unassigned_counts": []}


@only_postgresql
async def test_walls_of_before_become_those_of_today(without_tables, settings):
    """They ask for the company once a statement, and for a whole row by its key, as those of a new database do."""
    asked, look = "current_setting('a2p.tenant'::text, true)", "( SELECT {} AS current_setting)"
    engine = registry_database._engine(settings.sql_url())
    async with engine.connect() as connection:
        await connection.execution_options(writes=True)
        async with connection.begin():
            await connection.run_sync(registry_database.migrate, "0008")
            new = await walls_of(connection)
            for table, both in new.items():
                old = [re.sub(r"\s+OFFSET 0", "", one.replace(look.format(asked), asked)) for one in both]
                assert not any("OFFSET" in one or "SELECT current" in one for one in old)
                await connection.exec_driver_sql(
                    f"ALTER POLICY tenant ON {table} USING ({old[0]}) WITH CHECK ({old[1]})"
                )
            assert await walls_of(connection) != new
        async with connection.begin():
            await connection.run_sync(registry_database.migrate, "0009")
            now = await walls_of(connection)
    await engine.dispose()
    assert {table: now[table] for table in new} == new
    assert any("OFFSET 0" in seen for seen, _ in now.values())
