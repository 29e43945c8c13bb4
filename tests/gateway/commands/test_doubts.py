"""The list of doubts: what was made of every attempt whose answer was lost."""

import asyncio

import orjson
import pytest
from typer.testing import CliRunner

from gateway.__main__ import app
from gateway.envelope import TrafficClass
from gateway.queue import Status
from tests.gateway.working import (
    ACCEPTED,
    LOST,
    AskableCarrier,
    Carrier,
    a_worker,
    accept,
    all_reach,
    at_work,
    says,
    some_envelope,
)


async def doubts(*options):
    """Run the command beside the worker, which lives in this thread's loop."""
    return await asyncio.to_thread(CliRunner().invoke, app, ["doubts", *options], catch_exceptions=False)


async def listed(valkey, *options):
    """Run it for its rows."""
    result = await doubts("--queue-url", valkey.url, "--json", *options)
    assert result.exit_code == 0
    return [orjson.loads(line) for line in result.stdout.splitlines()]


async def test_without_any_it_says_so(store, valkey):
    """An empty table would be no answer."""
    (message,) = await accept(store, some_envelope())
    async with at_work(a_worker(store, Carrier())):
        await all_reach(store, [message], Status.SUBMITTED)

    result = await doubts("--queue-url", valkey.url)

    assert (result.exit_code, "no doubts" in result.stdout) == (0, True)


async def test_each_is_listed_with_what_was_made_of_it(store, valkey):
    """Sent again, left unknown, or found at the carrier's; the newest first."""
    (again,) = await accept(store, some_envelope())
    async with at_work(a_worker(store, Carrier(says(LOST, ACCEPTED)))):
        await all_reach(store, [again], Status.SUBMITTED)
    (left,) = await accept(store, some_envelope(traffic_class=TrafficClass.BULK))
    async with at_work(a_worker(store, Carrier(says(LOST)))):
        await all_reach(store, [left], Status.UNKNOWN)
    (had,) = await accept(store, some_envelope())
    async with at_work(a_worker(store, AskableCarrier(says(LOST), ACCEPTED))):
        await all_reach(store, [had], Status.SUBMITTED)

    rows = await listed(valkey)
    assert [(row["message"], row["resolved"]) for row in rows] == [
        (had, "the carrier had it"),
        (left, "left unknown"),
        (again, "sent again"),
    ]
    assert {(row["carrier"], row["because"]) for row in rows[1:2]} == {("acme", "doubt_timeout")}
    assert [row["message"] for row in await listed(valkey, "--most", "1")] == [had]

    shown = (await doubts("--queue-url", valkey.url)).stdout
    assert all(name in shown for name in (again, left, had, "How they were resolved"))


async def test_a_long_journal_is_read_to_its_beginning(store, valkey, monkeypatch):
    """Piece by piece."""
    monkeypatch.setattr("gateway.queue.journal._PIECE", 2)
    (first,) = await accept(store, some_envelope(traffic_class=TrafficClass.BULK))
    async with at_work(a_worker(store, Carrier(says(LOST)))):
        await all_reach(store, [first], Status.UNKNOWN)
    more = await accept(store, *(some_envelope() for _ in range(40)))
    async with at_work(a_worker(store, Carrier())):
        await all_reach(store, more, Status.SUBMITTED)

    assert [row["message"] for row in await listed(valkey)] == [first]


@pytest.mark.parametrize("options", [["--queue-url", "unix:///nobody.sock"], ["--data-dir", "/nowhere"]])
async def test_a_store_that_cannot_be_read(options):
    """Exit status 2, with a sentence."""
    result = await doubts(*options)

    assert result.exit_code == 2
    assert "cannot be read" in result.output
