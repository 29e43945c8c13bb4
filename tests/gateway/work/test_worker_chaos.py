"""Workers that are killed again and again, on a store that fails now and then, with a carrier that does as it likes.

Each seed is another story; the promises are the same in all of them.
"""

import asyncio
import random
from collections import Counter
from contextlib import suppress

import pytest

from compliance.codes import Code
from compliance.decision import Decision, Verdict
from gateway.connectors import (
    CarrierAccepted,
    CarrierRejected,
    CarrierTemporary,
    CarrierThrottled,
    InDoubt,
)
from gateway.connectors.offers import NotTaken
from gateway.envelope import Channel, TrafficClass
from gateway.queue import TERMINAL, OutcomeUnknown, QueueUnavailable, Status
from tests.gateway.working import (
    OK,
    Carrier,
    Recheck,
    a_worker,
    accept,
    all_reach,
    at_work,
    log_is_empty,
    some_envelope,
)

UNAVAILABLE = Decision(Verdict.BLOCK, Code.REGISTRY_UNAVAILABLE)
FAULTY = ("own", "take", "due", "begin", "finish", "park", "acknowledge", "look", "deliver_im")


class FickleCarrier(Carrier):
    """A carrier with its own ledger of what it took, whatever it answered."""

    def __init__(self, chance, taken, **options):
        super().__init__(self._whatever, **options)
        self._chance = chance
        self._taken = taken

    async def _whatever(self, submission):
        await asyncio.sleep(self._chance.uniform(0, 0.02))
        outcome = self._chance.choices(
            [
                CarrierAccepted("c"),
                InDoubt("answer_lost"),
                InDoubt("request_lost"),
                CarrierTemporary("http_503"),
                CarrierThrottled(0.01),
                CarrierRejected("no"),
            ],
            [60, 10, 5, 15, 5, 5],
        )[0]
        if outcome in {CarrierAccepted("c"), InDoubt("answer_lost")}:
            self._taken[submission.reference] += 1
        return outcome


class FickleAskableCarrier(FickleCarrier):
    """The same, and it can be asked."""

    async def query(self, reference):
        """Answer by the ledger."""
        return CarrierAccepted("c") if self._taken[reference] else NotTaken()


class FickleStore:
    """The queue store, some of whose calls fail before, or after, they have done their work."""

    def __init__(self, store, chance):
        self._store = store
        self._chance = chance

    def __getattr__(self, name):
        """Give the call, with its faults where it is one of the worker's."""
        real = getattr(self._store, name)
        if name not in FAULTY:
            return real

        async def call(*args, **more):
            fate = self._chance.random()
            if fate < 0.03:
                raise QueueUnavailable("unreachable")
            answer = await real(*args, **more)
            if fate > 0.97:
                raise OutcomeUnknown
            return answer

        return call


async def work_until_killed(worker, seconds):
    """Let a worker work for a while and end it as a crash would."""
    task = asyncio.create_task(worker.run(asyncio.Event()))
    await asyncio.sleep(seconds)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def feed(store, chance, ids):
    """Have messages accepted, for a second or so."""
    for _ in range(25):
        envelopes = [
            some_envelope(
                recipient=f"+1415555{chance.randrange(30):04}", traffic_class=chance.choice(list(TrafficClass))
            )
            for _ in range(chance.randrange(1, 8))
        ]
        if chance.random() < 0.3:
            envelopes.append(some_envelope(channel=Channel.IM, recipient="u2"))
        ids += await accept(store, *envelopes, partition=chance.randrange(4))
        await asyncio.sleep(chance.uniform(0, 0.06))


@pytest.mark.parametrize(("kind", "seed"), [(FickleCarrier, 1), (FickleAskableCarrier, 2)])
async def test_whatever_happens_each_message_comes_to_one_end(store, kind, seed):
    """Nothing is lost; nothing is taken by the carrier more often than once and once more for a counted doubt."""
    chance = random.Random(seed)
    taken, ids = Counter(), []
    fickle = FickleStore(store, chance)
    recheck = Recheck(lambda _: UNAVAILABLE if chance.random() < 0.1 else OK)
    feeding = asyncio.create_task(feed(store, chance, ids))
    while not feeding.done():
        carrier = kind(chance, taken, window=16, batch_max=chance.choice([1, 5]))
        limits = {"in_hand_max": chance.choice([20, 600]), "due_in_hand_max": 10, "patience_ms": 30}
        await work_until_killed(
            a_worker(fickle, carrier, recheck=recheck, lease_ms=300, **limits), chance.uniform(0.1, 0.8)
        )
    await feeding

    async with at_work(a_worker(fickle, kind(chance, taken, window=16))):
        await all_reach(store, ids, Status.SUBMITTED, *TERMINAL)
        await log_is_empty(store)

    in_inbox = 0
    for stored in await store.look(ids):
        resends = sum(event.status is Status.QUEUED and event.code.startswith("doubt") for event in stored.events)
        assert resends <= 1
        assert taken[stored.id] <= 1 + resends
        if stored.status is Status.SUBMITTED:
            assert taken[stored.id] >= 1
        in_inbox += stored.status is Status.DELIVERED
    assert len(await store.inbox("t1", "u2", after="", limit=1_000)) == in_inbox
