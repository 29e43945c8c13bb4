"""The canary: times how long a change takes to show, notices broken promises, and goes on whatever is away."""

import asyncio
import contextlib

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry

from gateway.demo import canary as canaries
from gateway.demo.canary import Canary, FlipError, Part
from metrics.canary import CanaryMetrics

NUMBER = "+12125550119"


class World:
    """A registry and a gateway that do what the test wants."""

    def __init__(self):
        self.assigned = True
        #: What the gateway judges by.
        self.seen = True
        #: How often the gateway is asked before it sees a change; None: never.
        self.lag = 0
        #: How the registry answers: status and, for what it promises, by whom.
        self.answers = (200, "processes")
        #: The registry answers only when this is set.
        self.go = asyncio.Event()
        self.go.set()
        self.gateway_status = 200
        self.other_reason = ""
        self.asked = []
        self.keys = set()

    async def patch(self, request):
        """Change the number."""
        self.keys.add(request.headers["Authorization"])
        body = await request.json()
        self.asked.append((request.path, body))
        status, by = self.answers
        if status < 400:
            self.assigned = body["assignment"] is not None
        await self.go.wait()
        told = {"seq": 1, "effective": True, "by": by} if status == 200 else {"seq": 1, "effective": False}
        return web.json_response({"did": NUMBER, "change": told}, status=status)

    async def decide(self, request):
        """Judge."""
        self.keys.add(request.headers["Authorization"])
        if self.seen is not self.assigned and self.lag is not None:
            self.lag -= 1
            self.seen = self.assigned if self.lag < 0 else self.seen
        verdict, reason = ("flag", "ucaas_campaign_automation") if self.seen else ("block", "did_unassigned")
        if self.other_reason:
            verdict, reason = "block", self.other_reason
        if self.gateway_status != 200:
            return web.Response(status=self.gateway_status, text="not JSON")
        return web.json_response({"verdict": verdict, "reason": {"code": reason, "text": ""}})


@pytest.fixture
def world():
    """What the canary lives in."""
    return World()


@pytest.fixture
def instruments():
    """What it counts."""
    return CollectorRegistry()


@pytest.fixture
async def canary(world, instruments):
    """A canary in its world."""
    app = web.Application()
    app.add_routes([web.patch("/v1/numbers/{did}", world.patch), web.post("/v1/decisions", world.decide)])
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        url = str(server.make_url("")).rstrip("/")
        part = Part(
            gateway_url=url,
            api_key="api",
            registry_url=url,
            admin_key="admin",
            number=NUMBER,
            campaign_id="C1",
            recipient="+16465550151",
        )
        yield Canary(part, session, CanaryMetrics(instruments))


async def test_a_flip_ends_when_the_verdict_turns(canary, world):
    """There and back, each with its own key; a flag goes, so it counts as assigned."""
    for assigned in (False, True):
        world.lag = 0
        assert await canary.flip(assigned=assigned) > 0
        assert world.seen is assigned

    assert world.asked == [
        (f"/v1/numbers/{NUMBER}", {"assignment": None}),
        (f"/v1/numbers/{NUMBER}", {"assignment": {"campaign_id": "C1"}}),
    ]
    assert world.keys == {"Bearer api", "Bearer admin"}


@pytest.mark.parametrize("answers", [(202, ""), (200, "leases")])
async def test_without_a_promise_it_waits_for_the_verdict(canary, world, answers):
    """Nobody said yet that the gateway knows."""
    world.answers, world.lag = answers, 5

    assert await canary.flip(assigned=False) > 0


async def test_an_old_verdict_before_the_answer_is_none_of_its_business(canary, world):
    """The registry promises with its answer, not before."""
    world.go.clear()
    world.lag = 5
    flipping = asyncio.create_task(canary.flip(assigned=False))
    while world.seen:
        assert not flipping.done()
        await asyncio.sleep(0.005)
    world.go.set()

    assert await flipping > 0


async def test_an_old_verdict_after_the_promise_is_an_alarm(canary, world):
    """The one thing that must never happen."""
    world.lag = None
    with pytest.raises(FlipError) as failure:
        await canary.flip(assigned=False)

    assert failure.value.reason == "broken_promise"


@pytest.mark.parametrize(("answers", "other"), [((202, ""), ""), ((200, "processes"), "registry_unavailable")])
async def test_a_verdict_that_stays_away_is_late(canary, world, monkeypatch, answers, other):
    """A refusal for another reason breaks no promise, and keeps none."""
    monkeypatch.setattr(canaries, "LATE_S", 0.2)
    world.lag, world.answers, world.other_reason = None, answers, other
    with pytest.raises(FlipError) as failure:
        await canary.flip(assigned=False)

    assert failure.value.reason == "late"


@pytest.mark.parametrize("status", [401, 404, 500, 503])
async def test_a_registry_that_refuses_is_named(canary, world, status):
    """With its status."""
    world.answers = (status, "")
    with pytest.raises(FlipError, match=f"registry: HTTP {status}"):
        await canary.flip(assigned=False)


async def test_a_gateway_that_does_not_judge_is_named(canary, world):
    """Whatever it says instead."""
    world.gateway_status = 503
    with pytest.raises(FlipError, match="gateway: JSONDecodeError"):
        await canary.flip(assigned=False)


async def test_it_goes_on_and_counts(canary, world, instruments):
    """While things are away, and when they are back; a change is always followed by its undoing."""

    def counted(name, **labels):
        return instruments.get_sample_value(name, labels)

    async def until(condition):
        async with asyncio.timeout(60):
            while not condition():  # noqa: ASYNC110 - a count is asked, not told
                await asyncio.sleep(0.005)

    stop = asyncio.Event()
    running = asyncio.create_task(canary.run(0.01, stop))
    await until(lambda: counted("canary_effect_seconds_count") >= 2)
    world.answers = (503, "")
    await until(lambda: counted("canary_failures_total", reason="registry") >= 2)
    world.answers, world.gateway_status = (200, "processes"), 502
    await until(lambda: counted("canary_failures_total", reason="gateway") >= 2)
    world.gateway_status = 200
    before = counted("canary_effect_seconds_count")
    await until(lambda: counted("canary_effect_seconds_count") >= before + 4)
    stop.set()
    await running

    assert world.assigned
    assert counted("canary_last_success_timestamp_seconds") > 0
    assert counted("canary_failures_total", reason="broken_promise") == 0


async def test_nothing_is_left_behind_when_it_is_cancelled(canary, world):
    """Neither a request nor a task."""
    world.go.clear()
    world.lag = None
    task = asyncio.create_task(canary.flip(assigned=False))
    while not world.asked:  # noqa: ASYNC110 - the world is asked, not told
        await asyncio.sleep(0.005)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task

    assert {other for other in asyncio.all_tasks() if other.get_coro().__name__ in {"_change", "_turned"}} == set()
    world.go.set()
