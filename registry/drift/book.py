"""The table of drift: what is found, seen again, gone, and what a person decided may stay.

A person's decision holds for what they saw: when the same thing looks different, it is open again.

Not here: how it is found (sweep.py).
"""

from collections.abc import Collection, Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry import many
from registry.drift.classes import Drift
from registry.work_tables import drift

OPEN = "open"
HEALED = "healed"
ACCEPTED = "accepted"
STATES = (OPEN, HEALED, ACCEPTED)


async def note(
    connection: AsyncConnection,
    objects: Collection[str],
    kinds: Collection[str],
    found: Iterable[Drift],
    now: datetime,
) -> list[Drift]:
    """Note what was found on some objects, of the kinds that were looked for; what is not found any more is healed.

    connection is one of Database.writing(). Returns what is new or open again.
    """
    those = many.among(connection, [drift.c.object], [(name,) for name in objects])
    rows = await connection.execute(sa.select(drift).where(those, drift.c.kind.in_(sorted(kinds))))
    there = {(row.kind, row.object): row for row in rows}
    new: list[Drift] = []
    seen: dict[tuple[str, str], Drift] = {(one.kind, one.object): one for one in found}
    for key, one in seen.items():
        before = there.get(key)
        here = sa.and_(drift.c.kind == one.kind, drift.c.object == one.object)
        if before is None:
            values = {"found_at": now, "seen_at": now, "state": OPEN}
            await connection.execute(sa.insert(drift).values(**one._asdict(), **values))
            new.append(one)
        elif before.state == OPEN or (before.state == ACCEPTED and before.detail == one.detail):
            await connection.execute(sa.update(drift).where(here).values(seen_at=now, **one._asdict()))
        else:
            values = {"found_at": now, "seen_at": now, "state": OPEN, "decided_by": None, "decided_at": None}
            await connection.execute(sa.update(drift).where(here).values(**one._asdict(), **values))
            new.append(one)
    gone = [row for key, row in there.items() if key not in seen and row.state != HEALED]
    for row in gone:
        here = sa.and_(drift.c.kind == row.kind, drift.c.object == row.object)
        await connection.execute(sa.update(drift).where(here).values(state=HEALED, seen_at=now))
    return new


async def objects_open(connection: AsyncConnection, kinds: Collection[str]) -> list[str]:
    """Name the objects on which something of some kinds is listed, and not healed."""
    wanted = sa.select(drift.c.object).where(drift.c.kind.in_(sorted(kinds)), drift.c.state != HEALED)
    return list((await connection.execute(wanted.distinct().order_by(drift.c.object))).scalars())


async def open_by_kind(connection: AsyncConnection) -> dict[str, int]:
    """Count what is open."""
    rows = await connection.execute(
        sa.select(drift.c.kind, sa.func.count()).where(drift.c.state == OPEN).group_by(drift.c.kind)
    )
    return {row[0]: row[1] for row in rows}
