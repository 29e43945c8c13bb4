"""Looks for what was tampered with in the audit: goes along the chain once, in one consistent view of the database.

Finds a row that was edited, one that was removed, added or moved, and rows that are missing at the end, by the count
and hash in audit_head. Who can write the database can write the whole chain anew, and the count; that shows only
against what was noted elsewhere (anchors.py). Nothing here tells a row that never was written.

The first bad row is named, and the search ends there: what is behind it hangs on nothing.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.audit.chain import START, Entry, Head, read_head, says
from registry.tables import audit

#: Rows a look.
_ROWS: Final = 5_000
_COLUMNS: Final = tuple(audit.c[name] for name in ("id", *Entry._fields, "prev_hash", "hash"))

#: Called with how many more rows are done, and how many there should be.
Progress = Callable[[int, int], None]


class Verdict(NamedTuple):
    """What was found."""

    #: Where the chain ends, as far as it is good.
    head: Head
    #: What is wrong, in a sentence; None: nothing.
    finding: str | None


class _Row(NamedTuple):
    id: int
    #: None where a value is of no kind that the registry writes.
    entry: Entry | None
    previous: str | None
    hash: str | None


async def verify(connection: AsyncConnection, anchors: Mapping[int, str], progress: Progress) -> Verdict:
    """Check the whole chain, in the view of Database.reading(); anchors: the hashes of some rows, by their place."""
    claimed = await read_head(connection)
    head, last_id = Head(0, START), 0
    async for row in _rows(connection):
        place = head.length + 1
        finding = _check(row, head, last_id) or _against_anchor(row, place, anchors)
        if finding is not None:
            return Verdict(head, finding)
        head, last_id = Head(place, row.hash or ""), row.id
        if place % _ROWS == 0:
            progress(_ROWS, claimed.length)
    progress(head.length % _ROWS, claimed.length)
    return Verdict(head, _check_end(head, last_id, claimed, anchors))


def _check(row: _Row, head: Head, last_id: int) -> str | None:
    """Say what is wrong with a row that stands behind the head, or nothing."""
    if row.previous is None or row.hash is None:
        return f"Row {row.id} is in no chain: it was added past the registry."
    if not says(row.entry, row.previous, row.hash):
        return f"Row {row.id} was edited: its hash is of something else."
    if row.previous != head.hash:
        where = f"behind row {last_id}" if last_id else "at the beginning"
        return f"Row {row.id} does not belong {where}: a row was removed there, added, or moved."
    return None


def _against_anchor(row: _Row, place: int, anchors: Mapping[int, str]) -> str | None:
    if anchors.get(place, row.hash) == row.hash:
        return None
    return f"Row {row.id}, or one before it, was written anew: an anchor has another hash for it."


def _check_end(head: Head, last_id: int, claimed: Head, anchors: Mapping[int, str]) -> str | None:
    where = f"behind row {last_id}" if last_id else "at the beginning"
    if head.length < claimed.length:
        return f"{claimed.length - head.length:,} rows are missing {where}, where the audit ends."
    if head != claimed:
        return f"Row {last_id} is not the one that the audit ended with: rows were removed, added, or written anew."
    longest = max(anchors, default=0)
    if head.length < longest:
        return f"{longest - head.length:,} rows are missing {where}, where the audit ends: an anchor knows of more."
    return None


async def _rows(connection: AsyncConnection) -> AsyncIterator[_Row]:
    after = None
    while True:
        page = sa.select(*_COLUMNS).order_by(audit.c.id).limit(_ROWS)
        if after is not None:
            page = page.where(audit.c.id > after)
        try:
            rows = [_row(row) for row in (await connection.execute(page)).all()]
        except (TypeError, ValueError):
            rows = await _one_by_one(connection, after)
        for row in rows:
            yield row
        if len(rows) < _ROWS:
            return
        after = rows[-1].id


async def _one_by_one(connection: AsyncConnection, after: int | None) -> list[_Row]:
    """Read a page with a row that cannot be read, up to that one."""
    found: list[_Row] = []
    ids = sa.select(audit.c.id).order_by(audit.c.id).limit(_ROWS)
    for place in await connection.scalars(ids if after is None else ids.where(audit.c.id > after)):
        try:
            found.append(_row((await connection.execute(sa.select(*_COLUMNS).where(audit.c.id == place))).one()))
        except (TypeError, ValueError):
            return [*found, _Row(id=place, entry=None, previous="", hash="")]
    return found


def _row(row: Sequence[Any]) -> _Row:
    place, *said, previous, current = row
    return _Row(id=place, entry=Entry(*said), previous=previous, hash=current)
