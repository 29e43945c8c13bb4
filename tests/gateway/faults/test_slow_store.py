"""The store is far away: every answer takes long, and the flushes grow instead of the line."""

import asyncio

import pytest

from gateway.queue import Status
from gateway.queue.store import CONNECTIONS
from loadtests.faults.proxy import Direction
from tests.gateway.faults.standing import (
    NOT_NOW,
    assert_kept_once,
    far_store,
    standing,
    until_all,
    until_kept,
    until_ready,
)
from tests.gateway.running_edge import OUTSIDERS, Answer, Edge
from tests.gateway.working import Carrier, a_worker, at_work

REQUESTS = 200


async def send_all(edge: Edge) -> list[Answer]:
    """Send all requests at once, each with its key; every answer is a yes or an honest "not now"."""
    answers = await asyncio.gather(
        *(edge.send(idempotency_key=f"{n}", to=OUTSIDERS[n % len(OUTSIDERS)]) for n in range(REQUESTS))
    )
    for answer in answers:
        assert answer.status == 202 or (answer.status, answer.json["code"] in NOT_NOW) == (503, True), answer.text
    return answers


async def check_once(edge: Edge, first: list[Answer]) -> list[str]:
    """Repeat all requests: one message for each key, the one that the first answer named if it was a yes."""
    ids = []
    for n, answer in enumerate(first):
        kept = await until_kept(edge, f"{n}", to=OUTSIDERS[n % len(OUTSIDERS)])
        ids.append(kept.json["id"])
        assert answer.status == 503 or answer.json["id"] == ids[-1]
    await assert_kept_once(edge, ids)
    return ids


@pytest.mark.parametrize("latency_s", [0.2, 2.0])
async def test_every_request_is_answered(latency_s):
    """F19. Two hundred requests at once, while each answer of the store comes late.

    Many requests share a flush, and the gateway has no more than its few connections to the store. Each request is
    answered: kept, or 503 and the key decides. Then the line is quick again, and so is everything.
    """
    async with standing() as stand:
        stand.proxy.slow(Direction.TO_CLIENT, delay_s=latency_s, jitter_s=latency_s / 10)
        answers = await send_all(stand.edge)
        entries = sum(one.log_entries for one in await stand.edge.queue.counts())
        assert 0 < entries <= REQUESTS // 4
        assert stand.proxy.most_open <= CONNECTIONS

        stand.proxy.heal()
        await until_ready(stand.edge)
        await check_once(stand.edge, answers)


async def test_a_worker_on_a_slow_line():
    """F19. It takes its time, keeps its leases, and sends each message once."""
    async with standing() as stand, far_store(stand.proxy) as far:
        answers = await send_all(stand.edge)
        assert {answer.status for answer in answers} == {202}
        stand.proxy.slow(Direction.TO_CLIENT, delay_s=0.2, jitter_s=0.05)
        async with at_work(a_worker(far, carrier := Carrier())):
            ids = [answer.json["id"] for answer in answers]
            await until_all(stand.edge, ids, Status.SUBMITTED)
            stand.proxy.heal()
        assert {carrier.sent(one) for one in ids} == {1}
        assert stand.proxy.most_open <= 2 * CONNECTIONS
