"""What the aggregator tells by itself: the handler with the emulator's real events, and with everybody else's."""

import asyncio
import contextlib
import time

import aiohttp
import orjson
import pytest
from aiohttp import web

from loadtests.aggregator.settings import DEVELOPMENT_SECRET
from loadtests.carrier.signing import signed_headers
from registry.provisioning.hook import PATH, NumbersHook
from registry.provisioning.signed import TOLERANCE_S, is_signed, parse_secret
from tests.registry.builders import DID
from tests.registry.provisioning.conftest import PATIENCE

_PATIENCE_S = 30
OLD_SECRET = "whsec_b2xk"


@contextlib.asynccontextmanager
async def serving(world):
    """Serve the hook, and have the emulator call it; yields its address."""
    secrets = (OLD_SECRET, DEVELOPMENT_SECRET)
    hook = NumbersHook(world.database, world.worker, PATIENCE, world.metrics, secrets=secrets, now=world.clock)
    application = web.Application()
    application.add_routes(hook.routes())
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}"
    world.aggregator.hooks.url = url
    try:
        yield url
    finally:
        await runner.cleanup()


async def told(world, count):
    """Return the answers to the emulator's events, as soon as there are count of them."""
    async with asyncio.timeout(_PATIENCE_S):
        while len(world.aggregator.hooks.tries) < count:  # noqa: ASYNC110  the emulator's list
            await asyncio.sleep(0.005)
    return [one["status"] for one in world.aggregator.hooks.tries]


async def send(url, body, *, at=None, secret=DEVELOPMENT_SECRET, name="evt_1"):
    """Send an event, signed; returns status and outcome."""
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    at_s = int(time.time()) if at is None else at
    headers = signed_headers(parse_secret(secret), webhook_id=name, timestamp_s=at_s, body=content)
    async with aiohttp.request("POST", url, data=content, headers=headers) as answer:
        return answer.status, (await answer.json())["outcome"]


def an_event(payload, kind="10dlc.phone_number.update"):
    """An event as the wire has it."""
    return {"data": {"id": "evt_1", "event_type": kind, "payload": {"type": "ASSIGNMENT", **payload}}}


async def test_an_event_settles_what_it_names(world):
    """The aggregator tells that it is added: assigned before the answer, without a look."""
    world.rules({"operation": "add", "outcome": "never"})
    async with serving(world):
        await world.assign()
        await world.turn()
        looks = len(world.asked("read"))
        world.finish()
        assert await told(world, 2) == [200, 200]
        assert await world.state() == "assigned"
        assert len(world.asked("read")) == looks
        assert world.worker.wake.is_set()
        await world.later(minutes=1)
        assert await world.job() is None


async def test_a_failure_is_told_with_its_reason(world):
    """At once, with the sentence; nothing is left to do."""
    world.rules({"operation": "add", "outcome": "failed", "reason": "INVALID_NNID"})
    async with serving(world):
        await world.assign()
        await world.turn()
        await told(world, 2)
        link = await world.link()
        assert (link.state, link.fault) == (
            "failed",
            "The campaign and the number are filed under different providers.",
        )
        assert await world.job() is None


async def test_a_removal_is_told(world):
    """The assignment is gone before the answer."""
    await world.assign()
    await world.turn()
    await world.later(minutes=1)
    async with serving(world):
        await world.remove()
        await world.turn()
        await told(world, 2)
        assert (await world.state(), await world.job()) == ("", None)


@pytest.mark.parametrize("webhook", ["twice", "reordered"])
async def test_events_that_repeat_or_overtake_change_nothing_more(world, webhook):
    """One change in the audit, whatever came how often in which order."""
    world.rules({"webhook": webhook})
    async with serving(world):
        await world.assign()
        await world.turn()
        await told(world, 4 if webhook == "twice" else 2)
        await world.later(minutes=1)
        assert await world.trail() == ["assigned"]
        assert await world.job() is None


async def test_a_lost_event_is_found_by_looking(world):
    """Polling is enough."""
    world.rules({"webhook": "lost"})
    async with serving(world):
        await world.assign()
        await world.turn()
        await world.later(minutes=1)
        assert await world.state() == "assigned"


async def test_an_event_of_an_older_wish_settles_nothing(world):
    """Added, says one that was sent before the removal was wished for: it makes us look, and nothing else."""
    world.rules({"operation": "add", "outcome": "never"})
    async with serving(world) as url:
        await world.assign()
        await world.turn()
        shown = world.aggregator.book.find(DID).shown()
        await world.remove()
        await world.turn()
        assert await send(url, an_event({**shown, "status": "ADDED"})) == (200, "looked_at")
        assert (await world.state(), (await world.job()).next_at <= world.clock.now) == ("removing", True)
        await world.turn()
        assert await world.state() == "removing"


async def test_an_event_of_an_older_attempt_settles_nothing(world):
    """A failure that was asked again about is told once more: it is not the failure of the new attempt."""
    world.rules({"operation": "add", "times": 1, "outcome": "failed", "reason": "INTERNAL"}, {"outcome": "never"})
    async with serving(world) as url:
        await world.assign()
        await world.turn()
        await told(world, 2)
        failed = world.aggregator.book.find(DID).shown()
        await world.later(minutes=10)
        assert world.asked() == ["add", "add"]
        failed["reasons"][0]["code"] = "CARRIER_REJECTED"
        assert await send(url, an_event(failed)) == (200, "looked_at")
        assert await world.state() == "pending"


async def test_an_event_that_nobody_waits_for_is_taken_and_left(world):
    """A number without a job, a number that is not ours, a type that does not concern us."""
    async with serving(world) as url:
        shown = {"phoneNumber": DID, "campaignId": "CACME", "status": "ADDED", "operation": "ASSIGNMENT"}
        payload = {**shown, "reference": "r", "reasons": [], "version": 1, "updatedAt": "2026-11-22T12:00:00Z"}
        assert await send(url, an_event(payload)) == (200, "not_awaited")
        assert await send(url, an_event(payload | {"phoneNumber": "+13035550999"})) == (200, "not_awaited")
        assert await send(url, an_event(payload, kind="10dlc.brand.update")) == (200, "unknown_type")
        assert await send(url, an_event(payload | {"status": "PENDING"})) == (200, "pending")
        assert await world.state() == ""


async def test_only_who_has_the_secret_is_heard(world):
    """401 without a signature, with a stranger's, with an old or a future time; an old secret of ours still works."""
    async with serving(world) as url:
        async with aiohttp.request("POST", url, data=b"{}") as answer:
            assert answer.status == 401
        now = int(time.time())
        assert (await send(url, {}, secret="whsec_c3RyYW5nZXI="))[0] == 401
        assert (await send(url, {}, at=now - TOLERANCE_S - 60))[0] == 401
        assert (await send(url, {}, at=now + TOLERANCE_S + 60))[0] == 401
        assert await send(url, {}, secret=OLD_SECRET) == (400, "no_event")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"data": 7}', b'{"data": {"event_type": "x"}}', b"\xff"])
async def test_what_is_no_event_is_refused(world, body):
    """400: to send it again is no use."""
    async with serving(world) as url:
        assert await send(url, body) == (400, "no_event")
        assert (await send(url, an_event({"phoneNumber": 7})))[0] == 400


async def test_a_body_has_a_limit(world):
    """413 before anything is looked at."""
    async with serving(world) as url:
        assert await send(url, b"x" * 70_000) == (413, "too_long")


async def test_without_secrets_nobody_is_heard(world):
    """An empty list of keys is no reason to trust everybody; a bad one stops the start."""
    assert not is_signed({}, b"", keys=[], now_s=0)
    headers = signed_headers(b"", webhook_id="evt_1", timestamp_s=0, body=b"")
    assert not is_signed(headers, b"", keys=[], now_s=0)
    with pytest.raises(ValueError, match="whsec_"):
        NumbersHook(world.database, world.worker, PATIENCE, world.metrics, secrets=["whsec_%"])
