"""Keeps calls to so many a second, evenly, whoever makes them."""

import asyncio


class Pace:
    """A rate for one process: turns are given out in order, one an interval."""

    def __init__(self, per_s: float) -> None:
        self._interval_s = 1 / per_s
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for a turn."""
        now = asyncio.get_running_loop().time()
        at = max(now, self._next)
        self._next = at + self._interval_s
        if at > now:
            await asyncio.sleep(at - now)

    def pause(self, seconds: float) -> None:
        """Give out no turn for so long: the other side asked for it."""
        self._next = max(self._next, asyncio.get_running_loop().time() + seconds)
