"""What is judged again before it goes to a carrier, and what becomes of it then."""

import asyncio
import itertools

import pytest

from compliance.codes import Code
from compliance.decision import Decision, Verdict
from gateway.queue import Status
from gateway.work.dispatcher import CHECK_TO_WRITE_S
from gateway.work.worker import wall_clock_ms
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
    until,
)

BLOCKED = Decision(Verdict.BLOCK, Code.CAMPAIGN_SUSPENDED)
UNAVAILABLE = Decision(Verdict.BLOCK, Code.REGISTRY_UNAVAILABLE)


def seen_to(store, **methods):
    """A queue store, some methods of which are others."""

    class Store:
        def __getattr__(self, name):
            return getattr(store, name)

    stand_in = Store()
    vars(stand_in).update(methods)
    return stand_in


class TestRecheck:
    async def test_what_was_revoked_meanwhile_is_blocked(self, store):
        """It never reaches the carrier; its end says why."""
        carrier = Carrier()
        ids = await accept(store, some_envelope(text="no"), some_envelope(text="yes", recipient="+14155550144"))
        recheck = Recheck(lambda envelope: BLOCKED if envelope.text == "no" else OK)

        async with at_work(a_worker(store, carrier, recheck=recheck)):
            (stored,) = await all_reach(store, ids[:1], Status.BLOCKED)
            await all_reach(store, ids[1:], Status.SUBMITTED)
            await log_is_empty(store)

        assert stored.events[-1].code == "campaign_suspended"
        assert [one.text for one in carrier.submissions] == ["yes"]

    async def test_when_nobody_can_say_the_message_waits(self, store):
        """Held, in order, until the registry is back; nothing fails meanwhile."""
        carrier = Carrier()
        ids = await accept(store, *(some_envelope(text=str(turn)) for turn in range(4)))
        recheck = Recheck(lambda _: UNAVAILABLE)

        async with at_work(a_worker(store, carrier, recheck=recheck)):
            await until(lambda: recheck.calls > 4)
            assert all(one.status is Status.QUEUED for one in await store.look(ids))
            recheck.judge = lambda _: OK
            await all_reach(store, ids, Status.SUBMITTED)

        assert [one.text for one in carrier.submissions] == ["0", "1", "2", "3"]

    async def test_a_recheck_that_crashes_is_no_pass(self, store):
        """The message waits for one that does not, or for its expiry."""
        carrier = Carrier()

        def crash(_):
            raise ZeroDivisionError

        (message,) = await accept(store, some_envelope(expires_ms=wall_clock_ms() + 200))

        async with at_work(a_worker(store, carrier, recheck=Recheck(crash))):
            await all_reach(store, [message], Status.EXPIRED)

        assert carrier.submissions == []

    async def test_who_makes_it_crash_keeps_nobody_else(self, store):
        """One poisonous message waits; those that were taken with it go."""
        carrier = Carrier()

        def judge(envelope):
            if envelope.text == "poison":
                raise ZeroDivisionError
            return OK

        recipients = [f"+1415555{n:04}" for n in range(4)]
        texts = ["one", "poison", "two", "three"]
        messages = [some_envelope(text=text, recipient=to) for text, to in zip(texts, recipients, strict=True)]
        ids = await accept(store, *messages)

        async with at_work(a_worker(store, carrier, recheck=Recheck(judge))):
            await all_reach(store, [ids[0], *ids[2:]], Status.SUBMITTED)

        assert sorted(one.text for one in carrier.submissions) == ["one", "three", "two"]

    async def test_what_must_wait_its_turn_is_scheduled(self, store):
        """A number above its rate sends a little later."""
        decisions = itertools.chain([Decision(Verdict.DEFER, Code.THROUGHPUT_DID)], itertools.repeat(OK))
        (message,) = await accept(store, some_envelope())

        async with at_work(a_worker(store, Carrier(), recheck=Recheck(lambda _: next(decisions)))):
            (scheduled,) = await all_reach(store, [message], Status.SCHEDULED)
            await all_reach(store, [message], Status.SUBMITTED)

        assert scheduled.events[-1].code == "throughput_did"

    @pytest.mark.parametrize(
        ("decision", "ends", "code"),
        [
            (BLOCKED, Status.BLOCKED, "campaign_suspended"),
            (UNAVAILABLE, Status.QUEUED, "registry_unavailable"),
            (Decision(Verdict.DEFER, Code.THROUGHPUT_DID), Status.QUEUED, "throughput_did"),
        ],
    )
    async def test_a_judgement_that_waited_for_the_store_counts_no_more(self, store, decision, ends, code):
        """Between check and write lies a quarter of a second at most: then it is judged again, attempt or not."""
        carrier, recheck = Carrier(), Recheck()

        async def dawdle(*args):
            begun = await store.begin(*args)
            recheck.judge = lambda _: decision  # Revoked while the store took its time.
            await asyncio.sleep(CHECK_TO_WRITE_S + 0.05)
            return begun

        slow = seen_to(store, begin=dawdle)
        (message,) = await accept(store, some_envelope())

        async with at_work(a_worker(slow, carrier, recheck=recheck)):

            async def told():
                (stored,) = await store.look([message])
                return stored.events[-1].code == code

            await until(told)
            (stored,) = await all_reach(store, [message], ends)
            assert carrier.submissions == []
            if ends is Status.QUEUED:
                slow.begin = store.begin
                recheck.judge = lambda _: OK
                await all_reach(store, [message], Status.SUBMITTED)
            await log_is_empty(store)

        assert stored.attempts == 1

    async def test_a_judgement_that_waited_and_still_holds_is_used(self, store):
        """A slow store costs a second look, and nothing else."""
        carrier, recheck = Carrier(), Recheck()

        async def dawdle(*args):
            begun = await store.begin(*args)
            await asyncio.sleep(CHECK_TO_WRITE_S + 0.05)
            return begun

        ids = await accept(store, some_envelope())

        async with at_work(a_worker(seen_to(store, begin=dawdle), carrier, recheck=recheck)):
            (stored,) = await all_reach(store, ids, Status.SUBMITTED)

        assert recheck.calls == 2
        assert [event.status for event in stored.events] == [Status.QUEUED, Status.SUBMITTING, Status.SUBMITTED]

    async def test_facts_that_waited_for_the_worker_are_read_again(self, store):
        """A recheck is as old as its first read: whoever stood still in the middle of it finds answers that waited."""
        carrier = Carrier()

        class Dawdling(Recheck):
            async def recheck(self, envelopes):
                said = await super().recheck(envelopes)
                if self.calls == 1:
                    self.judge = lambda _: BLOCKED  # The opt-out came while the answer lay there.
                    await asyncio.sleep(CHECK_TO_WRITE_S + 0.05)
                return said

        ids = await accept(store, some_envelope())
        async with at_work(a_worker(store, carrier, recheck=Dawdling())):
            await all_reach(store, ids, Status.BLOCKED)

        assert carrier.submissions == []

    async def test_a_store_that_is_always_slow_holds_nothing_up(self, store):
        """Judged again some times, a message goes all the same: what was read for it is younger than half a second."""
        carrier = Carrier()

        class Slow(Recheck):
            async def recheck(self, envelopes):
                await asyncio.sleep(CHECK_TO_WRITE_S + 0.05)
                return await super().recheck(envelopes)

        ids = await accept(store, some_envelope())
        async with at_work(a_worker(store, carrier, recheck=Slow())):
            await all_reach(store, ids, Status.SUBMITTED)

        assert carrier.sent(ids[0]) == 1

    async def test_what_was_cancelled_meanwhile_is_not_sent(self, store):
        """Cancelling works until the attempt is on disk."""
        carrier, recheck = Carrier(), Recheck()
        recheck.open.clear()
        envelope = some_envelope()
        (message,) = await accept(store, envelope)

        async with at_work(a_worker(store, carrier, recheck=recheck)):
            await until(lambda: recheck.calls > 0)
            assert await store.cancel(message, b"{}") is Status.CANCELLED
            recheck.open.set()
            await log_is_empty(store)

        assert carrier.submissions == []
