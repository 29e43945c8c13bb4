"""Forward from every version there ever was, the registry's and the ledger's: each row is as it was, in what it had.

The versions come from the folders of migrations, the tables and columns of each from the database that it makes. So a
new version is in here by itself; one that changes what is in a column, or drops one, says so in CHANGED.

On PostgreSQL the tables belong to an ordinary user, whom the policies bind, as they should where the product runs.
"""

import contextlib
from datetime import UTC, date, datetime
from typing import NamedTuple

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

from registry import database as registry_database
from registry.ledger import database as ledger_database

AT = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
#: Rows of each table: in the first all has a value, in the second what need not have one has none.
ROWS = (101, 102)
#: What a column of a type holds in one of them. Texts of any length are JSON, which migrations may read.
VALUES = {
    sa.Boolean: lambda number: number % 2 == 1,
    sa.Date: lambda number: date(2026, 1, number - 100),
    sa.DateTime: lambda number: AT.replace(minute=number - 100),
    sa.Text: lambda number: f'{{"number": {number}}}',
    sa.JSON: lambda number: [f"one of {number}"],
    sa.LargeBinary: lambda number: b"\x00%d" % number,
    sa.Integer: lambda number: number,
}


class Kind(NamedTuple):
    """One of the two databases."""

    module: object
    version_table: str


KINDS = {"registry": Kind(registry_database, "alembic_version"), "ledger": Kind(ledger_database, "ledger_version")}
#: What a version wrote anew in rows that were there, or dropped: columns by kind, version and table.
CHANGED = {
    ("registry", "0003"): {"audit": {"tenant", "prev_hash", "hash"}},  # (the chain begins)
}


def versions(kind):
    """All versions of a database, the oldest first."""
    config = Config()
    config.set_main_option("script_location", str(KINDS[kind].module._MIGRATIONS).replace("%", "%%"))
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]


def a_value(column, number):
    """What a column has in a row; what it refers to is there by then."""
    if column.nullable and number == ROWS[-1]:
        return None
    for reference in column.foreign_keys:
        return a_value(reference.column, number)
    # (a text is a string, too: the first that fits is meant)
    kind = next((kind for kind in VALUES if isinstance(column.type, kind)), None)
    return f"{column.table.name} {column.name} {number}" if kind is None else VALUES[kind](number)


async def tables(connection, kind):
    """The tables that a database has, those first that others refer to."""
    found = sa.MetaData()
    await connection.run_sync(found.reflect)
    return [table for table in found.sorted_tables if table.name != KINDS[kind].version_table]


async def contents(connection, kind, without):
    """The rows of every table, as far as no column is one of those without."""
    found = {}
    for table in await tables(connection, kind):
        columns = [column for column in table.c if column.name not in without.get(table.name, ())]
        if columns:
            found[table.name] = [dict(row._mapping) for row in await connection.execute(sa.select(*columns))]
    return found


def changed_after(kind, version):
    """The columns that later versions write anew, or drop, by table."""
    everything = versions(kind)
    found = {}
    for later in everything[everything.index(version) + 1 :]:
        for name, columns in CHANGED.get((kind, later), {}).items():
            found[name] = found.get(name, set()) | columns
    return found


@contextlib.asynccontextmanager
async def writing(engine):
    """A transaction that is the only writer's."""
    async with engine.connect() as connection:
        await connection.execution_options(writes=True)
        async with connection.begin():
            yield connection


@pytest.fixture
def url(dialect, request, tmp_path):
    """An empty database that belongs to an ordinary user."""
    if dialect == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'some.db'}"
        return
    postgres = request.getfixturevalue("postgres")
    for role, options in (("a2p_tenant", ""), ("mover", "LOGIN IN ROLE a2p_tenant")):
        postgres.run(f"DO $$ BEGIN CREATE ROLE {role} {options}; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    with postgres.database(owner="mover") as name:
        yield postgres.url(name, user="mover")


@pytest.mark.parametrize(
    ("kind", "version"), [pytest.param(kind, one, id=f"{kind}-{one}") for kind in KINDS for one in versions(kind)]
)
async def test_every_row_is_as_it_was(url, kind, version):
    """No table is empty before; afterwards its rows are there, in every column that it had."""
    module, without = KINDS[kind].module, changed_after(kind, version)
    engine = module._engine(url)
    async with writing(engine) as connection:
        await connection.run_sync(module.migrate, version)
        for table in await tables(connection, kind):
            rows = [{column.name: a_value(column, number) for column in table.c} for number in ROWS]
            await connection.execute(sa.insert(table), rows)
        before = await contents(connection, kind, without)
    async with writing(engine) as connection:
        await connection.run_sync(module.migrate)
        after = await contents(connection, kind, {})
    await engine.dispose()
    for name, rows in before.items():
        there = [{column: row[column] for column in rows[0]} for row in after[name]]
        assert [row for row in rows if row not in there] == [], name
