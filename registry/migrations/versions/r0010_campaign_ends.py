"""On which day campaigns end that are not renewed, and how much of that was told."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the table. It is the registry's own: no company's transaction has a right to it."""
    op.create_table(
        "campaign_ends",
        sa.Column("campaign", sa.String, nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("learnt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told", sa.Integer),
        sa.ForeignKeyConstraint(["campaign"], ["campaigns.id"], name="fk_campaign_ends_campaign"),
        sa.PrimaryKeyConstraint("campaign", name="pk_campaign_ends"),
    )
    op.create_index("ix_campaign_ends_ends_at", "campaign_ends", ["ends_at"])
