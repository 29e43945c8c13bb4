"""The ledger's database: opened when it is first needed, migrated then, one writer at a time.

Nothing of the registry waits for it: a ledger that is down stops no revocation. Who needs it meanwhile gets the
driver's error, and the next one tries again.

On PostgreSQL a transaction may be confined to one company's rows, as in the registry (migrations/versions/l0003).

Not here: the tables (tables.py) and what is written (writer.py).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Self

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from registry import one_trip
from registry.database import SEES_ALL, confine
from registry.ledger.tables import secrets
from registry.settings import Settings

#: How long a SQLite writer waits for another one.
_BUSY_TIMEOUT_MS: Final = 30_000
#: The advisory lock of all writers, an arbitrary constant that means this to every version of ours.
_WRITERS_LOCK: Final = 0x0A2C
_MIGRATIONS: Final = Path(__file__).with_name("migrations")


class LedgerDatabase:
    """The ledger's database."""

    def __init__(self, engine: AsyncEngine, *, folder: Path | None = None) -> None:
        """folder: where SQLite's file will be; it is made when it is missing."""
        self._engine = engine
        self._folder = folder
        self._opening = asyncio.Lock()
        self._signing_key: bytes | None = None

    @classmethod
    @asynccontextmanager
    async def made(cls, settings: Settings) -> AsyncIterator[Self]:
        """Make it, without a connection yet, and close it at the end."""
        engine = _engine(settings.ledger_sql_url())
        try:
            yield cls(engine, folder=None if settings.ledger_url else settings.data_dir)
        finally:
            await engine.dispose()

    @property
    def is_postgresql(self) -> bool:
        """Whether it is PostgreSQL; otherwise it is SQLite."""
        return self._engine.dialect.name == "postgresql"

    async def signing_key(self) -> bytes:
        """Return what pages are signed with, migrating first; OSError or SQLAlchemyError when it is not there."""
        async with self._opening:
            if self._signing_key is None:
                if self._folder is not None:
                    self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                async with self._writing() as connection:
                    await connection.run_sync(migrate)
                    found = await connection.scalar(sa.select(secrets.c.value).where(secrets.c.name == "pages"))
                self._signing_key = bytes(found or b"")
        return self._signing_key

    @asynccontextmanager
    async def reading(self, *, tenant: str | None = None) -> AsyncIterator[AsyncConnection]:
        """Give one consistent view: everything that is read in the block is of one instant.

        tenant: whose rows can be seen, as confine() has it; None: all, for the ledger's own work.
        """
        await self.signing_key()
        async with self._engine.connect() as connection:
            if self.is_postgresql:
                await connection.execution_options(isolation_level="REPEATABLE READ")
            if tenant is not None:
                await confine(connection, tenant)
            yield connection

    @asynccontextmanager
    async def writing(self, *, tenant: str | None = None) -> AsyncIterator[AsyncConnection]:
        """Be the one writer, over all processes; committed at the end of the block, or rolled back whole.

        tenant: whose rows can be seen and written, as confine() has it; None: all, for the ledger's own work.
        """
        await self.signing_key()
        async with self._writing() as connection:
            if tenant is not None:
                await confine(connection, tenant)
            yield connection

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        async with self._engine.connect() as connection:
            await connection.execution_options(writes=True)
            async with connection.begin():
                if self.is_postgresql:
                    await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITERS_LOCK)))
                yield connection


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
    cursor.execute("PRAGMA secure_delete = ON")  # An erased text is overwritten in the file, too.
    cursor.execute("PRAGMA cache_size = -65536")  # KiB: the upper levels of all indexes.
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
