"""One owner's time with one partition: the lease, what is in hand, and the group commit of what became of it.

What is to be written gathers while the disk is busy with the write before; so one fsync serves many messages, and
nobody waits for a write but the hand: a message leaves it when its end is on disk. A write whose answer was lost is
written again, which the store's functions are made for.

When the lease is over, nothing of all this may be used: held says so by a clock that also counts sleep and suspension.

Not here: who takes and renews the lease (partition_owner.py), the functions behind the writes (queue/).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeAlias, TypeVar

import structlog

from gateway import failpoints
from gateway.clock import boottime_s
from gateway.envelope import Envelope
from gateway.queue import (
    TERMINAL,
    Begin,
    Begun,
    Fenced,
    Finish,
    OutcomeUnknown,
    OwnedQueue,
    Park,
    Queue,
    QueueError,
    Status,
    Taken,
)
from gateway.work.hand import Hand

#: Messages in one write; the store's functions take some thousand values.
_WRITE_MAX: Final = 400
#: Pauses between two tries of a write that the store did not answer, in seconds.
_AGAIN_MIN_S: Final = 0.05
_AGAIN_MAX_S: Final = 1.0

T = TypeVar("T")
#: Partition and epoch, sender and recipient: order is kept within one tenure, another owner begins with doubts.
Conversation: TypeAlias = tuple[int, int, str | None, str]

log = structlog.get_logger(__name__)


class WorkerQueue(Queue, OwnedQueue, Protocol):
    """What a worker asks of the queue store."""


class Tenure:
    """What the owner of a partition may do with it, as long as the lease holds."""

    def __init__(
        self,
        queue: WorkerQueue,
        *,
        partition: int,
        epoch: int,
        until_s: float,
        in_hand_max: int,
        ended: Callable[[str], None],
    ) -> None:
        self.partition = partition
        self.epoch = epoch
        self.hand = Hand(in_hand_max)
        #: Set as soon as anybody learns that the partition is somebody else's.
        self.lost = asyncio.Event()
        self._queue = queue
        self._until_s = until_s
        self._ended = ended
        self._finishes: list[Finish] = []
        self._parks: list[Park] = []
        self._wake = asyncio.Event()

    @property
    def held(self) -> bool:
        """Whether the partition is surely ours at this moment."""
        return not self.lost.is_set() and boottime_s() < self._until_s

    def renewed(self, until_s: float) -> None:
        """Note that the lease holds until then, by boottime_s()."""
        self._until_s = until_s

    async def take(self, *, count: int, pending_after: str | None, received: str) -> tuple[list[Taken], str | None]:
        """Read log entries."""
        return await self._queue.take(
            self.partition, self.epoch, count=count, pending_after=pending_after, received=received
        )

    async def due(self, lane: str, *, now_ms: int, count: int) -> list[Taken]:
        """Read parked messages whose time has come."""
        return await self._queue.due(self.partition, self.epoch, lane, now_ms=now_ms, count=count)

    async def begin(self, jobs: "Sequence[Job]") -> list[Begun]:
        """Durably open an attempt each. Raises QueueUnavailable when none was opened.

        Nothing may overtake a message of which nobody knows whether its attempt is open: once an answer is lost, this
        asks until there is one. An attempt that is open then is the one that was asked for, since nobody else may open
        any.
        """
        begins = [Begin(id=job.id, payload=job.payload, attempts=job.attempts) for job in jobs]
        try:
            return await self._queue.begin(self.partition, self.epoch, begins)
        except Fenced:
            self.lost.set()
            raise
        except OutcomeUnknown as error:
            log.warning("begin_repeated", partition=self.partition, messages=len(jobs), error=str(error))
        again = await self._surely(lambda: self._queue.begin(self.partition, self.epoch, begins))
        return [
            replace(begun, attempt=job.attempts + 1) if begun.status is Status.SUBMITTING else begun
            for job, begun in zip(jobs, again, strict=True)
        ]

    def finish(self, finish: Finish) -> None:
        """Write soon what a message ended as; it is in hand until that is on disk."""
        self._finishes.append(finish)
        self._wake.set()

    def park(self, park: Park) -> None:
        """Put a message aside soon; it is in hand until that is on disk."""
        self._parks.append(park)
        self._wake.set()

    def settled(self, message_id: str) -> None:
        """Put away a message that the store knows to be ended, submitted or gone: there is nothing to write."""
        self.hand.settle(message_id)
        self._wake.set()

    async def finish_now(self, finishes: Sequence[Finish]) -> None:
        """Write what messages ended as, and return when it is on disk."""
        failpoints.passed("worker.before_finish")
        statuses = await self._surely(lambda: self._queue.finish(self.partition, self.epoch, finishes))
        failpoints.passed("worker.after_finish")
        for finish, status in zip(finishes, statuses, strict=True):
            if status is finish.status and status in TERMINAL:
                self._ended(status)
            self.hand.settle(finish.id)

    async def park_now(self, parks: Sequence[Park]) -> None:
        """Put messages aside, and return when that is on disk."""
        await self._surely(lambda: self._queue.park(self.partition, self.epoch, parks))
        for park in parks:
            self.hand.settle(park.id)
        self._wake.set()  # Their entries may go, also when nothing else is written for long.

    async def deliver_im(self, tenant: str, user: str, message_id: str, payload: bytes) -> None:
        """Copy an instant message into an inbox."""
        await self._surely(lambda: self._queue.deliver_im(tenant, user, message_id, payload))

    async def write(self) -> None:
        """Write what gathers, until cancelled. Raises Fenced when the partition is somebody else's."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._finishes or self._parks:
                finishes, self._finishes = self._finishes[:_WRITE_MAX], self._finishes[_WRITE_MAX:]
                parks, self._parks = self._parks[:_WRITE_MAX], self._parks[_WRITE_MAX:]
                if finishes:
                    await self.finish_now(finishes)
                if parks:
                    await self.park_now(parks)
            await self.acknowledge()

    async def acknowledge(self) -> None:
        """Let the log entries go that are settled as a whole."""
        if not (entries := self.hand.entries_through()):
            return
        try:
            await self._surely(lambda: self._queue.acknowledge(self.partition, self.epoch, entries))
        except ValueError as error:
            # They stay in the log, and the next owner reads them again: nothing is lost, but somebody must look.
            log.error("entries_acknowledged_too_early", partition=self.partition, exc_info=error)  # noqa: TRY400

    async def _surely(self, call: Callable[[], Awaitable[T]]) -> T:
        """Ask until there is an answer; Fenced once the partition is not ours any more."""
        pause_s = _AGAIN_MIN_S
        while True:
            if not self.held:
                self.lost.set()
                raise Fenced
            try:
                return await call()
            except Fenced:
                self.lost.set()
                raise
            except QueueError as error:
                log.warning("queue_write_repeated", partition=self.partition, error=type(error).__name__)
            await asyncio.sleep(pause_s)
            pause_s = min(_AGAIN_MAX_S, pause_s * 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A message in hand, read."""

    id: str
    payload: bytes
    envelope: Envelope
    #: "<carrier>/<class>".
    lane: str
    #: Attempts begun so far.
    attempts: int
    tenure: Tenure
    conversation: Conversation
    #: When it came into this worker's hands, on the event loop's clock.
    since_s: float
