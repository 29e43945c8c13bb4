import asyncio

import pytest

from gateway.client import hands
from gateway.client.hands import Pace, at_once


class Clock:
    """A clock that only sleeping moves; it stands in for both the clock and the sleep of the module."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        """Tell the time."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Seconds that pass at once."""
    clock = Clock()
    monkeypatch.setattr(hands, "time", clock)
    monkeypatch.setattr(hands, "asyncio", clock)
    return clock


async def test_a_pace_is_kept(clock):
    """Ten a second: the first goes at once, and a batch of five makes the next wait for five."""
    pace, went_at = Pace(10), []
    for messages in (1, 5, 1):
        await pace.turn(messages)
        went_at.append(clock.now - 1_000)

    assert went_at == pytest.approx([0, 0.1, 0.6])


async def test_time_that_nobody_used_is_not_made_up_for(clock):
    """After a pause there is no burst."""
    pace = Pace(10)
    await pace.turn(1)
    clock.now += 60
    await pace.turn(1)
    await pace.turn(1)

    assert clock.now == pytest.approx(1_060.1)


async def test_no_pace_means_at_once(clock):
    """The usual case."""
    for _ in range(100):
        await Pace(0).turn(1_000)

    assert clock.now == 1_000


async def test_the_first_failure_ends_all_hands():
    """And is raised itself, not in a group."""
    ended: list[str] = []
    numbers = iter(range(3))

    async def work() -> None:
        if next(numbers) == 2:
            raise LookupError
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("ended")

    with pytest.raises(LookupError):
        await at_once(3, work)

    assert ended == ["ended", "ended"]
