"""Runs migrations on the connection that database.migrate() hands over, within its transaction.

Alembic calls this file. There is no alembic.ini and no URL: migrations run inside our own commands only.
"""

from alembic import context

from registry import tables, work_tables  # so that metadata has them all
from registry.columns import metadata

del tables, work_tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot alter most things in place.
    transactional_ddl=True,  # Ours is: the transaction is begun by hand (database.py).
)
context.run_migrations()
