"""The store's memory is full: nothing new comes in, and what is in gets out."""

import asyncio

import redis

from gateway.queue import Status
from tests.gateway.faults.standing import assert_kept_once, until_all, until_kept
from tests.gateway.running_edge import running_edge
from tests.gateway.working import Carrier, a_worker, at_work, log_is_empty


async def test_the_intake_stops_and_the_work_goes_on():
    """F15. Accepts until the store refuses them as full.

    A caller gets 503 with the code for full and a time to come again; what is read is read. The worker's calls all go
    through, so that every message reaches its carrier. That alone makes no room: an ended message can be read for a
    day. Once there is room the next accept is taken, without a restart, and the repeated ones once each.
    """
    async with running_edge(shed_memory=1) as edge:  # The store itself is to refuse.
        raw = redis.Redis.from_url(edge.queue_server.url, protocol=2)
        raw.config_set("maxmemory", raw.info("memory")["used_memory"] + (1 << 20))
        kept: dict[str, str] = {}
        refused: set[str] = set()

        async def client(number: int) -> None:
            for n in range(10_000):
                key = f"{number}-{n}"
                answer = await edge.send(idempotency_key=key, text="x" * 900)
                if answer.status != 202:
                    assert (answer.status, answer.json["code"]) == (503, "queue_full")
                    assert int(answer.headers["Retry-After"]) >= 1
                    refused.add(key)
                    return
                kept[key] = answer.json["id"]

        await asyncio.gather(*map(client, range(8)))
        assert kept
        assert (await edge.get(f"/v1/messages/{next(iter(kept.values()))}")).json["status"] == "queued"

        async with at_work(a_worker(edge.queue, Carrier())):
            await until_all(edge, kept.values(), Status.SUBMITTED)
            await log_is_empty(edge.queue)
        assert (await edge.send(idempotency_key=min(refused), text="x" * 900)).json["code"] == "queue_full"
        await assert_kept_once(edge, kept.values())

        raw.config_set("maxmemory", 0)
        for key in refused:
            kept[key] = (await until_kept(edge, key, text="x" * 900)).json["id"]
        await assert_kept_once(edge, kept.values())
        raw.close()
