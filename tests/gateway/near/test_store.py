"""The registry store over the wire: its own functions on a real server."""

import pytest
from redis.asyncio import Redis

from compliance.documents import FEED_KEY, MARK_KEY, PROCESSES_KEY, number_key, user_key
from gateway.near.source import Mark
from gateway.near.store import RegistryStore
from gateway.queue import QueueError
from tests.gateway.near.copies import DID, a_company, a_number, a_user
from tests.gateway.running_edge import Registry

NUMBER, USER = number_key(DID), user_key("ann")


@pytest.fixture
async def redis(valkey):
    """A plain client beside it."""
    async with Redis.from_url(valkey.url, socket_timeout=None) as client:
        yield client


@pytest.fixture
async def store(valkey):
    """The store."""
    opened = RegistryStore(valkey.url)
    yield opened
    await opened.close()


@pytest.fixture
async def registry(redis):
    """The registry's side of it, with a company, at change 42."""
    written = Registry(redis)
    await written.load(a_company())
    return written


async def test_documents_and_their_age(store, registry):
    """Missing ones are None."""
    await registry.beat(age_ms=1_500)

    reading = await store.read([USER, "{reg}:user:nobody", NUMBER])

    assert reading.documents == {USER: a_user(), "{reg}:user:nobody": None, NUMBER: a_number()}
    assert reading.seq == 42
    assert 1_500 <= reading.age_ms < 10_000


async def test_without_a_mark_documents_have_no_age(store, registry, redis):
    """Whatever they say, it proves nothing."""
    await redis.delete(MARK_KEY)

    assert (await store.read([USER]))[1:] == (0, None)


async def test_a_scan_finds_every_document_and_nothing_else(store, registry, redis):
    """The mark, the feed, and who follows are no documents."""
    await registry.write({USER: a_user(number=None)})
    await store.follow("gateway:1", None, "0-0", wait=False)
    await redis.mset({f"{{reg}}:line:+1415{n:07}": b"{}" for n in range(5_000)})

    found = dict([pair async for piece in store.scan() for pair in piece])

    assert len(found) == len(a_company()) + 5_000
    assert found[USER] == a_user(number=None)


async def test_a_follower_hears_each_change_in_order_and_without_a_gap(store, registry):
    """With the documents themselves, so that nothing needs to be read."""
    place = await store.last_change()
    await registry.write({NUMBER: a_number(sms="disabled"), USER: None})
    await registry.write({USER: a_user()})

    step = await store.follow("gateway:1", Mark(1, 42, 0), place)

    assert (step.mark.epoch, step.mark.seq) == (1, 44)
    assert [(change.from_seq, change.seq) for change in step.changes] == [(42, 43), (43, 44)]
    assert list(step.changes[0].documents) == [(NUMBER, a_number(sms="disabled")), (USER, None)]
    assert 0 <= step.now_ms - step.changes[1].at_ms < 10_000
    assert await store.last_change() == step.changes[-1].id


async def test_nothing_new_is_said_after_a_moment(store, registry):
    """With the mark, which says how old the facts are."""
    step = await store.follow("gateway:1", Mark(1, 42, 0), "0-0")

    assert (step.mark.seq, step.changes) == (42, [])
    assert 0 <= step.now_ms - step.mark.at_ms < 10_000


async def test_who_follows_is_written_down_until_it_leaves(store, registry, redis):
    """With the change that it has."""
    await store.follow("gateway:1", Mark(1, 42, 0), "0-0", wait=False)
    assert (await redis.hget(PROCESSES_KEY, "gateway:1")).split()[:2] == [b"1", b"42"]

    await store.leave("gateway:1")
    assert not await redis.exists(PROCESSES_KEY)


async def test_an_empty_store_has_no_mark_and_no_feed(store, redis, registry):
    """The functions are there, the copy is not."""
    await redis.delete(MARK_KEY, FEED_KEY)

    assert await store.last_change() == "0-0"
    assert (await store.follow("gateway:1", None, "0-0", wait=False)).mark is None


async def test_a_store_without_the_functions_is_none(store, valkey):
    """The registry has not been there yet."""
    with pytest.raises(QueueError):
        await store.follow("gateway:1", None, "0-0", wait=False)
