"""A real Valkey for whatever needs the queue store, emptied for each test."""

from collections.abc import AsyncIterator, Iterator

import pytest
import redis

from gateway.queue.store import QueueStore, open_store
from tests.valkey import Valkey


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[Valkey]:
    """One server for the whole run; take `valkey` for an empty one."""
    with Valkey() as server:
        yield server


@pytest.fixture
def valkey(valkey_server: Valkey) -> Valkey:
    """The server, without any data or functions."""
    with redis.Redis.from_url(valkey_server.url, protocol=2) as client:
        client.flushall()
        client.function_flush()
        client.config_set("maxmemory", 0)
    return valkey_server


@pytest.fixture
def raw(valkey: Valkey) -> Iterator[redis.Redis]:
    """A plain client beside the store, to see what is really there."""
    with redis.Redis.from_url(valkey.url, protocol=2) as client:
        yield client


@pytest.fixture
async def store(valkey: Valkey) -> AsyncIterator[QueueStore]:
    """An open queue store with the default four partitions."""
    async with open_store(valkey.url) as opened:
        yield opened
