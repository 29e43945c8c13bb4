"""Life cycles: registrations under way, what is asked of TCR and the aggregator, notices, drift, the audit's chain.

Forward on a database with rows: a column that is always there gets a value for the rows that are.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_INSTANT = sa.DateTime(timezone=True)
_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add the columns, then the tables."""
    _add_columns()
    _create_registrations()
    _create_work()
    _create_notices()
    _create_sweeps()


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=False)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def _add_columns() -> None:
    no = sa.false()
    op.add_column("tenants", sa.Column("provider", sa.Boolean, nullable=False, server_default=no))
    op.add_column("users", sa.Column("left_at", _INSTANT))
    op.add_column("brands", sa.Column("faults", sa.JSON, nullable=False, server_default="[]"))
    op.add_column("campaigns", sa.Column("number_pool", sa.String, nullable=False, server_default="none"))
    op.add_column("campaigns", sa.Column("faults", sa.JSON, nullable=False, server_default="[]"))
    op.add_column("campaigns", sa.Column("created_at", _INSTANT))
    op.add_column("numbers", sa.Column("sms_page", sa.Boolean, nullable=False, server_default=no))
    op.add_column("numbers", sa.Column("left_at", _INSTANT))
    op.add_column("assignments", sa.Column("since", _INSTANT))
    op.add_column("assignments", sa.Column("fault", sa.String))
    op.add_column("api_keys", sa.Column("created_at", _INSTANT))
    op.add_column("audit", sa.Column("tenant", sa.String))
    op.add_column("audit", sa.Column("prev_hash", sa.String))
    op.add_column("audit", sa.Column("hash", sa.String))
    op.create_index("ix_audit_tenant", "audit", ["tenant"])
    # A number that could text, or is in a campaign, stands on the SMS page.
    op.execute(
        "UPDATE numbers SET sms_page = true WHERE sms <> 'disabled' OR sms_enabled_at IS NOT NULL"
        " OR did IN (SELECT did FROM assignments)",
    )


def _create_registrations() -> None:
    op.create_table(
        "applications",
        _text("id"),
        _text("tenant"),
        _text("kind"),
        _text("state"),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("brand_id", sa.String),
        sa.Column("object_id", sa.String),
        sa.Column("faults", sa.JSON, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        _text("created_by"),
        sa.Column("submitted_at", _INSTANT),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name="fk_applications_tenant"),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name="fk_applications_brand_id"),
        sa.PrimaryKeyConstraint("id", name="pk_applications"),
    )
    op.create_index("ix_applications_tenant", "applications", ["tenant"])
    op.create_index("ix_applications_object_id", "applications", ["object_id"])
    op.create_index("ix_applications_brand_id", "applications", ["brand_id"])
    op.create_table(
        "fees",
        _text("tenant"),
        _text("kind"),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("cents", sa.Integer, nullable=False),
        _text("currency"),
        _text("application"),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name="fk_fees_tenant"),
        sa.PrimaryKeyConstraint("tenant", "kind", name="pk_fees"),
    )
    op.create_table(
        "requests",
        _text("id"),
        _text("tenant"),
        _text("user"),
        sa.Column("did", sa.String),
        _text("recipient"),
        _text("reason"),
        _text("note"),
        _text("state"),
        sa.Column("opened_at", _INSTANT, nullable=False),
        sa.Column("closed_at", _INSTANT),
        sa.Column("closed_by", sa.String),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name="fk_requests_tenant"),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name="fk_requests_user"),
        sa.PrimaryKeyConstraint("id", name="pk_requests"),
    )
    op.create_index("ix_requests_state", "requests", ["state"])
    op.create_index("ix_requests_tenant", "requests", ["tenant"])
    op.create_index("ix_requests_user", "requests", ["user"])
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        _text("hash"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )


def _create_work() -> None:
    op.create_table(
        "provisioning_jobs",
        _text("did"),
        _text("action"),
        sa.Column("campaign_id", sa.String),
        _text("state"),
        sa.Column("wished_at", _INSTANT, nullable=False),
        sa.Column("asked_at", _INSTANT),
        sa.Column("next_at", _INSTANT, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("remedied_at", _INSTANT),
        sa.Column("fault", sa.String),
        sa.ForeignKeyConstraint(["did"], ["numbers.did"], name="fk_provisioning_jobs_did"),
        sa.PrimaryKeyConstraint("did", name="pk_provisioning_jobs"),
    )
    op.create_index("ix_provisioning_jobs_next_at", "provisioning_jobs", ["next_at"])
    op.create_table(
        "tcr_jobs",
        _text("action"),
        _text("object"),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", _INSTANT, nullable=False),
        sa.Column("fault", sa.String),
        sa.PrimaryKeyConstraint("action", "object", name="pk_tcr_jobs"),
    )
    op.create_index("ix_tcr_jobs_next_at", "tcr_jobs", ["next_at"])
    op.create_table(
        "tcr_marks",
        _text("object"),
        _text("aspect"),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("adverse", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("object", "aspect", name="pk_tcr_marks"),
    )
    op.create_table(
        "tcr_events",
        _text("id"),
        sa.Column("received_at", _INSTANT, nullable=False),
        sa.Column("occurred_at", _INSTANT),
        _text("type"),
        sa.Column("object", sa.String),
        _text("outcome"),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tcr_events"),
    )
    op.create_index("ix_tcr_events_received_at", "tcr_events", ["received_at"])
    op.create_index("ix_tcr_events_object", "tcr_events", ["object"])


def _create_notices() -> None:
    op.create_table(
        "notices",
        sa.Column("id", _SERIAL, nullable=False),
        _text("tenant"),
        _text("kind"),
        _text("subject"),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("params", sa.Text, nullable=False),
        _text("once"),
        sa.Column("im_at", _INSTANT),
        sa.Column("hook_at", _INSTANT),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", _INSTANT),
        sa.Column("fault", sa.String),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name="fk_notices_tenant"),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
        sa.UniqueConstraint("once", name="uq_notices_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notices_tenant", "notices", ["tenant"])
    op.create_index("ix_notices_next_at", "notices", ["next_at"])
    op.create_table(
        "notice_deliveries",
        sa.Column("notice", _SERIAL, nullable=False),
        _text("recipient"),
        _text("tenant"),
        _text("state"),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", _INSTANT),
        sa.Column("done_at", _INSTANT),
        sa.Column("fault", sa.String),
        sa.ForeignKeyConstraint(["notice"], ["notices.id"], name="fk_notice_deliveries_notice"),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name="fk_notice_deliveries_tenant"),
        sa.PrimaryKeyConstraint("notice", "recipient", name="pk_notice_deliveries"),
    )
    op.create_index("ix_notice_deliveries_next_at", "notice_deliveries", ["next_at"])
    op.create_index("ix_notice_deliveries_tenant", "notice_deliveries", ["tenant"])
    op.create_table(
        "notice_hooks",
        _text("tenant"),
        _text("url"),
        _text("secret"),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name="fk_notice_hooks_tenant"),
        sa.PrimaryKeyConstraint("tenant", name="pk_notice_hooks"),
    )


def _create_sweeps() -> None:
    op.create_table(
        "drift",
        _text("kind"),
        _text("object"),
        sa.Column("tenant", sa.String),
        _text("detail"),
        sa.Column("found_at", _INSTANT, nullable=False),
        sa.Column("seen_at", _INSTANT, nullable=False),
        _text("state"),
        sa.Column("decided_by", sa.String),
        sa.Column("decided_at", _INSTANT),
        sa.PrimaryKeyConstraint("kind", "object", name="pk_drift"),
    )
    op.create_index("ix_drift_state", "drift", ["state"])
    op.create_index("ix_drift_tenant", "drift", ["tenant"])
    op.create_table(
        "sweeps",
        _text("name"),
        _text("cursor"),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_sweeps"),
    )
    op.create_table(
        "bulk_jobs",
        _text("id"),
        sa.Column("tenant", sa.String),
        _text("digest"),
        _text("state"),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
        sa.Column("bad", sa.BigInteger, nullable=False),
        sa.Column("started_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name="fk_bulk_jobs_tenant"),
        sa.PrimaryKeyConstraint("id", name="pk_bulk_jobs"),
    )
    op.create_index("ix_bulk_jobs_tenant", "bulk_jobs", ["tenant"])
