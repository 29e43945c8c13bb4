"""Takes a batch of rows: judged, changed, and the aggregator's work noted, all in one transaction.

What the rows are about is read once. They are then judged a portion at a time, in memory, and a portion is judged while
the database writes the one before.
"""

import time
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry import many
from registry.beside import beside, in_turns
from registry.bulk.columns import Kind
from registry.bulk.given import judge_given
from registry.bulk.judged import Judge, Judged, Office, Outcome
from registry.bulk.numbers import judge_numbers
from registry.bulk.people import judge_people
from registry.bulk.reading import Row
from registry.commands import change
from registry.people.keys import narrowed
from registry.work_tables import provisioning_jobs

#: Rows a transaction: few enough that other writers do not wait long, enough that a commit costs little.
BATCH: Final = 4_000
#: Rows that are judged while those before are written.
PORTION: Final = 500
#: On a machine that is slow a transaction ends with the portion in which this passes; others wait to write, too.
LONGEST_S: Final = 1.0
#: Rows that are judged at once: the next statement is sent on in between.
_TURN: Final = 25

_JOB: Final = ("did", "action", "campaign_id", "state", "wished_at", "next_at", "attempts")


async def take(
    connection: AsyncConnection,
    office: Office,
    kind: Kind,
    rows: Sequence[Row],
    *,
    as_import: bool = False,
    longest_s: float = LONGEST_S,
) -> list[Outcome]:
    """Judge and write a batch; connection is one of Database.writing().

    Returns what the rows come to, from the first on: fewer than were given when it took too long, and the others are
    for the next transaction.
    """
    until = time.monotonic() + longest_s
    judge, meant = await _opened(connection, office, kind, rows, as_import=as_import)
    outcomes: list[Outcome] = []
    judged = await _judge(judge, meant[:PORTION], outcomes)
    while (some := meant[len(outcomes) : len(outcomes) + PORTION]) and time.monotonic() < until:
        async with beside(_write(connection, office, judged)):
            judged = await _judge(judge, some, outcomes)
    await _write(connection, office, judged)
    return outcomes


async def look(
    connection: AsyncConnection, office: Office, kind: Kind, rows: Sequence[Row], *, as_import: bool
) -> list[Outcome]:
    """Judge a batch, and write nothing."""
    judge, meant = await _opened(connection, office, kind, rows, as_import=as_import)
    outcomes: list[Outcome] = []
    await _judge(judge, meant, outcomes)
    return outcomes


async def _opened(
    connection: AsyncConnection, office: Office, kind: Kind, rows: Sequence[Row], *, as_import: bool
) -> tuple[Judge, Sequence[Row]]:
    """Read what a batch is about; returns its rows with the columns that mean something.

    The transaction looks rows up by their keys from here on.
    """
    await many.by_keys(connection)
    meant = kind.read(as_import=as_import)
    some = [
        row
        if row.cells.keys() <= meant
        else row._replace(cells={name: cell for name, cell in row.cells.items() if name in meant})
        for row in rows
    ]
    if as_import:
        return await judge_given(connection, office, kind.name, some), some
    if kind.name == "users":
        return await judge_people(connection, office, some), some
    return await judge_numbers(connection, office, some), some


async def _judge(judge: Judge, rows: Sequence[Row], outcomes: list[Outcome]) -> Judged:
    async for some in in_turns(rows, _TURN):
        outcomes += map(judge.row, some)
    return judge.judged()


async def _write(connection: AsyncConnection, office: Office, judged: Judged) -> None:
    """Write what some rows come to."""
    await change(connection, actor=office.actor, put=judged.put, remove=judged.remove, seen=judged.seen)
    for person in judged.roles:
        await change(connection, actor=office.actor, put=await narrowed(connection, [person], office.now))
    wishes = judged.wishes
    if wishes:
        jobs = provisioning_jobs
        keys = [(did,) for did in wishes]
        await connection.execute(sa.delete(jobs).where(many.among(connection, [jobs.c.did], keys)))
        rows = [(wish.did, wish.action, wish.campaign_id, "due", office.now, office.now, 0) for wish in wishes.values()]
        await many.insert(connection, jobs, _JOB, rows)
