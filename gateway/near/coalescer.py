"""Many concurrent look-ups, one round trip: while one is in flight, asks gather; its answer starts the next.

The tasks belong to the coalescer, never to a request: a client that goes away cancels its own wait and nothing else.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Generic, TypeVar

Key = TypeVar("Key")
Answer = TypeVar("Answer")


class Coalescer(Generic[Key, Answer]):
    """Batches asks for keys into calls of one read function, which answers for all keys at once."""

    def __init__(self, read: Callable[[Collection[Key]], Awaitable[Answer]], *, most_keys: int = 4_096) -> None:
        self._read = read
        self._most_keys = most_keys
        self._waiting: list[tuple[Collection[Key], asyncio.Future[Answer]]] = []
        self._task: asyncio.Task[None] | None = None

    def ask(self, keys: Collection[Key]) -> asyncio.Future[Answer]:
        """Return the answer to come: of a read that covers these keys and maybe others. It fails as the read fails."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((keys, future))
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return future

    async def _run(self) -> None:
        # One turn of the loop lets everybody who is ready join the first read.
        await asyncio.sleep(0)
        while self._waiting:
            asked, keys = self._next_read()
            try:
                answer = await self._read(keys)
            except Exception as failure:  # noqa: BLE001 - whoever asked decides what a failed read means
                _settle(asked, failure=failure)
            else:
                _settle(asked, answer=answer)
        self._task = None

    def _next_read(self) -> tuple[list[asyncio.Future[Answer]], Collection[Key]]:
        wanted: dict[Key, None] = {}
        asked: list[asyncio.Future[Answer]] = []
        for keys, future in self._waiting:
            if asked and len(wanted) + len(keys) > self._most_keys:
                break
            wanted.update(dict.fromkeys(keys))
            asked.append(future)
        del self._waiting[: len(asked)]
        return asked, wanted


def _settle(
    asked: list[asyncio.Future[Answer]],
    *,
    answer: Answer | None = None,
    failure: Exception | None = None,
) -> None:
    for future in asked:
        if future.done():
            continue
        if failure is None:
            future.set_result(answer)  # type: ignore[arg-type]  # set whenever there is no failure
        else:
            future.set_exception(failure)
            future.exception()  # Seen here, so that a waiter who left makes no noise.
