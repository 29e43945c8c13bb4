"""Writes a batch of rows: judged, changed, and the aggregator's work noted, all in one transaction."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry import many
from registry.bulk.columns import Kind
from registry.bulk.given import judge_given
from registry.bulk.judged import Judged, Office
from registry.bulk.numbers import judge_numbers
from registry.bulk.people import judge_people
from registry.bulk.reading import Row
from registry.commands import change
from registry.work_tables import provisioning_jobs

#: Rows a transaction: few enough that other writers do not wait long, enough that a commit costs little.
BATCH = 1_000

_JOB = ("did", "action", "campaign_id", "state", "wished_at", "next_at", "attempts")


async def judge(
    connection: AsyncConnection, office: Office, kind: Kind, rows: Sequence[Row], *, as_import: bool
) -> Judged:
    """Judge a batch; nothing is written. The transaction looks rows up by their keys from here on."""
    await many.by_keys(connection)
    meant = kind.read(as_import=as_import)
    some = [
        row
        if row.cells.keys() <= meant
        else row._replace(cells={name: cell for name, cell in row.cells.items() if name in meant})
        for row in rows
    ]
    if as_import:
        return await judge_given(connection, office, kind.name, some)
    if kind.name == "users":
        return await judge_people(connection, office, some)
    return await judge_numbers(connection, office, some)


async def write(connection: AsyncConnection, office: Office, judged: Judged) -> None:
    """Write what a batch comes to; connection is one of Database.writing()."""
    await change(connection, actor=office.actor, put=judged.put, remove=judged.remove, seen=judged.seen)
    wishes = judged.wishes
    if wishes:
        jobs = provisioning_jobs
        keys = [(did,) for did in wishes]
        await connection.execute(sa.delete(jobs).where(many.among(connection, [jobs.c.did], keys)))
        rows = [(wish.did, wish.action, wish.campaign_id, "due", office.now, office.now, 0) for wish in wishes.values()]
        await many.insert(connection, jobs, _JOB, rows)
