"""Reads what a sweep looks at: records in the order of their keys, and numbers with all that they point at."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry import many
from registry.commands import find
from registry.counts import HOLDING
from registry.drift.ours import Whole
from registry.records import Assignment, Brand, Campaign, Number, Record, User
from registry.tables import TABLES, assignments
from registry.work_tables import provisioning_jobs

R = TypeVar("R", bound=Record)


async def page(
    connection: AsyncConnection, kind: type[R], key: sa.ColumnElement[str], after: str, most: int
) -> list[R]:
    """Return the records behind a key, in its order."""
    return await records(connection, kind, key > after, most=most)


async def records(
    connection: AsyncConnection, kind: type[R], *where: sa.ColumnElement[bool], most: int | None = None
) -> list[R]:
    """Return the records that fit, in the order of their keys."""
    table = TABLES[kind]
    query = sa.select(table).where(*where).order_by(*table.primary_key.columns).limit(most)
    names = [column.name for column in table.columns]
    return [kind(**dict(zip(names, row, strict=True))) for row in await connection.execute(query)]


async def wholes(connection: AsyncConnection, found: Sequence[Number]) -> list[Whole]:
    """Return numbers with all that they point at."""
    keys = {(number.did,) for number in found}
    links = await find(connection, Assignment, keys)
    people = await find(connection, User, {(number.user,) for number in found if number.user is not None})
    named = {(link.campaign_id,) for link in links.values() if link.campaign_id is not None}
    campaign_of = await find(connection, Campaign, named)
    brand_of = await find(connection, Brand, {(one.brand_id,) for one in campaign_of.values()})
    jobs = await _jobs(connection, keys)
    whole = []
    for number in found:
        link = links.get((number.did,))
        campaign = None if link is None else campaign_of.get((link.campaign_id or "",))
        whole.append(
            Whole(
                number=number,
                link=link,
                user=people.get((number.user or "",)),
                campaign=campaign,
                brand=None if campaign is None else brand_of.get((campaign.brand_id,)),
                job=number.did in jobs,
                stuck=jobs.get(number.did),
            )
        )
    return whole


async def wholes_again(connection: AsyncConnection, before: Sequence[Whole]) -> list[Whole]:
    """Return those of some numbers that are as they were."""
    found = await find(connection, Number, {(whole.number.did,) for whole in before})
    now = {whole.name: whole for whole in await wholes(connection, list(found.values()))}
    return [whole for whole in before if now.get(whole.name) == whole]


async def _jobs(connection: AsyncConnection, keys: Collection[tuple[str, ...]]) -> dict[str, str | None]:
    """Return the numbers that have a job at the aggregator; of those that are stuck what for, and why."""
    job = provisioning_jobs.c
    those = many.among(connection, [job.did], keys)
    rows = await connection.execute(sa.select(job.did, job.action, job.state, job.fault).where(those))
    return {
        row.did: None if row.state != "stuck" else f"{row.action}: {row.fault or 'it takes too long'}" for row in rows
    }


async def held(connection: AsyncConnection, found: Sequence[Campaign]) -> Counter[str]:
    """Count the numbers that campaigns hold."""
    name = assignments.c.campaign_id
    rows = await connection.execute(
        sa.select(name, sa.func.count())
        .where(many.among(connection, [name], [(one.id,) for one in found]), assignments.c.state.in_(HOLDING))
        .group_by(name)
    )
    return Counter({row[0]: row[1] for row in rows})
