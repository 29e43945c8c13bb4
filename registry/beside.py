"""Our own work while the database does its: it has a processor of its own, and a large change keeps both busy.

A transaction has one connection, and that does one thing at a time; so what goes on beside a statement is work that
asks the database nothing. It is done in turns: a large statement is sent on in between.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

T = TypeVar("T")

#: Rows a turn: about a millisecond's work.
_TURN: Final = 100


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Have some work done while the block is; what it raises, the end of the block raises.

    The work ends before anything goes on, also where the block raises: a connection is never left in mid-statement.
    """
    task = asyncio.create_task(work)
    await asyncio.sleep(0)
    try:
        yield
    finally:
        await task


async def in_turns(items: Sequence[T], size: int = _TURN) -> AsyncIterator[Sequence[T]]:
    """Give items some at a time, and let others run in between."""
    for first in range(0, len(items), size):
        yield items[first : first + size]
        await asyncio.sleep(0)
