"""Companies at the start of their registration, and forms of theirs."""

import contextlib

import orjson
import sqlalchemy as sa

from registry.commands import change
from registry.flows.desk import Desk
from registry.records import Fee
from registry.registration import flows
from registry.tables import TABLES, fees
from registry.work_tables import tcr_jobs
from tests.registry.builders import a_brand, a_tenant
from tests.registry.flows.desks import NOW
from tests.registry.registration.forms import BRAND, CAMPAIGN


@contextlib.asynccontextmanager
async def at_desk(database, tenant="acme", *, operator=False, now=NOW):
    """Work in one transaction."""
    async with database.writing() as connection:
        yield Desk(connection=connection, tenant=tenant, actor="key:k1", now=now, operator=operator)


async def put(database, *records):
    """Put records into the database."""
    async with database.writing() as connection:
        await change(connection, actor="test", put=records)


async def company(database, *records, **brand):
    """A company with a brand, and more."""
    await put(database, a_tenant(), a_tenant("solo"), a_brand(**brand), *records)


async def a_form(database, kind="campaign", **given):
    """A form that is in order but for what is given; its id."""
    fields = (BRAND if kind == "brand" else CAMPAIGN) | given
    async with at_desk(database) as desk:
        found = await flows.begin(desk, kind, "BACME" if kind == "campaign" else None, fields)
    return found.application.id


async def submit(database, name):
    """Send a form to TCR."""
    async with at_desk(database) as desk:
        return await flows.submit(desk, name)


async def form(database, name):
    """A form as it is."""
    async with at_desk(database) as desk:
        return await flows.load(desk, name)


async def jobs(database):
    """What is due at TCR."""
    async with database.reading() as connection:
        return sorted((await connection.execute(sa.select(tcr_jobs.c.action, tcr_jobs.c.object))).all())


async def fees_of(database):
    """The fees that there are."""
    async with database.reading() as connection:
        rows = await connection.execute(sa.select(fees).order_by(fees.c.tenant))
        return [Fee(**row) for row in rows.mappings()]


async def audited(database, kind):
    """What the audit says of a kind of record: action and actor."""
    table = TABLES[kind].name
    async with database.reading() as connection:
        rows = await connection.execute(
            sa.text("SELECT action, actor FROM audit WHERE kind = :kind ORDER BY id"), {"kind": table}
        )
        return [tuple(row) for row in rows]


def fields_of(found):
    """What a form says."""
    return orjson.loads(found.application.fields)
