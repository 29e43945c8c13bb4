"""Who signs in to the console, and the public keys of users' tokens."""

import sqlalchemy as sa
from alembic import op

from registry.migrations.walls import let, wall

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "token_keys",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("x", sa.String, nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_token_keys"),
    )
    op.create_table(
        "logins",
        sa.Column("email", sa.String, nullable=False),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("user", sa.String, nullable=False),
        sa.Column("password", sa.String, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("invitation", sa.String),
        sa.Column("invited_until", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name="fk_logins_tenant"),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name="fk_logins_user"),
        sa.PrimaryKeyConstraint("email", name="pk_logins"),
        sa.UniqueConstraint("user", name="uq_logins_user"),
        sa.UniqueConstraint("invitation", name="uq_logins_invitation"),
    )
    op.create_index("ix_logins_tenant", "logins", ["tenant"])
    op.create_table(
        "sign_ins",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("user", sa.String, nullable=False),
        sa.Column("acting_for", sa.String),
        sa.Column("csrf", sa.String, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["key"], ["api_keys.id"], name="fk_sign_ins_key"),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name="fk_sign_ins_tenant"),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name="fk_sign_ins_user"),
        sa.ForeignKeyConstraint(["acting_for"], ["tenants.id"], name="fk_sign_ins_acting_for"),
        sa.PrimaryKeyConstraint("id", name="pk_sign_ins"),
    )
    for name in ("tenant", "user", "until"):
        op.create_index(f"ix_sign_ins_{name}", "sign_ins", [name])
    op.create_table(
        "sign_in_tries",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_tries"),
    )
    op.create_index("ix_sign_in_tries_since", "sign_in_tries", ["since"])
    if op.get_bind().dialect.name == "postgresql":
        # The other tables are for no company's transaction to see: it is the registry that finds out who calls.
        wall("logins", own="tenant", named=[("user", "users", "id")])
        let("logins", "SELECT, INSERT, UPDATE, DELETE")
