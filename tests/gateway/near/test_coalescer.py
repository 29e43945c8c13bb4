import asyncio

import pytest

from gateway.near.coalescer import Coalescer


class Reads:
    """A read function that notes what it was asked, and answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[set[str]] = []
        self.go = asyncio.Event()
        self.failure: Exception | None = None

    async def __call__(self, keys):
        """Answer for all keys at once."""
        self.asked.append(set(keys))
        await self.go.wait()
        if self.failure is not None:
            raise self.failure
        return {key: key.upper() for key in keys}


@pytest.fixture
async def reads() -> Reads:
    """A read function on the test's own loop."""
    return Reads()


async def turns(number: int = 5) -> None:
    """Let everybody who can go on go on."""
    for _ in range(number):
        await asyncio.sleep(0)


async def test_those_who_ask_at_once_share_a_read(reads):
    """Each key once; everybody gets the whole answer."""
    coalescer = Coalescer(reads)
    reads.go.set()

    answers = await asyncio.gather(*(coalescer.ask([key]) for key in "abab"))

    assert reads.asked == [{"a", "b"}]
    assert [answer["a"] + answer["b"] for answer in answers] == ["AB"] * 4


async def test_who_asks_during_a_read_waits_for_the_next(reads):
    """A read that began before the question may have missed a change: its answer is never given."""
    coalescer = Coalescer(reads)
    first = coalescer.ask(["a"])
    await turns()
    second, third = coalescer.ask(["a"]), coalescer.ask(["b"])
    await turns()
    assert reads.asked == [{"a"}]

    reads.go.set()
    await asyncio.gather(first, second, third)

    assert reads.asked == [{"a"}, {"a", "b"}]


async def test_a_read_has_a_size(reads):
    """Later asks go into the next one; a single ask is never split, however large."""
    coalescer = Coalescer(reads, most_keys=3)
    reads.go.set()

    await asyncio.gather(*(coalescer.ask(keys) for keys in ("ab", "c", "d", "efghi", "j")))

    assert reads.asked == [set("abc"), set("d"), set("efghi"), set("j")]


async def test_a_failure_is_everybodys_who_asked_in_it(reads):
    """And nobody else's: the next read is tried."""
    coalescer = Coalescer(reads)
    reads.failure = OSError("gone")
    reads.go.set()

    answers = await asyncio.gather(coalescer.ask("a"), coalescer.ask("b"), return_exceptions=True)
    reads.failure = None

    assert [type(answer) for answer in answers] == [OSError, OSError]
    assert await coalescer.ask("a") == {"a": "A"}


async def test_who_goes_away_disturbs_nobody(reads):
    """A client that hangs up cancels its own wait, not the read."""
    coalescer = Coalescer(reads)
    leaves, stays = coalescer.ask("a"), coalescer.ask("b")
    await turns()

    leaves.cancel()
    reads.go.set()

    assert await stays == {"a": "A", "b": "B"}
    assert leaves.cancelled()


async def test_a_failure_that_nobody_waits_for_makes_no_noise(reads):
    """The only one who asked has left."""
    coalescer = Coalescer(reads)
    reads.failure = OSError("gone")
    asked = coalescer.ask("a")
    await turns()
    reads.go.set()
    await turns()
    del asked

    reads.failure = None
    assert await coalescer.ask("b") == {"b": "B"}


async def test_it_rests_when_nobody_asks(reads):
    """No task stays behind, and the next question wakes it."""
    coalescer = Coalescer(reads)
    reads.go.set()

    for _ in range(3):
        await coalescer.ask("a")
        await turns()
        assert coalescer._task is None
    assert len(reads.asked) == 3
