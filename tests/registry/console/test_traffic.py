"""Traffic: figures, plots and their numbers, drawn from the ledger's counts in the company's own days."""

import re
import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from registry.commands import change
from registry.console.plots import bars, legend
from registry.console.views.traffic import _last_hours
from registry.ledger.database import LedgerDatabase
from tests.registry.builders import a_number, an_assignment
from tests.registry.ledger.filling import fill

PAGE = "/console/messages/traffic"
DIDS = ("+12025550141", "+12025550142", "+12025550143")


@pytest.fixture
async def ledger(console, settings):
    """The ledger of the served registry, to be filled."""
    del console
    async with LedgerDatabase.made(settings) as ledger:
        yield ledger


async def test_an_empty_company_is_told_what_to_do(admin):
    """No plot of nothing."""
    seen = await admin.go(PAGE)

    assert "No messages in 30 days" in seen.words
    assert "<svg" not in seen.text.partition("<main")[2]


async def test_counts_what_was_decided(admin, ledger):
    """Figures of today, plots by day and hour with their numbers, reasons with the log and the page that fixes them."""
    now_ms = int(time.time() * 1000)
    refused = {"verdict": "block", "reason": "did_unassigned", "accepted_ms": now_ms}
    await fill(ledger, {"accepted_ms": now_ms}, refused, refused, refused, {"tenant": "solo", "accepted_ms": now_ms})

    seen = await admin.go(PAGE)

    assert "1 allowed today 3 blocked today 75.0 % of today's were blocked 4 in 30 days" in seen.words
    assert seen.text.count('<svg class="plot"') == 2
    assert "Messages by day: Allowed 1; Flagged 0; Delayed 0; Blocked 3" in seen.text
    assert "Number not registered 3 SMS page" in seen.words
    assert 'href="/console/messages/log?reason=did_unassigned&amp;since=' in seen.text
    assert 'href="/console/phone-system/sms"' in seen.text


@pytest.mark.parametrize(
    ("zone", "labels"),
    [
        ("America/St_Johns", ["Sat 23:30", "Sun 00:30", "Sun 01:30", "Sun 03:30"]),
        ("America/New_York", ["Sat 22:00", "Sat 23:00", "Sun 00:00", "Sun 01:00"]),
    ],
)
def test_hours_are_those_of_the_ledger_and_told_in_the_zone(zone, labels):
    """Where clocks differ by half an hour from others', too; and in the night in which they are put forward."""
    hours = _last_hours(datetime(2026, 3, 8, 6, 10, tzinfo=UTC).astimezone(ZoneInfo(zone)))

    assert list(hours.values())[-4:] == labels
    assert all(at_ms % 3_600_000 == 0 for at_ms in hours)
    assert list(hours)[-1] == int(datetime(2026, 3, 8, 6, tzinfo=UTC).timestamp()) * 1000
    assert len(hours) == 48


async def test_by_channel(admin, ledger):
    """One channel alone."""
    await fill(ledger, {"accepted_ms": int(time.time() * 1000)})

    assert "1 allowed today" in (await admin.go(f"{PAGE}?channel=sms")).words
    assert "0 allowed today" in (await admin.go(f"{PAGE}?channel=im")).words


async def test_shows_what_is_being_registered(console, admin):
    """Step by step, the step with the most as the longest bar, with links to the pages; what is at none has no bar."""
    async with console.database.writing() as connection:
        put = [a_number(did, user=None) for did in DIDS]
        put += [
            an_assignment(did, state=state) for did, state in zip(DIDS, ("pending", "pending", "failed"), strict=True)
        ]
        await change(connection, actor="test", put=put)
    seen = await admin.go(PAGE)

    assert "Brands being verified 0 Campaigns on their way 0 Numbers being set up 2 Numbers that failed 1" in seen.words
    assert re.findall(r'class="bar bar-(waiting|bad)"[^>]*width="(\d+)"', seen.text) == [
        ("waiting", "100"),
        ("bad", "50"),
    ]
    assert 'href="/console/phone-system/sms?assignment=pending"' in seen.text


async def test_only_for_admins_and_support(console):
    """Employees see none of it."""
    assert (await (await console.visitor("employee")).go(PAGE)).status == 403
    assert (await (await console.visitor("support")).go(PAGE)).status == 200


def test_bars_tell_what_they_draw():
    """Who cannot see a plot hears its sums; each column says its own; what a label says is never markup."""
    drawn = str(bars("By <day>", ["Mon", "Tue"], {"allow": [3, 0], "block": [1, 2]}, {"allow": "Allowed"}))

    assert 'aria-label="By &lt;day&gt;: Allowed 3; block 3"' in drawn
    assert "<title>Mon: Allowed 3, block 1</title>" in drawn
    assert drawn.count("<rect") == 3
    assert str(legend({"allow": "A<b"})).count("A&lt;b") == 1
