"""What carriers are asked leave for, since when and with what outcome; and when an adjustment was put on a bill."""

from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

from registry.columns import UtcDateTime
from registry.migrations.walls import let, wall

revision = "0011"
down_revision = "0010"

_INSTANT = sa.DateTime(timezone=True)
_LEAVE = sa.table(
    "leave_requests",
    *(sa.column(name) for name in ("id", "tenant", "kind", "subject", "use_case", "asked_by")),
    sa.column("asked_at", UtcDateTime),
)
_AUDIT = sa.table(
    "audit",
    *(sa.column(name) for name in ("id", "kind", "row_key", "actor", "before", "after")),
    sa.column("at", UtcDateTime),
)


def upgrade() -> None:
    """Add them. Number pools that are wished for already get on the list, as of when the audit has it."""
    op.add_column("fees", sa.Column("billed_at", _INSTANT))
    op.create_table(
        "leave_requests",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("use_case", sa.String, nullable=False),
        sa.Column("asked_at", _INSTANT, nullable=False),
        sa.Column("asked_by", sa.String, nullable=False),
        sa.Column("settled_at", _INSTANT),
        sa.Column("outcome", sa.String),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name="fk_leave_requests_tenant"),
        sa.PrimaryKeyConstraint("id", name="pk_leave_requests"),
    )
    op.create_index("ix_leave_requests_tenant", "leave_requests", ["tenant"])
    op.create_index("ix_leave_requests_subject", "leave_requests", ["subject"])
    is_open = sa.text("settled_at IS NULL")
    op.create_index("ix_leave_requests_open", "leave_requests", ["id"], postgresql_where=is_open, sqlite_where=is_open)
    _wished_for()
    if op.get_bind().dialect.name == "postgresql":
        wall("leave_requests", own="tenant")
        let("leave_requests", "SELECT, INSERT, UPDATE, DELETE")


def _wished_for() -> None:
    bind = op.get_bind()
    wished = bind.execute(
        sa.text(
            "SELECT campaigns.id, campaigns.use_case, brands.tenant FROM campaigns"
            " JOIN brands ON brands.id = campaigns.brand_id WHERE campaigns.number_pool = 'requested'"
        )
    )
    for campaign, use_case, tenant in wished.all():
        at, by = _asked(bind, campaign)
        one = {"tenant": tenant, "kind": "number_pool", "subject": campaign, "use_case": use_case}
        name = f"l-{int(at.timestamp() * 1000):012x}-{campaign}"
        bind.execute(sa.insert(_LEAVE).values(id=name, asked_at=at, asked_by=by, **one))


def _asked(bind: sa.Connection, campaign: str) -> tuple[datetime, str]:
    """Return when a number pool was wished for last, and by whom; now, where the audit does not tell."""
    where = (_AUDIT.c.kind == "campaigns", _AUDIT.c.row_key == orjson.dumps([campaign]).decode())
    changes = sa.select(_AUDIT.c.at, _AUDIT.c.actor, _AUDIT.c.before, _AUDIT.c.after).where(*where)
    for at, actor, before, after in bind.execute(changes.order_by(_AUDIT.c.id.desc())):
        if _pool(after) == "requested" and _pool(before) != "requested":
            return at, actor
    return datetime.now(UTC), "migration"


def _pool(row: str | None) -> Any:
    return None if row is None else orjson.loads(row).get("number_pool")
