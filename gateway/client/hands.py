"""Many requests at once: so many hands that take work until there is none, and no faster than was asked for."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any


async def at_once(count: int, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run work() so many times side by side until all have ended; the first failure ends all and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(work())
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None


class Pace:
    """Keeps messages from going faster than a rate."""

    def __init__(self, per_second: float) -> None:
        #: Seconds a message; 0 means as fast as it goes.
        self._each_s = 1 / per_second if per_second else 0.0
        self._next_at = 0.0

    async def turn(self, messages: int) -> None:
        """Wait until so many messages may go. Time that nobody used is not made up for."""
        if self._each_s:
            now = time.monotonic()
            starts_at = max(now, self._next_at)
            self._next_at = starts_at + messages * self._each_s
            await asyncio.sleep(starts_at - now)
