"""Opt-outs that are taken back with evidence: who vouches for what, and what the gateway made of it."""

import sqlalchemy as sa
from alembic import op

from registry.migrations.walls import let, wall

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add them, and that a copy of an opt-out says nothing any more."""
    op.add_column("opt_outs", sa.Column("lifted_at", sa.DateTime(timezone=True)))
    op.create_table(
        "restorations",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("recipient", sa.String, nullable=False),
        sa.Column("act", sa.String, nullable=False),
        sa.Column("evidence", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("outcome", sa.String),
        sa.Column("fault", sa.String),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.String, nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name="fk_restorations_tenant"),
        sa.PrimaryKeyConstraint("id", name="pk_restorations"),
    )
    op.create_index("ix_restorations_tenant_recipient", "restorations", ["tenant", "recipient"])
    op.create_index("ix_restorations_state", "restorations", ["state"])
    if op.get_bind().dialect.name == "postgresql":
        wall("restorations", own="tenant")
        let("restorations", "SELECT, INSERT, UPDATE, DELETE")
