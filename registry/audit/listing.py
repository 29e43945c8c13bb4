"""Rows of the audit for people, the newest first, a page at a time.

Not here: who may see them (views.py, commands.py).
"""

from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.audit.chain import Entry, says
from registry.tables import audit

#: What proves a key; it is in the audit so that a change of it shows, and nobody's to read.
_SECRET: Final = frozenset({"sha256"})


class Filters(NamedTuple):
    """Which rows; what is None does not matter."""

    tenant: str | None = None
    #: Such as key:<id> or import.
    actor: str | None = None
    #: The table, such as numbers.
    kind: str | None = None
    #: The first part of the row's primary key, such as a number.
    object: str | None = None
    since: datetime | None = None
    #: Up to here, and not this instant itself.
    until: datetime | None = None


class Place(NamedTuple):
    """Where a row stands."""

    at: datetime
    id: int


class Page(NamedTuple):
    """Some rows, as JSON can hold them."""

    rows: list[dict[str, Any]]
    #: Where the next page begins; None: there is none.
    next: Place | None


async def list_page(connection: AsyncConnection, filters: Filters, *, before: Place | None, limit: int) -> Page:
    """Return the newest rows of before a place: a company's by their time, for which it has an index, all by their id.

    The two orders are the same but where a clock was set back.
    """
    here = (audit.c.id,) if filters.tenant is None else (audit.c.at, audit.c.id)
    query = sa.select(audit).order_by(*(column.desc() for column in here)).limit(limit + 1)
    if filters.object is not None:
        whole = orjson.dumps([filters.object]).decode()
        query = query.where(sa.or_(audit.c.row_key == whole, _begins_with(connection, f"{whole[:-1]},")))
    lead = await _lead(connection, filters)
    for column, value in (
        (audit.c.tenant, filters.tenant),
        (audit.c.actor, filters.actor),
        (audit.c.kind, filters.kind),
    ):
        if value is not None:
            # (where another one leads to few rows, no index is to be taken for this one)
            query = query.where((column if column in lead else sa.func.coalesce(column, "")) == value)
    if filters.since is not None:
        query = query.where(audit.c.at >= filters.since)
    if filters.until is not None:
        query = query.where(audit.c.at < filters.until)
    if before is not None and filters.tenant is None:
        query = query.where(audit.c.id < before.id)
    elif before is not None:
        there = sa.tuple_(sa.literal(before.at, audit.c.at.type), sa.literal(before.id, audit.c.id.type))
        query = query.where(audit.c.at <= before.at, sa.tuple_(*here) < there)
    rows = (await connection.execute(query)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return Page([_shown(row) for row in rows[:limit]], None if last is None else Place(last.at, last.id))


#: So many rows of a kind are looked through for those of one actor; of more, the index of the actor is taken.
_FEW: Final = 1_000


async def _lead(connection: AsyncConnection, filters: Filters) -> frozenset[sa.Column[Any]]:
    """Return the columns by whose indexes rows are found: not those beside an object, of which there are few rows.

    Where it is both a kind and an actor, the one that is rare: a database without statistics would not know which.
    """
    if filters.object is not None:
        return frozenset()
    if filters.tenant is None or filters.actor is None or filters.kind is None:
        return frozenset({audit.c.tenant, audit.c.actor, audit.c.kind})
    of_kind = sa.select(audit.c.id).where(audit.c.tenant == filters.tenant, audit.c.kind == filters.kind).limit(_FEW)
    few = (await connection.scalar(sa.select(sa.func.count()).select_from(of_kind.subquery())) or 0) < _FEW
    return frozenset({audit.c.tenant, audit.c.kind if few else audit.c.actor})


def _begins_with(connection: AsyncConnection, beginning: str) -> sa.ColumnElement[bool]:
    """Return the condition as the database finds it in an index: both compare byte by byte.

    PostgreSQL does with operators of its own; with LIKE it would read every row behind the policies, which hold first.
    """
    after = beginning[:-1] + chr(ord(beginning[-1]) + 1)
    if connection.dialect.name == "postgresql":
        return sa.and_(
            audit.c.row_key.op("~>=~", is_comparison=True)(beginning),
            audit.c.row_key.op("~<~", is_comparison=True)(after),
        )
    return sa.and_(audit.c.row_key >= beginning, audit.c.row_key < after)


def _shown(row: sa.Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "at": row.at,
        "actor": row.actor,
        "action": row.action,
        "kind": row.kind,
        "key": orjson.loads(row.row_key),
        "before": _record(row.before),
        "after": _record(row.after),
        "intact": says(Entry(*(getattr(row, name) for name in Entry._fields)), row.prev_hash, row.hash),
    }


def _record(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    return {name: value for name, value in orjson.loads(text).items() if name not in _SECRET}
