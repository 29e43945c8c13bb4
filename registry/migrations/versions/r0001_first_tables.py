"""The first tables: the truth about tenants, users, numbers, brands and campaigns, its audit, and its way out.

Types are written plainly, not taken from registry.tables: a migration must not change when the code does.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_INSTANT = sa.DateTime(timezone=True)
_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the tables, and the projection's one row at epoch 0: no copy was ever made."""
    _create_people()
    _create_registrations()
    _create_numbers()
    _create_keys_and_look_ups()
    _create_trail()
    op.execute("INSERT INTO projection (id, epoch) VALUES (1, 0)")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=False)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def _create_people() -> None:
    op.create_table(
        "tenants",
        _text("id"),
        _text("name"),
        _text("country"),
        _text("time_zone"),
        _text("currency"),
        sa.Column("customer_since", sa.Date, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tenants"),
    )
    op.create_table(
        "users",
        _text("id"),
        _text("tenant"),
        _text("name"),
        _text("role"),
        _text("licence"),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name="fk_users_tenant"),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
    )
    op.create_index("ix_users_tenant", "users", ["tenant"])
    op.create_table(
        "extensions",
        _text("tenant"),
        _text("digits"),
        _text("user"),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name="fk_extensions_tenant"),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name="fk_extensions_user"),
        sa.PrimaryKeyConstraint("tenant", "digits", name="pk_extensions"),
    )
    op.create_index("ix_extensions_user", "extensions", ["user"])


def _create_registrations() -> None:
    op.create_table(
        "brands",
        _text("id"),
        _text("tenant"),
        _text("legal_name"),
        _text("status"),
        sa.Column("vetting_score", sa.Integer),
        _flag("government"),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name="fk_brands_tenant"),
        sa.PrimaryKeyConstraint("id", name="pk_brands"),
    )
    op.create_index("ix_brands_tenant", "brands", ["tenant"])
    op.create_table(
        "campaigns",
        _text("id"),
        _text("brand_id"),
        _text("use_case"),
        sa.Column("sub_use_cases", sa.JSON, nullable=False),
        _text("status"),
        _text("sharing"),
        _flag("dca_complete"),
        _flag("mock"),
        _text("att"),
        _text("tmobile"),
        _text("verizon"),
        _text("us_cellular"),
        sa.Column("osr_status", sa.Integer),
        _flag("embedded_link"),
        _flag("embedded_phone"),
        _flag("age_gated"),
        _flag("direct_lending"),
        sa.Column("att_class", sa.String),
        _text("description"),
        sa.Column("samples", sa.JSON, nullable=False),
        sa.Column("opt_out_keywords", sa.JSON, nullable=False),
        _text("help_message"),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name="fk_campaigns_brand_id"),
        sa.PrimaryKeyConstraint("id", name="pk_campaigns"),
    )
    op.create_index("ix_campaigns_brand_id", "campaigns", ["brand_id"])


def _create_numbers() -> None:
    op.create_table(
        "numbers",
        _text("did"),
        _text("tenant"),
        sa.Column("user", sa.String),
        _text("kind"),
        _text("sms"),
        sa.Column("sms_enabled_at", _INSTANT),
        sa.Column("number_changed_at", _INSTANT),
        sa.Column("licence_changed_at", _INSTANT),
        sa.Column("toll_free_verification", sa.String),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name="fk_numbers_tenant"),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name="fk_numbers_user"),
        sa.PrimaryKeyConstraint("did", name="pk_numbers"),
    )
    op.create_index("ix_numbers_tenant", "numbers", ["tenant"])
    op.create_index("ix_numbers_user", "numbers", ["user"])
    op.create_table(
        "assignments",
        _text("did"),
        _text("state"),
        sa.Column("campaign_id", sa.String),
        sa.Column("brand_id", sa.String),
        sa.ForeignKeyConstraint(["did"], ["numbers.did"], name="fk_assignments_did"),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name="fk_assignments_campaign_id"),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name="fk_assignments_brand_id"),
        sa.PrimaryKeyConstraint("did", name="pk_assignments"),
    )
    op.create_index("ix_assignments_campaign_id", "assignments", ["campaign_id"])


def _create_keys_and_look_ups() -> None:
    op.create_table(
        "api_keys",
        _text("id"),
        _text("sha256"),
        _text("tenant"),
        sa.Column("user", sa.String),
        sa.Column("scopes", sa.JSON, nullable=False),
        _text("label"),
        sa.Column("revoked_at", _INSTANT),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name="fk_api_keys_tenant"),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name="fk_api_keys_user"),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
    )
    op.create_index("ix_api_keys_tenant", "api_keys", ["tenant"])
    op.create_index("ix_api_keys_user", "api_keys", ["user"])
    op.create_table(
        "contacts",
        _text("number"),
        sa.Column("carrier", sa.String),
        sa.Column("line", sa.String),
        sa.PrimaryKeyConstraint("number", name="pk_contacts"),
    )
    op.create_table(
        "opt_outs",
        _text("tenant"),
        _text("recipient"),
        sa.Column("at", _INSTANT, nullable=False),
        _text("keyword"),
        sa.Column("number", sa.String),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name="fk_opt_outs_tenant"),
        sa.PrimaryKeyConstraint("tenant", "recipient", name="pk_opt_outs"),
    )


def _create_trail() -> None:
    op.create_table(
        "audit",
        sa.Column("id", _SERIAL, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        _text("actor"),
        _text("action"),
        _text("kind"),
        _text("row_key"),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "outbox",
        sa.Column("seq", _SERIAL, nullable=False),
        _text("key"),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.Column("committed_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_outbox"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "projection",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_projection"),
    )
