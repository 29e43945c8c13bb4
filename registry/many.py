"""Many rows in one statement, the quickest way that each database has: arrays on PostgreSQL, many runs on SQLite.

Values go through the columns' own types, as if SQLAlchemy had built each row's statement. Neither goes by COPY, which
PostgreSQL does not let anybody do where rows have policies.

Not here: which rows (commands.py, documents.py).
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

#: From how many keys on a list of them is one value, rather than one value each.
_MANY_KEYS: Final = 20
#: Rows a statement.
_ROWS: Final = 5_000

Row = tuple[Any, ...]


async def insert(connection: AsyncConnection, table: sa.Table, names: Sequence[str], rows: Sequence[Row]) -> None:
    """Add rows in their order; each has the values of the named columns."""
    dialect = connection.dialect
    columns = ", ".join(_quoted(dialect, name) for name in names)
    made = _prepared(dialect, table, names, rows)
    if dialect.name == "postgresql":
        # (in order, so that growing numbers grow in it)
        await _with_arrays(
            connection,
            f"INSERT INTO {table.name} ({columns}) SELECT {_casts(dialect, table, names)}"  # noqa: S608 - our own names
            f" FROM {_unnested(dialect, table, names)} ORDER BY place",
            made,
        )
        return
    places = ", ".join("?" * len(names))
    await _each(connection, f"INSERT INTO {table.name} ({columns}) VALUES ({places})", made)  # noqa: S608 - our own names


async def update(connection: AsyncConnection, table: sa.Table, names: Sequence[str], rows: Sequence[Row]) -> None:
    """Set whole rows that are there, by primary key; each has the values of the named columns, the keys among them."""
    dialect = connection.dialect
    keys = [column.name for column in table.primary_key.columns]
    rest = [name for name in names if name not in keys]
    order = [*rest, *keys]
    at = [names.index(name) for name in order]
    made = _prepared(dialect, table, order, [tuple(row[place] for place in at) for row in rows])
    if dialect.name == "postgresql":
        values = ", ".join(f"{_quoted(dialect, name)} = {_cast(dialect, table, name)}" for name in rest)
        same = " AND ".join(f"{table.name}.{_quoted(dialect, key)} = u.{_quoted(dialect, key)}" for key in keys)
        unnested = _unnested(dialect, table, order)
        await _with_arrays(
            connection,
            f"UPDATE {table.name} SET {values} FROM {unnested} WHERE {same}",  # noqa: S608 - our own names
            made,
        )
        return
    values = ", ".join(f"{_quoted(dialect, name)} = ?" for name in rest)
    same = " AND ".join(f"{_quoted(dialect, key)} = ?" for key in keys)
    await _each(connection, f"UPDATE {table.name} SET {values} WHERE {same}", made)  # noqa: S608 - our own names


def among(
    connection: AsyncConnection,
    columns: Sequence[sa.ColumnElement[Any]],
    keys: Collection[tuple[str, ...]],
) -> sa.ColumnElement[bool]:
    """Say that texts in some columns, together, are one of the keys."""
    if len(columns) > 1:
        return sa.tuple_(*columns).in_(list(keys))
    (column,), values = columns, [key for (key,) in keys]
    if len(values) < _MANY_KEYS:
        return column.in_(values)
    if connection.dialect.name == "postgresql":
        # (not = ANY: PostgreSQL compares one by one with an array that it does not know when it plans)
        return column.in_(sa.select(sa.func.unnest(sa.bindparam(None, values, type_=ARRAY(sa.String)))))
    listed = sa.func.json_each(orjson.dumps(values).decode()).table_valued("value")
    return column.in_(sa.select(listed.c.value))


async def _with_arrays(connection: AsyncConnection, statement: str, rows: Sequence[Row]) -> None:
    """Run a statement that takes one array a column."""
    for first in range(0, len(rows), _ROWS):
        columns = tuple(list(column) for column in zip(*rows[first : first + _ROWS], strict=True))
        await connection.exec_driver_sql(statement, columns)


async def _each(connection: AsyncConnection, statement: str, rows: Sequence[Row]) -> None:
    for first in range(0, len(rows), _ROWS):
        await connection.exec_driver_sql(statement, list(rows[first : first + _ROWS]))


def _prepared(dialect: sa.Dialect, table: sa.Table, names: Sequence[str], rows: Sequence[Row]) -> list[Row]:
    """Return rows as the driver takes them."""
    found = [
        (place, table.c[name].type.dialect_impl(dialect).bind_processor(dialect)) for place, name in enumerate(names)
    ]
    processors: list[tuple[int, Callable[[Any], Any]]] = [(place, one) for place, one in found if one is not None]
    if not processors:
        return list(rows)
    made = []
    for row in rows:
        values = list(row)
        for place, processor in processors:
            values[place] = processor(values[place])
        made.append(tuple(values))
    return made


def _unnested(dialect: sa.Dialect, table: sa.Table, names: Sequence[str]) -> str:
    """Write the arrays of a statement as rows, in their order."""
    arrays = ", ".join(f"${place}::{_array_type(dialect, table, name)}[]" for place, name in enumerate(names, 1))
    return f"unnest({arrays}) WITH ORDINALITY AS u({', '.join(_quoted(dialect, name) for name in names)}, place)"


def _array_type(dialect: sa.Dialect, table: sa.Table, name: str) -> str:
    """Return what the driver takes the values of a column as; JSON as a text."""
    kind = table.c[name].type.dialect_impl(dialect)
    return "text" if _is_json(kind) else str(kind.compile(dialect))


def _cast(dialect: sa.Dialect, table: sa.Table, name: str) -> str:
    return f"u.{_quoted(dialect, name)}" + ("::json" if _is_json(table.c[name].type.dialect_impl(dialect)) else "")


def _casts(dialect: sa.Dialect, table: sa.Table, names: Sequence[str]) -> str:
    return ", ".join(_cast(dialect, table, name) for name in names)


def _is_json(kind: sa.types.TypeEngine[Any]) -> bool:
    return isinstance(getattr(kind, "impl", kind), sa.JSON) or isinstance(kind, sa.JSON)


def _quoted(dialect: sa.Dialect, name: str) -> str:
    return dialect.identifier_preparer.quote(name)
