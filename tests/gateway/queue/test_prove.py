"""Looking again at a store in use: what an unfit one may still do, and that a silent one proves nothing."""

import pytest

from gateway.queue import Begin, Finish, OutcomeUnknown, Park, QueueUnavailable, Status
from gateway.queue.library import CODE, version_of
from gateway.queue.store import open_store
from loadtests.faults.proxy import Proxy
from tests.gateway.queue.builders import PAYLOAD, a_receipt, a_request, accepted, begun, check_conservation


@pytest.fixture
def lying(raw):
    """The server syncs when it likes, until the test is over."""
    raw.config_set("appendfsync", "everysec")
    yield raw
    raw.config_set("appendfsync", "always")


async def test_a_fit_store_is_proven(store):
    """Nothing changes."""
    await store.prove()
    await accepted(store)


async def test_what_is_under_way_may_end_and_nothing_begins(store, lying):
    """Nothing is accepted, begun or acknowledged to others; ends, retries and leases are written."""
    message, epoch = await begun(store)
    waiting, other = await accepted(store, a_request(), a_request())
    with pytest.raises(QueueUnavailable, match=r"settings: .*appendfsync is everysec"):
        await store.prove()

    (refused,) = await store.accept([a_request()])
    assert isinstance(refused, QueueUnavailable)
    assert refused.reason == "settings"
    for call in (
        store.begin(0, epoch, [Begin(id=waiting, payload=PAYLOAD)]),
        store.receipts([a_receipt(message)]),
        store.cancel(waiting, PAYLOAD),
        store.put_media("m", b"{}", b"body", ttl_s=9),
    ):
        with pytest.raises(QueueUnavailable, match="settings"):
            await call

    await store.take(0, epoch, count=10, pending_after=None)
    await store.finish(0, epoch, [Finish(id=message, status=Status.SUBMITTED, attempt=1)])
    await store.park(0, epoch, [Park(id=other, payload=PAYLOAD, lane="acme", due_ms=1, status=Status.QUEUED)])
    assert await store.own(1, "worker-1", 60_000) is not None
    assert await store.look([waiting]) != [None]
    await check_conservation(store)

    lying.config_set("appendfsync", "always")
    await store.prove()
    assert (await store.begin(0, epoch, [Begin(id=waiting, payload=PAYLOAD)]))[0].attempt == 1
    await accepted(store)


async def test_a_later_version_of_the_functions_is_fine(store, raw):
    """Somebody upgrades, one process after the other; those that run keep running."""
    ours = version_of(CODE)
    raw.function_load(CODE.replace(f"local VERSION = {ours}", f"local VERSION = {ours + 1}"), replace=True)
    await store.prove()
    await accepted(store)


async def test_an_answer_that_is_lost_proves_nothing(valkey, store, lying):
    """Neither that the store is fit nor that it is not: it stays what it was last seen to be."""
    async with Proxy(str(valkey.socket)) as proxy, open_store_by(proxy, lying) as far:
        for setting, outcome in (("always", None), ("everysec", "settings")):
            lying.config_set("appendfsync", setting)
            if outcome:
                with pytest.raises(QueueUnavailable, match=outcome):
                    await far.prove()
            else:
                await far.prove()
            proxy.swallow_reply(containing=b"CONFIG")
            with pytest.raises(OutcomeUnknown):
                await far.prove()
            (answer,) = await far.accept([a_request()])
            assert isinstance(answer, QueueUnavailable) == bool(outcome)


def open_store_by(proxy, raw):
    """Open the store by way of the proxy; it must be fit for that."""
    raw.config_set("appendfsync", "always")
    return open_store(f"redis://127.0.0.1:{proxy.port}/0")


@pytest.mark.parametrize("marker", [b"CONFIG", b"a2p_version", b"a2p:partitions"])
async def test_an_answer_that_is_lost_at_the_start(valkey, marker):
    """Whichever it is: not started, try again; and then it starts."""
    async with Proxy(str(valkey.socket)) as proxy:
        url = f"redis://127.0.0.1:{proxy.port}/0"
        proxy.swallow_reply(containing=marker)
        with pytest.raises(QueueUnavailable, match="unreachable"):
            async with open_store(url):
                pass
        assert proxy.swallowed == 1
        async with open_store(url) as store:
            await accepted(store)
