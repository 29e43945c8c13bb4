"""Brings messages to one carrier: judge again, say so on disk, send, write down what came of it.

All that is ready goes through these steps together: one recheck and one begin a batch, while the batch before is at the
carrier and the next one gathers. What is under way is bounded by the connector's window.

Not here: which messages go next (lanes.py), what an answer means (queue/retry.py), answers that were lost (doubts.py).
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import structlog

from compliance.codes import Code
from compliance.decision import Decision, Finding, Severity, Verdict
from gateway import failpoints
from gateway.clock import boottime_s
from gateway.connectors import (
    CarrierAccepted,
    CarrierMisconfigured,
    CarrierRejected,
    CarrierTemporary,
    CarrierThrottled,
    Connector,
    InDoubt,
    Outcome,
    Submission,
)
from gateway.connectors.offers import Batching
from gateway.in_force import JUDGED_WITHIN_S
from gateway.near.source import CHECK_TO_WRITE_MS
from gateway.queue import Fenced, Finish, Park, QueueError, Status, Stored
from gateway.queue.retry import VALIDITY_EXPIRED, GiveUp, RetryAt, Said, Step, after, after_defer, failures_in
from gateway.work.doubts import Attempt, Doubt, Doubts, record
from gateway.work.lanes import Lanes
from gateway.work.recheck import Recheck
from gateway.work.tenure import Job, Tenure, WorkerQueue
from gateway.work.worker_options import WorkerOptions
from metrics.worker import WorkerMetrics

#: Outcomes by the word they are counted under.
OUTCOME_WORDS: Final[dict[type[Outcome], str]] = {
    CarrierAccepted: "accepted",
    CarrierRejected: "rejected",
    CarrierThrottled: "throttled",
    CarrierTemporary: "temporary",
    CarrierMisconfigured: "misconfigured",
    InDoubt: "in_doubt",
}
#: What waited longer between check and write, for the queue store, is judged again.
CHECK_TO_WRITE_S: Final = CHECK_TO_WRITE_MS / 1_000
#: With a store that is slow each time, so often; what takes longer than this even then goes back for a while.
_JUDGED_AGAIN_MOST: Final = 3
_JUDGED_TOO_SLOWLY: Final = "judged_too_slowly"
#: A recheck that failed is no pass.
_CANNOT_SAY: Final = Decision(
    Verdict.BLOCK, Code.REGISTRY_UNAVAILABLE, (Finding(Code.REGISTRY_UNAVAILABLE, Severity.BLOCK),)
)

log = structlog.get_logger(__name__)


class Dispatcher:
    """One carrier's share of the work. run() does it until cancelled."""

    def __init__(
        self,
        connector: Connector,
        *,
        queue: WorkerQueue,
        recheck: Recheck,
        options: WorkerOptions,
        metrics: WorkerMetrics,
        now_ms: Callable[[], int],
        rng: random.Random,
    ) -> None:
        self.lanes = Lanes(connector.name, changed=self._wake_up)
        self.doubts = Doubts(connector, queue=queue, options=options, metrics=metrics, now_ms=now_ms, rng=rng)
        self._connector = connector
        self._group_max = connector.batch_max if isinstance(connector, Batching) else 1
        self._queue = queue
        self._recheck = recheck
        self._options = options
        self._metrics = metrics
        self._now_ms = now_ms
        self._rng = rng
        self._wake = asyncio.Event()
        self._under_way = 0

    async def run(self) -> None:
        """Send what the lanes hold, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.doubts.run())
            while True:
                self._wake.clear()
                groups = self.lanes.take(self._connector.window - self._under_way, self._group_max)
                if not groups:
                    await self._wake.wait()
                    continue
                self._under_way += sum(map(len, groups))
                attempts, judged_s = await self._prepare([job for group in groups for job in group])
                for group in groups:
                    # A group may have lost some on the way; what is left of it shares a request.
                    if ready := [attempts[job.id] for job in group if job.id in attempts]:
                        tasks.create_task(self._submit(group, ready, judged_s))
                    else:
                        self._done(group)

    def _wake_up(self) -> None:
        self._wake.set()

    def _done(self, group: Sequence[Job]) -> None:
        """Make room in the window and let the conversations go on."""
        self._under_way -= len(group)
        self.lanes.done(group)

    async def _prepare(self, jobs: Sequence[Job]) -> tuple[dict[str, Attempt], float]:
        """Clear messages for submission and begin an attempt each; what may not go is seen to here.

        Returns the attempts by message, and when judging them began: what was read for it may be as old as that.
        """
        now_ms = self._now_ms()
        fresh = []
        for job in jobs:
            if job.envelope.expires_ms <= now_ms:
                job.tenure.finish(Finish(id=job.id, payload=job.payload, status=Status.EXPIRED, code=VALIDITY_EXPIRED))
            elif job.tenure.held:
                fresh.append(job)
        attempts: dict[str, Attempt] = {}
        by_tenure: dict[Tenure, list[Job]] = {}
        judged_s = boottime_s()
        for job in await self._clear(fresh):
            by_tenure.setdefault(job.tenure, []).append(job)
        for begun in await asyncio.gather(*(self._begin(*of) for of in by_tenure.items())):
            attempts |= begun
        return attempts, judged_s

    async def _clear(self, jobs: Sequence[Job]) -> list[Job]:
        """Judge again; those that may go now."""
        if not jobs:
            return []
        cleared, held = [], []
        for job, decision in zip(jobs, await self._decisions(jobs), strict=True):
            if decision.verdict is Verdict.DEFER:
                due_ms = after_defer(decision.reason, now_ms=self._now_ms(), rng=self._rng)
                job.tenure.park(
                    Park(
                        id=job.id,
                        payload=job.payload,
                        lane=job.lane,
                        due_ms=min(due_ms, job.envelope.expires_ms),
                        status=Status.SCHEDULED,
                        code=decision.reason,
                    )
                )
            elif decision.verdict is not Verdict.BLOCK:
                cleared.append(job)
            elif decision.reason is Code.REGISTRY_UNAVAILABLE:
                held.append(job)
            else:
                self._metrics.recheck_blocked(decision.reason)
                job.tenure.finish(Finish(id=job.id, payload=job.payload, status=Status.BLOCKED, code=decision.reason))
        # Nobody overtakes a held message of the same conversation.
        waiting = {job.conversation for job in held}
        going = [job for job in cleared if job.conversation not in waiting]
        staying = {job.id for job in held + cleared} - {job.id for job in going}
        self._hold([job for job in jobs if job.id in staying])
        return going

    async def _decisions(self, jobs: Sequence[Job]) -> Sequence[Decision]:
        try:
            return await self._recheck.recheck([job.envelope for job in jobs])
        except Exception as crash:  # A rule that crashes is no pass, and no end of the worker either.
            log.error("recheck_crashed", messages=len(jobs), exc_info=crash)  # noqa: TRY400 - the place, not its words
            if len(jobs) == 1:
                return [_CANNOT_SAY]
        # One of them is to blame; the others are other people's.
        return [decision for (decision,) in await asyncio.gather(*(self._decisions([job]) for job in jobs))]

    def _hold(self, jobs: Iterable[Job]) -> None:
        """Try again a little later, in memory; the store knows nothing of it."""
        self.lanes.hold(jobs, self._options.hold_ms / 1000)

    async def _begin(self, tenure: Tenure, jobs: Sequence[Job]) -> dict[str, Attempt]:
        """Say durably that attempts are about to be made, on one partition; those that may be made."""
        failpoints.passed("worker.before_begin")
        try:
            begun = await tenure.begin(jobs)
        except Fenced:
            return {}
        except QueueError:
            self._hold(jobs)
            return {}
        failpoints.passed("worker.after_begin")
        attempts = {}
        for job, answer in zip(jobs, begun, strict=True):
            if answer.attempt is not None:
                attempts[job.id] = Attempt(job=job, number=answer.attempt)
            elif answer.status is Status.SUBMITTING:
                self.doubts.put(Doubt(job=job, code="left_open"))
            else:
                tenure.settled(job.id)  # Cancelled, or a receipt was faster than we were.
        return attempts

    async def _clear_in_time(self, attempts: Sequence[Attempt], judged_s: float) -> tuple[Sequence[Attempt], float]:
        """Judge again what was judged too long ago, until that is quick; those that may go, and when that began.

        Judging is as old as its first read: a process that stood still meanwhile finds answers that have waited for it.
        """
        for _ in range(_JUDGED_AGAIN_MOST):
            if not attempts or boottime_s() - judged_s <= CHECK_TO_WRITE_S:
                return attempts, judged_s
            judged_s = boottime_s()
            attempts = await self._clear_again(attempts)
        if boottime_s() - judged_s <= JUDGED_WITHIN_S:
            return attempts, judged_s
        for attempt in attempts:
            step = RetryAt(due_ms=self._now_ms() + self._options.hold_ms, code=_JUDGED_TOO_SLOWLY)
            record(step, attempt, carrier="", receipt_due_ms=0)
        return [], judged_s

    async def _clear_again(self, attempts: Sequence[Attempt]) -> list[Attempt]:
        """Judge again what has an attempt; those that may go. The others end, or go back into their lanes."""
        going = []
        for attempt, decision in zip(attempts, await self._decisions([one.job for one in attempts]), strict=True):
            job, now_ms = attempt.job, self._now_ms()
            if decision.verdict not in {Verdict.BLOCK, Verdict.DEFER}:
                going.append(attempt)
                continue
            step: Step = RetryAt(due_ms=now_ms + self._options.hold_ms, code=decision.reason)
            if decision.verdict is Verdict.DEFER:
                due_ms = after_defer(decision.reason, now_ms=now_ms, rng=self._rng)
                step = RetryAt(due_ms=min(due_ms, job.envelope.expires_ms), code=decision.reason)
            elif decision.reason is not Code.REGISTRY_UNAVAILABLE:
                self._metrics.recheck_blocked(decision.reason)
                step = GiveUp(status=Status.BLOCKED, code=decision.reason)
            record(step, attempt, carrier="", receipt_due_ms=0)
        return going

    async def _submit(self, group: Sequence[Job], attempts: Sequence[Attempt], judged_s: float) -> None:
        """Send one request's worth and write down what came of it."""
        attempts, judged_s = await self._clear_in_time(attempts, judged_s)
        now_ms = self._now_ms()
        going = []
        for attempt in attempts:
            if attempt.job.envelope.expires_ms <= now_ms:
                attempt.job.tenure.finish(
                    Finish(id=attempt.job.id, status=Status.EXPIRED, attempt=attempt.number, code=VALIDITY_EXPIRED)
                )
            elif attempt.job.tenure.held:  # Asked last of all; whatever waits from here on waits for a connection.
                going.append(attempt)
        began_s = time.perf_counter()
        failpoints.passed("worker.before_write")
        outcomes = await self._outcomes(going, judged_s + JUDGED_WITHIN_S) if going else []
        failpoints.passed("worker.after_write")
        seconds = time.perf_counter() - began_s
        self._done(group)
        for outcome in outcomes:
            self._metrics.submitted(self._connector.name, OUTCOME_WORDS[type(outcome)], seconds)
        await self._conclude(going, outcomes)

    async def _outcomes(self, attempts: Sequence[Attempt], good_until_s: float) -> Sequence[Outcome]:
        try:
            return await self._connector.submit([_submission(attempt.job, good_until_s) for attempt in attempts])
        except Exception as crash:  # The carrier may have them, whatever broke here.
            log.error("connector_crashed", carrier=self._connector.name, exc_info=crash)  # noqa: TRY400 - the same
            return [InDoubt("connector_crashed")] * len(attempts)

    async def _conclude(self, attempts: Sequence[Attempt], outcomes: Sequence[Outcome]) -> None:
        """Take each one's next step."""
        said: list[tuple[Attempt, Said]] = []
        for attempt, outcome in zip(attempts, outcomes, strict=True):
            if isinstance(outcome, InDoubt):
                self.doubts.put(Doubt(job=attempt.job, code=outcome.code))
            else:
                said.append((attempt, outcome))
        failures = await self._failures([attempt for attempt, outcome in said if isinstance(outcome, CarrierTemporary)])
        now_ms = self._now_ms()
        for attempt, outcome in said:
            step = after(
                outcome,
                failures=failures.get(attempt.job.id, 0),
                now_ms=now_ms,
                expires_ms=attempt.job.envelope.expires_ms,
                rng=self._rng,
                schedule=self._options.schedule,
            )
            if isinstance(outcome, CarrierThrottled | CarrierMisconfigured):
                self._pause(attempt.job.lane, outcome, step, now_ms)
            if isinstance(step, RetryAt):
                self._metrics.retried(self._connector.name)
            record(step, attempt, carrier=self._connector.name, receipt_due_ms=now_ms + self._options.receipt_window_ms)

    def _pause(self, lane: str, outcome: CarrierThrottled | CarrierMisconfigured, step: Step, now_ms: int) -> None:
        """Stop a lane for as long as the carrier, or our ignorance of it, asks for."""
        until_ms = step.due_ms if isinstance(step, RetryAt) else now_ms + self._options.schedule.throttle_ms
        if isinstance(outcome, CarrierMisconfigured):
            until_ms = now_ms + self._options.schedule.misconfigured_ms
            log.error("carrier_misconfigured", lane=lane, code=outcome.code, paused_ms=until_ms - now_ms)
        self.lanes.pause(lane, (until_ms - now_ms) / 1000)

    async def _failures(self, attempts: Sequence[Attempt]) -> dict[str, int]:
        """Count how often each was refused for now, this time included. A first attempt needs no look."""
        failures = {attempt.job.id: 1 for attempt in attempts}
        again = [attempt.job.id for attempt in attempts if attempt.number > 1]
        stored: Sequence[Stored | None] = []
        if again:
            try:
                stored = await self._queue.look(again)
            except QueueError:
                # Its number says it too, only with the throttled ones in it: the wait is a little long.
                return {attempt.job.id: attempt.number for attempt in attempts}
        return failures | {one.id: 1 + failures_in(one.events) for one in stored if one is not None}


def _submission(job: Job, good_until_s: float) -> Submission:
    envelope = job.envelope
    return Submission(
        reference=job.id,
        sender=envelope.sender or "",
        recipient=envelope.recipient,
        text=envelope.text,
        media=tuple((item.type, item.bytes) for item in envelope.media),
        campaign_id=envelope.campaign_id,
        good_until_s=good_until_s,
    )
