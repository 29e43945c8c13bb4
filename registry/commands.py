"""Every change of the truth: the row, its audit record and its outbox entries, in one transaction or not at all.

There is one way to change anything: change() inside Database.writing(). A record that is already as it should be is
left alone and leaves no trace, which is what makes an import repeatable.

Not here: which documents follow from which rows (documents.py), how they reach the store (projector.py), and whether a
change makes sense (company.py checks a file; the tables forbid the rest).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeVar

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry import documents, many
from registry.audit import chain
from registry.audit.owners import owners
from registry.beside import beside, in_turns
from registry.quickly import maker
from registry.records import Record
from registry.tables import KEY_NAMES, TABLES, outbox

R = TypeVar("R", bound=Record)
#: Get the values of a primary key: a tuple of them, or the only one.
_KEYS: Final[Mapping[type[Any], Callable[[Any], Any]]] = MappingProxyType(
    {kind: attrgetter(*names) for kind, names in KEY_NAMES.items()}
)
#: The values of a row's primary key, in the table's order.
RowKey = tuple[str, ...]
RowName = tuple[type[Record], RowKey]


#: Rows that were read, by kind and key; None where there is none of that key.
Seen = Mapping[type[Any], Mapping[RowKey, Record | None]]
_NOTHING: Final[Seen] = MappingProxyType({})


class Change(NamedTuple):
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


#: By kind, in the order of TABLES; only kinds that something changed of.
Changes = Mapping[type[Record], Sequence[Change]]


async def change(
    connection: AsyncConnection,
    *,
    actor: str,
    put: Iterable[Record] = (),
    remove: Iterable[RowName] = (),
    seen: Seen = _NOTHING,
) -> int:
    """Make the rows be as in put, and not be for those in remove; returns how many rows differ from before.

    connection is one of Database.writing(). actor is who did it, for the audit. A row that is both put and removed is
    put: it left one owner and got another. seen has rows as this transaction has read them, before it changed any; they
    are not read again. sqlalchemy.exc.IntegrityError when a record points at a row that is not there.
    """
    wanted: dict[type[Record], dict[RowKey, Record | None]] = {kind: {} for kind in TABLES}
    for kind, key in remove:
        wanted[kind][key] = None
    for record in put:
        wanted[type(record)][row_key(record)] = record
    changes = {}
    for kind, rows in wanted.items():
        if different := await _differences(connection, kind, rows, seen.get(kind, {})):
            changes[kind] = different
    if changes:
        await _write(connection, changes, actor, datetime.now(UTC))
    return sum(len(some) for some in changes.values())


async def find(connection: AsyncConnection, kind: type[R], keys: Collection[RowKey]) -> dict[RowKey, R]:
    """Return those records of one kind whose primary keys are given."""
    if not keys:
        return {}
    table = TABLES[kind]
    wanted = many.among(connection, list(table.primary_key.columns), keys)
    rows = await connection.execute(sa.select(table).where(wanted))
    made = maker(kind, table.columns.keys())
    return {row_key(record): record for record in map(made, rows.all())}


def row_key(record: Record) -> RowKey:
    """Return the primary key of a record."""
    key = _KEYS[type(record)](record)
    return key if type(key) is tuple else (key,)


async def _differences(
    connection: AsyncConnection,
    kind: type[Record],
    wanted: Mapping[RowKey, Record | None],
    seen: Mapping[RowKey, Record | None],
) -> list[Change]:
    """Compare what rows of one kind should be (None: not there) with what the database has."""
    there: Mapping[RowKey, Record | None] = seen
    if unseen := wanted.keys() - seen.keys():
        there = {**seen, **await find(connection, kind, unseen)}
    changes = (Change(there.get(key), after) for key, after in wanted.items())
    return [change for change in changes if change.before != change.after]


async def _write(connection: AsyncConnection, changes: Changes, actor: str, now: datetime) -> None:
    """Write changes; what the audit and the documents say is put into words while the database is busy."""
    every = [change for some in changes.values() for change in some]
    tenants = await owners(connection, every)
    head, audited = await chain.read_head(connection), list[chain.Row]()
    async with beside(_write_rows(connection, changes)):
        async for some in in_turns(list(zip(every, tenants, strict=True))):
            head, rows = chain.linked(head, [_entry(*one, actor, now) for one in some])
            audited += rows
    parts = await documents.read(connection, await documents.touched_by(connection, every))
    rendered: documents.Documents = {}
    async with beside(_write_audit(connection, head, audited)):
        async for (part,) in in_turns(parts, 1):
            rendered |= part.rendered()
    await _write_outbox(connection, rendered, now)


async def _write_rows(connection: AsyncConnection, changes: Changes) -> None:
    """Write rows so that a row is there before another points at it, and gone after those that point at it."""
    for kind, some in reversed(list(changes.items())):
        gone = [row_key(change.record) for change in some if change.after is None]
        if gone:
            table = TABLES[kind]
            those = many.among(connection, list(table.primary_key.columns), gone)
            await connection.execute(sa.delete(table).where(those))
    async with many.checked_as_ever(connection):
        for kind, some in changes.items():
            await _write_kind(connection, TABLES[kind], some)


async def _write_kind(connection: AsyncConnection, table: sa.Table, changes: Sequence[Change]) -> None:
    """Write the rows of one table that are there after a change."""
    names = [column.name for column in table.columns]
    values = attrgetter(*names)
    new = [values(change.after) for change in changes if change.before is None]
    if new:
        await many.insert(connection, table, names, new)
    old = [values(change.after) for change in changes if change.before is not None and change.after is not None]
    if old:
        await many.update(connection, table, names, old)


def _entry(change: Change, tenant: str | None, actor: str, now: datetime) -> chain.Entry:
    """Say who changed what: the whole record before and after."""
    before, after = change
    record = change.record
    return chain.Entry(
        now,
        actor,
        "created" if before is None else "removed" if after is None else "changed",
        TABLES[type(record)].name,
        orjson.dumps(row_key(record)).decode(),
        None if before is None else _json(before),
        None if after is None else _json(after),
        tenant,
    )


def _json(record: Record) -> str:
    return orjson.dumps(record, option=orjson.OPT_UTC_Z).decode()


async def _write_audit(connection: AsyncConnection, head: chain.Head, rows: Sequence[chain.Row]) -> None:
    """Write who changed what, at the end of the audit's chain."""
    await chain.append(connection, head, rows)


async def _write_outbox(connection: AsyncConnection, rendered: documents.Documents, now: datetime) -> None:
    """Write what the registry store has to learn, rendered from the rows as they are now."""
    if rendered:
        rows = [(key, document, now) for key, document in rendered.items()]
        await many.insert(connection, outbox, ("key", "document", "committed_at"), rows)
