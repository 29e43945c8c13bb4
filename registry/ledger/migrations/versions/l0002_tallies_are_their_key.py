"""On SQLite, tallies are kept in their key: to add up a month of hours is one walk, and not a look-up for each row.

PostgreSQL has no such tables; it reads all of them one after the other, which is as good.
"""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table anew with the same rows."""
    if op.get_bind().dialect.name != "sqlite":
        return
    with op.batch_alter_table("tallies", recreate="always", table_kwargs={"sqlite_with_rowid": False}):
        pass
