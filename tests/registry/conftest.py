"""Fixtures of the registry's tests: a real SQLite file and a real Valkey for each test."""

import asyncio
import shutil

import pytest
from redis.asyncio import Redis

from registry.database import Database
from registry.settings import Settings
from registry.store import RegistryStore
from tests.valkey import Valkey


@pytest.fixture
def settings(tmp_path):
    """Settings of a registry whose database is in the test's own folder; its ports are the system's choice."""
    return Settings(data_dir=tmp_path / "data", http_port=0, admin_port=0)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory):
    """An empty, migrated database file, to be copied: to migrate takes longer than most tests."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("migrated"))

    async def migrate():
        async with Database.opened(settings):
            pass

    asyncio.run(migrate())
    return settings.data_dir / "registry.db"


@pytest.fixture
async def database(settings, migrated):
    """An empty, migrated database of the test's own."""
    settings.data_dir.mkdir(mode=0o700)
    shutil.copy(migrated, settings.data_dir)
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
