"""Our own work while the database does its: it has a processor of its own, and a large change keeps both busy.

A transaction has one connection, and that does one thing at a time: what it is to do stands in a Line, and whoever adds
to the line goes on with work that asks the database nothing. That is done in turns: the next statement is sent on in
between.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Final, Self, TypeVar

T = TypeVar("T")
#: Begins some work when it is called.
Piece = Callable[[], Awaitable[Any]]

#: Rows a turn: about a millisecond's work.
_TURN: Final = 100
#: Pieces that may wait behind the one that is being done: about what one portion of a file is (bulk/batches.py).
_WAITING: Final = 4


class Line:
    """Pieces of work, done one after the other while more of them are prepared.

    Once a piece has raised, none behind it is begun, and the error is raised as it is to whoever adds or waits next. At
    the end of the block all are done; where it raises, those that wait are dropped. No piece is left half done: a
    connection is not in mid-statement when its transaction is rolled back. (Who is cancelled while waiting for a piece
    ends the piece as well, and the driver throws the connection away.)
    """

    def __init__(self) -> None:
        self._waiting: deque[Piece] = deque()
        self._work: asyncio.Task[None] | None = None
        self._begun = asyncio.Event()

    async def add(self, piece: Piece) -> None:
        """Have a piece done after all others; waits while very many are waiting."""
        if self._work is not None and self._work.done():
            self._work.result()
            self._work = None
        self._waiting.append(piece)
        if self._work is None:
            self._work = asyncio.create_task(self._do())
        await asyncio.sleep(0)
        while len(self._waiting) > _WAITING and not self._work.done():
            self._begun.clear()
            await self._begun.wait()

    async def done(self) -> None:
        """Wait until all are done."""
        if self._work is not None:
            await self._work

    async def __aenter__(self) -> Self:
        """Begin without any."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the last, or only for the one that is being done."""
        if kind is None:
            await self.done()
            return
        self._waiting.clear()
        try:
            await self.done()
        except Exception as fault:  # noqa: BLE001 - the block's own error goes up, and says that this was
            if error is not None and fault is not error:
                error.add_note(f"Beside it, a piece of work raised {type(fault).__name__}.")

    async def _do(self) -> None:
        try:
            while self._waiting:
                piece = self._waiting.popleft()
                self._begun.set()
                await piece()
        finally:
            self._begun.set()


async def in_turns(items: Sequence[T], size: int = _TURN) -> AsyncIterator[Sequence[T]]:
    """Give items some at a time, and let others run in between."""
    for first in range(0, len(items), size):
        yield items[first : first + size]
        await asyncio.sleep(0)
