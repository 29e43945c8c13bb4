"""On PostgreSQL, rows of the ledger are their company's only (row-level security); SQLite has no such thing.

A transaction says whom it is for as the registry's do: in the setting a2p.tenant, the id of a company or :all, and with
the role that registry/migrations/walls.py describes. Who says nothing sees nothing, the tables' owner neither (FORCE).

What belongs to a message is visible with it. The row of a message whose envelope is not known has no company, and no
word for a company is empty: so nobody but :all sees it, not even where the setting was left empty.
"""

from alembic import op

from registry.migrations.walls import let, make_role

revision = "0003"
down_revision = "0002"

#: Asked for once a statement, and not at every row.
_SETTING = "(SELECT current_setting('a2p.tenant', true))"
_COMPANY = "(SELECT nullif(current_setting('a2p.tenant', true), ''))"
_OWNED = ("messages", "tallies", "erasures")
_PARTS = ("events", "texts", "decisions")
#: What a company's transaction may do: look, and have texts erased.
_RIGHTS = {
    **dict.fromkeys((*_OWNED, *_PARTS), "SELECT"),
    "messages": "SELECT, UPDATE (erasure)",
    "texts": "SELECT, DELETE",
    "erasures": "SELECT, INSERT, UPDATE (texts, done_ms)",
}


def upgrade() -> None:
    """Build the walls."""
    if op.get_bind().dialect.name != "postgresql":
        return
    make_role()
    for table in _OWNED:
        _wall(table, f"tenant = {_COMPANY}")
    for table in _PARTS:
        # Looked up by its key: without OFFSET the planner may read all messages that are visible.
        _wall(table, f"EXISTS (SELECT FROM messages AS whole WHERE whole.id = {table}.message_id OFFSET 0)")
    for table, rights in _RIGHTS.items():
        let(table, rights)


def _wall(table: str, mine: str) -> None:
    bind = op.get_bind()
    bind.exec_driver_sql(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    bind.exec_driver_sql(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    bind.exec_driver_sql(f"CREATE POLICY company ON {table} USING ({_SETTING} = ':all' OR {mine})")
