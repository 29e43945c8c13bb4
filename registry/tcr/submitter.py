"""Does at TCR what is due there: submits applications, deactivates campaigns, asks how something stands.

What is due is in tcr_jobs, written in the transaction that made it due, and gone in the one that notes its outcome. In
between a job may be done any number of times, by any number of processes, killed at any point: an application has its
own id as the reference id, of which TCR keeps one; everything else means the same the second time.

What TCR refuses goes back to the admins with its reasons. Everything else is tried again, with pauses that grow.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from metrics.registry import RegistryMetrics
from registry.commands import change, find
from registry.database import Database
from registry.flows.desk import Desk
from registry.lifecycle.registration import APPLICATION, BRAND, SHARING
from registry.records import Application, Brand, Campaign, Record
from registry.registration import fee, tcr_form
from registry.tcr import events
from registry.tcr.applying import ACTOR, ASK, Word, apply_words, ask, replay, set_mark
from registry.tcr.catching_up import catch_up
from registry.tcr.client import TcrClient
from registry.tcr.errors import TcrDeniedError, TcrError, TcrNotFoundError, TcrRefusedError
from registry.tcr.events import Observation
from registry.tcr.telling import Telling
from registry.tcr.values import AsOf
from registry.work_tables import tcr_events, tcr_jobs

SUBMIT: Final = "submit"
DEACTIVATE: Final = "deactivate"
#: Jobs under way at once; the client's buckets set the pace.
_AT_ONCE: Final = 8
#: How long a job may wait to be seen, where nothing wakes us.
_POLL_S: Final = 1.0
_BACKOFF_FIRST_S: Final = 1.0
_BACKOFF_MAX_S: Final = 300.0
#: When something that TCR has taken is asked about, in case a webhook got lost; later that is reconciliation's work.
_LOOK_AFTER_S: Final = 300.0
#: How long webhooks are kept, and how often the older ones are looked for.
_KEPT: Final = timedelta(days=400)
_TRIM_S: Final = 6 * 3_600.0
#: After a refusal that nobody but a person can end, such as that of a deactivation.
_STUCK_S: Final = 3_600.0

_log = structlog.get_logger()


class Job(NamedTuple):
    """One line of tcr_jobs."""

    action: str
    object: str
    attempts: int
    next_at: datetime


class Submitter:
    """Works through the jobs that are due."""

    def __init__(
        self, database: Database, client: TcrClient, metrics: RegistryMetrics, telling: Telling, hook_url: str = ""
    ) -> None:
        self._database = database
        self._client = client
        self._metrics = metrics
        self._telling = telling
        self._hook_url = hook_url
        self._under_way: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._ended = asyncio.Event()
        self._actions: dict[str, Callable[[Job], Awaitable[None]]] = {
            SUBMIT: self._submit,
            DEACTIVATE: self._deactivate,
            ASK: self._catch_up,
        }

    async def run(self) -> None:
        """Work until cancelled. Waits out a TCR and a database that are away."""
        try:
            async with asyncio.TaskGroup() as tasks:
                if self._hook_url:
                    tasks.create_task(self._subscribe())
                tasks.create_task(self._work())
                tasks.create_task(self._trim())
        finally:
            for task in self._under_way.values():
                task.cancel()
            await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def _subscribe(self) -> None:
        """Have TCR bring its events to us; once, as often as it takes."""
        backoff_s = _BACKOFF_FIRST_S
        while True:
            try:
                await self._client.subscribe(self._hook_url)
            except TcrError as error:
                self._failed("subscribe", error, 0)
            else:
                return
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, _BACKOFF_MAX_S)

    async def _work(self) -> None:
        while True:
            self._ended.clear()
            try:
                for job in await self._due():
                    self._start(job)
            except (OperationalError, InterfaceError, OSError) as error:
                _log.warning("database_unavailable", error=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_POLL_S):
                    await self._ended.wait()

    async def _trim(self) -> None:
        """Forget webhooks of long ago, now and then; the marks stay, so one that comes again is too old."""
        while True:
            try:
                async with self._database.writing() as connection:
                    old = tcr_events.c.received_at < datetime.now(UTC) - _KEPT
                    await connection.execute(sa.delete(tcr_events).where(old))
            except (OperationalError, InterfaceError, OSError) as error:
                _log.warning("database_unavailable", error=type(error).__name__)
            await asyncio.sleep(_TRIM_S)

    async def _due(self) -> list[Job]:
        """Return what is due and not under way, oldest first, as much as there is room for."""
        room = _AT_ONCE - len(self._under_way)
        columns = (tcr_jobs.c.action, tcr_jobs.c.object, tcr_jobs.c.attempts, tcr_jobs.c.next_at)
        due = sa.select(*columns).where(tcr_jobs.c.next_at <= datetime.now(UTC)).order_by(tcr_jobs.c.next_at)
        async with self._database.reading() as connection:
            self._metrics.tcr_jobs(
                (await connection.execute(sa.select(sa.func.count()).select_from(tcr_jobs))).scalar_one()
            )
            rows = await connection.execute(due.limit(_AT_ONCE * 2))
            jobs = [Job(*row) for row in rows]
        return [job for job in jobs if (job.action, job.object) not in self._under_way][: max(room, 0)]

    def _start(self, job: Job) -> None:
        key = (job.action, job.object)
        task = self._under_way[key] = asyncio.create_task(self._do(job))

        def ended(_: "asyncio.Task[None]") -> None:
            del self._under_way[key]
            self._ended.set()

        task.add_done_callback(ended)

    async def _do(self, job: Job) -> None:
        try:
            await self._try(job)
        except (OperationalError, InterfaceError, OSError) as error:
            _log.warning("database_unavailable", error=type(error).__name__)
            await asyncio.sleep(_BACKOFF_FIRST_S)
        except Exception as error:  # noqa: BLE001 - one job that we cannot do must not stop the others
            _log.error("tcr_job_crashed", action=job.action, error=type(error).__name__, exc_info=error)
            with contextlib.suppress(OperationalError, InterfaceError, OSError):
                await self._later(job, "crashed")

    async def _try(self, job: Job) -> None:
        action = self._actions.get(job.action)
        if action is None:
            await self._later(job, "unknown_action", _STUCK_S)
            return
        try:
            await action(job)
        except TcrRefusedError as refusal:
            self._failed(job.action, refusal, job.attempts + 1)
            await self._later(job, refusal.code, _STUCK_S)
        except TcrError as error:
            self._failed(job.action, error, job.attempts + 1)
            await self._later(job, error.code)
        else:
            self._telling.taken()

    def _failed(self, action: str, error: TcrError, attempts: int) -> None:
        if isinstance(error, TcrDeniedError):
            self._telling.denied()
        self._telling.failing(action, error.code, attempts)

    async def _later(self, job: Job, fault: str, wait_s: float = 0.0) -> None:
        """Try a job again, after a pause that grows with each attempt."""
        pause_s = wait_s or min(_BACKOFF_FIRST_S * 2 ** min(job.attempts, 16), _BACKOFF_MAX_S)
        async with self._database.writing() as connection:
            await connection.execute(
                sa.update(tcr_jobs)
                .where(*_same(job))
                .values(attempts=job.attempts + 1, next_at=datetime.now(UTC) + timedelta(seconds=pause_s), fault=fault)
            )

    # What can be due.

    async def _catch_up(self, job: Job) -> None:
        applied = await catch_up(self._database, self._client, job.object)
        for found in applied.unknown:
            self._telling.unknown("status", found)
        async with self._database.writing() as connection:
            await _done(connection, job)

    async def _deactivate(self, job: Job) -> None:
        with contextlib.suppress(TcrNotFoundError):  # Then there is nothing to end.
            await self._client.deactivate_campaign(job.object)
        async with self._database.writing() as connection:
            await _done(connection, job)

    async def _submit(self, job: Job) -> None:
        async with self._database.reading() as connection:
            application = (await find(connection, Application, {(job.object,)})).get((job.object,))
        if application is None or application.state != "submitting":
            async with self._database.writing() as connection:
                await _done(connection, job)
            return
        try:
            if application.kind == "brand":
                await self._submit_brand(job, application)
            else:
                await self._submit_campaign(job, application)
        except TcrRefusedError as refusal:
            await self._refused(job, application, refusal)

    async def _submit_brand(self, job: Job, application: Application) -> None:
        form = tcr_form.to_tcr(application)
        if application.object_id is not None:
            await self._client.update_brand(application.object_id, form)
            brand = await self._client.revet_brand(application.object_id)
        else:
            brand = await self._client.create_brand(application.id, form)
        async with self._database.writing() as connection:
            now = datetime.now(UTC)
            known = (await find(connection, Brand, {(brand.id,)})).get((brand.id,))
            row = known or tcr_form.brand_of(application, brand.id)
            seen = Observation("brand", brand.id, events.IDENTITY, "pending")
            if known is not None and BRAND.reaches(known.status, "pending") and application.object_id is not None:
                # What was said before it was to be looked at again is of no account any more.
                row = replace(tcr_form.brand_of(application, brand.id), vetting_score=known.vetting_score)
                await set_mark(connection, seen, brand.as_of.earliest)
            await self._taken(connection, job, application, row)
            if brand.identity in events.GOOD[events.IDENTITY] and not brand.is_mock:
                word = seen._replace(value=brand.identity)
                await apply_words(connection, [Word(seen=word, at=brand.as_of.earliest)], now)
            await replay(connection, seen.object, now)

    async def _submit_campaign(self, job: Job, application: Application) -> None:
        form = tcr_form.to_tcr(application)
        if application.object_id is not None:
            campaign = await self._client.update_campaign(application.object_id, form)
        else:
            campaign = await self._client.create_campaign(application.id, form)
        as_of = campaign.as_of
        if not campaign.is_mock:  # A mock campaign cannot be shared, and can never carry anything.
            as_of = (await self._client.share_campaign(campaign.id)).as_of
        async with self._database.writing() as connection:
            await self._campaign_taken(connection, job, application, campaign.id, as_of, is_mock=campaign.is_mock)

    async def _campaign_taken(
        self,
        connection: AsyncConnection,
        job: Job,
        application: Application,
        campaign_id: str,
        as_of: AsOf,
        *,
        is_mock: bool,
    ) -> None:
        now = datetime.now(UTC)
        known = (await find(connection, Campaign, {(campaign_id,)})).get((campaign_id,))
        seen = Observation("campaign", campaign_id, events.SHARING, "pending")
        row = known or replace(
            tcr_form.campaign_of(application, campaign_id), sharing="" if is_mock else "pending", mock=is_mock
        )
        if known is not None and application.object_id is not None:
            corrected = tcr_form.campaign_fields(application)
            sharing = SHARING.observed(known.sharing, "pending")
            row = replace(known, **corrected, sharing=sharing, dca_complete=False, faults=())
            await set_mark(connection, seen, as_of.earliest)
            await set_mark(connection, seen._replace(aspect=events.DCA, value="incomplete"), as_of.earliest)
        await self._taken(connection, job, application, row)
        active = seen._replace(aspect=events.STATUS, value="active")
        if row.status == "pending":
            await apply_words(connection, [Word(seen=active, at=as_of.earliest)], now)
        await replay(connection, seen.object, now)

    async def _taken(self, connection: AsyncConnection, job: Job, application: Application, row: Record) -> None:
        """Note that TCR has it: the row of what came of it, and the application, in one transaction with the job.

        An application that somebody withdrew or changed meanwhile keeps its state; what is registered is registered.
        """
        now = datetime.now(UTC)
        current = (await find(connection, Application, {(application.id,)})).get((application.id,), application)
        object_id = row.id if isinstance(row, Brand | Campaign) else None
        put: Sequence[Record] = [row, replace(current, object_id=object_id)]
        if current.state == "submitting":
            state = APPLICATION.after(current.state, "taken")
            put = [row, replace(current, object_id=object_id, state=state, faults=(), submitted_at=now)]
        await change(connection, actor=ACTOR, put=put)
        if application.kind == "campaign":  # Of one that was withdrawn at this very moment it was taken back.
            await fee.charge(Desk(connection=connection, tenant=current.tenant, actor=ACTOR, now=now), current)
        await ask(connection, f"{application.kind}:{object_id}", now + timedelta(seconds=_LOOK_AFTER_S))
        await _done(connection, job)

    async def _refused(self, job: Job, application: Application, refusal: TcrRefusedError) -> None:
        """Give an application back to the admins, with what TCR says is wrong."""
        reasons = refusal.reasons or ("The Campaign Registry did not say why.",)
        self._failed(job.action, refusal, job.attempts + 1)
        async with self._database.writing() as connection:
            current = (await find(connection, Application, {(application.id,)})).get((application.id,))
            if current is not None and current.state == "submitting":
                state = APPLICATION.after(current.state, "refused")
                await change(connection, actor=ACTOR, put=[replace(current, state=state, faults=reasons)])
            await _done(connection, job)


def _same(job: Job) -> tuple[sa.ColumnElement[bool], ...]:
    """Name a job, unless it was made due again meanwhile."""
    return (tcr_jobs.c.action == job.action, tcr_jobs.c.object == job.object, tcr_jobs.c.next_at == job.next_at)


async def _done(connection: AsyncConnection, job: Job) -> None:
    await connection.execute(sa.delete(tcr_jobs).where(*_same(job)))
