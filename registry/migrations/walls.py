"""Row-level security on PostgreSQL, for migrations: whose rows are visible and writable in a transaction.

A transaction says whom it is for in the setting a2p.tenant: the id of a company, or :all for the registry's own work,
which sees all. Without it no row is visible, to the tables' owner neither (FORCE). For a company it also takes on a
role that can do little else; so it holds even where the registry connects as a superuser, whom no policy binds.

The registry sets both (registry/database.py). This is a second wall: the first is that every query names the company.
"""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import ProgrammingError

#: The role of a company's transaction. One for all registries of a PostgreSQL server: it can log in to none.
ROLE = "a2p_tenant"
#: Asked for once a statement, and not at every row.
_TENANT = "(SELECT current_setting('a2p.tenant', true))"

#: A column, the table whose row it names, and that table's column.
Reference = tuple[str, str, str]


def make_role() -> None:
    """Make the role if there is none yet, and be one who may take it on.

    PermissionError says what an administrator of the server has to do where we may not.
    """
    bind = op.get_bind()
    user = bind.scalar(sa.text("SELECT current_user"))
    try:
        with bind.begin_nested():
            bind.exec_driver_sql(
                f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN"
                f" CREATE ROLE {ROLE} NOLOGIN NOBYPASSRLS NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT;"
                " END IF; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$",
            )
            if not bind.scalar(sa.text("SELECT pg_has_role(current_user, :role, 'MEMBER')"), {"role": ROLE}):
                bind.exec_driver_sql(f'GRANT {ROLE} TO "{user}"')
        with bind.begin_nested():
            bind.exec_driver_sql(f"SET LOCAL ROLE {ROLE}")
            bind.exec_driver_sql("SET LOCAL ROLE NONE")
    except ProgrammingError:
        raise PermissionError(
            f"PostgreSQL does not let {user} make the role {ROLE} or take it on. Have an administrator run:"
            f' CREATE ROLE {ROLE} NOLOGIN; GRANT {ROLE} TO "{user}";',
        ) from None
    schema = bind.scalar(sa.text("SELECT quote_ident(current_schema())"))
    bind.exec_driver_sql(f"GRANT USAGE ON SCHEMA {schema} TO {ROLE}")
    bind.exec_driver_sql(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {ROLE}")


def wall(
    table: str,
    *,
    own: str = "",
    part_of: Sequence[Reference] = (),
    named: Iterable[Reference] = (),
) -> None:
    """Give a table its policy: own is the column with the company, or part_of says what a row may be a part of.

    named: what a row that is written may name only if it is visible, too.
    """
    mine = f"{own} = {_TENANT}" if own else " OR ".join(_visible(table, one) for one in part_of)
    checks = "".join(f' AND ({table}."{reference[0]}" IS NULL OR {_visible(table, reference)})' for reference in named)
    bind = op.get_bind()
    bind.exec_driver_sql(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    bind.exec_driver_sql(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    bind.exec_driver_sql(
        f"CREATE POLICY tenant ON {table} USING ({_TENANT} = ':all' OR ({mine}))"
        f" WITH CHECK ({_TENANT} = ':all' OR (({mine}){checks}))",
    )


def let(table: str, rights: str) -> None:
    """Grant a company's transaction rights on a table."""
    op.get_bind().exec_driver_sql(f"GRANT {rights} ON {table} TO {ROLE}")


def _visible(table: str, reference: Reference) -> str:
    """Say that the row that is named is one of those that the transaction sees: its own policy decides.

    It is looked up by its key. (Without OFFSET the planner reads all rows that are visible, for a page of some.)
    """
    column, parent, key = reference
    return f'EXISTS (SELECT FROM {parent} AS whole WHERE whole."{key}" = {table}."{column}" OFFSET 0)'
