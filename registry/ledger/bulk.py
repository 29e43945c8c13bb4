"""Many rows at once, the quickest way that each database has.

That is arrays on PostgreSQL, a column each, and prepared statements on SQLite. (COPY is not for tables with policies.)

Not here: which rows (writer.py).
"""

import contextlib
import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.ledger.batch import Row

#: Values that one statement is given at most: SQLite takes no more than 32,766.
MANY: Final = 5_000

_STAND_POSTGRESQL: Final = (
    "UPDATE messages SET status = u.status, status_ms = u.status_ms, changes = u.changes,"
    " attempts = greatest(messages.attempts, u.attempts), doubts = messages.doubts + u.doubts"
    " FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[])"
    " AS u(status, status_ms, changes, attempts, doubts, id) WHERE messages.id = u.id"
)
_STAND_SQLITE: Final = (
    "UPDATE messages SET status = ?, status_ms = ?, changes = ?, attempts = max(attempts, ?), doubts = doubts + ?"
    " WHERE id = ?"
)
#: What an array of a column's values is.
_ARRAYS: Final = {sa.String: "text[]", sa.BigInteger: "bigint[]", sa.SmallInteger: "smallint[]"}


async def insert(connection: AsyncConnection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Add rows whose values stand in the order of the table's columns."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        driver = await _postgresql(connection)
        with _sqlalchemys_errors():
            await driver.execute(_insert_postgresql(table), *(list(column) for column in zip(*rows, strict=True)))
        return
    columns = [column.name for column in table.columns]
    places = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608 - our own names
    await connection.exec_driver_sql(statement, list(rows))


async def stand(connection: AsyncConnection, rows: Sequence[Row]) -> int:
    """Say where messages stand now: status, its instant, changes, attempts, doubts beside those before, id.

    Returns how many of the messages there were.
    """
    if not rows:
        return 0
    if connection.dialect.name == "postgresql":
        driver = await _postgresql(connection)
        with _sqlalchemys_errors():
            done: str = await driver.execute(_STAND_POSTGRESQL, *(list(column) for column in zip(*rows, strict=True)))
        return int(done.rpartition(" ")[2])
    result = await connection.exec_driver_sql(_STAND_SQLITE, list(rows))
    return int(result.rowcount)


@functools.cache
def _insert_postgresql(table: sa.Table) -> str:
    """Return the statement that adds rows given as one array a column."""
    names = ", ".join(column.name for column in table.columns)
    arrays = ", ".join(f"${place}::{_ARRAYS[type(column.type)]}" for place, column in enumerate(table.columns, start=1))
    return f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({arrays})"  # noqa: S608 - our own names


def many(values: Iterable[str]) -> Iterator[list[str]]:
    """Share values out to statements."""
    listed = list(values)
    for first in range(0, len(listed), MANY):
        yield listed[first : first + MANY]


@contextlib.contextmanager
def _sqlalchemys_errors() -> Iterator[None]:
    """Raise what the driver says of itself as SQLAlchemy would, without its words: they quote rows."""
    import asyncpg  # type: ignore[import-untyped]  # noqa: PLC0415 - heavy, and PostgreSQL's alone

    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as error:
        raise IntegrityError("many rows", None, Exception(type(error).__name__)) from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise OperationalError("many rows", None, Exception(type(error).__name__)) from None


async def _postgresql(connection: AsyncConnection) -> Any:
    """Return the driver's own connection, in the transaction that was begun on this one."""
    return (await connection.get_raw_connection()).driver_connection
