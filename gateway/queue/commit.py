"""Group commit: requests that come while the disk is busy share the next write.

While a flush is in flight requests gather; its answer starts the next. So one fsync serves them all, a lone request
waits for nobody, and the load itself sets the batch size.

A flush belongs to the GroupCommit, never to a request: a client that goes away cancels only its own waiting. What was
submitted may then be accepted all the same, which is what its idempotency key is for.

Not here: the store (store.py), what to answer to a client (the send route).
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from types import TracebackType
from typing import Final, Protocol, Self, TypeAlias

import structlog

from gateway.queue import Accept, Accepted, Mismatch, OutcomeUnknown, QueueError, QueueUnavailable, Replayed
from gateway.queue.accepting import check
from gateway.queue.wire import again

Answer: TypeAlias = Accepted | Replayed | Mismatch
#: An answer, or the error in its place, for each request that was offered together.
Answers: TypeAlias = list[Answer | QueueError]
#: Requests that were offered together, and who waits for their answers.
Waiting: TypeAlias = tuple[Sequence[Accept], "asyncio.Future[Answers]"]

#: Largest flush: as many requests or as many bytes, whichever is first; what is offered together goes together.
BATCH_REQUESTS: Final = 512
BATCH_BYTES: Final = 1 << 20
#: Requests that may wait; one more is refused, for it would wait too long.
LINE_MAX: Final = 8192

log = structlog.get_logger(__name__)


class Acceptor(Protocol):
    """The one thing a group commit needs of the queue."""

    async def accept(self, requests: Sequence[Accept]) -> list[Answer | QueueError]:
        """Keep many requests; an answer each, in order."""


#: Told after each flush that ended: how many requests, how many seconds.
Observer: TypeAlias = Callable[[int, float], None]


def _unobserved(size: int, seconds: float) -> None:
    """Tell nobody."""


class GroupCommit:
    """Gathers concurrent accepts into flushes. Runs as an async context manager; leaving it flushes who still waits."""

    def __init__(
        self,
        queue: Acceptor,
        *,
        flights: int = 1,
        batch_requests: int = BATCH_REQUESTS,
        batch_bytes: int = BATCH_BYTES,
        line_max: int = LINE_MAX,
        observe: Observer = _unobserved,
    ) -> None:
        self._accept: Callable[[Sequence[Accept]], Awaitable[list[Answer | QueueError]]] = queue.accept
        self._flights = flights
        self._batch_requests = batch_requests
        self._batch_bytes = batch_bytes
        self._line_max = line_max
        self._observe = observe
        self._line: deque[Waiting] = deque()
        self._in_line = 0
        self._wake = asyncio.Event()
        self._open = False
        self._tasks: list[asyncio.Task[None]] = []

    async def submit(self, accept: Accept) -> Answer:
        """Keep one request durably; raises QueueError, and ValueError for bytes that cannot be packed.

        Cancelling it cancels the waiting, not the accept.
        """
        check(accept)  # Here, or whoever shares the flush would suffer.
        (answer,) = await self.offer((accept,))
        if isinstance(answer, QueueError):
            raise answer
        return answer

    def offer(self, accepts: Sequence[Accept]) -> "asyncio.Future[Answers]":
        """Put requests in line together; each gets its own answer. Raises QueueUnavailable when the line is full."""
        if not self._open:
            raise QueueUnavailable("unreachable", "shutting down")
        if self._in_line >= self._line_max:
            raise QueueUnavailable("full", "too many requests wait for the disk")
        waiter: asyncio.Future[Answers] = asyncio.get_running_loop().create_future()
        self._line.append((accepts, waiter))
        self._in_line += len(accepts)
        self._wake.set()
        return waiter

    async def __aenter__(self) -> Self:
        self._open = True
        self._tasks = [asyncio.create_task(self._run(), name=f"group-commit-{i}") for i in range(self._flights)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        self._wake.set()
        try:
            await asyncio.gather(*self._tasks)
        finally:
            _fail(self._line, QueueUnavailable("unreachable", "shutting down"))

    async def _run(self) -> None:
        """Flush until closed and nobody waits; with more than one flight, several of these run."""
        while True:
            if self._line:
                await self._flush(self._next_batch())
            elif self._open:
                self._wake.clear()
                await self._wake.wait()
            else:
                return

    def _next_batch(self) -> list[Waiting]:
        """Take from the line what goes into one flush; at least what was offered together, however large."""
        batch: list[Waiting] = []
        room, requests = self._batch_bytes, self._batch_requests
        while self._line and requests > 0 and room > 0:
            accepts, waiter = self._line.popleft()
            self._in_line -= len(accepts)
            if waiter.cancelled():
                continue  # Its client went away, and nothing is written yet.
            batch.append((accepts, waiter))
            requests -= len(accepts)
            room -= sum([len(packed) for accept in accepts for packed in (*accept.messages, *accept.refusals)])
        return batch

    async def _flush(self, batch: Sequence[Waiting]) -> None:
        if not batch:
            return
        began = time.perf_counter()
        try:
            together = [accept for accepts, _ in batch for accept in accepts]
            outcomes = iter(await self._accept(together))
            for accepts, waiter in batch:
                answers = [next(outcomes) for _ in accepts]
                if not waiter.done():  # Otherwise its client went away meanwhile.
                    waiter.set_result(answers)
            self._observe(len(together), time.perf_counter() - began)
        except Exception as crash:  # noqa: BLE001 - nobody may be left waiting, whatever went wrong
            log.error("flush_crashed", error=type(crash).__name__, requests=len(batch))  # noqa: TRY400 - no locals
        finally:
            _fail(batch, OutcomeUnknown("the flush did not come to an end"))


def _fail(batch: Iterable[Waiting], error: QueueError) -> None:
    """Answer whoever still waits: nobody is ever left hanging."""
    for accepts, waiter in batch:
        if not waiter.done():
            waiter.set_result([again(error) for _ in accepts])
