"""Takes a batch of rows: judged, changed, and the aggregator's work noted, all in one transaction.

What the rows are about is read once. They are then judged a portion at a time, in memory; a portion is judged and put
into words while the database writes those before it (commands.Changing).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry import many
from registry.beside import in_turns
from registry.bulk.columns import Kind
from registry.bulk.given import judge_given
from registry.bulk.judged import Judge, Judged, Office, Outcome, Wish
from registry.bulk.numbers import judge_numbers
from registry.bulk.people import judge_people
from registry.bulk.reading import Row
from registry.commands import Changing, changing
from registry.lifecycle.cycle import ABSENT
from registry.lifecycle.numbers import PROVISIONING
from registry.people.keys import narrowed
from registry.work_tables import provisioning_jobs

#: Rows a transaction: few enough that other writers do not wait long, enough that a commit costs little.
BATCH: Final = 5_000
#: Rows that are written together, at first and later: the database does not wait long for the first, and each statement
#: has its price.
FIRST: Final = 125
PORTION: Final = 1_000
#: On a machine that is slow a transaction ends with the portion in which this passes; others wait to write, too.
LONGEST_S: Final = 1.0
#: Rows that are judged at once: the next statement is sent on in between.
_TURN: Final = 25

_WISHED: Final = PROVISIONING.after(ABSENT, "wished")
_JOB: Final = ("did", "action", "campaign_id", "state", "wished_at", "next_at", "attempts")


async def take(
    connection: AsyncConnection,
    office: Office,
    kind: Kind,
    rows: Sequence[Row],
    *,
    as_import: bool = False,
    longest_s: float = LONGEST_S,
    meanwhile: Callable[[], None] = lambda: None,
) -> list[Outcome]:
    """Judge and write a batch; connection is one of Database.writing().

    meanwhile is called when all is judged and the last rows are being written: what it begins costs nobody time.
    Returns what the rows come to, from the first on: fewer than were given when it took too long, and the others are
    for the next transaction.
    """
    until = time.monotonic() + longest_s
    judge, meant = await _opened(connection, office, kind, rows, as_import=as_import)
    outcomes: list[Outcome] = []
    size = min(FIRST, PORTION)
    async with changing(connection, office.actor) as changes:
        while some := meant[len(outcomes) : len(outcomes) + size]:
            await _change(connection, changes, office, await _judge(judge, some, outcomes))
            if time.monotonic() >= until:
                break
            size = min(2 * size, PORTION)
        meanwhile()
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


async def _change(connection: AsyncConnection, changes: Changing, office: Office, judged: Judged) -> None:
    """Have written what some rows come to."""
    also = partial(_ask, connection, office, judged.wishes) if judged.wishes else None
    await changes.add(put=judged.put, remove=judged.remove, seen=judged.seen, also=also)
    for person in judged.roles:
        await changes.add(put=await narrowed(await changes.idle(), [person], office.now))


async def _ask(connection: AsyncConnection, office: Office, wishes: Mapping[str, Wish]) -> None:
    """Note what the aggregator is to do, in place of what it was to do with the same numbers."""
    jobs = provisioning_jobs
    keys = [(did,) for did in wishes]
    await connection.execute(sa.delete(jobs).where(many.among(connection, [jobs.c.did], keys)))
    rows = [(wish.did, wish.action, wish.campaign_id, _WISHED, office.now, office.now, 0) for wish in wishes.values()]
    await many.insert(connection, jobs, _JOB, rows)
