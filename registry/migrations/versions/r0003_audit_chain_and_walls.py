"""The audit becomes a chain, from its first row on; on PostgreSQL, rows are their company's only (row-level security).

The rows of the audit that are there get their place in the chain as they are found: what was done to them before nobody
can tell. They also learn whose they are, as far as the rows of today tell.

The form of the chain stands here once more (registry/audit/chain.py): a migration must not change when the code does.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

from registry.migrations.walls import let, make_role, wall

revision = "0003"
down_revision = "0002"

_START = "0"
_ROWS = 1_000
_AUDIT = sa.table(
    "audit",
    sa.column("id", sa.BigInteger),
    sa.column("at", sa.DateTime(timezone=True)),
    *(
        sa.column(name, sa.String)
        for name in ("actor", "action", "kind", "row_key", "before", "after", "tenant", "prev_hash", "hash")
    ),
)

#: Tables with a column that says whose a row is: the column.
_OWNED = {
    "tenants": "id",
    **dict.fromkeys(("users", "extensions", "brands", "numbers", "api_keys", "opt_outs"), "tenant"),
    **dict.fromkeys(("applications", "fees", "requests", "audit"), "tenant"),
    **dict.fromkeys(("notices", "notice_deliveries", "notice_hooks", "drift", "bulk_jobs"), "tenant"),
}
#: Tables whose rows are whose another row is: column, that table and its column.
_PARTS = {
    "campaigns": [("brand_id", "brands", "id")],
    "assignments": [("did", "numbers", "did")],
    "provisioning_jobs": [("did", "numbers", "did")],
    "tcr_jobs": [("object", "applications", "id"), ("object", "campaigns", "id")],
    "tcr_marks": [("object", "brands", "id"), ("object", "campaigns", "id")],
    "tcr_events": [("object", "brands", "id"), ("object", "campaigns", "id")],
}
#: What a row may name, if it names one, only if it is the same company's: column, that table and its column.
_NAMED = {
    "extensions": [("user", "users", "id")],
    "numbers": [("user", "users", "id")],
    "assignments": [("campaign_id", "campaigns", "id"), ("brand_id", "brands", "id")],
    "api_keys": [("user", "users", "id")],
    "applications": [("brand_id", "brands", "id")],
    "requests": [("user", "users", "id")],
    "provisioning_jobs": [("campaign_id", "campaigns", "id")],
}


def upgrade() -> None:
    """Chain the audit, then build the walls."""
    _chain()
    if op.get_bind().dialect.name == "postgresql":
        make_role()
        for table, column in _OWNED.items():
            wall(table, own=column, named=_NAMED.get(table, ()))
        for table, parts in _PARTS.items():
            wall(table, part_of=parts, named=_NAMED.get(table, ()))
        _grant()


def _grant() -> None:
    """Let a company's transaction do what changes of its rows need, and no more."""
    changing = "SELECT, INSERT, UPDATE, DELETE"
    for table in (*_OWNED, *_PARTS):
        let(table, changing if table not in {"audit", "tcr_marks", "tcr_events"} else "SELECT")
    let("audit", "INSERT")  # (and never to edit or remove)
    let("audit_head", "SELECT, UPDATE")
    let("projection", "SELECT")
    let("contacts", "SELECT")  # What a look-up said of an outside number: nobody's, asked by number.
    let("sweeps", "SELECT")  # How far the registry's own work has come.
    let("outbox", "INSERT, SELECT (seq)")  # Where it ends is for all to see, the documents of others are not.


def _chain() -> None:
    bind, count, previous = op.get_bind(), 0, _START
    update = (
        sa.update(_AUDIT)
        .where(_AUDIT.c.id == sa.bindparam("row"))
        .values({name: sa.bindparam(f"new_{name}") for name in ("tenant", "prev_hash", "hash")})
    )
    parents = _parents(bind)
    for rows in _pages(bind):
        changes = []
        for row in rows:
            tenant = _owner(row, parents)
            current = _link(previous, row, tenant)
            changes.append({"row": row.id, "new_tenant": tenant, "new_prev_hash": previous, "new_hash": current})
            previous = current
        bind.execute(update, changes)
        count += len(rows)
    bind.execute(
        sa.text("INSERT INTO audit_head (id, count, hash) VALUES (1, :count, :hash)"),
        {"count": count, "hash": previous},
    )


def _pages(bind: sa.Connection) -> Iterator[list[Any]]:
    after = 0
    while True:
        page = sa.select(_AUDIT).where(_AUDIT.c.id > after).order_by(_AUDIT.c.id).limit(_ROWS)
        rows = list(bind.execute(page))
        if not rows:
            return
        yield rows
        after = rows[-1].id


def _link(previous: str, row: Any, tenant: str | None) -> str:
    at: datetime = row.at.replace(tzinfo=UTC) if row.at.tzinfo is None else row.at.astimezone(UTC)
    said = [row.actor, row.action, row.kind, row.row_key, row.before, row.after, tenant]
    raw = orjson.dumps(["a2p-audit/1", previous, at.isoformat(timespec="microseconds"), *said])
    return "1:" + sha256(raw).hexdigest()


def _parents(bind: sa.Connection) -> Mapping[str, Mapping[str, str]]:
    return {
        "campaigns": dict(bind.execute(sa.text("SELECT id, tenant FROM brands")).all()),
        "assignments": dict(bind.execute(sa.text("SELECT did, tenant FROM numbers")).all()),
    }


def _owner(row: Any, parents: Mapping[str, Mapping[str, str]]) -> str | None:
    """Return whose a row is: its company if the record has one before and after, or that of its brand or number."""
    whose = set()
    for text in (row.before, row.after):
        if text is None:
            continue
        record = json.loads(text)
        if row.kind in parents:
            whose.add(parents[row.kind].get(record["brand_id" if row.kind == "campaigns" else "did"]))
        else:
            whose.add(record["id"] if row.kind == "tenants" else record.get("tenant"))
    return whose.pop() if len(whose) == 1 else None
