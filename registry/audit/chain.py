"""What makes the audit's rows a chain: each carries a hash over what it says and over the hash of the row before.

Who edits, removes, adds or swaps a row breaks the chain at that place, or has to write every later row anew. What the
chain cannot show is in anchors.py.

The form that is hashed has a version, and the version stands before the hash: rows keep what they were given.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, NamedTuple

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


def link(previous: str, entry: Entry) -> str:
    """Return the hash of a row that follows one with that hash."""
    at = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    return _VERSION + sha256(orjson.dumps([_FORM, previous, at, *entry[1:]])).hexdigest()


async def read_head(connection: AsyncConnection) -> Head:
    """Return where the chain ends."""
    row = (await connection.execute(sa.select(audit_head.c.count, audit_head.c.hash))).one()
    return Head(*row)


async def append(connection: AsyncConnection, entries: Sequence[Entry]) -> None:
    """Write rows at the end of the chain; connection is one of Database.writing(), so nobody else does meanwhile."""
    head = await read_head(connection)
    rows, previous = [], head.hash
    for entry in entries:
        current = link(previous, entry)
        rows.append((*entry, previous, current))
        previous = current
    await many.insert(connection, audit, (*Entry._fields, "prev_hash", "hash"), rows)
    await connection.execute(
        sa.update(audit_head).where(audit_head.c.id == _HEAD_ID).values(count=head.length + len(rows), hash=previous),
    )
