"""The rows of provisioning_jobs: what is due, how a number stands, and what a step makes of it.

What concerns the assignment goes through the life cycle and commands.change(); the job's own row changes in the same
transaction, so that none is ever ahead of the other. A job is claimed by moving its next_at: who dies with it leaves it
to be taken again a little later.

Not here: which step it is (steps.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.commands import change, find
from registry.flows.numbers import registered
from registry.lifecycle.numbers import ASSIGNMENT, PROVISIONING
from registry.lifecycle.registration import BRAND, CAMPAIGN
from registry.lifecycle.standing import lacking
from registry.provisioning import steps
from registry.provisioning.steps import Job, Step, View
from registry.records import Assignment, Brand, Campaign
from registry.work_tables import provisioning_jobs

ACTOR: Final = "provisioning"
#: How often a job is looked at that only a person, or much time, can help.
_SLOWLY: Final = timedelta(hours=1)

_COLUMNS: Final = [column for column in provisioning_jobs.columns if column.name in Job.__slots__]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long things may take, from the settings."""

    #: From the wish to the aggregator's last word.
    aggregator: timedelta
    #: From the aggregator's yes until carriers see it.
    carriers: timedelta
    #: The shortest time between two looks.
    poll: timedelta


async def claim(connection: AsyncConnection, *, now: datetime, most: int, until: datetime) -> list[Job]:
    """Take jobs that are due, those that waited longest first; nobody else takes them before until."""
    due = (
        sa.select(*_COLUMNS)
        .where(provisioning_jobs.c.next_at <= now)
        .order_by(provisioning_jobs.c.next_at, provisioning_jobs.c.did)
        .limit(most)
    )
    found = [Job(**row) for row in (await connection.execute(due)).mappings()]
    if found:
        mine = provisioning_jobs.c.did.in_([job.did for job in found])
        await connection.execute(sa.update(provisioning_jobs).where(mine).values(next_at=until))
    return found


async def any_due(connection: AsyncConnection, now: datetime) -> bool:
    """Tell whether there is something to claim, without taking the writers' lock."""
    return await connection.scalar(sa.select(sa.exists().where(provisioning_jobs.c.next_at <= now))) or False


async def count_by_state(connection: AsyncConnection) -> dict[str, int]:
    """Count the jobs by their state."""
    state = provisioning_jobs.c.state
    rows = await connection.execute(sa.select(state, sa.func.count()).group_by(state))
    return {row[0]: row[1] for row in rows}


async def find_job(connection: AsyncConnection, did: str) -> Job | None:
    """Return a number's job."""
    row = (await connection.execute(sa.select(*_COLUMNS).where(provisioning_jobs.c.did == did))).mappings().first()
    return None if row is None else Job(**row)


async def stuck_jobs(connection: AsyncConnection, dids: Sequence[str] | None = None) -> list[Job]:
    """List what a person has to look at, the oldest first; of some numbers, or of all."""
    wanted = sa.select(*_COLUMNS).where(provisioning_jobs.c.state == "stuck")
    if dids is not None:
        wanted = wanted.where(provisioning_jobs.c.did.in_(dids))
    rows = await connection.execute(wanted.order_by(provisioning_jobs.c.wished_at))
    return [Job(**row) for row in rows.mappings()]


async def view_of(connection: AsyncConnection, did: str, patience: Patience, now: datetime) -> View | None:
    """Return how a number with a job stands; None when there is no job."""
    job = await find_job(connection, did)
    if job is None:
        return None
    link = (await find(connection, Assignment, [(did,)])).get((did,))
    campaign = brand = None
    if job.campaign_id is not None:
        campaign = (await find(connection, Campaign, [(job.campaign_id,)])).get((job.campaign_id,))
    if campaign is not None:
        brand = (await find(connection, Brand, [(campaign.brand_id,)])).get((campaign.brand_id,))
    ended = None
    if campaign is not None:
        ended = CAMPAIGN.dead_ends.get(campaign.status)
    if brand is not None and ended is None:
        ended = BRAND.dead_ends.get(brand.status)
    return View(
        job=job,
        link="" if link is None else link.state,
        link_campaign=None if link is None else link.campaign_id,
        link_since=None if link is None else link.since,
        ended=ended,
        paused=lacking(registered(campaign, brand)) is not None,
        now=now,
        patience=patience.aggregator,
        grace=patience.carriers,
    )


async def take(connection: AsyncConnection, view: View, step: Step, patience: Patience) -> None:
    """Write what a step comes to. Ask and LookUp are questions and change nothing."""
    job, now = view.job, view.now
    match step:
        case steps.Wait():
            await _move(connection, job, "waited_for", next_at=now + _until_next_look(view, patience))
        case steps.Confirm() | steps.Fail():
            await _settle(connection, view, step)
        case steps.Remedy():
            await _link(connection, view, "asked_again", None)
            await _move(connection, job, "remedied", next_at=now, remedied_at=now)
        case steps.Removed():
            if view.link:
                await change(connection, actor=ACTOR, remove=[(Assignment, (job.did,))])
            await _forget(connection, job)
        case steps.Stay():
            await _move(connection, job, "given_up", next_at=now + _SLOWLY, fault=step.fault)
        case steps.Drop():
            await _forget(connection, job)


async def _settle(connection: AsyncConnection, view: View, step: steps.Confirm | steps.Fail) -> None:
    """Write that the number is in its campaign, or is not."""
    job, now = view.job, view.now
    if isinstance(step, steps.Confirm):
        await _link(connection, view, "provisioned", None)
        over, event, next_at, fault = step.last, "added", now, None
    else:
        await _link(connection, view, "lost" if view.link == "assigned" else "not_provisioned", step.fault)
        over, event, next_at, fault = not step.kept, "given_up", now + _SLOWLY, step.fault
    if over:
        await _forget(connection, job)
    else:
        await _move(connection, job, event, next_at=next_at, fault=fault)


async def asked(connection: AsyncConnection, view: View, ask: steps.Ask) -> None:
    """Note that the aggregator is being asked, before it is: the attempt's reference is never given out again."""
    await _keep(connection, view.job, attempts=ask.attempt, asked_at=view.now)


async def look_at(connection: AsyncConnection, did: str, now: datetime) -> None:
    """Have a number looked at now: something was told about it."""
    due = provisioning_jobs.c.did == did, provisioning_jobs.c.next_at > now
    await connection.execute(sa.update(provisioning_jobs).where(*due).values(next_at=now))


async def not_reached(connection: AsyncConnection, view: View, patience: Patience, pause: timedelta) -> None:
    """Have a number looked at later, because the aggregator gave no answer that helps.

    A wish that has waited too long is told to the admin all the same.
    """
    step = steps.on_time(view)
    if isinstance(step, steps.Wait):
        await _keep(connection, view.job, next_at=view.now + pause)
    else:
        await take(connection, view, step, patience)


def _until_next_look(view: View, patience: Patience) -> timedelta:
    """Return a time that grows with how long it has been waited for already; half of it, for the first."""
    if view.stuck:
        return _SLOWLY
    since = view.link_since if view.link == "assigned" else view.job.asked_at
    waited = view.now - (since or view.job.began_at)
    return min(max(waited / 2, patience.poll), _SLOWLY)


async def _link(connection: AsyncConnection, view: View, event: str, fault: str | None) -> None:
    """Move the assignment along its life cycle; one that is there already only gets the fault."""
    did = view.job.did
    link = (await find(connection, Assignment, [(did,)]))[did,]
    if any(move.event == event for move in ASSIGNMENT.moves_from(link.state)):
        link = replace(link, state=ASSIGNMENT.after(link.state, event), since=view.now)
    await change(connection, actor=ACTOR, put=[replace(link, fault=fault)])


async def _move(connection: AsyncConnection, job: Job, event: str, **values: object) -> None:
    """Move a job along its life cycle, with what else is to be kept of it."""
    await _keep(connection, job, state=PROVISIONING.after(job.state, event), **values)


async def _keep(connection: AsyncConnection, job: Job, **values: object) -> None:
    await connection.execute(sa.update(provisioning_jobs).where(provisioning_jobs.c.did == job.did).values(**values))


async def _forget(connection: AsyncConnection, job: Job) -> None:
    PROVISIONING.after(job.state, "over")
    await connection.execute(sa.delete(provisioning_jobs).where(provisioning_jobs.c.did == job.did))
