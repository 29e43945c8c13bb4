"""A number pool that was wished for before there was a list of wishes stands on it, as of when the audit has it."""

from datetime import UTC, datetime

import orjson
import pytest
import sqlalchemy as sa

from registry import database as registry_database
from registry.columns import metadata

AT = datetime(2026, 10, 1, 13, 0, tzinfo=UTC)


@pytest.fixture
def empty(databases, tmp_path):
    """Settings of a database without tables."""
    with databases.new(tmp_path, migrated=False) as settings:
        yield settings


def a_row(table, **given):
    """A row with a value in every column that needs one."""
    kinds = {sa.Boolean: False, sa.Integer: 1, sa.BigInteger: 1, sa.DateTime: AT, sa.Date: AT.date(), sa.JSON: []}
    row = {
        column.name: next((value for kind, value in kinds.items() if isinstance(column.type, kind)), "some")
        for column in table.c
        if not column.nullable
    }
    return row | given


def audited(number, before, after, actor):
    """A row of the audit about the campaign CACME."""
    sides = [None if state is None else orjson.dumps({"number_pool": state}).decode() for state in (before, after)]
    row = {"id": number, "kind": "campaigns", "row_key": '["CACME"]', "actor": actor, "before": sides[0]}
    return row | {"after": sides[1], "at": AT.replace(day=number)}


async def test_wishes_of_before_are_on_the_list(empty):
    """The last time that it was asked for counts, and who asked; what the audit does not tell is as of now."""
    engine = registry_database._engine(empty.sql_url())
    changes = [
        audited(1, None, "none", "import"),
        audited(2, "none", "requested", "key:first"),
        audited(3, "requested", "none", "key:op"),
        audited(4, "none", "requested", "key:second"),
        audited(5, "requested", "requested", "tcr"),
    ]
    async with engine.connect() as connection:
        await connection.execution_options(writes=True)
        async with connection.begin():
            await connection.run_sync(registry_database.migrate, "0010")
            old = sa.MetaData()
            await connection.run_sync(old.reflect)
            tables = old.tables
            await connection.execute(sa.insert(tables["tenants"]), [a_row(tables["tenants"], id="acme")])
            await connection.execute(sa.insert(tables["brands"]), [a_row(tables["brands"], id="B", tenant="acme")])
            for name, pool in (("CACME", "requested"), ("CLATE", "requested"), ("CNONE", "none")):
                row = a_row(tables["campaigns"], id=name, brand_id="B", number_pool=pool, use_case="mixed")
                await connection.execute(sa.insert(tables["campaigns"]), [row])
            for one in changes:
                await connection.execute(sa.insert(tables["audit"]), [a_row(tables["audit"], **one)])
            await connection.run_sync(registry_database.migrate)
            leave = metadata.tables["leave_requests"]
            rows = (await connection.execute(sa.select(leave).order_by(leave.c.subject))).all()
    await engine.dispose()
    told = [(row.tenant, row.kind, row.subject, row.use_case, row.asked_by, row.outcome) for row in rows]
    assert told == [
        ("acme", "number_pool", "CACME", "mixed", "key:second", None),
        ("acme", "number_pool", "CLATE", "mixed", "migration", None),
    ]
    assert rows[0].asked_at == AT.replace(day=4)
    assert len({row.id for row in rows}) == len(rows)
