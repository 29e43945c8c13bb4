"""How many numbers there are, kept by triggers; and indexes for what pages look for among very many rows.

The triggers are rows' (SQLite) or statements' (PostgreSQL), on numbers and assignments. Each takes away what its rows
were counted as and adds what they are counted as now, whoever wrote them and in whichever order: so the counts are
right in every transaction. PostgreSQL keeps every version of a count that one transaction makes: very many rows are
written in few statements, as registry/many.py does.

A later migration that makes one of the two tables anew, as SQLite has to for most changes, loses its triggers: it calls
keep_counts() afterwards.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from registry.migrations.walls import let, wall

revision = "0008"
down_revision = "0007"

_KEY: Final = ("tenant", "campaign", "state", "sms", "kind", "owner", "place", "page")
_NAMES: Final = ", ".join(_KEY)
#: Number n, and its assignment a: what it counts as.
_COUNTED: Final = (
    "n.tenant, coalesce(a.campaign_id, ''), coalesce(a.state, ''), n.sms, n.kind,"
    " CASE WHEN n.\"user\" IS NULL THEN 'pool' ELSE 'user' END,"
    " CASE WHEN n.left_at IS NULL THEN 'here' ELSE 'left' END, CASE WHEN n.sms_page THEN 'sms' ELSE '' END"
)
_WITHOUT: Final = _COUNTED.replace("a.campaign_id", "NULL").replace("a.state", "NULL")
_ADDED: Final = f"ON CONFLICT ({_NAMES}) DO UPDATE SET count = number_counts.count + excluded.count"


def _both(where: str) -> dict[str, str]:
    return {"sqlite": where, "postgresql": where}


#: What of a row decides where it is counted.
_MATTERS: Final[Mapping[str, tuple[str, ...]]] = {
    "numbers": ("tenant", '"user"', "kind", "sms", "left_at", "sms_page"),
    "assignments": ("state", "campaign_id"),
}

#: Name, table, columns, and by dialect which rows alone. (SQLite counts in an index alone where it has every column.)
_INDEXES: Final[tuple[tuple[str, str, list[str], Mapping[str, str]], ...]] = (
    ("ix_numbers_tenant_sms_did", "numbers", ["tenant", "sms", "did"], {}),
    ("ix_numbers_tenant_kind_did", "numbers", ["tenant", "kind", "did"], _both("kind <> 'local'")),
    ("ix_numbers_tenant_pool_did", "numbers", ["tenant", "did"], _both('"user" IS NULL')),
    (
        *("ix_numbers_tenant_page_did", "numbers", ["tenant", "did", "sms_page", "left_at"]),
        {"sqlite": "sms_page = 1", "postgresql": "sms_page"},
    ),
    (
        *("ix_numbers_tenant_on_user", "numbers", ["tenant", "user", "kind", "sms", "left_at"]),
        _both("kind = 'local' AND sms = 'enabled' AND left_at IS NULL"),
    ),
    ("ix_users_tenant_licence", "users", ["tenant", "licence", "left_at", "role"], {}),
    ("ix_audit_tenant_at", "audit", ["tenant", "at", "id"], {}),
    ("ix_audit_tenant_kind_at", "audit", ["tenant", "kind", "at", "id"], {}),
    ("ix_audit_tenant_actor_at", "audit", ["tenant", "actor", "at", "id"], {}),
)
#: Others begin with the same column, and every index has to be written.
_SPARE: Final = (
    ("ix_numbers_tenant", "numbers"),
    ("ix_assignments_campaign_id", "assignments"),
    ("ix_users_tenant", "users"),
    ("ix_audit_tenant", "audit"),
)

#: A sign, and which row or rows: old or new.
_Side = tuple[str, str]
_SIDES: Final[Mapping[str, tuple[_Side, ...]]] = {
    "insert": (("+1", "new"),),
    "update": (("-1", "old"), ("+1", "new")),
    "delete": (("-1", "old"),),
}


def upgrade() -> None:
    """Make the table, count what is there, and keep it."""
    op.create_table(
        "number_counts",
        *(sa.Column(name, sa.String, nullable=False) for name in _KEY),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint(*_KEY, name="pk_number_counts"),
    )
    op.create_index("ix_number_counts_campaign", "number_counts", ["campaign"])
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        wall("number_counts", own="tenant")
        let("number_counts", "SELECT, INSERT, UPDATE, DELETE")
    count()
    keep_counts()
    for name, table, columns, where in _INDEXES:
        given: dict[str, Any] = {f"{dialect}_where": sa.text(words) for dialect, words in where.items()}
        op.create_index(name, table, columns, **given)
    # (the operators are those that find the beginning of a key)
    op.create_index("ix_audit_row_key", "audit", ["row_key"], postgresql_ops={"row_key": "varchar_pattern_ops"})
    for name, table in _SPARE:
        op.drop_index(name, table)


def count() -> None:
    """Count all numbers, into the empty table."""
    op.get_bind().exec_driver_sql(
        f"INSERT INTO number_counts ({_NAMES}, count) SELECT {_COUNTED}, count(*)"  # noqa: S608 - our own names
        " FROM numbers AS n LEFT JOIN assignments AS a ON a.did = n.did GROUP BY 1, 2, 3, 4, 5, 6, 7, 8"
    )


def keep_counts() -> None:
    """Make the triggers; those that are there are made anew."""
    bind = op.get_bind()
    make = _of_statements if bind.dialect.name == "postgresql" else _of_rows
    for table in _MATTERS:
        for event, sides in _SIDES.items():
            for statement in make(table, event, sides):
                bind.exec_driver_sql(statement)


def _parts(table: str, event: str, side: _Side, both: str) -> Iterable[str]:
    """Return queries of what rows that were, or are, there count as, and how often; both: they, as n and a."""
    sign, _ = side
    yield f"SELECT {_COUNTED}, {sign} FROM {both}"  # noqa: S608 - our own names
    if table == "assignments" and event != "update":  # A number has none before it gets one, and after it loses it.
        other = "-1" if sign == "+1" else "+1"
        yield f"SELECT {_WITHOUT}, {other} FROM {both}"  # noqa: S608 - our own names


def _of_rows(table: str, event: str, sides: Iterable[_Side]) -> Iterable[str]:
    """Return SQLite's statements."""
    columns, join = {
        "numbers": (("did", *_MATTERS["numbers"]), "AS n LEFT JOIN assignments AS a ON a.did = n.did"),
        "assignments": (("did", *_MATTERS["assignments"]), "AS a JOIN numbers AS n ON n.did = a.did"),
    }[table]
    parts: list[str] = []
    for side in sides:
        values = ", ".join(f"{side[1]}.{name} AS {name}" for name in columns)
        parts += _parts(table, event, side, f"(SELECT {values}) {join}")
    matters = " OR ".join(f"new.{name} IS NOT old.{name}" for name in _MATTERS[table])
    # (without WHERE, SQLite takes ON CONFLICT for the condition of a join)
    steps = "; ".join(f"INSERT INTO number_counts ({_NAMES}, count) {part} WHERE true {_ADDED}" for part in parts)
    yield f"DROP TRIGGER IF EXISTS count_{table}_{event}"
    when = f"WHEN {matters} " if event == "update" else ""
    yield f"CREATE TRIGGER count_{table}_{event} AFTER {event.upper()} ON {table} {when}BEGIN {steps}; END"


def _of_statements(table: str, event: str, sides: Iterable[_Side]) -> Iterable[str]:
    """Return PostgreSQL's statements: the rows of a statement are counted together."""
    # Each row's other half is looked up by its key, whatever was known of the tables when the plan was made: nothing,
    # of one that is being filled. (OFFSET keeps the planner from beginning with the table.)
    join = {
        "numbers": "AS n LEFT JOIN LATERAL (SELECT * FROM assignments WHERE did = n.did OFFSET 0) AS a ON true",
        "assignments": "AS a CROSS JOIN LATERAL (SELECT * FROM numbers WHERE did = a.did OFFSET 0) AS n",
    }[table]
    parts: list[str] = []
    for side in sides:
        parts += _parts(table, event, side, f"{side[1]}_rows {join}")
    name, ways = f"count_{table}_{event}", "SET enable_seqscan = off"
    yield (
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql {ways} AS $$ BEGIN"  # noqa: S608 - our own names
        f" INSERT INTO number_counts ({_NAMES}, count)"
        f" SELECT {_NAMES}, sum(one) FROM ({' UNION ALL '.join(parts)}) AS counted({_NAMES}, one)"
        f" GROUP BY {_NAMES} HAVING sum(one) <> 0 {_ADDED}; RETURN NULL; END $$"
    )
    yield f"DROP TRIGGER IF EXISTS {name} ON {table}"
    tables = " ".join(f"{side.upper()} TABLE AS {side}_rows" for _, side in sides)
    yield (
        f"CREATE TRIGGER {name} AFTER {event.upper()} ON {table} REFERENCING {tables}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
    )
