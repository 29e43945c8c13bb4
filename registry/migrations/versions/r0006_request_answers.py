"""What an admin answers to a request, in a place of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add it; answers of before stay where they are, below what the employee wrote."""
    op.add_column("requests", sa.Column("answer", sa.String, nullable=False, server_default=""))
