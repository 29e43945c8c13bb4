"""Valid things to start from; a test names only what it is about."""

import asyncio
import time
from datetime import UTC, date, datetime

import orjson
import sqlalchemy as sa

from compliance.documents import FEED_KEY, MARK_KEY, PROCESSES_KEY
from registry.documents import render_all
from registry.importer import ImportOptions, import_company
from registry.records import Assignment, Brand, Campaign, Number, Tenant, User
from registry.tables import audit, outbox

AT = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
DID = "+12025550101"
OTHER_DID = "+12025550102"


def a_tenant(key="acme", /, **fields):
    """A customer company."""
    given = {
        "name": "Acme",
        "country": "US",
        "time_zone": "America/New_York",
        "currency": "USD",
        "customer_since": date(2019, 4, 1),
    }
    return Tenant(id=key, **given | fields)


def a_user(key="ben", /, **fields):
    """A user of acme."""
    return User(id=key, **{"tenant": "acme", "name": "Ben", "role": "employee", "licence": "X2"} | fields)


def a_brand(key="BACME", /, **fields):
    """Acme's brand, verified."""
    given = {
        "tenant": "acme",
        "legal_name": "Acme LLC",
        "status": "verified",
        "vetting_score": 78,
        "government": False,
    }
    return Brand(id=key, **given | fields)


def a_campaign(key="CACME", /, **fields):
    """Acme's campaign, which may send."""
    given = {
        "brand_id": "BACME",
        "use_case": "low_volume",
        "sub_use_cases": (),
        "status": "active",
        "sharing": "accepted",
        "dca_complete": True,
        "mock": False,
        "att": "approved",
        "tmobile": "approved",
        "verizon": "approved",
        "us_cellular": "review",
        "osr_status": None,
        "embedded_link": True,
        "embedded_phone": False,
        "age_gated": False,
        "direct_lending": False,
        "att_class": "A",
        "description": "",
        "samples": (),
        "opt_out_keywords": ("STOP",),
        "help_message": "",
    }
    return Campaign(id=key, **given | fields)


def a_number(did=DID, **fields):
    """Ben's number, enabled."""
    given = {
        "tenant": "acme",
        "user": "ben",
        "kind": "local",
        "sms": "enabled",
        "sms_enabled_at": AT,
        "number_changed_at": None,
        "licence_changed_at": None,
        "toll_free_verification": None,
    }
    return Number(did=did, **given | fields)


def an_assignment(did=DID, **fields):
    """The link from Ben's number to acme's campaign."""
    return Assignment(did=did, **{"state": "assigned", "campaign_id": "CACME", "brand_id": "BACME"} | fields)


#: A tenant with one user, one number and what it needs to send.
BASICS = (a_tenant(), a_user(), a_brand(), a_campaign(), a_number(), an_assignment())


def a_company(**lists):
    """A small company file, decoded: two tenants, three users, a number with a campaign, an opt-out, two contacts."""
    company = {
        "format": "a2p-company/1",
        "tenants": [
            {
                "id": "acme",
                "name": "Acme",
                "country": "US",
                "time_zone": "America/New_York",
                "currency": "USD",
                "customer_since": "2019-04-01",
            },
            {"id": "solo", "name": "=1+1 & <b>", "customer_since": "2024-01-01"},
        ],
        "users": [
            {"id": "ben", "tenant": "acme", "name": "Ben", "extension": "1001", "role": "admin", "licence": "X2"},
            {"id": "ann", "tenant": "acme", "name": "Ann", "extension": "1002"},
            {"id": "sol", "tenant": "solo", "name": "Sol", "extension": "1001"},
        ],
        "brands": [
            {"id": "BACME", "tenant": "acme", "legal_name": "Acme LLC", "status": "verified", "vetting_score": 78},
            {"id": "BSOLO", "tenant": "solo", "legal_name": "Sol", "status": "of_a_kind_unheard_of"},
        ],
        "campaigns": [
            {
                "id": "CACME",
                "brand_id": "BACME",
                "use_case": "low_volume",
                "status": "active",
                "sharing": "accepted",
                "dca_complete": True,
                "carriers": {"att": "approved", "tmobile": "paused"},
                "declares": {"embedded_link": True},
                "att_class": "A",
                "samples": ["On my way."],
            },
            {"id": "CSOLO", "brand_id": "BSOLO", "use_case": "sole_proprietor", "status": "pending"},
        ],
        "numbers": [
            {
                "did": DID,
                "tenant": "acme",
                "user": "ben",
                "kind": "local",
                "sms": "enabled",
                "sms_enabled_at": "2025-03-01T12:00:00-05:00",
                "assignment": {"state": "assigned", "campaign_id": "CACME", "brand_id": "BACME"},
            },
            {"did": OTHER_DID, "tenant": "acme", "user": "ann", "sms": "disabled", "assignment": None},
        ],
        "opt_outs": [
            {"tenant": "acme", "recipient": "+13035550199", "at": "2026-10-01T15:00:00Z", "keyword": "stop"},
        ],
        "contacts": [
            {"number": "+13035550111", "carrier": "att", "line": "mobile"},
            {"number": "+14165550112", "carrier": None, "line": None},
        ],
    }
    return company | lists


async def import_file(database, path, company, **options):
    """Import a company, decoded; without opt-outs unless a gateway is named."""
    path.write_bytes(orjson.dumps(company))
    return await import_company(database, ImportOptions(file=path, **options), lambda *_: None)


async def trail(database):
    """How many audit records and outbox entries there are."""
    async with database.reading() as connection:
        counts = [await connection.scalar(sa.select(sa.func.count()).select_from(table)) for table in (audit, outbox)]
    return tuple(counts)


async def everything(database):
    """Every document that the store should hold, freshly rendered."""
    documents = {}
    async with database.reading() as connection:
        async for batch in render_all(connection):
            documents |= batch
    return documents


async def stored(redis):
    """Every document that the store does hold."""
    names = [key.decode() for key in await redis.keys("{reg}:*")]
    documents = [name for name in names if await redis.type(name) == b"string" and name != "{reg}:rebuild"]
    return {name: await redis.get(name) for name in documents}


async def feed(redis):
    """The feed's entries: up to which change each goes, and its documents."""
    entries = []
    for _, fields in await redis.xrange(FEED_KEY):
        seq = int(fields.pop(b"seq"))
        del fields[b"from"]
        entries.append((seq, {key.decode(): value for key, value in fields.items()}))
    return entries


async def follow(redis, *args):
    """Say as a process which change it has: its name, epoch and seq."""
    return await redis.fcall("follow", 2, MARK_KEY, PROCESSES_KEY, *args)


async def leave(redis, name):
    """Say as a process that it judges no more."""
    return await redis.fcall("leave", 1, PROCESSES_KEY, name)


async def cancel_late(task):
    """Stop a task that asks somebody silent, with 0.2 s for it, while the loop stands still until that is over, too."""
    await asyncio.sleep(0.1)
    asyncio.get_running_loop().call_later(0.3, task.cancel)
    time.sleep(0.5)  # noqa: ASYNC251 - nothing runs meanwhile: the point of it
    await asyncio.wait({task}, timeout=5)


async def eventually(condition):
    """Wait until an async condition holds; fails after a generous while."""
    deadline = time.monotonic() + 60
    while not (held := await condition()):
        assert time.monotonic() < deadline, "it did not come true"
        await asyncio.sleep(0.02)
    return held
