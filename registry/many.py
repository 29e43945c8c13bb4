"""Many rows in one statement, the quickest way that each database has: arrays on PostgreSQL, many runs on SQLite.

Values go through the columns' own types, as if SQLAlchemy had built each row's statement. Neither goes by COPY, which
PostgreSQL does not let anybody do where rows have policies. The driver looks at each value of an array several times;
so in a large statement a column that is the same in all rows goes as one value, and texts go joined, as one text.

A statement that names thousands of rows by key should look each up, whatever the planner knows of a table that was
empty a minute ago: by_keys().

Not here: which rows (commands.py, documents.py).
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple, Self

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

#: From how many keys on a list of them is one value, rather than one value each.
_MANY_KEYS: Final = 20
#: Rows a statement.
_ROWS: Final = 5_000
#: From how many rows on a column that is the same in all goes as one value.
_MANY_ROWS: Final = 50
#: What a planner may not do who knows nothing of the tables.
#: (what is compiled before it is run is what seems dear, as a table does that now has to be read whole)
_NOT_BY_KEYS: Final = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit")
_BY_KEYS: Final = sa.select(*(sa.func.set_config(way, "off", sa.true()) for way in _NOT_BY_KEYS))

#: Stands between texts that go as one: no printable text has it.
_SEPARATOR: Final = "\x1f"
_SPLIT: Final = r"string_to_array({}, E'\x1f')"

Row = tuple[Any, ...]
Column = list[Any]


async def by_keys(connection: AsyncConnection) -> None:
    """Have the rest of a transaction look rows up by their keys, one by one, rather than read whole tables.

    PostgreSQL keeps the plan of a statement that comes again, and makes it from what it knows of the table by then:
    nothing, of one that is being filled. Then a thousand keys against a hundred thousand rows are compared each with
    each. In a transaction that works by keys alone, looking up is right however large the tables are.
    """
    if connection.dialect.name == "postgresql":
        await connection.execution_options(by_keys=True)
        await connection.execute(_BY_KEYS)
        # (a plan that another transaction left is kept, whatever may be planned now)
        await connection.exec_driver_sql("DISCARD PLANS")


class Statement(NamedTuple):
    """A statement with its values, ready to be sent."""

    text: str
    values: Any


async def send(connection: AsyncConnection, statements: Iterable[Statement]) -> None:
    """Run statements, one after the other."""
    for statement in statements:
        await connection.exec_driver_sql(statement.text, statement.values)


async def insert(connection: AsyncConnection, table: sa.Table, names: Sequence[str], rows: Sequence[Row]) -> None:
    """Add rows in their order; each has the values of the named columns."""
    await send(connection, inserts(connection.dialect, table, names, rows))


def inserts(dialect: sa.Dialect, table: sa.Table, names: Sequence[str], rows: Sequence[Row]) -> list[Statement]:
    """Return what adds rows in their order; each has the values of the named columns."""
    return [_insert(dialect, table, names, some) for some in _parts(rows)]


def _insert(dialect: sa.Dialect, table: sa.Table, names: Sequence[str], rows: Sequence[Row]) -> Statement:
    columns = ", ".join(_quoted(dialect, name) for name in names)
    made = _prepared(dialect, table, names, rows)
    if dialect.name == "postgresql":
        given = _Given.of(dialect, table, names, made)
        # (in order, so that growing numbers grow in it)
        return Statement(
            f"INSERT INTO {table.name} ({columns}) SELECT {', '.join(map(given.value, names))}"  # noqa: S608 - our own names
            f" FROM {given.unnested} ORDER BY place",
            given.values,
        )
    places = ", ".join("?" * len(names))
    statement = f"INSERT INTO {table.name} ({columns}) VALUES ({places})"  # noqa: S608 - our own names
    return Statement(statement, list(zip(*made, strict=True)))


def updates(dialect: sa.Dialect, table: sa.Table, names: Sequence[str], rows: Sequence[Row]) -> list[Statement]:
    """Return what sets whole rows that are there, by primary key; the keys are among the named columns."""
    return [_update(dialect, table, names, some) for some in _parts(rows)]


def _update(dialect: sa.Dialect, table: sa.Table, names: Sequence[str], rows: Sequence[Row]) -> Statement:
    keys = [column.name for column in table.primary_key.columns]
    rest = [name for name in names if name not in keys]
    order = [*rest, *keys]
    at = itemgetter(*(names.index(name) for name in order))
    made = _prepared(dialect, table, order, [at(row) for row in rows])
    if dialect.name == "postgresql":
        given = _Given.of(dialect, table, order, made)
        values = ", ".join(f"{_quoted(dialect, name)} = {given.value(name)}" for name in rest)
        same = " AND ".join(f"{table.name}.{_quoted(dialect, key)} = {given.value(key)}" for key in keys)
        return Statement(
            f"UPDATE {table.name} SET {values} FROM {given.unnested} WHERE {same}",  # noqa: S608 - our own names
            given.values,
        )
    values = ", ".join(f"{_quoted(dialect, name)} = ?" for name in rest)
    same = " AND ".join(f"{_quoted(dialect, key)} = ?" for key in keys)
    statement = f"UPDATE {table.name} SET {values} WHERE {same}"  # noqa: S608 - our own names
    return Statement(statement, list(zip(*made, strict=True)))


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
        if _works_by_keys(connection) and (joined := _joined(values)) is not None:
            return column == sa.any_(sa.func.string_to_array(joined, _SEPARATOR, type_=ARRAY(sa.String)))
        listed = sa.bindparam(None, values, type_=ARRAY(sa.String))
        # (PostgreSQL compares one by one with an array that it does not know when it plans)
        return (
            column == sa.any_(listed) if _works_by_keys(connection) else column.in_(sa.select(sa.func.unnest(listed)))
        )
    rows = sa.func.json_each(orjson.dumps(values).decode()).table_valued("value")
    return column.in_(sa.select(rows.c.value))


def _works_by_keys(connection: AsyncConnection) -> bool:
    found = connection.sync_connection
    return found is not None and bool(found.get_execution_options().get("by_keys", False))


class _Given(NamedTuple):
    """The values of a statement of PostgreSQL: arrays for the columns that differ, single values for the others."""

    values: tuple[Any, ...]
    #: The arrays as rows u, with their place.
    unnested: str
    #: Writes the value of a column by its name.
    value: Callable[[str], str]

    @classmethod
    def of(cls, dialect: sa.Dialect, table: sa.Table, names: Sequence[str], columns: Sequence[Column]) -> Self:
        """Take the columns of rows."""
        count = len(columns[0])
        # (of few rows nothing is saved, and each choice of columns is a statement of its own)
        differs = [count < _MANY_ROWS or column.count(column[0]) < count for column in columns]
        differs[0] = differs[0] or not any(differs)
        arrays: dict[str, str] = {}
        written: dict[str, str] = {}
        values: list[Any] = []
        for place, (name, column, many) in enumerate(zip(names, columns, differs, strict=True), 1):
            kind = _type(dialect, table, name)
            json = "::json" if _is_json(table.c[name].type.dialect_impl(dialect)) else ""
            quoted = _quoted(dialect, name)
            written[name] = (f"u.{quoted}" if many else f"${place}::{kind}") + json
            if not many:
                values.append(column[0])
            elif count >= _MANY_ROWS and (joined := _joined(column)) is not None:
                arrays[quoted] = f"{_SPLIT.format(f'${place}::text')}::{kind}[]"
                values.append(joined)
            else:
                arrays[quoted] = f"${place}::{kind}[]"
                values.append(column)
        return cls(
            values=tuple(values),
            unnested=f"unnest({', '.join(arrays.values())}) WITH ORDINALITY AS u({', '.join(arrays)}, place)",
            value=written.__getitem__,
        )


def _joined(values: Column) -> str | None:
    """Return texts as one; None where they are no texts, or do not come out again as they went in."""
    try:
        joined = _SEPARATOR.join(values)
    except TypeError:
        return None
    # (the empty text alone would come out as none)
    return joined if joined and joined.count(_SEPARATOR) == len(values) - 1 else None


def _parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for first in range(0, len(rows), _ROWS):
        yield rows[first : first + _ROWS]


def _prepared(dialect: sa.Dialect, table: sa.Table, names: Sequence[str], rows: Sequence[Row]) -> list[Column]:
    """Return the columns of rows as the driver takes them."""
    columns: list[Column] = []
    for name, column in zip(names, zip(*rows, strict=True), strict=True):
        processor = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
        if processor is None:
            columns.append(list(column))
        elif column.count(column[0]) == len(column):  # (as it often is)
            columns.append([processor(column[0])] * len(column))
        else:
            columns.append([processor(value) for value in column])
    return columns


def _type(dialect: sa.Dialect, table: sa.Table, name: str) -> str:
    """Return what the driver takes a value of a column as; JSON as a text."""
    kind = table.c[name].type.dialect_impl(dialect)
    return "text" if _is_json(kind) else str(kind.compile(dialect))


def _is_json(kind: sa.types.TypeEngine[Any]) -> bool:
    return isinstance(getattr(kind, "impl", kind), sa.JSON) or isinstance(kind, sa.JSON)


def _quoted(dialect: sa.Dialect, name: str) -> str:
    return dialect.identifier_preparer.quote(name)
