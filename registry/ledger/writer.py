"""Writes what was read, and how far, in one transaction: each journal entry becomes rows exactly once.

The transaction begins with a look at the cursors. Where one is not where the reader began, another copy of this process
was quicker: nothing is written, and the reader begins again from where the cursors are. A kill before the commit leaves
nothing, one after it leaves all. The primary keys say the same a second time: a row that is there already is left out.

Not here: what the rows say (batch.py), reading (journals.py), statements for many rows (bulk.py).
"""

import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from compliance.journal import REFUSED
from registry.ledger.batch import Batch, Watch, unknown_row
from registry.ledger.bulk import insert, many, stand
from registry.ledger.database import LedgerDatabase
from registry.ledger.journals import Cursor, Piece
from registry.ledger.tables import cursors, decisions, erasures, events, gaps, messages, texts

_TALLY = sa.text(
    "INSERT INTO tallies (tenant, hour_ms, channel, verdict, reason, messages)"
    " VALUES (:tenant, :hour_ms, :channel, :verdict, :reason, :messages)"
    " ON CONFLICT (tenant, hour_ms, channel, verdict, reason)"
    " DO UPDATE SET messages = tallies.messages + excluded.messages"
)
_ADVANCE = sa.text(
    "INSERT INTO cursors (partition, entry_ms, entry_seq, entry_number, lost, unreadable)"
    " VALUES (:partition, :ms, :seq, :number, :lost, :unreadable)"
    " ON CONFLICT (partition) DO UPDATE SET entry_ms = excluded.entry_ms, entry_seq = excluded.entry_seq,"
    " entry_number = excluded.entry_number, lost = cursors.lost + excluded.lost,"
    " unreadable = cursors.unreadable + excluded.unreadable"
)


class MovedError(Exception):
    """Somebody else wrote meanwhile: what was read says nothing any more."""


class Start(NamedTuple):
    """Where reading goes on."""

    cursors: dict[int, Cursor]
    #: Erasures that concern what the journal has yet to bring, and the last erasure that is known here.
    watches: tuple[Watch, ...]
    last_erasure: int


async def start(database: LedgerDatabase, partitions: int) -> Start:
    """Look where reading goes on."""
    async with database.reading() as connection:
        rows = await connection.execute(
            sa.select(cursors.c.partition, cursors.c.entry_ms, cursors.c.entry_seq, cursors.c.entry_number)
        )
        known = {partition: Cursor(ms, seq, number) for partition, ms, seq, number in rows}
        watches = await watched(connection)
        last = await _last_erasure(connection)
    return Start({k: known.get(k, Cursor()) for k in range(partitions)}, watches, last)


async def watched(connection: AsyncConnection) -> tuple[Watch, ...]:
    """Return the erasures that concern what the journal has yet to bring."""
    rows = await connection.execute(
        sa.select(erasures.c.id, erasures.c.tenant, erasures.c.kind, erasures.c.subject, erasures.c.at_ms)
        .where(erasures.c.watched_until_ms > int(time.time() * 1000))
        .order_by(erasures.c.id)
    )
    return tuple(Watch(*row) for row in rows)


async def write(database: LedgerDatabase, begun: Start, batch: Batch, pieces: Sequence[Piece]) -> list[str]:
    """Write rows and cursors; returns the messages that were told of for the first time without their envelope.

    MovedError when somebody else wrote, or an erasure came between: nothing is written then.
    """
    try:
        return await _write(database, begun, batch, pieces)
    except IntegrityError:
        # Nobody can say how that came about, a store restored from a copy, say; the ledger goes on with what is new.
        await _leave_out_known(database, batch)
        return await _write(database, begun, batch, pieces)


async def _write(database: LedgerDatabase, begun: Start, batch: Batch, pieces: Sequence[Piece]) -> list[str]:
    async with database.writing() as connection:
        await _check(connection, begun, pieces)
        await insert(connection, messages, batch.new_messages())
        await insert(connection, events, batch.events)
        await insert(connection, texts, batch.texts)
        await insert(connection, decisions, batch.decisions)
        unknown = await _stand(connection, batch)
        await tally(connection, batch)
        for piece in pieces:
            await _advance(connection, piece, batch.unreadable.get(piece.partition, 0))
    return unknown


async def _check(connection: AsyncConnection, begun: Start, pieces: Sequence[Piece]) -> None:
    rows = await connection.execute(sa.select(cursors.c.partition, cursors.c.entry_ms, cursors.c.entry_seq))
    now = {partition: (ms, seq) for partition, ms, seq in rows}
    if any(now.get(piece.partition, (0, 0)) != piece.before[:2] for piece in pieces):
        raise MovedError("another copy has read on")
    if await _last_erasure(connection) != begun.last_erasure:
        raise MovedError("there is a new erasure")


async def _last_erasure(connection: AsyncConnection) -> int:
    return int(await connection.scalar(sa.select(sa.func.coalesce(sa.func.max(erasures.c.id), 0))) or 0)


async def _stand(connection: AsyncConnection, batch: Batch) -> list[str]:
    """Say where messages of before stand now; one whose first line is lost gets a row that is nobody's."""
    changed = batch.changed()
    rows = [(*standing, name) for name, standing in changed.items() if standing.status]
    found = await stand(connection, rows)
    for name, standing in changed.items():
        if not standing.status:
            doubts = messages.c.doubts + standing.doubts
            result = await connection.execute(sa.update(messages).where(messages.c.id == name).values(doubts=doubts))
            found += result.rowcount
    if found == len(changed):
        return []
    there = await known_messages(connection, changed)
    missing = [name for name in changed if name not in there]
    await insert(connection, messages, [unknown_row(name, changed[name]) for name in missing])
    return [name for name in missing if changed[name].status != REFUSED]


async def known_messages(connection: AsyncConnection, names: Iterable[str]) -> set[str]:
    """Return those of the messages that are in the ledger."""
    found: set[str] = set()
    for some in many(names):
        found |= set(await connection.scalars(sa.select(messages.c.id).where(messages.c.id.in_(some))))
    return found


async def tally(connection: AsyncConnection, batch: Batch) -> None:
    """Count what was decided."""
    rows = [
        {"tenant": tenant, "hour_ms": hour_ms, "channel": channel, "verdict": verdict, "reason": reason, "messages": n}
        for (tenant, hour_ms, channel, verdict, reason), n in batch.tallies.items()
    ]
    if rows:
        await connection.execute(_TALLY, rows)


async def _advance(connection: AsyncConnection, piece: Piece, unreadable: int) -> None:
    if piece.lost or piece.replaced:
        first = piece.entries[0].name if piece.entries else None
        await connection.execute(
            sa.insert(gaps).values(
                partition=piece.partition,
                found_ms=int(time.time() * 1000),
                after_entry=piece.before.entry,
                before_entry=first,
                entries=piece.lost,
            )
        )
    at = {"ms": piece.after.ms, "seq": piece.after.seq, "number": piece.after.number}
    values = {"partition": piece.partition, "lost": piece.lost, "unreadable": unreadable, **at}
    await connection.execute(_ADVANCE, values)


async def _leave_out_known(database: LedgerDatabase, batch: Batch) -> None:
    """Take out of a batch what is in the tables already."""
    async with database.reading() as connection:
        changes: dict[str, int] = {}
        lines: set[tuple[str, int, int, int]] = set()
        for some in many(batch.standing):
            known = sa.select(messages.c.id, messages.c.changes).where(messages.c.id.in_(some))
            changes.update((name, number) for name, number in await connection.execute(known))
            of_those = sa.select(events.c.message_id, events.c.entry_ms, events.c.entry_seq, events.c.place)
            lines |= {tuple(row) for row in await connection.execute(of_those.where(events.c.message_id.in_(some)))}
    batch.leave_out(changes, lines)
