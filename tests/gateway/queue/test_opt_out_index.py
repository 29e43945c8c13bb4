"""Opt-outs that an older version kept come into the lists: once, from where it stopped, beside everything else."""

import pytest

from gateway.queue import OptOutRecord, keys
from gateway.queue.consent import Standing
from gateway.queue.opt_out_index import OptOutIndexer, indexing
from gateway.queue.wire import Wire

DONE = {b"done": b"1"}


@pytest.fixture
async def wire(valkey):
    """Connections to the store."""
    wire = Wire(valkey.url, connections=2, timeout_s=5)
    yield wire
    await wire.close()


def of_before(raw, many, tenant="acme"):
    """Keep opt-outs as an older version did: no list has them."""
    people = [f"+1555{n:05}" for n in range(many)]
    with raw.pipeline(transaction=False) as pipe:
        for one in people:
            pipe.hset(f"{{o:{tenant}}}:{one}", mapping={"at_ms": 1000, "keyword": "STOP", "number": ""})
        pipe.execute()
    return set(people)


async def listed(store, standing=Standing.OUT, tenant="acme"):
    """Who is in a list, and whether it says that it is whole."""
    page = await store.consents(tenant, standing, after="", limit=9_999)
    return {one.recipient for one in page.items}, page.complete


async def test_all_of_before_are_listed(store, raw, wire):
    """Opt-outs, suspicions and what was taken back, of every company; until then the list says that it is not whole."""
    people = of_before(raw, 1_200)
    others = of_before(raw, 3, tenant="other")
    raw.hset("{o:acme}:+19990001", mapping={"suspect_ms": 5})
    raw.hset("{o:acme}:+19990002", mapping={"was": "1\tSTOP\t", "lifted_ms": 6, "lifted_keyword": "START"})
    assert await listed(store) == (set(), False)

    async with indexing(OptOutIndexer(wire)):
        assert await listed(store) == (people, True)
    assert await listed(store, tenant="other") == (others, True)
    assert await listed(store, Standing.SUSPECTED) == ({"+19990001"}, True)
    assert await listed(store, Standing.LIFTED) == ({"+19990002"}, True)


async def test_it_goes_on_where_it_stopped(store, raw, wire):
    """Another process takes over, and none is left out."""
    people = of_before(raw, 2_000)
    steps = 0
    while not await OptOutIndexer(wire, step=100).step():
        steps += 1
    assert steps >= 10
    assert await listed(store) == (people, True)


async def test_another_run_of_the_server_begins_anew(store, raw, wire):
    """Its order of keys is another one: what the position passed over there may be ahead here."""
    people = of_before(raw, 50)
    raw.hset(keys.OPT_OUTS_INDEXED, mapping={"run": "run_id:of-another", "cursor": "7"})
    while not await OptOutIndexer(wire, step=10).step():
        pass

    assert await listed(store) == (people, True)


async def test_when_done_it_is_done(store, raw, wire):
    """No later start looks through the keys again."""
    assert await OptOutIndexer(wire).start()
    assert raw.hget(keys.OPT_OUTS_INDEXED, "done") == b"1"
    of_before(raw, 1)

    assert await OptOutIndexer(wire).start()
    assert await listed(store) == (set(), True)


async def test_what_changes_meanwhile_stays_right(store, raw, wire):
    """Whoever comes back while it is under way is not put into the list of those who are out."""
    people = of_before(raw, 500)
    indexer = OptOutIndexer(wire, step=50)
    await indexer.step()
    fresh = OptOutRecord(tenant="acme", recipient="+19990009", at_ms=7, keyword="STOP")
    await store.put_opt_outs([fresh])
    gone = min(people)
    raw.fcall("a2p_restore", 1, f"{{o:acme}}:{gone}", "name", "Came by and said so.", "", "0")
    while not await indexer.step():
        pass

    assert await listed(store) == ((people - {gone}) | {"+19990009"}, True)
    assert await listed(store, Standing.LIFTED) == ({gone}, True)


async def test_a_full_store_is_waited_out(store, raw, wire):
    """The gateway starts all the same; the rest is for later."""
    people = of_before(raw, 10)
    raw.config_set("maxmemory", 1)
    try:
        assert not await OptOutIndexer(wire).start(at_most_s=0.1)
    finally:
        raw.config_set("maxmemory", 0)
    assert await OptOutIndexer(wire).start()
    assert await listed(store) == (people, True)
