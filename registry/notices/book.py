"""Writes notices: a new one, or one more line of a notice of the same kind that nobody has yet.

So a hundred suspensions in a row are one notice that lists them. The first of a kind waits a moment for those that
come with it; the next within the hour waits longer.

Not here: who gets a notice (deliveries.py).
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.notices.causes import Cause
from registry.notices.kinds import KINDS
from registry.work_tables import notice_deliveries, notices

#: Things that one notice holds; the rest are counted.
ITEMS_MAX: Final = 200
#: What is written in one transaction bears times this close together.
_BESIDE: Final = timedelta(minutes=1)


class Pace(NamedTuple):
    """How long a notice waits for others of its kind."""

    first: timedelta = timedelta(seconds=3)
    #: After one of the same kind.
    again: timedelta = timedelta(minutes=5)
    #: So long does one count as just told.
    recent: timedelta = timedelta(hours=1)


async def note(connection: AsyncConnection, causes: Iterable[Cause], *, now: datetime, pace: Pace) -> int:
    """Write what is to be told; returns how many things are news. connection is one of Database.writing()."""
    told = 0
    for cause in causes:
        if cause.kind not in KINDS or await _is_known(connection, cause):
            continue
        open_one = await _open_notice(connection, cause)
        if open_one is None:
            await _insert(connection, cause, next_at=await _due_at(connection, cause, now, pace))
        else:
            await _append(connection, cause, *open_one)
        told += 1
    return told


async def tell(
    connection: AsyncConnection,
    *,
    kind: str,
    tenant: str,
    subject: str,
    once: str,
    now: datetime,
    item: dict[str, Any],
    to: str | None = None,
) -> None:
    """Write a notice for somebody who knows what the audit does not say; nothing when once was told before.

    item: name, and what the kind has besides (kinds.py). ValueError for a kind that there is none of.
    """
    if kind not in KINDS:
        raise ValueError(f"no kind of notice: {kind}")
    given = {"subject": subject, "at": now.isoformat(timespec="seconds")} | item
    cause = Cause(kind, tenant, subject, now, once, given, to)
    await note(connection, [cause], now=now, pace=Pace())


async def _is_known(connection: AsyncConnection, cause: Cause) -> bool:
    """Say whether it was told before, or somebody wrote it beside the change itself."""
    same = notices.c.once == cause.once
    if KINDS[cause.kind].to_requester:
        beside = notices.c.at > cause.at - _BESIDE
        whose = sa.and_(notices.c.tenant == cause.tenant, notices.c.kind == cause.kind)
        same |= sa.and_(whose, notices.c.subject == cause.subject, beside)
    return await connection.scalar(sa.select(notices.c.id).where(same).limit(1)) is not None


async def _open_notice(connection: AsyncConnection, cause: Cause) -> tuple[int, dict[str, Any]] | None:
    """Return a notice of the kind that waits and that nobody has been given; with what it holds."""
    given = sa.select(notice_deliveries.c.notice).where(notice_deliveries.c.notice == notices.c.id).exists()
    rows = await connection.execute(
        sa.select(notices.c.id, notices.c.params)
        .where(notices.c.tenant == cause.tenant, notices.c.kind == cause.kind, notices.c.next_at.is_not(None), ~given)
        .order_by(notices.c.id)
    )
    for row in rows:
        params = orjson.loads(row.params)
        if type(params) is dict and "items" in params and params.get("to") == cause.to:
            return row.id, params
    return None


async def _due_at(connection: AsyncConnection, cause: Cause, now: datetime, pace: Pace) -> datetime:
    if cause.to is not None:
        return now + pace.first
    last = await connection.scalar(
        sa.select(notices.c.at)
        .where(notices.c.tenant == cause.tenant, notices.c.kind == cause.kind, notices.c.at > now - pace.recent)
        .order_by(notices.c.id.desc())
        .limit(1)
    )
    soon = now + pace.first
    return soon if last is None else max(soon, last + pace.again)


async def _insert(connection: AsyncConnection, cause: Cause, *, next_at: datetime) -> None:
    params = {"count": 1, "items": [cause.item]} | ({} if cause.to is None else {"to": cause.to})
    await connection.execute(
        sa.insert(notices).values(
            tenant=cause.tenant,
            kind=cause.kind,
            subject=cause.subject,
            at=cause.at,
            params=orjson.dumps(params).decode(),
            once=cause.once,
            attempts=0,
            next_at=next_at,
        )
    )


async def _append(connection: AsyncConnection, cause: Cause, notice: int, params: dict[str, Any]) -> None:
    items = [*params["items"], cause.item][:ITEMS_MAX]
    raw = orjson.dumps(params | {"count": params["count"] + 1, "items": items}).decode()
    await connection.execute(sa.update(notices).where(notices.c.id == notice).values(params=raw))
