"""A company on its way to TCR: applications as an admin leaves them, and the jobs that are due for them."""

from datetime import UTC, datetime

import orjson
import sqlalchemy as sa

from registry.commands import change, find
from registry.records import Application, Brand, Campaign
from registry.work_tables import tcr_jobs
from tests.registry.builders import a_tenant

BRAND_FIELDS = {
    "entity_type": "PRIVATE_PROFIT",
    "legal_name": "Acme LLC",
    "display_name": "Acme",
    "ein": "12-3456789",
    "ein_country": "US",
    "phone": "+12125550100",
    "street": "1 Main St",
    "city": "Springfield",
    "state": "CA",
    "postal_code": "90210",
    "country": "US",
    "email": "it@acme.example",
    "vertical": "RETAIL",
}
CAMPAIGN_FIELDS = {
    "use_case": "LOW_VOLUME",
    "sub_use_cases": ["CUSTOMER_CARE"],
    "description": "People of Acme text customers about the orders that they placed.",
    "message_flow": "Customers give their number when they order, and tick a box that they want texts.",
    "samples": ["Acme: your order is on its way. Reply STOP to opt out.", "Acme: we are closed today."],
    "opt_out_keywords": ["STOP"],
    "help_keywords": ["HELP"],
    "help_message": "Acme: call +1 212 555 0100 for help.",
    "embedded_link": True,
    "embedded_phone": False,
    "age_gated": False,
    "direct_lending": False,
    "affiliate_marketing": False,
    "terms_accepted": True,
}


def an_application(key="A1", /, kind="brand", fields=None, **given):
    """An application that an admin has just submitted."""
    usual = BRAND_FIELDS if kind == "brand" else CAMPAIGN_FIELDS
    now = datetime.now(UTC)
    rest = {
        "tenant": "acme",
        "state": "submitting",
        "brand_id": None,
        "object_id": None,
        "faults": (),
        "created_at": now,
        "created_by": "key:k1",
        "submitted_at": now,
    }
    return Application(id=key, kind=kind, fields=orjson.dumps(usual | (fields or {})).decode(), **rest | given)


async def submit(database, *applications):
    """Write applications and have them submitted, in one transaction."""
    async with database.writing() as connection:
        await change(connection, actor="key:k1", put=[a_tenant(), *applications])
        for one in applications:
            await due(connection, "submit", one.id)


async def due(connection, action, name):
    """Make a job due now."""
    new = {"action": action, "object": name, "attempts": 0, "next_at": datetime.now(UTC)}
    await connection.execute(sa.delete(tcr_jobs).where(tcr_jobs.c.action == action, tcr_jobs.c.object == name))
    await connection.execute(sa.insert(tcr_jobs).values(**new))


async def application_of(database, key="A1"):
    """Return an application."""
    async with database.reading() as connection:
        return (await find(connection, Application, {(key,)}))[(key,)]


async def brand_of(database, key):
    """Return a brand."""
    async with database.reading() as connection:
        return (await find(connection, Brand, {(key,)}))[(key,)]


async def campaign_of(database, key):
    """Return a campaign."""
    async with database.reading() as connection:
        return (await find(connection, Campaign, {(key,)}))[(key,)]


async def jobs(database, action=None):
    """List the jobs, of one action or all."""
    wanted = sa.select(tcr_jobs).order_by(tcr_jobs.c.object)
    async with database.reading() as connection:
        rows = (await connection.execute(wanted)).mappings().all()
    return [dict(row) for row in rows if action in {None, row["action"]}]
