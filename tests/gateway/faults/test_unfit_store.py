"""The store answers, and cannot be trusted: its settings lie, or our functions are gone or old."""

import asyncio

import pytest
import redis

from gateway.queue import QueueUnavailable, Status
from gateway.queue.library import CODE, version_of
from gateway.queue.store import open_store
from gateway.settings import Settings
from gateway.worker_app import run_worker
from tests.gateway.faults.standing import assert_kept_once, until_all, until_not_ready, until_ready
from tests.gateway.running_edge import MOBILE, Edge, running_edge
from tests.gateway.working import Carrier, a_worker, at_work

LIES = {
    "appendonly": "no",
    "appendfsync": "everysec",
    "no-appendfsync-on-rewrite": "yes",
    "maxmemory-policy": "allkeys-lru",
}


@pytest.fixture
async def edge():
    """A gateway of its own for each test, with a message in it."""
    async with running_edge() as alone:
        yield alone


@pytest.fixture
def raw(edge):
    """A plain client beside the gateway, which breaks what an operator could break."""
    with redis.Redis.from_url(edge.queue_server.url, protocol=2) as client:
        yield client


async def assert_keeps_nothing(edge: Edge) -> None:
    """Whatever its caller would take for kept is refused, one message or many; what is read is read."""
    opt_out = {"recipient": MOBILE, "at": "2026-10-01T15:00:00Z", "keyword": "stop"}
    before = await edge.tally()
    for answer in (
        await edge.send(),
        await edge.send(to="ext:102"),
        await edge.send(idempotency_key="key"),
        await edge.call("PUT", "/v1/opt-outs", key="acme", json={"opt_outs": [opt_out]}),
        await edge.call("POST", "/v1/media", data=b"x", headers={"Content-Type": "image/png"}),
    ):
        assert (answer.status, answer.json["code"]) == (503, "queue_unavailable"), answer.text
        assert int(answer.headers["Retry-After"]) >= 1
    assert [line["code"] for line in (await edge.batch({"to": MOBILE, "text": "x"})).lines] == ["queue_unavailable"]
    assert await edge.tally() == before


@pytest.mark.parametrize("setting", sorted(LIES))
async def test_settings_that_lie(edge, raw, setting):
    """F16. Somebody changes a setting on which every promise rests, while the gateway runs.

    Within a look, a second apart, it is not ready, says why, and accepts nothing; a gateway or worker that starts now
    refuses to. Set right again, it goes on by itself.
    """
    kept = (await edge.send()).json["id"]
    true = raw.config_get(setting)[setting]
    raw.config_set(setting, LIES[setting])
    await until_not_ready(edge, "queue_settings")
    await assert_keeps_nothing(edge)
    assert (await edge.get(f"/v1/messages/{kept}")).json["status"] == "queued"

    with pytest.raises(QueueUnavailable, match=f"{setting} is {LIES[setting]}"):
        async with running_edge(queue_server=edge.queue_server):
            pass
    with pytest.raises(QueueUnavailable, match=f"{setting} is {LIES[setting]}"):
        await run_worker(Settings(queue_url=edge.queue_server.url), asyncio.Event())

    raw.config_set(setting, true)
    await until_ready(edge)
    again = (await edge.send()).json["id"]
    await assert_kept_once(edge, [kept, again])


def delete(raw: redis.Redis) -> None:
    """Take our functions away."""
    raw.function_delete("a2p_queue")


def load_older(raw: redis.Redis) -> None:
    """Load our functions as an older program would have them."""
    ours = version_of(CODE)
    raw.function_load(CODE.replace(f"local VERSION = {ours}", f"local VERSION = {ours - 1}"), replace=True)


@pytest.mark.parametrize("spoil", [delete, load_older])
async def test_functions_that_are_not_ours(edge, raw, spoil):
    """F18. The function library is deleted, or an older one is loaded, while gateway and worker run.

    The gateway is not ready and accepts nothing, not even in part. A process that starts brings the functions with
    it, and then all go on by themselves: what was accepted before goes to the carrier, once.
    """
    ids = [(await edge.send()).json["id"] for _ in range(5)]
    spoil(raw)
    await until_not_ready(edge, "queue_functions")
    size, log = raw.dbsize(), {key: raw.xlen(key) for key in raw.keys("{q:*}:log")}
    for fields in ({}, {"to": "ext:102"}, {"idempotency_key": "key"}, {"key": "uma"}):
        answer = await edge.send(**fields)
        assert (answer.status, answer.json["code"]) == (503, "queue_unavailable")
    assert (raw.dbsize(), {key: raw.xlen(key) for key in raw.keys("{q:*}:log")}) == (size, log)

    async with open_store(edge.queue_server.url) as store:
        assert raw.fcall("a2p_version", 0) == version_of(CODE)
        await until_ready(edge)
        ids.append((await edge.send(idempotency_key="key")).json["id"])
        await assert_kept_once(edge, ids)

        delete(raw)
        async with at_work(a_worker(store, carrier := Carrier())):
            await until_not_ready(edge, "queue_functions")
            assert carrier.submissions == []
            async with open_store(edge.queue_server.url):
                await until_all(edge, ids, Status.SUBMITTED)
        assert {carrier.sent(one) for one in ids} == {1}
