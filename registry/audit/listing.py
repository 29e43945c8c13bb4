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


class Page(NamedTuple):
    """Some rows, as JSON can hold them."""

    rows: list[dict[str, Any]]
    #: The id behind which the next page begins; None: there is none.
    next: int | None


async def list_page(connection: AsyncConnection, filters: Filters, *, before: int | None, limit: int) -> Page:
    """Return the newest rows whose id is below before."""
    query = sa.select(audit).order_by(audit.c.id.desc()).limit(limit + 1)
    for column, value in (
        (audit.c.tenant, filters.tenant),
        (audit.c.actor, filters.actor),
        (audit.c.kind, filters.kind),
    ):
        if value is not None:
            query = query.where(column == value)
    if filters.object is not None:
        whole = orjson.dumps([filters.object]).decode()
        query = query.where(
            sa.or_(audit.c.row_key == whole, audit.c.row_key.startswith(whole[:-1] + ",", autoescape=True))
        )
    if filters.since is not None:
        query = query.where(audit.c.at >= filters.since)
    if filters.until is not None:
        query = query.where(audit.c.at < filters.until)
    if before is not None:
        query = query.where(audit.c.id < before)
    rows = (await connection.execute(query)).all()
    return Page([_shown(row) for row in rows[:limit]], rows[limit - 1].id if len(rows) > limit else None)


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
