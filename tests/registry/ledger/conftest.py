"""An empty ledger for each test, on both databases, and a queue store with the gateway's functions."""

import asyncio
import shutil

import pytest
import redis as plain_redis
from prometheus_client import CollectorRegistry

from gateway.queue.store import open_store
from metrics.registry import RegistryMetrics
from registry.ledger.database import LedgerDatabase
from registry.ledger.follower import Follower
from registry.ledger.journals import Journals
from registry.settings import Settings


def _migrate(settings):
    async def run():
        async with LedgerDatabase.made(settings) as ledger:
            await ledger.signing_key()

    asyncio.run(run())


@pytest.fixture(scope="session")
def migrated_ledger(tmp_path_factory):
    """An empty SQLite ledger, to be copied."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("ledger"))
    _migrate(settings)
    return settings.data_dir / "ledger.db"


@pytest.fixture(scope="session")
def postgres_ledger(postgres):
    """An empty ledger in PostgreSQL, to be copied."""
    with postgres.database() as template:
        _migrate(Settings(ledger_url=postgres.url(template)))
        yield template


@pytest.fixture
def ledger_settings(request, dialect, tmp_path, valkey_server):
    """Settings of a registry with an empty ledger and an empty queue store."""
    folder = tmp_path / "ledger"
    folder.mkdir()
    settings = Settings(data_dir=folder, queue_url=valkey_server.url, http_port=0, admin_port=0)
    if dialect == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_ledger"), folder)
        yield settings
        return
    postgres, template = request.getfixturevalue("postgres"), request.getfixturevalue("postgres_ledger")
    with postgres.database(template) as name:
        yield settings.model_copy(update={"ledger_url": postgres.url(name)})


@pytest.fixture
async def ledger(ledger_settings):
    """The ledger's database."""
    async with LedgerDatabase.made(ledger_settings) as ledger:
        yield ledger


@pytest.fixture
def raw(valkey_server):
    """A plain client of an empty queue store."""
    with plain_redis.Redis.from_url(valkey_server.url, protocol=2) as client:
        client.flushall()
        client.function_flush()
        yield client


@pytest.fixture
async def queue(raw, valkey_server):
    """The queue store as gateways and workers use it, empty."""
    async with open_store(valkey_server.url) as store:
        yield store


@pytest.fixture
def counted():
    """Where a follower counts, to be read."""
    return CollectorRegistry()


@pytest.fixture
async def follower(ledger, valkey_server, raw, counted):
    """A follower of the queue store; nothing runs until a test has it step."""
    async with Journals.connected(valkey_server.url) as journals:
        yield Follower(journals, ledger, RegistryMetrics(counted))
