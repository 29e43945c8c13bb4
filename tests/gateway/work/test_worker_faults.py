"""What a worker does when the store fails, a lease is lost, a worker dies, or a carrier stands still."""

import asyncio
import random
from contextlib import asynccontextmanager, suppress

import pytest

from gateway.connectors import CarrierAccepted, CarrierMisconfigured, CarrierTemporary
from gateway.envelope import Channel, TrafficClass
from gateway.queue import TERMINAL, OutcomeUnknown, Park, QueueUnavailable, Status
from gateway.queue.retry import Schedule
from gateway.work.routing import Route, lane_of
from tests.gateway.working import (
    ACCEPTED,
    CARRIER,
    AskableCarrier,
    Carrier,
    Recheck,
    a_worker,
    accept,
    all_reach,
    at_work,
    doubts,
    log_is_empty,
    says,
    some_envelope,
    until,
)


class FaultyStore:
    """The queue store with some calls replaced: faults=dict(name=callable(real, *args))."""

    def __init__(self, store, **faults):
        self._store = store
        self.faults = faults

    def __getattr__(self, name):
        """Give the real call, or the fault in front of it."""
        real = getattr(self._store, name)
        fault = self.faults.get(name)
        return real if fault is None else lambda *args, **more: fault(real, *args, **more)


@asynccontextmanager
async def at_work_until_killed(worker):
    """Let a worker work, and end it as a crash would: no drain, no lease given back."""
    task = asyncio.create_task(worker.run(asyncio.Event()))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class TestStoreFaults:
    async def test_lost_answers_of_the_store_lose_and_double_nothing(self, store):
        """Every call does its work and now and then nobody hears of it: each message is sent once all the same."""
        chance = random.Random(3)

        def lossy(real, *args, **more):
            async def call():
                answer = await real(*args, **more)
                if chance.random() < 0.2:
                    raise OutcomeUnknown
                return answer

            return call()

        faulty = FaultyStore(store, **dict.fromkeys(("take", "begin", "finish", "park", "acknowledge", "due"), lossy))
        carrier = Carrier(says(CarrierTemporary("http_503"), ACCEPTED))
        ids = []
        for turn in range(10):
            ids += await accept(store, *(some_envelope(recipient=f"+141555{turn}{k:04}") for k in range(4)))

        async with at_work(a_worker(faulty, carrier)):
            await all_reach(store, ids, Status.SUBMITTED)
            await log_is_empty(store)

        assert {carrier.sent(one) for one in ids} == {2}
        assert await doubts(store) == 0

    async def test_a_store_that_is_away_for_a_while(self, store):
        """Everything waits, and goes on afterwards."""
        away = True

        def unreachable(real, *args, **more):
            async def call():
                if away:
                    raise QueueUnavailable("unreachable")
                return await real(*args, **more)

            return call()

        tries = 0

        def count(real, *args, **more):
            nonlocal tries
            tries += 1
            return unreachable(real, *args, **more)

        ids = await accept(store, some_envelope(), some_envelope(channel=Channel.IM, recipient="u2"))

        async with at_work(a_worker(FaultyStore(store, begin=count, finish=unreachable), carrier := Carrier())):
            await until(lambda: tries > 2)
            away = False
            await all_reach(store, ids, Status.SUBMITTED, Status.DELIVERED)
            await log_is_empty(store)

        assert len(carrier.submissions) == 1

    @pytest.mark.parametrize("done", [True, False])
    async def test_a_begin_whose_answer_is_lost_costs_neither_the_order_nor_a_doubt(self, store, done):
        """Whether the attempt was opened or not: it is made, once, before the next of its conversation."""
        lost = []

        def lose_the_first(real, partition, epoch, begins):
            async def call():
                if len(lost) < 2:
                    lost.append([one.id for one in begins])
                    if done or len(lost) > 1:
                        await real(partition, epoch, begins)
                    raise OutcomeUnknown
                return await real(partition, epoch, begins)

            return call()

        ids = await accept(store, *(some_envelope(text=str(number)) for number in range(3)))

        async with at_work(a_worker(FaultyStore(store, begin=lose_the_first), carrier := Carrier())):
            stored = await all_reach(store, ids, Status.SUBMITTED)
            await log_is_empty(store)

        assert lost == [ids[:1]] * 2
        assert [one.reference for one in carrier.submissions] == ids
        assert {one.attempts for one in stored} == {1}
        assert await doubts(store) == 0

    async def test_one_broken_partition_does_not_end_the_others(self, store):
        """A fault that nobody thought of costs the partition's owner, who starts again."""
        times = 0

        def break_twice(real, partition, *args, **more):
            async def call():
                nonlocal times
                if partition == 0 and times < 2:
                    times += 1
                    raise ZeroDivisionError
                return await real(partition, *args, **more)

            return call()

        here = await accept(store, some_envelope(), partition=0)
        there = await accept(store, some_envelope(), partition=1)

        async with at_work(a_worker(FaultyStore(store, take=break_twice), Carrier())):
            await all_reach(store, here + there, Status.SUBMITTED)

        assert times == 2


class TestLeases:
    async def test_a_worker_that_lost_its_lease_touches_nothing(self, store):
        """Its answer comes too late and is dropped; the next owner has the doubt, resends once, and nothing doubles."""
        answer = asyncio.Event()

        async def stall(_):
            await answer.wait()
            return CarrierAccepted("too late")

        def cannot_renew(real, partition, holder, lease_ms):
            async def call():
                if partition in owned:
                    raise QueueUnavailable("unreachable")
                epoch = await real(partition, holder, lease_ms)
                if epoch is not None:
                    owned.add(partition)
                return epoch

            return call()

        owned = set()
        slow, quick = Carrier(stall), Carrier()
        (message,) = await accept(store, some_envelope())

        async with at_work(a_worker(FaultyStore(store, own=cannot_renew), slow, lease_ms=400, drain_ms=100)):
            await until(lambda: slow.sent(message) == 1)
            async with at_work(a_worker(store, quick)):
                (stored,) = await all_reach(store, [message], Status.SUBMITTED)
                answer.set()
                await log_is_empty(store)

        assert stored.carrier_reference == f"c-{message}"
        assert (slow.sent(message), quick.sent(message), await doubts(store)) == (1, 1, 1)

    async def test_a_fenced_worker_starts_again_with_what_is_pending(self, store):
        """The partition was taken from it while a message was at the carrier: found there, not sent again."""
        answer = asyncio.Event()

        async def stall(_):
            await answer.wait()
            return ACCEPTED

        carrier = AskableCarrier(stall, CarrierAccepted("c7"))
        (message,) = await accept(store, some_envelope())
        (other,) = await accept(store, some_envelope(), partition=1)

        async with at_work(a_worker(store, carrier)):
            await until(lambda: len(carrier.submissions) == 2)
            await store.release(0, 1)
            answer.set()
            (stored,) = await all_reach(store, [message], Status.SUBMITTED)
            await all_reach(store, [other], Status.SUBMITTED)
            await log_is_empty(store)

        assert stored.carrier_reference == "c7"
        assert (carrier.sent(message), carrier.sent(other)) == (1, 1)

    @pytest.mark.parametrize("seed", range(3))
    async def test_a_worker_that_dies_leaves_nothing_undone(self, store, seed):
        """Wherever it stood: each message ends once, and is sent at most once more than there were doubts."""
        chance = random.Random(seed)

        async def dawdle(submission):
            await asyncio.sleep(chance.uniform(0, 0.05))
            return chance.choice([ACCEPTED, ACCEPTED, CarrierTemporary("http_503")])

        first, second = Carrier(dawdle, window=8), Carrier()
        ids = []
        for partition in (0, 1):
            for _ in range(15):
                envelopes = (some_envelope(recipient=f"+1415555{k:04}", text=str(k)) for k in range(2))
                im = some_envelope(channel=Channel.IM, recipient="u2")
                ids += await accept(store, *envelopes, im, partition=partition)

        async with at_work_until_killed(a_worker(store, first, lease_ms=500)):
            await until(lambda: len(first.submissions) >= 20)
        async with at_work(a_worker(store, second)):
            await all_reach(store, ids, Status.SUBMITTED, *TERMINAL)
            await log_is_empty(store)

        sent = [first.sent(one) + second.sent(one) for one in ids]
        stored = await store.look(ids)
        assert {one.status for one in stored if one is not None} == {Status.SUBMITTED, Status.DELIVERED}
        for times, one in zip(sent, stored, strict=True):
            refused = [event.code for event in one.events].count("carrier_http_503")
            in_doubt = [event.code for event in one.events].count("doubt_taken_over")
            assert in_doubt <= 1
            assert times <= refused + in_doubt + (one.status is Status.SUBMITTED)
        assert len(await store.inbox("t1", "u2", after="", limit=100)) == 30

    async def test_the_next_owner_goes_on_in_the_order_of_acceptance(self, store):
        """What the last one put aside, so that others came through, may be older or newer than what it had in hand."""
        ids = [(await accept(store, some_envelope(text=str(number))))[0] for number in range(6)]
        epoch = await store.own(0, "last", 60_000)
        taken, _ = await store.take(0, epoch, count=100, pending_after=None)
        lane = lane_of(CARRIER, TrafficClass.P2P)
        aside = [Park(id=one.id, payload=one.payload, lane=lane, due_ms=1, status=Status.QUEUED) for one in taken[1:4]]
        await store.park(0, epoch, aside)
        await store.release(0, epoch)

        async with at_work(a_worker(store, carrier := Carrier())):
            await all_reach(store, ids, Status.SUBMITTED)
            await log_is_empty(store)

        assert [one.reference for one in carrier.submissions] == ids

    async def test_what_was_begun_from_a_lane_is_not_forgotten(self, store):
        """A retry that was at the carrier when its worker died is a doubt of the next one."""
        (message,) = await accept(store, some_envelope())
        never = asyncio.Event()
        refuse = says(CarrierTemporary("http_503"))

        async def refuse_then_stall(submission):
            if first.sent(submission.reference) > 1:
                await never.wait()
            return await refuse(submission)

        first = Carrier(refuse_then_stall)
        async with at_work_until_killed(a_worker(store, first, lease_ms=300)):
            await until(lambda: first.sent(message) == 2)
        async with at_work(a_worker(store, second := Carrier())):
            (stored,) = await all_reach(store, [message], Status.SUBMITTED)

        assert second.sent(message) == 1
        assert "doubt_taken_over" in [event.code for event in stored.events]

    async def test_two_workers_share_and_send_each_message_once(self, store):
        """Whoever has a partition has all of it."""
        one, two = Carrier(), Carrier()
        async with at_work(a_worker(store, one)), at_work(a_worker(store, two)):
            ids = []
            for partition in range(4):
                envelopes = (some_envelope(recipient=f"+1415555{k:04}") for k in range(10))
                ids += await accept(store, *envelopes, partition=partition)
            await all_reach(store, ids, Status.SUBMITTED)

        assert {one.sent(message) + two.sent(message) for message in ids} == {1}


class TestDrain:
    async def test_what_is_under_way_is_finished_and_the_rest_left(self, store):
        """No doubt, no loss; and the next worker need not wait for the lease."""
        answer, stopping = asyncio.Event(), asyncio.Event()

        async def stall(_):
            await answer.wait()
            return ACCEPTED

        first, second = Carrier(stall, window=3), Carrier()
        ids = await accept(store, *(some_envelope(recipient=f"+1415555{k:04}") for k in range(9)))
        task = asyncio.create_task(a_worker(store, first, lease_ms=60_000).run(stopping))
        await until(lambda: len(first.submissions) == 3)

        stopping.set()
        await asyncio.sleep(0.02)
        answer.set()
        await task
        begun = {one.reference for one in first.submissions}
        assert {one.status for one in await store.look(sorted(begun))} == {Status.SUBMITTED}
        assert len(begun) < 9

        async with at_work(a_worker(store, second)):
            await all_reach(store, ids, Status.SUBMITTED)
            await log_is_empty(store)
        assert {first.sent(one) + second.sent(one) for one in ids} == {1}
        assert await doubts(store) == 0

    async def test_it_ends_although_a_carrier_never_answers(self, store):
        """The drain is bounded; what is still there is the next owner's doubt."""
        never = asyncio.Event()

        async def stall(_):
            await never.wait()

        (message,) = await accept(store, some_envelope(traffic_class=TrafficClass.BULK))
        carrier = Carrier(stall)
        async with at_work(a_worker(store, carrier, drain_ms=50)):
            await until(lambda: carrier.sent(message) == 1)

        async with at_work(a_worker(store, Carrier())):
            await all_reach(store, [message], Status.UNKNOWN)


class TestBulkheads:
    async def test_a_carrier_that_stands_does_not_stop_the_others(self, store):
        """What waits for it goes into the store, in order; instant messages and other carriers pass."""
        known = asyncio.Event()

        async def do_not_know(_):
            return ACCEPTED if known.is_set() else CarrierMisconfigured("unauthenticated")

        acme, zeta = Carrier(do_not_know, window=1), Carrier()
        zeta.name = "zeta"
        ids = []
        for turn in range(20):
            texts = (some_envelope(text=f"{k}:{turn}", recipient=f"+1415555{k:04}") for k in range(4))
            ids += await accept(store, *texts)
        im, abroad = await accept(
            store, some_envelope(channel=Channel.IM, recipient="u2"), some_envelope(recipient="+16135550143")
        )
        options = {
            "in_hand_max": 12,
            "due_in_hand_max": 4,
            "routes": (Route(carrier="zeta", recipient="+1613"), Route(carrier=CARRIER)),
            "schedule": Schedule(misconfigured_ms=1_000),
        }

        async with at_work(a_worker(store, acme, zeta, **options)):
            await all_reach(store, [im], Status.DELIVERED)
            await all_reach(store, [abroad], Status.SUBMITTED)
            assert not {one.status for one in await store.look(ids)} - {Status.QUEUED, Status.SUBMITTING}
            refused = {one.reference for one in acme.submissions}
            acme.submissions.clear()
            known.set()
            await all_reach(store, ids, Status.SUBMITTED)
            await log_is_empty(store)

        for k in range(4):
            # Those that were refused wait for their own time: across retries there is no order.
            order = [one.text for one in acme.submissions if one.reference not in refused and one.text[0] == str(k)]
            assert order == sorted(order, key=lambda text: int(text.split(":")[1]))
        assert {acme.sent(one) for one in ids} == {1}

    async def test_what_waited_goes_before_what_the_carrier_does_not_know_us_for(self, store):
        """One message that always gets 401 stops its lane for a while, and then others have their turn."""

        async def refuses_one(submission):
            return CarrierMisconfigured("unauthenticated") if submission.text == "bad" else ACCEPTED

        carrier = Carrier(refuses_one, window=1)
        ids = await accept(store, some_envelope(text="bad", recipient="+14155550100"))
        ids += await accept(store, *(some_envelope(recipient=f"+1415555{k:04}") for k in range(1, 4)))

        async with at_work(a_worker(store, carrier, schedule=Schedule(misconfigured_ms=1_000))):
            await all_reach(store, ids[1:], Status.SUBMITTED)

        assert [carrier.sent(one) for one in ids] == [1, 1, 1, 1]

    async def test_nothing_beyond_the_hand_is_read(self, store):
        """A worker's memory is bounded by its hand, not by the queue."""
        recheck = Recheck()
        recheck.open.clear()
        ids = []
        for k in range(60):
            ids += await accept(store, some_envelope(recipient=f"+1415555{k:04}"))
        worker = a_worker(store, Carrier(), recheck=recheck, in_hand_max=10)

        async with at_work(worker):
            await until(lambda: recheck.calls > 0)
            await asyncio.sleep(0.1)
            assert max(len(owner.tenure.hand) for owner in worker._owners if owner.tenure) <= 10
            recheck.open.set()
            await all_reach(store, ids, Status.SUBMITTED)
