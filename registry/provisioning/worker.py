"""The task that carries wishes to the aggregator, and what became of them back: look, decide, ask, look again.

Nothing is held in memory between two turns. Each number of a batch is read at the aggregator first; then steps.py says
what to do, and its result is written in one transaction that makes sure the wish is still the same. A process that dies
anywhere leaves a row that is due again within half a minute, and the next look finds how far it had come.

Numbers of a batch are worked on side by side, batches one after the other: so a new wish for a number is never worked
on while a call for the older one is still out.

Not here: what the aggregator tells by itself (hook.py); that only makes it quicker.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from metrics.registry import RegistryMetrics
from registry.database import Database
from registry.provisioning import jobs, steps
from registry.provisioning.client import AggregatorClient, AggregatorError, Reason, RefusedError, Shown
from registry.provisioning.jobs import Patience
from registry.provisioning.reasons import sentence_of
from registry.provisioning.steps import Ask, Confirm, Drop, Job, LookUp, Remedy, Step, View, next_step

_BATCH: Final = 8
#: A claimed job is another's again after so long; its work ends before that.
_CLAIM: Final = timedelta(seconds=30)
_WORK_S: Final = 25.0
#: How often new wishes of other processes are looked for.
_POLL_S: Final = 0.5
_DATABASE_AWAY_S: Final = 1.0
#: Longest pause after turns that failed.
_PAUSE_MAX: Final = timedelta(minutes=10)
#: How often the jobs are counted.
_COUNT: Final = timedelta(seconds=10)
#: Steps for one number in one turn: the longest way is look, ask, wait.
_STEPS_MAX: Final = 6

log = structlog.get_logger()


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class Worker:
    """Works off provisioning_jobs. run() until cancelled."""

    def __init__(
        self,
        database: Database,
        client: AggregatorClient,
        patience: Patience,
        metrics: RegistryMetrics,
        *,
        now: Callable[[], datetime] = utc_now,
        poll_s: float = _POLL_S,
        claim: timedelta = _CLAIM,
    ) -> None:
        self._database = database
        self._client = client
        self._patience = patience
        self._metrics = metrics
        self._now = now
        self._poll_s = poll_s
        self._claim = claim
        #: For pauses that differ, not for secrets.
        self._draws = random.Random()  # noqa: S311
        self._count_at = now()
        #: Turns in a row that failed, by number; a new process may begin to count anew.
        self._failures: dict[str, int] = {}
        #: Set it to have due jobs taken at once.
        self.wake = asyncio.Event()
        #: One word for why the aggregator cannot be worked with; None while it can.
        self.trouble: str | None = None

    async def run(self) -> None:
        """Work until cancelled; waits out a database or an aggregator that is gone."""
        while True:
            try:
                worked = await self.work_once()
            except (OperationalError, InterfaceError, OSError) as error:
                log.warning("provisioning_failed", trouble="database", error=type(error).__name__)
                await asyncio.sleep(_DATABASE_AWAY_S)
                continue
            if not worked:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_s):
                        await self.wake.wait()
                self.wake.clear()

    async def work_once(self) -> int:
        """Take the jobs that are due, at most a batch; returns how many there were."""
        now = self._now()
        async with self._database.reading() as connection:
            await self._count_jobs(connection, now)
            if not await jobs.any_due(connection, now):
                return 0
        async with self._database.writing() as connection:
            claimed = await jobs.claim(connection, now=now, most=_BATCH, until=now + self._claim)
        async with asyncio.TaskGroup() as group:
            for job in claimed:
                group.create_task(self._work(job))
        return len(claimed)

    async def _count_jobs(self, connection: AsyncConnection, now: datetime) -> None:
        if now >= self._count_at:
            self._count_at = now + _COUNT
            self._metrics.provisioning_jobs(await jobs.count_by_state(connection))

    async def _work(self, job: Job) -> None:
        """Bring one number as far as it comes now."""
        try:
            try:
                async with asyncio.timeout(_WORK_S):
                    await self._advance(job)
                self._talked(None)
                self._failures.pop(job.did, None)
            except AggregatorError as error:
                self._talked(error)
                await self._put_off(job, error.retry_after_s or 0.0)
            except TimeoutError as error:
                self._talked(error)
                await self._put_off(job, 0.0)
        except (OperationalError, InterfaceError, OSError) as error:  # Its claim runs out, then it is taken again.
            log.warning("provisioning_failed", trouble="database", error=type(error).__name__)
        except Exception as failure:  # One number must not stop the others.
            log.exception("provisioning_crashed", error=type(failure).__name__)

    async def _advance(self, job: Job) -> None:
        """Look, and take steps until one of them is to wait or there is nothing left to do."""
        shown = await self._client.read(job.did)
        for _ in range(_STEPS_MAX):
            step, now_job = await self._step(job, partial(next_step, shown=shown))
            match step:
                case Ask():
                    try:
                        shown = await self._ask(now_job, step)
                    except RefusedError as no:
                        why = sentence_of([Reason(code=no.code, detail=no.sentence)])
                        await self._step(job, partial(steps.refused, shown=shown, why=why))
                        return
                case LookUp():
                    seen = await self._client.look_up(job.did)
                    step, _now = await self._step(job, partial(_after_look_up, shown=shown, seen=seen))
                    if not isinstance(step, Remedy):
                        return
                case Confirm(last=False) | Remedy():
                    pass  # What comes next is already known to be due.
                case _:
                    return

    async def _step(self, job: Job, decide: Callable[[View], Step]) -> tuple[Step, Job]:
        """Decide a step and write it, if the wish is still the same; a question is only noted."""
        async with self._database.writing() as connection:
            view = await jobs.view_of(connection, job.did, self._patience, self._now())
            if view is None or view.job.wish != job.wish:
                return Drop(), job  # (Nothing is written: another wish is due by itself.)
            step = decide(view)
            if isinstance(step, Ask):
                await jobs.asked(connection, view, step)
            else:
                await jobs.take(connection, view, step, self._patience)
        self._metrics.provisioning_step(type(step).__name__.lower())
        return step, view.job

    async def _ask(self, job: Job, ask: Ask) -> Shown | None:
        """Make the call; returns how the number stands then."""
        reference = job.reference(ask.attempt)
        if ask.what == "remove":
            return await self._client.remove(job.did, reference)
        if job.campaign_id is None:
            raise ValueError("nothing can be added to no campaign")
        return await self._client.assign(job.did, job.campaign_id, reference)

    async def _put_off(self, job: Job, at_least_s: float) -> None:
        """Look again later: the aggregator gave no answer, or none that helps. Each time the pause is twice as long."""
        failures = self._failures[job.did] = self._failures.get(job.did, 0) + 1
        usual = min(self._patience.poll / 5 * 2 ** min(failures - 1, 20), _PAUSE_MAX)
        pause = max(usual * self._draws.uniform(0.5, 1.5), timedelta(seconds=at_least_s))
        async with self._database.writing() as connection:
            view = await jobs.view_of(connection, job.did, self._patience, self._now())
            if view is not None and view.job.wish == job.wish:
                await jobs.not_reached(connection, view, self._patience, pause)

    def _talked(self, error: Exception | None) -> None:
        """Remember whether the aggregator can be worked with, and say so when that changes."""
        trouble = None if error is None else type(error).__name__
        if trouble is not None:
            self._metrics.provisioning_call_failed()
        if trouble != self.trouble and trouble is not None:
            log.warning("provisioning_failed", trouble="aggregator", error=trouble)
        self.trouble = trouble


def _after_look_up(view: View, shown: Shown | None, seen: str | None) -> Step:
    """Judge what carriers see, if that is still the question."""
    step = next_step(view, shown)
    return steps.after_look_up(view, seen) if isinstance(step, LookUp) else step
