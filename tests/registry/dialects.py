"""The two kinds of database that the registry runs on, as tests get them: an own, new one each.

Not here: the fixtures (conftest.py) and the server of PostgreSQL (tests/postgres.py).
"""

import asyncio
import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import pytest

from registry.database import Database
from registry.settings import Settings
from tests.postgres import Postgres, find_binaries

#: For a test that is about one of the two; every other one that uses a database runs on both.
only_sqlite = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
only_postgresql = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)


class Databases(Protocol):
    """Where tests get their databases from."""

    def new(self, data_dir: Path, *, migrated: bool = True) -> AbstractContextManager[Settings]:
        """Give the settings of a registry with a new database, empty but for its tables; gone at the end.

        The ledger is made when it is used: SQLite's beside it, PostgreSQL's in the same database, as it may be.
        The ports are the system's choice. migrated: with tables; to migrate takes longer than most tests.
        """


class SqliteDatabases:
    """Copies of a migrated file."""

    def __init__(self, migrated: Path) -> None:
        self._migrated = migrated

    @contextlib.contextmanager
    def new(self, data_dir: Path, *, migrated: bool = True) -> Iterator[Settings]:
        """As Databases.new."""
        if migrated:
            data_dir.mkdir(mode=0o700, exist_ok=True)
            shutil.copy(self._migrated, data_dir)
        yield Settings(data_dir=data_dir, http_port=0, admin_port=0)


class PostgresDatabases:
    """Copies of a migrated database."""

    def __init__(self, server: Postgres, template: str) -> None:
        self._server, self._template = server, template

    @contextlib.contextmanager
    def new(self, data_dir: Path, *, migrated: bool = True) -> Iterator[Settings]:
        """As Databases.new."""
        with self._server.database(self._template if migrated else "template0") as name:
            url = self._server.url(name)
            yield Settings(data_dir=data_dir, database_url=url, ledger_url=url, http_port=0, admin_port=0)


def migrate(settings: Settings) -> None:
    """Make the tables of a database."""

    async def run() -> None:
        async with Database.opened(settings):
            pass

    asyncio.run(run())


@contextlib.contextmanager
def a_server() -> Iterator[Postgres]:
    """Start a server; skips the test where there is none, except that integration must have one."""
    binaries = find_binaries()
    if binaries is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            "there is no PostgreSQL: install Debian's package postgresql, or name a folder with initdb in PG_BINDIR"
        )
    with Postgres(binaries) as server:
        yield server
