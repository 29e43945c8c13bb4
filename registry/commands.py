"""Every change of the truth: the row, its audit record and its outbox entries, in one transaction or not at all.

There is one way to change anything: change() inside Database.writing(). A record that is already as it should be is
left alone and leaves no trace, which is what makes an import repeatable.

Not here: which documents follow from which rows (documents.py), how they reach the store (projector.py), and whether a
change makes sense (company.py checks a file; the tables forbid the rest).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import TypeVar

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry import documents, many
from registry.audit import chain
from registry.audit.owners import owners
from registry.records import Record
from registry.tables import KEY_NAMES, TABLES, outbox

R = TypeVar("R", bound=Record)
#: The values of a row's primary key, in the table's order.
RowKey = tuple[str, ...]
RowName = tuple[type[Record], RowKey]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One row that became another: created without before, removed without after."""

    before: Record | None
    after: Record | None

    @property
    def record(self) -> Record:
        """The record that names the row."""
        record = self.after or self.before
        if record is None:
            raise ValueError("a change is of something")
        return record


async def change(
    connection: AsyncConnection,
    *,
    actor: str,
    put: Iterable[Record] = (),
    remove: Iterable[RowName] = (),
) -> int:
    """Make the rows be as in put, and not be for those in remove; returns how many rows differ from before.

    connection is one of Database.writing(). actor is who did it, for the audit. A row that is both put and removed is
    put: it left one owner and got another. sqlalchemy.exc.IntegrityError when a record points at a row that is not
    there.
    """
    wanted: dict[type[Record], dict[RowKey, Record | None]] = {kind: {} for kind in TABLES}
    for kind, key in remove:
        wanted[kind][key] = None
    for record in put:
        wanted[type(record)][row_key(record)] = record
    changes = []
    for kind, rows in wanted.items():
        changes += await _differences(connection, kind, rows)
    if changes:
        now = datetime.now(UTC)
        await _write_rows(connection, changes)
        await _write_audit(connection, changes, actor, now)
        await _write_outbox(connection, changes, now)
    return len(changes)


async def find(connection: AsyncConnection, kind: type[R], keys: Collection[RowKey]) -> dict[RowKey, R]:
    """Return those records of one kind whose primary keys are given."""
    if not keys:
        return {}
    table = TABLES[kind]
    wanted = many.among(connection, list(table.primary_key.columns), keys)
    names = [column.name for column in table.columns]
    rows = await connection.execute(sa.select(table).where(wanted))
    found = [kind(**dict(zip(names, row, strict=True))) for row in rows]
    return {row_key(record): record for record in found}


def row_key(record: Record) -> RowKey:
    """Return the primary key of a record."""
    names = KEY_NAMES[type(record)]
    if len(names) == 1:  # (nearly all: asked for every row of a large file)
        return (getattr(record, names[0]),)
    return tuple(getattr(record, name) for name in names)


async def _differences(
    connection: AsyncConnection,
    kind: type[Record],
    wanted: Mapping[RowKey, Record | None],
) -> list[Change]:
    """Compare what rows of one kind should be (None: not there) with what the database has."""
    there = await find(connection, kind, wanted.keys())
    changes = (Change(before=there.get(key), after=after) for key, after in wanted.items())
    return [change for change in changes if change.before != change.after]


async def _write_rows(connection: AsyncConnection, changes: Sequence[Change]) -> None:
    """Write rows so that a row is there before another points at it, and gone after those that point at it."""
    for kind, table in reversed(list(TABLES.items())):
        gone = [row_key(change.record) for change in changes if change.after is None and type(change.before) is kind]
        if gone:
            those = many.among(connection, list(table.primary_key.columns), gone)
            await connection.execute(sa.delete(table).where(those))
    for kind, table in TABLES.items():
        mine = [change for change in changes if type(change.after) is kind]
        names = [column.name for column in table.columns]
        values = attrgetter(*names)
        new = [values(change.after) for change in mine if change.before is None]
        if new:
            await many.insert(connection, table, names, new)
        old = [values(change.after) for change in mine if change.before is not None]
        if old:
            await many.update(connection, table, names, old)


async def _write_audit(connection: AsyncConnection, changes: Sequence[Change], actor: str, now: datetime) -> None:
    """Write who changed what: the whole record before and after, at the end of the audit's chain."""
    tenants = await owners(connection, [(change.before, change.after) for change in changes])
    await chain.append(
        connection,
        [
            chain.Entry(
                at=now,
                actor=actor,
                action="created" if change.before is None else "removed" if change.after is None else "changed",
                kind=TABLES[type(change.record)].name,
                row_key=orjson.dumps(row_key(change.record)).decode(),
                before=_json(change.before),
                after=_json(change.after),
                tenant=tenant,
            )
            for change, tenant in zip(changes, tenants, strict=True)
        ],
    )


def _json(record: Record | None) -> str | None:
    return None if record is None else orjson.dumps(record, option=orjson.OPT_UTC_Z).decode()


async def _write_outbox(connection: AsyncConnection, changes: Sequence[Change], now: datetime) -> None:
    """Write what the registry store has to learn, rendered from the rows as they are now."""
    touched = await documents.touched_by(connection, [(change.before, change.after) for change in changes])
    rendered = await documents.render(connection, touched)
    if rendered:
        rows = [(key, document, now) for key, document in rendered.items()]
        await many.insert(connection, outbox, ("key", "document", "committed_at"), rows)
