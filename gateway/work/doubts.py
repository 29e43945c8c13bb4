"""Attempts whose answer is lost: the carrier may have the message, or not, and every such unknown is resolved here.

The store is asked first (a receipt may have answered meanwhile), then the carrier where it can be asked, again for a
while where it does not answer, then the policy of the message's class decides. Nothing is sent here: a message that may
go again waits in its lane like any retry.

Not here: the rules (queue/retry.py).
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from gateway.connectors import CarrierAccepted, Connector, InDoubt
from gateway.connectors.offers import Answer, Queryable
from gateway.queue import Finish, Park, QueueError, Status, Stored
from gateway.queue.retry import DOUBT_POLICIES, GiveUp, RetryAt, Step, Submitted, after_doubt, asks_again, resends_in
from gateway.work.tenure import Job, WorkerQueue
from gateway.work.worker_options import WorkerOptions
from metrics.worker import WorkerMetrics

#: Doubts resolved together, each with a question to the carrier.
_TOGETHER_MAX: Final = 32
#: Pause while the store does not answer, in seconds.
_AGAIN_S: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt that is open: its number is on disk."""

    job: Job
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A message whose last attempt may have reached the carrier, and what makes us doubt."""

    job: Job
    code: str
    #: When the carrier was asked first, in milliseconds since the epoch; None: not yet.
    since_ms: int | None = None


def record(step: Step, attempt: Attempt, *, carrier: str, receipt_due_ms: int) -> None:
    """Have a step written down."""
    job = attempt.job
    match step:
        case Submitted(reference=reference, code=code):
            job.tenure.finish(
                Finish(
                    id=job.id,
                    status=Status.SUBMITTED,
                    attempt=attempt.number,
                    carrier=carrier,
                    carrier_reference=reference,
                    code=code,
                    receipt_due_ms=receipt_due_ms,
                )
            )
        case GiveUp(status=status, code=code):
            job.tenure.finish(Finish(id=job.id, status=status, attempt=attempt.number, carrier=carrier, code=code))
        case RetryAt(due_ms=due_ms, code=code):
            job.tenure.park(
                Park(
                    id=job.id,
                    payload=job.payload,
                    lane=job.lane,
                    due_ms=due_ms,
                    status=Status.QUEUED,
                    attempt=attempt.number,
                    code=code,
                )
            )


class Doubts:
    """Resolves the doubts about one carrier. run() does it until cancelled."""

    def __init__(
        self,
        connector: Connector,
        *,
        queue: WorkerQueue,
        options: WorkerOptions,
        metrics: WorkerMetrics,
        now_ms: Callable[[], int],
        rng: random.Random,
    ) -> None:
        self._connector = connector
        self._queue = queue
        self._options = options
        self._metrics = metrics
        self._now_ms = now_ms
        self._rng = rng
        self._waiting: deque[Doubt] = deque()
        self._wake = asyncio.Event()

    def put(self, doubt: Doubt) -> None:
        """Have a doubt resolved. It is in hand, so their number is bounded."""
        self._waiting.append(doubt)
        self._wake.set()

    async def run(self) -> None:
        """Resolve doubts until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                together = [self._waiting.popleft() for _ in range(min(_TOGETHER_MAX, len(self._waiting)))]
                await self._resolve(together)

    async def _resolve(self, doubts: Sequence[Doubt]) -> None:
        open_doubts: list[tuple[Doubt, Stored]] = []
        for doubt, stored in zip(doubts, await self._look(doubts), strict=True):
            if not doubt.job.tenure.held:
                continue  # Its next owner has the doubt now.
            if stored is None or stored.status is not Status.SUBMITTING:
                doubt.job.tenure.settled(doubt.job.id)  # A receipt has answered it.
            else:
                open_doubts.append((doubt, stored))
        answers = await asyncio.gather(*(self._ask(doubt.job.id) for doubt, _ in open_doubts))
        for (doubt, stored), answer in zip(open_doubts, answers, strict=True):
            self._decide(doubt, stored, answer)

    async def _look(self, doubts: Sequence[Doubt]) -> list[Stored | None]:
        while True:
            try:
                return await self._queue.look([doubt.job.id for doubt in doubts])
            except QueueError:
                await asyncio.sleep(_AGAIN_S)

    async def _ask(self, reference: str) -> Answer | None:
        if not isinstance(self._connector, Queryable):
            return None
        return await self._connector.query(reference)

    def _decide(self, doubt: Doubt, stored: Stored, answer: Answer | None) -> None:
        now_ms, envelope, schedule = self._now_ms(), doubt.job.envelope, self._options.schedule
        since_ms = now_ms if doubt.since_ms is None else doubt.since_ms
        if asks_again(answer, since_ms=since_ms, now_ms=now_ms, expires_ms=envelope.expires_ms, schedule=schedule):
            again = replace(doubt, since_ms=since_ms)
            asyncio.get_running_loop().call_later(schedule.ask_again_ms / 1000, self.put, again)
            return
        step = after_doubt(
            InDoubt(doubt.code),
            answer,
            policy=DOUBT_POLICIES[envelope.traffic_class],
            resends=resends_in(stored.events),
            now_ms=now_ms,
            expires_ms=envelope.expires_ms,
            rng=self._rng,
            schedule=schedule,
        )
        if isinstance(answer, CarrierAccepted):
            self._metrics.doubt("query")
        else:
            self._metrics.doubt("resend" if isinstance(step, RetryAt) else "unknown")
        record(
            step,
            Attempt(job=doubt.job, number=stored.attempts),
            carrier=self._connector.name,
            receipt_due_ms=now_ms + self._options.receipt_window_ms,
        )
