"""Tasks that go on for as long as the process: one that falls over says so, counts, and begins again.

A fault of ours in one of them must neither end the others nor pass unseen.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import structlog

_PAUSE_S: Final = 5.0
#: So long tidying up may take before it is cancelled as well.
_AGAIN_S: Final = 5.0

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
        await stop(task)


async def stop(*tasks: asyncio.Task[None]) -> None:
    """Cancel tasks until each has ended; a fault that ended one before is left for whoever looks at the task.

    Once may not be enough: where tidying up after a cancellation raises an error, that goes up in its place (alembic
    does so in the middle of a migration), and who waits errors out goes on.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_AGAIN_S)
