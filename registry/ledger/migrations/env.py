"""Runs the ledger's migrations on the connection that database.py hands over, within its transaction.

Alembic calls this file. The version's table has a name of its own: should somebody give the registry and
the ledger one database, neither takes the other's version for its own.
"""

from alembic import context

from registry.ledger.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table="ledger_version",
    render_as_batch=True,  # SQLite cannot alter most things in place.
    transactional_ddl=True,  # Ours is: the transaction is begun by hand (database.py).
)
context.run_migrations()
