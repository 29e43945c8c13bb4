"""Indexes for the console's lists, and when renewed keys end."""

import sqlalchemy as sa
from alembic import op

from registry.migrations.walls import let, wall

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add them."""
    op.create_index("ix_numbers_tenant_did", "numbers", ["tenant", "did"])
    op.create_index("ix_assignments_campaign_did", "assignments", ["campaign_id", "did"])
    op.create_index("ix_assignments_state_did", "assignments", ["state", "did"])
    op.create_index("ix_users_tenant_name", "users", ["tenant", "name", "id"])
    op.create_table(
        "key_retirements",
        sa.Column("key", sa.String, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wished_by", sa.String, nullable=False),
        sa.ForeignKeyConstraint(["key"], ["api_keys.id"], name="fk_key_retirements_key"),
        sa.PrimaryKeyConstraint("key", name="pk_key_retirements"),
    )
    op.create_index("ix_key_retirements_at", "key_retirements", ["at"])
    if op.get_bind().dialect.name == "postgresql":
        wall("key_retirements", part_of=[("key", "api_keys", "id")])
        let("key_retirements", "SELECT, INSERT, UPDATE, DELETE")
