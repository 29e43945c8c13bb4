"""Group commit: who shares a flush, and that nobody is ever left waiting."""

import asyncio

import pytest

from gateway.queue import Accepted, OutcomeUnknown, QueueUnavailable
from gateway.queue.commit import GroupCommit
from tests.gateway.queue.builders import a_request


class Disk:
    """Stands where the store stands: a flush ends when the test says so, and as it says."""

    def __init__(self) -> None:
        self.flushes: list[list[bytes]] = []
        self.go = asyncio.Event()
        self.crash: BaseException | None = None
        self.refuse: set[bytes] = set()

    async def accept(self, requests):
        """Note the flush, wait, and answer as told."""
        self.flushes.append([request.messages[0] for request in requests])
        await self.go.wait()
        if self.crash is not None:
            raise self.crash
        return [
            QueueUnavailable("full")
            if request.messages[0] in self.refuse
            else Accepted(message_ids=(request.messages[0].decode(),), refusal_ids=())
            for request in requests
        ]


@pytest.fixture
async def disk() -> Disk:
    """A disk that is busy until its event is set."""
    return Disk()


async def turns() -> None:
    """Let every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


def submit(commit, *names: str) -> list[asyncio.Task]:
    """Submit a message of each name, all in one turn."""
    return [asyncio.create_task(commit.submit(a_request(name.encode()))) for name in names]


async def test_requests_gather_while_a_flush_is_in_flight(disk):
    """The first goes at once and alone; those that come meanwhile go together, in order."""
    async with GroupCommit(disk) as commit:
        tasks = submit(commit, "a")
        await turns()
        tasks += submit(commit, "b", "c", "d")
        await turns()
        assert disk.flushes == [[b"a"]]
        disk.go.set()
        answers = await asyncio.gather(*tasks)

    assert disk.flushes == [[b"a"], [b"b", b"c", b"d"]]
    assert [answer.message_ids for answer in answers] == [("a",), ("b",), ("c",), ("d",)]


async def test_a_flush_is_bounded_in_requests(disk):
    """What does not fit goes with the next one."""
    async with GroupCommit(disk, batch_requests=2) as commit:
        disk.go.set()
        await asyncio.gather(*submit(commit, "a", "b", "c"))

    assert disk.flushes == [[b"a", b"b"], [b"c"]]


async def test_a_flush_is_bounded_in_bytes(disk):
    """Closed when the limit is reached; a request beyond it goes alone rather than never."""
    async with GroupCommit(disk, batch_bytes=3) as commit:
        disk.go.set()
        await asyncio.gather(*submit(commit, "aa", "b", "cccc", "d"))

    assert disk.flushes == [[b"aa", b"b"], [b"cccc"], [b"d"]]


async def test_more_flights_when_asked(disk):
    """At most so many at a time."""
    async with GroupCommit(disk, flights=2, batch_requests=1) as commit:
        tasks = submit(commit, "a", "b", "c")
        await turns()
        assert disk.flushes == [[b"a"], [b"b"]]
        disk.go.set()
        await asyncio.gather(*tasks)


async def test_an_error_is_its_requests_alone(disk):
    """Others of the same flush have their answers."""
    disk.refuse = {b"b"}
    disk.go.set()
    async with GroupCommit(disk) as commit:
        good, bad = await asyncio.gather(*submit(commit, "a", "b"), return_exceptions=True)

    assert good.message_ids == ("a",)
    assert isinstance(bad, QueueUnavailable)


@pytest.mark.parametrize("crash", [RuntimeError("bug"), TimeoutError()])
async def test_a_crashed_flush_is_an_unknown_outcome(disk, crash):
    """For everybody in it, each with an error of their own; the next flush is not harmed."""
    disk.go.set()
    async with GroupCommit(disk) as commit:
        disk.crash = crash
        errors = await asyncio.gather(*submit(commit, "a", "b"), return_exceptions=True)
        disk.crash = None
        (answer,) = await asyncio.gather(*submit(commit, "c"))

    assert [type(error) for error in errors] == [OutcomeUnknown, OutcomeUnknown]
    assert errors[0] is not errors[1]
    assert answer.message_ids == ("c",)


async def test_a_crashing_observer_harms_nobody(disk):
    """Metrics are not worth a message."""

    def observe(size, seconds):
        raise RuntimeError("bug")

    disk.go.set()
    async with GroupCommit(disk, observe=observe) as commit:
        for name in ("a", "b"):
            (answer,) = await asyncio.gather(*submit(commit, name))
            assert answer.message_ids == (name,)


async def test_a_client_that_goes_away_cancels_only_its_waiting(disk):
    """The flush in flight goes on, for it and for the others."""
    async with GroupCommit(disk) as commit:
        gone, stays = submit(commit, "a", "b")
        await turns()
        gone.cancel()
        await turns()
        disk.go.set()
        assert (await stays).message_ids == ("b",)

    assert disk.flushes == [[b"a", b"b"]]
    assert gone.cancelled()


async def test_a_client_that_goes_away_in_the_line_is_not_written(disk):
    """Nobody waits for it, and nothing was promised."""
    async with GroupCommit(disk) as commit:
        first, gone, stays = submit(commit, "a")[0], *submit(commit, "b", "c")
        await turns()
        assert disk.flushes == [[b"a", b"b", b"c"]]
        disk.flushes.clear()
        gone, stays = submit(commit, "d", "e")
        await turns()
        gone.cancel()
        await turns()
        disk.go.set()
        await asyncio.gather(first, stays)

    assert disk.flushes == [[b"e"]]


async def test_the_line_is_bounded(disk):
    """One more than may wait is refused as full; those in the line keep their place."""
    async with GroupCommit(disk, line_max=2) as commit:
        tasks = submit(commit, "a")
        await turns()
        tasks += submit(commit, "b", "c", "d")
        await turns()
        disk.go.set()
        *answers, refused = await asyncio.gather(*tasks, return_exceptions=True)

    assert [answer.message_ids for answer in answers] == [("a",), ("b",), ("c",)]
    assert isinstance(refused, QueueUnavailable)
    assert refused.reason == "full"


async def test_leaving_flushes_who_still_waits(disk):
    """A shutdown answers everybody who was let in, and lets nobody else in."""
    async with GroupCommit(disk) as commit:
        tasks = submit(commit, "a")
        await turns()
        tasks += submit(commit, "b")
        await turns()
        asyncio.get_running_loop().call_later(0.01, disk.go.set)
    assert [answer.message_ids for answer in await asyncio.gather(*tasks)] == [("a",), ("b",)]

    with pytest.raises(QueueUnavailable):
        await commit.submit(a_request())


async def test_a_stop_that_is_cut_short_leaves_nobody_waiting(disk):
    """Those in flight are unsure, those in the line know that nothing was written."""

    async def serve(tasks):
        async with GroupCommit(disk) as commit:
            tasks += submit(commit, "a")
            await turns()
            tasks += submit(commit, "b")
            await turns()

    tasks = []
    serving = asyncio.create_task(serve(tasks))
    await turns()
    await turns()
    await turns()
    assert len(tasks) == 2
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    in_flight, in_line = await asyncio.gather(*tasks, return_exceptions=True)

    assert isinstance(in_flight, OutcomeUnknown)
    assert isinstance(in_line, QueueUnavailable)


async def test_flushes_are_observed(disk):
    """How many requests, how many seconds: what the histogram needs."""
    seen = []
    disk.go.set()
    async with GroupCommit(disk, observe=lambda size, seconds: seen.append((size, seconds >= 0))) as commit:
        await asyncio.gather(*submit(commit, "a", "b"))

    assert seen == [(2, True)]
