"""Every change of the truth: the row, its audit record and its outbox entries, in one transaction or not at all.

There is one way to change anything: change() inside Database.writing(). A record that is already as it should be is
left alone and leaves no trace, which is what makes an import repeatable.

Not here: which documents follow from which rows (documents.py), how they reach the store (projector.py), and whether a
change makes sense (company.py checks a file; the tables forbid the rest).
"""

from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeVar

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry import documents, many
from registry.audit import chain
from registry.audit.owners import owners
from registry.beside import Line, Piece, in_turns
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


#: Rows that were read, by kind and key; None where there is none of that key (documents are made of that, too).
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
    async with changing(connection, actor) as changes:
        return await changes.add(put=put, remove=remove, seen=seen)


@asynccontextmanager
async def changing(connection: AsyncConnection, actor: str) -> AsyncIterator["Changing"]:
    """Give what takes several changes of one transaction; at the end of the block all of them are written.

    connection and actor are as for change(). Nobody else uses the connection within the block but when it is idle().
    """
    async with Line() as line:
        changes = Changing(connection, actor, line)
        yield changes
        await changes.end()


class Changing:
    """Changes of one transaction, one after the other: each is put into words while those before it are written.

    Made by changing(). A change's rows are written, its audit, then its documents are read; they are written when the
    next change was put into words. So they reach the outbox in the order of the changes.
    """

    def __init__(self, connection: AsyncConnection, actor: str, line: Line) -> None:
        self._connection = connection
        self._actor = actor
        self._line = line
        #: Where the audit's chain ends with all changes so far; None: nothing has changed yet.
        self._head: chain.Head | None = None
        #: Of each change that is not in the outbox yet: documents, those that were read for it, and when it was made.
        self._read: deque[tuple[documents.Documents, list[documents.Part], datetime]] = deque()

    async def add(
        self,
        *,
        put: Iterable[Record] = (),
        remove: Iterable[RowName] = (),
        seen: Seen = _NOTHING,
        also: Piece | None = None,
    ) -> int:
        """Make a change as change() does, or begin to; also is done as soon as its rows are written.

        What is wrong with it is raised here, by a later change or at the end: the transaction is lost then.
        """
        wanted: dict[type[Record], dict[RowKey, Record | None]] = {kind: {} for kind in TABLES}
        for kind, key in remove:
            wanted[kind][key] = None
        for record in put:
            wanted[type(record)][row_key(record)] = record
        changes = {}
        for kind, rows in wanted.items():
            if different := await self._differences(kind, rows, seen.get(kind, {})):
                changes[kind] = different
        if changes:
            await self._write(changes, seen, datetime.now(UTC), also)
        elif also is not None:
            await self._line.add(also)
        return sum(len(some) for some in changes.values())

    async def idle(self) -> AsyncConnection:
        """Wait until the rows of all changes so far are there to be read."""
        await self._line.done()
        return self._connection

    async def end(self) -> None:
        """Write what is left."""
        if self._head is not None:
            await self._line.add(partial(chain.write_head, self._connection, self._head))
        await self._write_read()
        await self._line.done()
        await self._write_read()

    async def _differences(
        self,
        kind: type[Record],
        wanted: Mapping[RowKey, Record | None],
        seen: Mapping[RowKey, Record | None],
    ) -> list[Change]:
        """Compare what rows of one kind should be (None: not there) with what the database has."""
        there: Mapping[RowKey, Record | None] = seen
        if unseen := wanted.keys() - seen.keys():
            there = {**seen, **await find(await self.idle(), kind, unseen)}
        changes = (Change(there.get(key), after) for key, after in wanted.items())
        return [change for change in changes if change.before != change.after]

    async def _write(self, changes: Changes, seen: Seen, now: datetime, also: Piece | None) -> None:
        """Put changes into words, and have them written."""
        connection, add = self._connection, self._line.add
        every = [change for some in changes.values() for change in some]
        tenants = await owners(self.idle, every, seen)
        head = await chain.read_head(await self.idle()) if self._head is None else self._head
        await add(partial(_write_rows, connection, changes, _rows(connection, changes)))
        if also is not None:
            await add(also)
        audited = list[chain.Row]()
        async for some in in_turns(list(zip(every, tenants, strict=True))):
            head, rows = chain.linked(head, [_entry(*one, self._actor, now) for one in some])
            audited += rows
        self._head = head
        await add(partial(_write_audit, connection, chain.statements(connection.dialect, audited)))
        await self._tell(documents.touched_by(every, _after(changes, seen)), now)

    async def _tell(self, touched: documents.Touched, now: datetime) -> None:
        """Put the documents of a change into words as far as they are known, and have the others read."""
        known = await _rendered([touched.known])
        await self._line.add(partial(self._read_documents, known, touched, now))
        await self._write_read()

    async def _read_documents(self, known: documents.Documents, touched: documents.Touched, now: datetime) -> None:
        self._read.append((known, await documents.read(self._connection, touched), now))

    async def _write_read(self) -> None:
        """Put the documents that were read into words, and have them written with those that were known."""
        while self._read:
            known, parts, now = self._read.popleft()
            rows = [(key, document, now) for key, document in (known | await _rendered(parts)).items()]
            if rows:
                ready = many.inserts(self._connection.dialect, outbox, ("key", "document", "committed_at"), rows)
                await self._line.add(partial(_write_outbox, self._connection, ready))


async def _rendered(parts: Iterable[documents.Part]) -> documents.Documents:
    rendered: documents.Documents = {}
    for part in parts:
        rendered |= part.gone()
        async for some in in_turns(part.rows):
            rendered |= part.rendered(some)
    return rendered


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


def _after(changes: Changes, seen: Seen) -> dict[type[Any], dict[RowKey, Record | None]]:
    """Return the rows that are known as they are after changes."""
    after = {kind: dict(rows) for kind, rows in seen.items()}
    for kind, some in changes.items():
        after.setdefault(kind, {}).update((row_key(change.record), change.after) for change in some)
    return after


def _rows(connection: AsyncConnection, changes: Changes) -> list[many.Statement]:
    """Return what writes the rows that are there after changes, those first that others point at."""
    return [one for kind, some in changes.items() for one in _of_kind(connection.dialect, TABLES[kind], some)]


async def _write_rows(connection: AsyncConnection, changes: Changes, rows: Sequence[many.Statement]) -> None:
    """Write rows so that a row is there before another points at it, and gone after those that point at it."""
    for kind, some in reversed(list(changes.items())):
        gone = [row_key(change.record) for change in some if change.after is None]
        if gone:
            table = TABLES[kind]
            those = many.among(connection, list(table.primary_key.columns), gone)
            await connection.execute(sa.delete(table).where(those))
    await many.send(connection, rows)


def _of_kind(dialect: sa.Dialect, table: sa.Table, changes: Sequence[Change]) -> list[many.Statement]:
    """Return what writes the rows of one table that are there after changes."""
    names = [column.name for column in table.columns]
    values = attrgetter(*names)
    statements = list[many.Statement]()
    new = [values(change.after) for change in changes if change.before is None]
    if new:
        statements += many.inserts(dialect, table, names, new)
    old = [values(change.after) for change in changes if change.before is not None and change.after is not None]
    if old:
        statements += many.updates(dialect, table, names, old)
    return statements


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


async def _write_audit(connection: AsyncConnection, rows: Sequence[many.Statement]) -> None:
    """Write who changed what, at the end of the audit's chain."""
    await many.send(connection, rows)


async def _write_outbox(connection: AsyncConnection, rows: Sequence[many.Statement]) -> None:
    """Write what the registry store has to learn, rendered from the rows as they were behind the change."""
    await many.send(connection, rows)
