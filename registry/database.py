"""The SQL database: the engine, who may write when, and migrations at the start.

One writer at a time, over all processes, so that the order of commits is the order of outbox.seq: a reader that has
seen seq 7 will never find a 6 that was committed later. SQLite gives that with BEGIN IMMEDIATE, PostgreSQL with an
advisory lock taken first. The rate of changes is that of people in a console, so a lock costs nothing.

On PostgreSQL a transaction may be confined to one company's rows (row-level security).

Not here: the tables (tables.py), what is written (commands.py), the policies (migrations/walls.py).
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Self

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from registry import one_trip
from registry.settings import Settings

#: How long a SQLite writer waits for another one: longer than the biggest batch of an import takes.
_BUSY_TIMEOUT_MS: Final = 30_000
_LOCKED_S: Final = 0.02
#: The advisory lock of all writers, an arbitrary constant that means this to every version of ours.
_WRITERS_LOCK: Final = 0x0A2B
#: Whose rows the policies of PostgreSQL let a transaction see (migrations/walls.py): every one, or a company's.
_TENANT_SETTING: Final = "a2p.tenant"
#: (no id has a colon in it)
_ALL_TENANTS: Final = ":all"
#: What a connection to PostgreSQL says when it is made: without it no row is visible.
SEES_ALL: Final = {_TENANT_SETTING: _ALL_TENANTS}
_TENANT_ROLE: Final = "a2p_tenant"
_MIGRATIONS: Final = Path(__file__).with_name("migrations")


class Database:
    """The registry's database, migrated and ready."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        #: Set after every commit of this process, so that the projector need not wait for its next look.
        self.changed = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def opened(cls, settings: Settings) -> AsyncIterator[Self]:
        """Open the database, bring its tables up to date, and close it at the end.

        OSError when data_dir cannot be made; sqlalchemy.exc.SQLAlchemyError when the database cannot be opened.
        """
        if not settings.database_url:
            settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        database = cls(_engine(settings.sql_url()))
        try:
            await database._connect_first()
            async with database.writing() as connection:
                await connection.run_sync(migrate)
            yield database
        finally:
            await database._engine.dispose()

    async def _connect_first(self) -> None:
        """Connect once, so that a new SQLite file is in WAL mode.

        Getting there needs the file for itself, and is the one lock that busy_timeout does not wait for: two commands
        that start on an empty folder would meet here.
        """
        until = time.monotonic() + _BUSY_TIMEOUT_MS / 1000
        while True:
            try:
                async with self._engine.connect():
                    return
            except OperationalError as error:
                if "locked" not in str(error) or time.monotonic() >= until:
                    raise
            await asyncio.sleep(_LOCKED_S)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncConnection]:
        """Connect. A server that is not there, or goes away, is an OperationalError, as with other drivers.

        asyncpg gives the system's own error for the first, and for the second one that no kind of error stands for.
        """
        try:
            connection = await self._engine.connect()
        except OSError as error:
            raise OperationalError("connect", None, error) from error
        try:
            yield connection
        except DBAPIError as error:
            if type(error) is not DBAPIError:
                raise
            raise OperationalError(error.statement, None, error.orig or error) from error
        finally:
            await connection.close()

    @asynccontextmanager
    async def reading(self, *, tenant: str | None = None) -> AsyncIterator[AsyncConnection]:
        """Give one consistent view: everything that is read in the block is of one instant.

        tenant: whose rows can be seen, as confine() has it; None: all, for the registry's own work.
        """
        async with self._connected() as connection:
            if connection.dialect.name == "postgresql":
                await connection.execution_options(isolation_level="REPEATABLE READ")
            if tenant is not None:
                await confine(connection, tenant)
            yield connection

    @asynccontextmanager
    async def writing(self, *, tenant: str | None = None) -> AsyncIterator[AsyncConnection]:
        """Be the one writer; committed at the end of the block, or rolled back whole if it raises.

        What is read in the block cannot be changed by anybody else before the commit. tenant: whose rows can be seen
        and written, as confine() has it; None: all, for the registry's own work.
        """
        async with self._connected() as connection:
            await connection.execution_options(writes=True)
            async with connection.begin():
                if connection.dialect.name == "postgresql":
                    await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITERS_LOCK)))
                if tenant is not None:
                    await confine(connection, tenant)
                yield connection
        self.changed.set()


async def confine(connection: AsyncConnection, tenant: str) -> None:
    """Let the rest of a transaction see and write the rows of one company only.

    The second wall behind the condition that every query has; a database without row-level security has one wall.
    """
    if connection.dialect.name == "postgresql":
        if tenant in {"", _ALL_TENANTS}:
            raise ValueError("no company has that name")
        local = sa.true()
        await connection.execute(
            sa.select(
                sa.func.set_config(_TENANT_SETTING, tenant, local),
                sa.func.set_config("role", _TENANT_ROLE, local),
            ),
        )


def _engine(url: str) -> AsyncEngine:
    options: dict[str, Any] = {}
    if sa.make_url(url).get_backend_name() == "postgresql":
        options["connect_args"] = {"server_settings": SEES_ALL}
    else:
        options["connect_args"] = {"async_creator_fn": one_trip.connect}
    # Errors quote statements, never people's numbers.
    engine = create_async_engine(url, hide_parameters=True, **options)
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # The driver begins no transaction by itself: _begin_sqlite does.
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")  # First: the next line may have to wait.
    cursor.execute("PRAGMA journal_mode = WAL")  # Readers do not wait for the writer.
    cursor.execute("PRAGMA synchronous = FULL")  # A commit survives a power cut.
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    # A writer takes the lock before it reads: one that upgrades later fails when another has committed in between.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def migrate(connection: sa.Connection, to: str = "head") -> None:
    """Bring the tables up to date within the connection's transaction; nothing happens when they are."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, to)
