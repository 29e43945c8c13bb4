"""What makes the audit's rows a chain: each carries a hash over what it says and over the hash of the row before.

Who edits, removes, adds or swaps a row breaks the chain at that place, or has to write every later row anew. What the
chain cannot show is in anchors.py.

The form that is hashed has a version, and the version stands before the hash: rows keep what they were given.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry import many
from registry.tables import audit, audit_head

#: What the first row has for the hash of the row before.
START: Final = "0"
_FORM: Final = "a2p-audit/1"
_VERSION: Final = "1:"
_HEAD_ID: Final = 1


class Entry(NamedTuple):
    """What one row of the audit says. Its id is not in it: the order of ids is the order of the chain."""

    at: datetime
    actor: str
    action: str
    kind: str
    row_key: str
    before: str | None
    after: str | None
    tenant: str | None


class Head(NamedTuple):
    """Where the chain ends."""

    #: How many rows it has.
    length: int
    #: The last row's hash.
    hash: str


#: A row as the table has it: what it says, the hash of the row before, and its own.
Row = tuple[Any, ...]


def link(previous: str, entry: Entry) -> str:
    """Return the hash of a row that follows one with that hash."""
    return _hash(previous, _written(entry.at), entry)


def says(entry: Entry | None, previous: str | None, own: str | None) -> bool:
    """Say whether a row's hash is of what the row says; None for what could not be read or is not there."""
    try:
        return entry is not None and previous is not None and link(previous, entry) == own
    except TypeError:  # Bytes, which JSON cannot hold.
        return False


def _hash(previous: str, at: str, entry: Entry) -> str:
    return _VERSION + sha256(orjson.dumps([_FORM, previous, at, *entry[1:]])).hexdigest()


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


async def read_head(connection: AsyncConnection) -> Head:
    """Return where the chain ends."""
    row = (await connection.execute(sa.select(audit_head.c.count, audit_head.c.hash))).one()
    return Head(*row)


def linked(head: Head, entries: Sequence[Entry]) -> tuple[Head, list[Row]]:
    """Return rows that go on where the chain ends, and where it ends with them."""
    rows: list[Row] = []
    previous = head.hash
    at, written = None, ""
    for entry in entries:
        if entry.at is not at:  # (the same for all of a change)
            at, written = entry.at, _written(entry.at)
        current = _hash(previous, written, entry)
        rows.append((*entry, previous, current))
        previous = current
    return Head(head.length + len(rows), previous), rows


async def append(connection: AsyncConnection, head: Head, rows: Sequence[Row]) -> None:
    """Write rows that linked() gave, with where the chain ends now.

    connection is one of Database.writing(), from before the chain's end was read: nobody else writes meanwhile.
    """
    await many.send(connection, statements(connection.dialect, rows))
    await write_head(connection, head)


def statements(dialect: sa.Dialect, rows: Sequence[Row]) -> list[many.Statement]:
    """Return what writes rows that linked() gave."""
    return many.inserts(dialect, audit, (*Entry._fields, "prev_hash", "hash"), rows)


async def write_head(connection: AsyncConnection, head: Head) -> None:
    """Write where the chain ends now, in the transaction that writes its rows."""
    await connection.execute(
        sa.update(audit_head).where(audit_head.c.id == _HEAD_ID).values(count=head.length, hash=head.hash),
    )
