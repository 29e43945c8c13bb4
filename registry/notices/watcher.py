"""Looks for what is to be told: behind a cursor over the audit, in the list of differences, and at ends to come.

What was read and what came of it are committed together, so each change is told once, whatever is killed when. Where
there is no cursor yet, it begins at the end: what is there when the registry first starts is nobody's news.

Not here: which changes count (causes.py), and how a notice is carried (sender.py).
"""

from datetime import datetime, timedelta
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.database import Database
from registry.drift.classes import CLASSES
from registry.notices.book import Pace, note
from registry.notices.causes import TABLES, Cause, Row, find_causes
from registry.notices.ending import due, watch_ends
from registry.tables import audit
from registry.work_tables import drift, sweeps

CURSOR: Final = "notices"
DIFFERENCES: Final = "notices-drift"
#: Rows of the audit in one transaction.
BATCH: Final = 500
#: A difference is told when it is still there after so long: much that is found is only on its way.
PATIENCE: Final = timedelta(minutes=15)
#: Classes of differences that are nobody's to decide.
_HEALING: Final = tuple(word for word, one in CLASSES.items() if one.heals)


async def watch(database: Database, *, now: datetime, pace: Pace | None = None) -> int:
    """Write notices of what changed since the last look; returns how many rows of the audit were read.

    At most BATCH of them: call again while it returns as many.
    """
    async with database.reading() as connection:
        is_read = await _cursor(connection, CURSOR) == str(await _last(connection))
        if is_read and not await _differing(connection, now) and not await due(connection, now):
            return 0
    async with database.writing() as connection:
        read = await _watch_audit(connection, now, pace or Pace())
        await _watch_differences(connection, now, pace or Pace())
        await watch_ends(connection, now=now, pace=pace or Pace())
    return read


async def _watch_audit(connection: AsyncConnection, now: datetime, pace: Pace) -> int:
    written, last = await _cursor(connection, CURSOR), await _last(connection)
    if written is None:
        await _move(connection, CURSOR, None, str(last), now)
        return 0
    found = await connection.execute(
        sa.select(audit.c.id, audit.c.at, audit.c.actor, audit.c.kind, audit.c.before, audit.c.after)
        .where(audit.c.id > int(written))
        .order_by(audit.c.id)
        .limit(BATCH)
    )
    rows = [Row(one.id, one.at, one.actor, one.kind, one.before, one.after) for one in found]
    if rows:
        news = [row for row in rows if row.kind in TABLES]
        read = [row._replace(before=_decoded(row.before), after=_decoded(row.after)) for row in news]
        await note(connection, await find_causes(connection, read), now=now, pace=pace)
        await _move(connection, CURSOR, written, str(rows[-1].id), now)
    return len(rows)


async def _watch_differences(connection: AsyncConnection, now: datetime, pace: Pace) -> None:
    """Tell of differences that did not heal."""
    written = await _cursor(connection, DIFFERENCES)
    if written is not None:
        await note(connection, [_difference(row) for row in await _differing(connection, now)], now=now, pace=pace)
    await _move(connection, DIFFERENCES, written, (now - PATIENCE).isoformat(), now)


async def _differing(connection: AsyncConnection, now: datetime) -> list[sa.RowMapping]:
    """Return the differences that became old enough since the last look."""
    written = await _cursor(connection, DIFFERENCES)
    if written is None:
        return []
    rows = await connection.execute(
        sa.select(drift)
        .where(
            drift.c.state == "open",
            drift.c.tenant.is_not(None),
            drift.c.kind.not_in(_HEALING),
            drift.c.found_at <= now - PATIENCE,
            drift.c.found_at > datetime.fromisoformat(written),
        )
        .order_by(drift.c.found_at, drift.c.kind, drift.c.object)
    )
    return list(rows.mappings())


def _difference(row: sa.RowMapping) -> Cause:
    at = row["found_at"].isoformat(timespec="seconds")
    what, _, name = row["object"].partition(":")
    known = CLASSES.get(row["kind"])
    item = {"subject": row["object"], "name": f"{what} {name}".strip(), "at": at, "difference": row["kind"]}
    item |= {"detail": row["detail"] if known is None else known.meaning}
    item |= {} if known is None else {"todo": known.remedy}
    once = f"drift_found:{row['kind']}:{row['object']}:{row['found_at'].isoformat()}"
    return Cause("drift_found", row["tenant"], row["object"], row["found_at"], once, item)


async def _last(connection: AsyncConnection) -> int:
    return await connection.scalar(sa.select(sa.func.coalesce(sa.func.max(audit.c.id), 0))) or 0


async def _cursor(connection: AsyncConnection, name: str) -> str | None:
    return await connection.scalar(sa.select(sweeps.c.cursor).where(sweeps.c.name == name))


async def _move(connection: AsyncConnection, name: str, before: str | None, after: str, now: datetime) -> None:
    if before is None:
        await connection.execute(sa.insert(sweeps).values(name=name, cursor=after, at=now))
    else:
        await connection.execute(sa.update(sweeps).where(sweeps.c.name == name).values(cursor=after, at=now))


def _decoded(raw: Any) -> Any:
    return None if raw is None else orjson.loads(raw)
