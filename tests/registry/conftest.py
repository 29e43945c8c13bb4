"""Fixtures of the registry's tests: a real database and a real Valkey for each test.

Every test that has a database runs twice, on SQLite and on PostgreSQL.
"""

import pytest
from redis.asyncio import Redis

from registry.database import Database
from registry.settings import Settings
from registry.store import RegistryStore
from tests.registry.dialects import PostgresDatabases, SqliteDatabases, a_server, migrate
from tests.valkey import Valkey


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def dialect(request):
    """The name of the dialect; dialects.py has marks for tests that are about one."""
    return request.param


@pytest.fixture(scope="session")
def migrated(tmp_path_factory):
    """An empty, migrated SQLite file, to be copied."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("migrated"))
    migrate(settings)
    return settings.data_dir / "registry.db"


@pytest.fixture(scope="session")
def postgres():
    """One PostgreSQL for all tests of this process."""
    with a_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_databases(postgres):
    """Databases in it."""
    with postgres.database() as template:
        migrate(Settings(database_url=postgres.url(template)))
        yield PostgresDatabases(postgres, template)


@pytest.fixture(scope="session")
def databases(request, dialect):
    """Where databases of the dialect come from."""
    if dialect == "postgresql":
        return request.getfixturevalue("postgres_databases")
    return SqliteDatabases(request.getfixturevalue("migrated"))


@pytest.fixture
def without_tables():
    """For tests that are about a database as it is made; to migrate it takes longer than most tests."""


@pytest.fixture
def settings(request, databases, tmp_path):
    """Settings of a registry with an empty database of the test's own."""
    with databases.new(tmp_path / "data", migrated="without_tables" not in request.fixturenames) as settings:
        yield settings


@pytest.fixture
async def database(settings):
    """An empty, migrated database of the test's own."""
    async with Database.opened(settings) as database:
        yield database


@pytest.fixture(scope="session")
def valkey_server():
    """One server for all tests that do not stop it."""
    with Valkey() as server:
        yield server


@pytest.fixture
async def redis(valkey_server):
    """A plain client of an empty store, without functions."""
    async with Redis.from_url(valkey_server.url, socket_timeout=None) as client:
        await client.flushall()
        await client.function_flush()
        yield client


@pytest.fixture
async def store(redis, valkey_server):
    """The registry store, empty, with functions."""
    async with RegistryStore.connected(valkey_server.url) as store:
        await store.load_functions()
        yield store
