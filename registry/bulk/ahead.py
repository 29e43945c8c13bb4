"""Reads a file in batches, one ahead: the next is read while the last one is being written.

Two batches are in memory at a time, and neither is of more bytes than _BYTES.

Not here: what a row is (reading.py), and where its bytes come from (jobs.py, routes.py).
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from typing import Final, Self

from registry.bulk import batches
from registry.bulk.columns import Kind
from registry.bulk.reading import Row, Rows

#: A batch of long rows has fewer of them.
_BYTES: Final = 4 << 20


class Ahead:
    """Batches of a file, of which the next can be read while the last one is being written. Made by read_ahead()."""

    def __init__(self, found: AsyncIterator[list[Row]]) -> None:
        self._batches = found
        self._next: asyncio.Task[list[Row] | None] | None = None

    def go_on(self) -> None:
        """Read the next batch meanwhile; what is wrong with it is said when it is asked for."""
        if self._next is None:
            self._next = asyncio.create_task(self._read())

    async def __anext__(self) -> list[Row]:
        self.go_on()
        if self._next is None or (some := await self._next) is None:
            raise StopAsyncIteration
        self._next = None
        return some

    def __aiter__(self) -> Self:
        return self

    async def end(self) -> None:
        """Read no more."""
        if self._next is not None:
            self._next.cancel()
            await asyncio.gather(self._next, return_exceptions=True)

    async def _read(self) -> list[Row] | None:
        return await anext(self._batches, None)


@asynccontextmanager
async def read_ahead(data: AsyncIterable[bytes], kind: Kind, *, skip: int = 0) -> AsyncIterator[Ahead]:
    """Give the batches of a file that comes in parts, from behind the first rows."""
    async with aclosing(in_batches(data, kind, skip)) as found:
        ahead = Ahead(found)
        try:
            yield ahead
        finally:
            await ahead.end()


async def in_batches(data: AsyncIterable[bytes], kind: Kind, skip: int = 0) -> AsyncGenerator[list[Row], None]:
    """Give the batches of a file that comes in parts, from behind the first rows; each is read when it is asked for."""
    rows, some, seen, size = Rows(kind), list[Row](), 0, 0

    def full(read: Iterator[Row]) -> Iterator[list[Row]]:
        nonlocal seen, some
        for row in read:
            seen += 1
            if seen > skip:
                some.append(row)
            if len(some) == batches.BATCH:
                yield some
                some = []

    async for part in data:
        size += len(part)
        for batch in full(rows.feed(part)):
            yield batch
            size = 0
        if size >= _BYTES and some:
            yield some
            some, size = [], 0
    for batch in full(rows.end()):
        yield batch
    if some:
        yield some
