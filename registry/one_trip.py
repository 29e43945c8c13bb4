"""SQLite's driver with one trip to the connection's thread for a statement, where aiosqlite makes four.

To make a cursor, to execute, to fetch and to close are a trip each there, and a trip costs more than most statements.
Here the first rows come back with the execution; most statements have no more.

Not here: what is done with a connection when it is new (database.py).
"""

import sqlite3
from collections.abc import Iterable
from functools import partial
from typing import Any, Final

import aiosqlite
from aiosqlite.context import contextmanager

#: Rows that come back with the execution.
_FIRST: Final = 1_000


class _Cursor(aiosqlite.Cursor):
    """A cursor that has its first rows already."""

    def __init__(self, conn: aiosqlite.Connection, cursor: sqlite3.Cursor) -> None:
        super().__init__(conn, cursor)
        self._first: list[sqlite3.Row] = []
        #: All rows that there are have been in _first.
        self._whole = True

    async def execute(self, sql: str, parameters: Iterable[Any] | None = None) -> aiosqlite.Cursor:
        """Execute, and fetch the first rows."""
        given = () if parameters is None else parameters
        await self._execute(self._begin, sql, given)  # type: ignore[no-untyped-call]  # untyped there
        return self

    def _begin(self, sql: str, parameters: Any) -> None:
        self._whole = False  # Whatever goes wrong from here on, it is to be closed.
        self._cursor.execute(sql, parameters)
        self._first = self._cursor.fetchmany(_FIRST) if self._cursor.description else []
        self._whole = len(self._first) < _FIRST  # So it is where there is nothing to be fetched.

    async def fetchone(self) -> sqlite3.Row | None:
        """Give the next row."""
        if self._first:
            return self._first.pop(0)
        return None if self._whole else await super().fetchone()

    async def fetchmany(self, size: int | None = None) -> Iterable[sqlite3.Row]:
        """Give so many rows or fewer, while there are any."""
        wanted = self.arraysize if size is None else size
        if self._first:
            rows, self._first = self._first[:wanted], self._first[wanted:]
            return rows
        return [] if self._whole else await super().fetchmany(wanted)

    async def fetchall(self) -> Iterable[sqlite3.Row]:
        """Give all rows that are left."""
        rows, self._first = self._first, []
        return rows if self._whole else [*rows, *await super().fetchall()]

    async def close(self) -> None:
        """Close it; one whose rows have all come holds nothing any more."""
        if not self._whole:
            await super().close()


class _Connection(aiosqlite.Connection):
    """A connection whose cursors are ours."""

    @contextmanager
    async def cursor(self) -> aiosqlite.Cursor:
        """Make a cursor; that is no work for the thread."""
        return _Cursor(self, self._conn.cursor())


def connect(database: str, **options: Any) -> aiosqlite.Connection:
    """Return a connection that is opened when it is awaited; options are those of sqlite3.connect.

    They have check_same_thread=False, as SQLAlchemy gives it for files: cursors are made outside the thread.
    """
    connection = _Connection(partial(sqlite3.connect, database, **options), iter_chunk_size=_FIRST)
    connection._thread.daemon = True  # noqa: SLF001 - as SQLAlchemy does to connections that it makes
    return connection
