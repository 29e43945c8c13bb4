"""Keeps the rate limits of TCR before TCR has to: so many requests in any period, whoever of us asks.

A turn is given back a whole period after its request has ended, not after it began: TCR counts a request when it
arrives, which is somewhere in between. So no period of theirs ever holds more than the limit, however slow the network.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Bucket:
    """The turns of one kind of request. Those who wait get theirs in the order in which they came."""

    def __init__(self, turns: int, period_s: float) -> None:
        self._period_s = period_s
        self._free = asyncio.Semaphore(turns)
        #: Nobody asks before this, on the loop's clock.
        self._not_before = 0.0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn, and have it for the block."""
        loop = asyncio.get_running_loop()
        await self._free.acquire()
        try:
            while (wait_s := self._not_before - loop.time()) > 0:  # noqa: ASYNC110 - it may be moved meanwhile
                await asyncio.sleep(wait_s)
            yield
        finally:
            loop.call_later(self._period_s, self._free.release)

    def hold_off(self, seconds: float) -> None:
        """Let nobody ask for a while: TCR said that it was too much, so somebody else asks with our key."""
        self._not_before = max(self._not_before, asyncio.get_running_loop().time() + seconds)
