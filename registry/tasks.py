"""Tasks that go on for as long as the process: one that falls over says so, counts, and begins again.

A fault of ours in one of them must neither end the others nor pass unseen.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import structlog

_PAUSE_S: Final = 5.0

_log = structlog.get_logger()


async def never_ending(name: str, run: Callable[[], Awaitable[None]], *, pause_s: float = _PAUSE_S) -> None:
    """Run something that should not end, again and again, until cancelled."""
    while True:
        try:
            await run()
            _log.error("task_ended", task=name)
        except Exception as fault:  # noqa: BLE001 - a bug of ours: said, and tried again
            _log.error("task_crashed", task=name, error=type(fault).__name__, exc_info=fault)
        await asyncio.sleep(pause_s)


@contextlib.asynccontextmanager
async def kept(name: str, run: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Run something for the length of the block."""
    task = asyncio.create_task(never_ending(name, run), name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
