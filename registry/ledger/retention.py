"""Deletes what has been kept for long enough, kind by kind, in transactions so small that nobody waits for them.

The time of all that belongs to a message runs from when the message was taken. What goes with a message goes with its
row at the latest: texts, decision, changes of status.

Not here: texts that somebody wants erased (erasure.py), how often (keeper.py).
"""

import time
from collections.abc import AsyncIterator
from typing import Any, Final, NamedTuple, Self

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.ledger.database import LedgerDatabase
from registry.ledger.tables import decisions, events, messages, retained, texts
from registry.settings import Settings

_AT_ONCE: Final = 500
_DAY_MS: Final = 86_400_000


class Keep(NamedTuple):
    """For how many days each kind is kept."""

    texts: int
    #: Texts of one-time codes and alerts.
    codes: int
    decisions: int
    #: Changes of status.
    events: int
    #: Refused messages, with all that belongs to them.
    refusals: int
    #: Messages that were taken, with all that belongs to them.
    messages: int

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Read it off the settings."""
        return cls(*(getattr(settings, f"ledger_{name}_days") for name in cls._fields))


class Trimmed(NamedTuple):
    """What one transaction deleted."""

    kind: str
    rows: int


async def trim(database: LedgerDatabase, keep: Keep, *, now_ms: int | None = None) -> AsyncIterator[Trimmed]:
    """Delete what is too old until nothing is; tells of each transaction, after which whoever asks may pause."""
    now_ms = int(time.time() * 1000) if now_ms is None else now_ms
    for kind, days in zip(Keep._fields, keep, strict=True):
        before_ms = now_ms - days * _DAY_MS
        while True:
            async with database.writing() as connection:
                rows, more = await _trim(connection, kind, before_ms)
            if rows:
                yield Trimmed(kind, rows)
            if not more:
                break


async def _trim(connection: AsyncConnection, kind: str, before_ms: int) -> tuple[int, bool]:
    """Delete some of a kind; returns how many rows, and whether there may be more."""
    if kind == "events":
        return await _trim_events(connection, before_ms)
    if kind in {"refusals", "messages"}:
        flag = messages.c.refused == int(kind == "refusals")
        old = sa.select(messages.c.id).where(flag, messages.c.accepted_ms < before_ms)
        names = list(await connection.scalars(old.order_by(messages.c.accepted_ms).limit(_AT_ONCE)))
        rows = 0
        for table in (events, texts, decisions):
            rows += await _delete(connection, table, table.c.message_id.in_(names))
        return rows + await _delete(connection, messages, messages.c.id.in_(names)), len(names) == _AT_ONCE
    table = decisions if kind == "decisions" else texts
    old = sa.select(table.c.message_id).where(table.c.accepted_ms < before_ms)
    if kind != "decisions":
        old = old.where(texts.c.urgent == int(kind == "codes"))
    names = list(await connection.scalars(old.order_by(table.c.accepted_ms).limit(_AT_ONCE)))
    return await _delete(connection, table, table.c.message_id.in_(names)), len(names) == _AT_ONCE


async def _trim_events(connection: AsyncConnection, before_ms: int) -> tuple[int, bool]:
    """Delete changes of status, message by message; how far that has come is kept, for the messages stay."""
    found = await connection.scalar(sa.select(retained.c.until_ms).where(retained.c.kind == "events"))
    after_ms = int(found or 0)
    old = sa.and_(messages.c.refused == 0, messages.c.accepted_ms >= after_ms, messages.c.accepted_ms < before_ms)
    instants = sa.select(messages.c.accepted_ms).where(old).order_by(messages.c.accepted_ms).limit(_AT_ONCE)
    ordered = list(await connection.scalars(instants))
    if not ordered:
        return 0, False
    # Up to the last of these instants and all of it, however many messages share it.
    some = sa.select(messages.c.id).where(old, messages.c.accepted_ms <= ordered[-1])
    rows = await _delete(connection, events, events.c.message_id.in_(some))
    if found is None:
        await connection.execute(sa.insert(retained).values(kind="events", until_ms=ordered[-1] + 1))
    else:
        moved = sa.update(retained).where(retained.c.kind == "events").values(until_ms=ordered[-1] + 1)
        await connection.execute(moved)
    return rows, len(ordered) == _AT_ONCE


async def _delete(connection: AsyncConnection, table: sa.Table, which: sa.ColumnElement[bool]) -> int:
    result: sa.CursorResult[Any] = await connection.execute(sa.delete(table).where(which))
    return int(result.rowcount)
