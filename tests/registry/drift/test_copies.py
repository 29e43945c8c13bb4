"""The registry store against our rows: what is otherwise is found and written again, what is on its way is not."""

import asyncio
import contextlib

import pytest
import sqlalchemy as sa
from prometheus_client import CollectorRegistry

from compliance import documents
from metrics.registry import RegistryMetrics
from registry.commands import change
from registry.drift.copies import StoreReader
from registry.projector import Projector
from registry.tasks import stop
from registry.work_tables import drift
from tests.registry.builders import DID, a_campaign, eventually, everything, stored
from tests.registry.drift.builders import NOW, a_sweep, fill, turn


@pytest.fixture
async def reader(valkey_server):
    """The store as the sweep reads it."""
    async with StoreReader.connected(valkey_server.url) as reader:
        yield reader


@contextlib.asynccontextmanager
async def projected(database, store):
    """Keep the store equal to the rows, for a while."""
    task = asyncio.create_task(Projector(database, store, RegistryMetrics(CollectorRegistry())).run())
    try:
        yield
    finally:
        await stop(task)


async def equal(database, redis):
    """The store has what the rows give, to the byte."""
    return await stored(redis) == await everything(database)


async def listed(database):
    """What is listed: class, object, state."""
    async with database.reading() as connection:
        return {tuple(row) for row in await connection.execute(sa.select(drift.c.kind, drift.c.object, drift.c.state))}


class TestCopies:
    async def test_what_is_otherwise_is_found_and_written_again(self, database, store, redis, reader):
        """Another document, none, and one too many; the next turn finds nothing."""
        await fill(database)
        extra = documents.number_key("+12025550177")
        async with projected(database, store):
            await eventually(lambda: equal(database, redis))
            await redis.set(documents.campaign_key("CACME"), b"{}")
            await redis.delete(documents.user_key("ben"))
            await redis.set(extra, b"{}")
            sweep, _ = a_sweep(database, store=reader)
            await turn(sweep)
            found = {
                ("store_document_differs", "campaign:CACME"),
                ("store_document_missing", "user:ben"),
                ("store_document_extra", "number:+12025550177"),
            }
            assert {one[:2] for one in await listed(database)} == found  # (the last look may find it healed)
            await eventually(lambda: equal(database, redis))
            await turn(sweep)
            assert await listed(database) == {(*one, "healed") for one in found}

    async def test_what_is_on_its_way_is_no_drift(self, database, store, redis, reader):
        """The projector is behind: nobody can say, and nothing is written."""
        await fill(database)
        async with projected(database, store):
            await eventually(lambda: equal(database, redis))
        async with database.writing() as connection:
            await change(connection, actor="test", put=[a_campaign(status="suspended")])
        sweep, _ = a_sweep(database, store=reader)
        await turn(sweep)
        assert await listed(database) == set()

    async def test_keys_that_are_no_documents_are_left_alone(self, database, store, redis, reader):
        """The mark, the feed, and what the processes say."""
        await fill(database)
        async with projected(database, store):
            await eventually(lambda: equal(database, redis))
            sweep, _ = a_sweep(database, store=reader)
            await turn(sweep, NOW)
        assert await listed(database) == set()
        assert await redis.exists(documents.MARK_KEY, documents.number_key(DID)) == 2
