"""In which time zone a person wants to see the console."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the column: whoever is there sees their company's, as before."""
    op.add_column("logins", sa.Column("time_zone", sa.String))
