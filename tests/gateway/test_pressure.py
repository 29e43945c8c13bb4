"""When the queue store should get nothing new, and what is said of when it may again."""

import asyncio

import pytest

from gateway.edge.admission import Admission, Cause
from gateway.pressure import Marks, StorePressure
from gateway.queue import Counts, Status
from gateway.queue.room import Room
from gateway.queue.store import open_store
from tests.gateway.edge.test_admission import Stage
from tests.gateway.running_edge import running_edge
from tests.valkey import Valkey

GIB = 1 << 30
EASY = Room(memory_used=0.1, log_bytes=1_000, log_is_written=True, disk=(100 * GIB, 200 * GIB))


class Store:
    """A store that is as it is told."""

    def __init__(self):
        self.now = 1_000.0
        self.said = EASY
        self.oldest_ms = 0
        self.counted = 0

    async def room(self):
        """Tell."""
        return self.said

    async def counts(self):
        """Tell the age of the oldest entry."""
        self.counted += 1
        return [
            Counts(
                partition=k,
                accepted=1,
                refused=0,
                doubts=0,
                by_status=dict.fromkeys(Status, 0),
                log_entries=1,
                parked={},
                oldest_ms=self.oldest_ms * k,
            )
            for k in range(2)
        ]


@pytest.fixture
def store():
    """A new one."""
    return Store()


@pytest.fixture
def looking(store):
    """A look at it, and the admission that hears of it."""
    admission = Admission(Stage())
    marks = Marks(memory=0.8, disk_free=0.05, log_bytes=10_000, backlog_s=100)
    pressure = StorePressure(store, marks, admission, clock=lambda: store.now)

    async def look(room=None, *, after_s=1.0):
        store.said = room or store.said
        store.now += after_s
        await pressure.look()
        held = admission.pressure
        return None if held is None else (held.cause, held.retry_after_s)

    return look


class TestMarks:
    @pytest.mark.parametrize(
        ("room", "cause"),
        [
            (EASY, None),
            (EASY._replace(memory_used=0.79), None),
            (EASY._replace(memory_used=0.80), Cause.MEMORY),
            (EASY._replace(log_bytes=9_999), None),
            (EASY._replace(log_bytes=10_000), Cause.DISK),
            (EASY._replace(log_is_written=False), Cause.DISK),
            (EASY._replace(disk=(GIB + 1, 200 * GIB)), None),
            (EASY._replace(disk=(GIB, 200 * GIB)), Cause.DISK),
            (EASY._replace(disk=(6, 100)), None),
            (EASY._replace(disk=(5, 100)), Cause.DISK),
            (EASY._replace(disk=(0, 100)), Cause.DISK),
            (EASY._replace(disk=None), None),
            (EASY._replace(memory_used=0.85, disk=(1, 100)), Cause.DISK),
        ],
    )
    async def test_from_where_on(self, looking, room, cause):
        """Each on its own; the one that is furthest is named."""
        found = await looking(room)
        assert (found and found[0]) == cause

    async def test_old_messages(self, store, looking):
        """Nobody takes them: more of them would only grow old as well. Asked now and then, for it costs the store."""
        assert await looking() is None
        store.oldest_ms = 100_000
        assert await looking() is None
        assert (await looking(after_s=5))[0] is Cause.BACKLOG
        assert store.counted == 2

    async def test_what_is_off_stops_nothing(self, store):
        """Zero, and 1 for memory."""
        admission = Admission(Stage())
        store.said = Room(memory_used=2.0, log_bytes=1 << 60, log_is_written=True, disk=(0, 100))
        store.oldest_ms = 10**9
        await StorePressure(store, Marks(memory=1, disk_free=0, log_bytes=0, backlog_s=0), admission).look()
        assert admission.pressure is None
        assert store.counted == 0


class TestComingBack:
    async def test_not_at_once(self, looking):
        """What stopped it must be clearly over."""
        for used, stops in ((0.79, False), (0.81, True), (0.79, True), (0.73, True), (0.71, False), (0.79, False)):
            assert (await looking(EASY._replace(memory_used=used)) is not None) == stops

    async def test_when(self, looking):
        """At the pace of the last two looks; a minute while it does not get better."""
        assert await looking(EASY._replace(memory_used=0.96)) == (Cause.MEMORY, 60)
        assert await looking(EASY._replace(memory_used=0.96)) == (Cause.MEMORY, 60)
        cause, after_s = await looking(EASY._replace(memory_used=0.88), after_s=2)
        assert cause is Cause.MEMORY
        assert after_s == pytest.approx((0.88 - 0.72) / 0.04)


async def test_a_real_store_tells():
    """Memory of its limit, size of its log, and its disk where it is this machine's."""
    with Valkey(settings={"maxmemory": "64mb"}) as server:
        async with open_store(server.url) as store:
            room = await store.room()
    assert 0 < room.memory_used < 0.5
    assert room.log_bytes > 0
    assert room.log_is_written
    free, size = room.disk
    assert 0 < free <= size


async def test_sends_are_turned_away_and_the_rest_goes_on():
    """A store whose memory is nearly full: 503 before anything is read of a send, by whatever way it comes.

    Reading, cancelling, opt-outs, receipts and health go on; sends come back by themselves.
    """
    async with running_edge() as edge:
        kept = (await edge.send()).json["id"]
        await edge.queue._wire.one(("CONFIG", "SET", "maxmemory", 1_500_000))
        async with asyncio.timeout(20):
            while (answer := await edge.send(text=None)).status != 503:
                assert answer.status == 422
        assert (answer.json["code"], int(answer.headers["Retry-After"]) >= 1) == ("queue_full", True)

        for path, body in (("/v1/messages/batch", b"no JSON"), ("/v1/decisions", b"no JSON"), ("/v1/media", b"x")):
            answer = await edge.call("POST", path, data=body)
            assert (answer.status, answer.json["code"]) == (503, "queue_full"), path
            assert int(answer.headers["Retry-After"]) >= 1
        pieces = edge.call("POST", "/v1/messages", data=_pieces(), headers={"Content-Type": "application/json"})
        assert (await pieces).status == 503

        assert (await edge.get(f"/v1/messages/{kept}")).status == 200
        assert (await edge.get("/v1/inbox")).status == 200
        opt_outs = {"opt_outs": [{"recipient": "+14155550199", "at": "2026-01-01T00:00:00Z", "keyword": "STOP"}]}
        answer = await edge.call("PUT", "/v1/opt-outs", key="acme", json=opt_outs)
        assert answer.status != 503 or answer.json["code"] != "queue_full"
        assert (await edge.call("POST", "/carriers/emulator/receipts", key=None, data=b"{}")).status == 401
        assert (await edge.call("DELETE", f"/v1/messages/{kept}")).status == 200

        await edge.queue._wire.one(("CONFIG", "SET", "maxmemory", 0))
        async with asyncio.timeout(20):
            while (await edge.send()).status != 202:
                pass


async def _pieces():
    yield b"no "
    yield b"JSON"
