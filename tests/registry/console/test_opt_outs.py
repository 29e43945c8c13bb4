"""Opt-outs: one number as the gateway keeps it, the imported ones as a list and a file; and what is to be reviewed."""

import csv
import io
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from registry.commands import change
from registry.ledger.database import LedgerDatabase
from registry.records import OptOut
from tests.registry.console.visitors import a_console
from tests.registry.ledger.filling import fill

PAGE = "/console/messages/opt-outs"
NUMBER, TYPED = "+16465550151", "%28646%29+555-0151"
AT = datetime(2026, 11, 20, 17, tzinfo=UTC)


@pytest.fixture
async def console(settings, store, valkey_server):
    """A served console of a registry that knows the queue store."""
    del store
    async with a_console(settings, valkey_server.url, queue_url=valkey_server.url) as console:
        yield console


@pytest.fixture
async def said(valkey_server):
    """Write what somebody said to acme, as the gateway's functions keep it."""
    async with Redis.from_url(valkey_server.url, socket_timeout=None) as redis:

        async def said(**fields):
            await redis.hset(f"{{o:acme}}:{NUMBER}", mapping=fields)

        yield said


async def imported(console, *recipients, tenant="acme", keyword="STOP"):
    """Opt-outs of a company file."""
    rows = [OptOut(tenant=tenant, recipient=one, at=AT, keyword=keyword, number=None) for one in recipients]
    async with console.database.writing() as connection:
        await change(connection, actor="test", put=rows)


async def test_a_number_that_opted_out(admin, said):
    """When, by which word, at which number, and how it ends."""
    await said(at_ms=int(AT.timestamp() * 1000), keyword="STOP", number="+12025550101")

    seen = await admin.go(f"{PAGE}?number={TYPED}")

    assert "Opted out Nov 20, 2026, 12:00 PM EST with “STOP”, sent to +1 202-555-0101" in seen.words
    assert "texts START" in seen.words


async def test_a_number_that_may_have(admin, said):
    """A phrase that may be an opt-out is told, with what to do."""
    await said(suspect_ms=int(AT.timestamp() * 1000))

    assert "may be a wish to get no more texts" in (await admin.go(f"{PAGE}?number={TYPED}")).words


async def test_a_number_that_came_back(admin, said):
    """The earlier opt-out is told."""
    await said(lifted_ms=int(AT.timestamp() * 1000), lifted_keyword="START")

    seen = await admin.go(f"{PAGE}?number={TYPED}")

    assert "Has not opted out." in seen.words
    assert "An earlier opt-out ended" in seen.words


async def test_another_companys_opt_out_is_not_told(console, said):
    """Each company has its own."""
    await said(at_ms=1, keyword="STOP", number="")
    solo = await console.visitor("solo")

    assert "Has not opted out." in (await solo.go(f"{PAGE}?number={TYPED}")).words


async def test_half_a_number_is_refused(admin):
    """And said at its field."""
    assert "Give a whole phone number" in (await admin.go(f"{PAGE}?number=646")).words


async def test_the_list_and_the_file(console, admin):
    """Own ones only, in order; the file has no formula in it."""
    await imported(console, NUMBER, "+12065550156", keyword="=stop")
    await imported(console, "+12065550199", tenant="solo")

    seen = await admin.go(PAGE)
    rows = list(csv.DictReader(io.StringIO((await admin.go(f"{PAGE}.csv")).text)))

    assert "+1 646-555-0151" in seen.words
    assert "206-555-0199" not in seen.text
    assert [row["recipient"] for row in rows] == ["'+12065550156", f"'{NUMBER}"]
    assert {row["keyword"] for row in rows} == {"'=stop"}


async def test_reviews(admin, settings):
    """What went out flagged, with why; what was allowed is not among it."""
    async with LedgerDatabase.made(settings) as ledger:
        flagged = {"verdict": "flag", "reason": "content_phishing"}
        (name, other) = await fill(ledger, flagged, {})

    seen = await admin.go("/console/messages/reviews")

    assert name in seen.text
    assert other not in seen.text
    assert 'href="/console/messages/opt-outs?number=%2B16465550151"' in seen.text


async def test_only_for_admins_and_support(console):
    """Employees see none of it."""
    employee, support = await console.visitor("employee"), await console.visitor("support")

    for path in (PAGE, f"{PAGE}.csv", "/console/messages/reviews"):
        assert (await employee.go(path)).status == 403
        assert (await support.go(path)).status == 200
