"""Files to run, and a company to run them on."""

import orjson

from registry.bulk.jobs import BulkOptions, run_file
from registry.bulk.judged import Office
from registry.commands import change
from registry.flows.desk import Desk, Limits
from registry.records import Assignment, Extension, Number, User
from tests.registry.builders import AT, a_brand, a_campaign, a_number, a_tenant, a_user, an_assignment

#: Acme has a verified campaign, one that is suspended, three people, and numbers in every state.
FIRST, LEGACY, POOL, FRESH, FAILED, FOREIGN = (f"+1202555010{place}" for place in range(1, 7))
COMPANY = (
    a_tenant(),
    a_tenant("solo"),
    a_user(),
    a_user("ann"),
    a_user("low", licence="X1"),
    a_user("sol", tenant="solo"),
    a_brand(),
    a_brand("BSOLO", tenant="solo"),
    a_campaign(),
    a_campaign("CTWO"),
    a_campaign("COFF", status="suspended"),
    a_campaign("CSOLO", brand_id="BSOLO"),
    Extension(tenant="acme", digits="1001", user="ben"),
    a_number(FIRST, sms_page=True),
    an_assignment(FIRST, since=AT),
    a_number(LEGACY, user="ann", sms="disabled", sms_page=True),
    a_number(POOL, user=None, sms="disabled", sms_enabled_at=None),
    a_number(FRESH, user="ann", sms="disabled", sms_enabled_at=None),
    a_number(FAILED, user="low", sms="disabled", sms_page=True),
    an_assignment(FAILED, state="failed", since=AT, fault="No"),
    a_number(FOREIGN, tenant="solo", user="sol"),
)


async def fill(database, put=COMPANY):
    """Have a company."""
    async with database.writing() as connection:
        await change(connection, actor="test", put=put)


def an_office(**fields):
    """Acme's, run by the provider from a terminal."""
    return Office(**{"tenant": "acme", "actor": "bulk", "now": AT, "operator": True} | fields)


def a_desk(connection, **fields):
    """Where acme's admin works."""
    return Desk(**{"connection": connection, "tenant": "acme", "actor": "test", "now": AT, "limits": Limits()} | fields)


async def records(database, *kinds):
    """Every record of some kinds, by key."""
    async with database.reading() as connection:
        desk = a_desk(connection)
        return [one for kind in kinds or (User, Number, Assignment, Extension) for one in await desk.all(kind)]


async def run(database, path, rows, kind="numbers", *, office=None, **options):
    """Run rows, given decoded or as bytes, as a file; returns the summary and the report."""
    path.write_bytes(rows if isinstance(rows, bytes) else b"".join(orjson.dumps(row) + b"\n" for row in rows))
    report = path.with_suffix(".report")
    wanted = BulkOptions(file=path, kind=kind, tenant="acme", report=report, **options)
    summary = await run_file(database, office or an_office(), wanted, lambda *_: None)
    return summary, [orjson.loads(line) for line in report.read_bytes().splitlines()]
