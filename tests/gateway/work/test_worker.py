"""What a worker does with messages while all is well, and while a carrier or a rule says no."""

import asyncio
import random

import pytest
from prometheus_client import CollectorRegistry

from compliance.codes import Code
from compliance.decision import Decision, Verdict
from gateway.connectors import (
    CarrierAccepted,
    CarrierMisconfigured,
    CarrierRejected,
    CarrierTemporary,
    CarrierThrottled,
)
from gateway.envelope import Channel, TrafficClass, dump
from gateway.queue import OPEN, Park, Receipt, Status
from gateway.queue.retry import Schedule
from gateway.work.routing import Route
from gateway.work.worker import wall_clock_ms
from tests.gateway.working import (
    CARRIER,
    Carrier,
    Recheck,
    a_worker,
    accept,
    all_reach,
    at_work,
    log_is_empty,
    says,
    some_envelope,
    until,
)

BLOCKED = Decision(Verdict.BLOCK, Code.CAMPAIGN_SUSPENDED)
UNAVAILABLE = Decision(Verdict.BLOCK, Code.REGISTRY_UNAVAILABLE)


def an_im(text: str = "Hi", **fields):
    """An instant message to a colleague."""
    return some_envelope(channel=Channel.IM, recipient="u2", text=text, **fields)


def texts(inbox):
    """What stands in an inbox, by the text of each message."""
    return [item.payload.split(b'"text":"')[1].split(b'"')[0].decode() for item in inbox]


class TestInstantMessages:
    async def test_it_reaches_the_colleague_and_no_carrier(self, store):
        """An IM stays inside, and is delivered once it is in the inbox."""
        carrier, recheck = Carrier(), Recheck()
        ids = await accept(store, an_im("one"), an_im("two"), an_im("three"))

        async with at_work(a_worker(store, carrier, recheck=recheck)):
            await all_reach(store, ids, Status.DELIVERED)
            await log_is_empty(store)

        assert texts(await store.inbox("t1", "u2", after="", limit=10)) == ["one", "two", "three"]
        assert carrier.submissions == []
        assert recheck.calls == 0

    async def test_a_scheduled_one_waits_for_its_time(self, store):
        """It is scheduled until then, and out of the log."""
        (message,) = await accept(store, an_im(not_before_ms=wall_clock_ms() + 2_000))

        async with at_work(a_worker(store, Carrier())):
            await all_reach(store, [message], Status.SCHEDULED)
            await log_is_empty(store)
            await all_reach(store, [message], Status.DELIVERED)

        assert len(await store.inbox("t1", "u2", after="", limit=10)) == 1


class TestSubmission:
    async def test_the_carrier_gets_what_was_written(self, store):
        """Every field a carrier needs, under our id."""
        carrier = Carrier()
        (message,) = await accept(store, some_envelope(text="Lunch?", campaign_id="C1"))

        async with at_work(a_worker(store, carrier)):
            (stored,) = await all_reach(store, [message], Status.SUBMITTED)

        (submission,) = carrier.submissions
        assert (submission.reference, submission.text, submission.campaign_id) == (message, "Lunch?", "C1")
        assert stored.carrier_reference == f"c-{message}"
        assert stored.attempts == 1

    @pytest.mark.parametrize("batch_max", [1, 3])
    async def test_a_conversation_keeps_its_order(self, store, batch_max):
        """Whatever the carrier takes its time for, the messages of one conversation go as they were accepted."""
        chance = random.Random(7)

        async def dawdle(submission):
            await asyncio.sleep(chance.uniform(0, 0.004))
            return CarrierAccepted(f"c-{submission.reference}")

        carrier = Carrier(dawdle, batch_max=batch_max, window=16)
        ids = []
        for turn in range(12):
            ids += await accept(
                store, *(some_envelope(recipient=f"+1415555{k:04}", text=f"{k}:{turn}") for k in range(6))
            )

        async with at_work(a_worker(store, carrier)):
            await all_reach(store, ids, Status.SUBMITTED)

        for k in range(6):
            sent = [one.text for one in carrier.submissions if one.text.startswith(f"{k}:")]
            assert sent == [f"{k}:{turn}" for turn in range(12)]
        assert max(carrier.requests) == batch_max

    async def test_the_window_is_full_and_never_fuller(self, store):
        """Many under way at once, but not more than the carrier wants."""
        under_way, most = 0, 0

        async def count(submission):
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.005)
            under_way -= 1
            return CarrierAccepted(f"c-{submission.reference}")

        ids = await accept(store, *(some_envelope(recipient=f"+1415555{k:04}") for k in range(60)))

        async with at_work(a_worker(store, Carrier(count, window=5))):
            await all_reach(store, ids, Status.SUBMITTED)

        assert most == 5

    async def test_urgent_goes_before_bulk(self, store):
        """A one-time code does not queue behind a newsletter."""
        carrier, recheck = Carrier(window=1), Recheck()
        recheck.open.clear()
        ids = await accept(
            store,
            *(some_envelope(traffic_class=TrafficClass.BULK, recipient=f"+1415555{k:04}") for k in range(20)),
            some_envelope(traffic_class=TrafficClass.URGENT, text="code"),
        )

        async with at_work(a_worker(store, carrier, recheck=recheck)):
            await until(lambda: recheck.calls > 0)
            recheck.open.set()
            await all_reach(store, ids, Status.SUBMITTED)

        assert "code" in [one.text for one in carrier.submissions[:2]]  # One was in the recheck already.

    async def test_a_receipt_that_is_faster_than_the_answer_counts(self, store):
        """Delivered before the carrier has answered us: delivered it stays."""

        async def report_first(submission):
            receipt = Receipt(id=submission.reference, status=Status.DELIVERED, carrier=CARRIER, carrier_reference="x")
            await store.receipts([receipt])
            return CarrierAccepted("x")

        (message,) = await accept(store, some_envelope())

        async with at_work(a_worker(store, Carrier(report_first))):
            await all_reach(store, [message], Status.DELIVERED)
            await log_is_empty(store)

    async def test_without_a_receipt_nobody_knows(self, store):
        """Submitted and never reported on ends as unknown after the receipt window."""
        (message,) = await accept(store, some_envelope())

        async with at_work(a_worker(store, Carrier(), receipt_window_ms=50)):
            (stored,) = await all_reach(store, [message], Status.UNKNOWN)

        assert stored.events[-1].code == "receipt_timeout"

    async def test_each_carrier_gets_its_own(self, store):
        """The first route that serves a message is its way."""
        acme, zeta = Carrier(), Carrier()
        zeta.name = "zeta"
        (abroad,) = await accept(store, some_envelope(recipient="+16135550143"))
        (at_home,) = await accept(store, some_envelope(recipient="+14155550143"))
        routes = (Route(carrier="zeta", recipient="+1613"), Route(carrier=CARRIER))

        async with at_work(a_worker(store, acme, zeta, routes=routes)):
            await all_reach(store, [abroad, at_home], Status.SUBMITTED)

        assert [acme.sent(at_home), zeta.sent(abroad)] == [1, 1]
        assert len(acme.submissions) + len(zeta.submissions) == 2

    async def test_what_waits_for_a_carrier_that_is_gone_goes_another_way(self, store):
        """A lane of the store that no carrier of ours has any more is emptied all the same."""
        envelope = some_envelope()
        (message,) = await accept(store, envelope)
        epoch = await store.own(0, "earlier", 60_000)
        await store.take(0, epoch, count=1, pending_after=None)
        park = Park(id=message, payload=dump(envelope), lane="gone/p2p", due_ms=1, status=Status.QUEUED)
        await store.park(0, epoch, [park])
        await store.release(0, epoch)

        async with at_work(a_worker(store, carrier := Carrier())):
            await all_reach(store, [message], Status.SUBMITTED)

        assert carrier.sent(message) == 1


class TestCarrierSaysNo:
    async def test_rejected_is_the_end(self, store):
        """With the carrier's own code, marked as the carrier's."""
        (message,) = await accept(store, some_envelope())

        async with at_work(a_worker(store, carrier := Carrier(says(CarrierRejected("invalid_number"))))):
            (stored,) = await all_reach(store, [message], Status.FAILED)

        assert stored.events[-1].code == "carrier_invalid_number"
        assert carrier.sent(message) == 1

    async def test_not_now_is_tried_again(self, store):
        """Twice refused, then taken: three attempts, one message."""
        script = says(CarrierTemporary("http_503"), CarrierTemporary("http_503"), CarrierAccepted("c1"))
        (message,) = await accept(store, some_envelope())

        async with at_work(a_worker(store, carrier := Carrier(script))):
            (stored,) = await all_reach(store, [message], Status.SUBMITTED)
            await log_is_empty(store)

        assert (stored.attempts, carrier.sent(message)) == (3, 3)
        assert [event.code for event in stored.events if event.status is Status.QUEUED] == [
            "",
            *["carrier_http_503"] * 2,
        ]

    async def test_not_now_for_ever_expires(self, store):
        """Until its validity is over; never after it."""
        # A clock that goes on whenever it is asked: what it said last is when a message was sent.
        now_ms = start_ms = wall_clock_ms()
        expires_ms = start_ms + 2_000
        (message,) = await accept(store, some_envelope(expires_ms=expires_ms))
        sent_ms = []

        def clock():
            nonlocal now_ms
            now_ms += 5
            return now_ms

        async def refuse(_):
            sent_ms.append(now_ms)
            return CarrierTemporary("http_503")

        async with at_work(a_worker(store, Carrier(refuse), now_ms=clock)):
            (stored,) = await all_reach(store, [message], Status.EXPIRED)

        assert stored.events[-1].code == "validity_expired"
        assert len(sent_ms) > 1
        assert max(sent_ms) < expires_ms

    async def test_too_fast_slows_the_lane_and_only_it(self, store):
        """The lane stands while the carrier wants it to; urgent messages pass."""
        sent_at = {}
        loop = asyncio.get_running_loop()
        bulk = [some_envelope(traffic_class=TrafficClass.BULK, recipient=f"+1415555{k:04}") for k in range(3)]
        urgent = some_envelope(traffic_class=TrafficClass.URGENT)

        async def throttle_once(submission):
            first = not sent_at
            sent_at.setdefault(submission.reference, []).append(loop.time())
            return CarrierThrottled(0.5) if first else CarrierAccepted("c1")

        async with at_work(a_worker(store, Carrier(throttle_once, window=1))):
            (throttled,) = await accept(store, bulk[0])
            await until(lambda: throttled in sent_at)
            others = await accept(store, *bulk[1:])
            (passing,) = await accept(store, urgent)
            (stored, *_) = await all_reach(store, [throttled, *others, passing], Status.SUBMITTED)

        resumed = sent_at[throttled][0] + 0.45  # Less the time between the answer and the pause.
        assert all(sent_at[one][0] >= resumed for one in others)
        assert sent_at[passing][0] < sent_at[throttled][1]
        assert stored.attempts == 2

    async def test_throttling_does_not_lengthen_later_waits(self, store):
        """It burns no attempt: the first refusal after it is the first."""
        script = says(*[CarrierThrottled(0.001)] * 8, CarrierTemporary("http_503"), CarrierAccepted("c1"))
        (message,) = await accept(store, some_envelope())
        # With doubled waits a ninth failure would wait minutes.
        schedule = Schedule(base_ms=20, cap_ms=900_000, throttle_ms=1)

        async with at_work(a_worker(store, Carrier(script), schedule=schedule)):
            (stored,) = await all_reach(store, [message], Status.SUBMITTED)

        assert stored.attempts == 10

    async def test_a_wrong_token_burns_no_message(self, store):
        """All wait until the carrier knows us again; none fails."""
        known = False

        async def ask_for_a_pass(submission):
            return CarrierAccepted("c1") if known else CarrierMisconfigured("unauthenticated")

        carrier = Carrier(ask_for_a_pass)
        ids = await accept(store, *(some_envelope(recipient=f"+1415555{k:04}") for k in range(10)))

        async with at_work(a_worker(store, carrier)):
            await until(lambda: len(carrier.submissions) > 12)
            assert all(one.status in OPEN for one in await store.look(ids))
            known = True
            await all_reach(store, ids, Status.SUBMITTED)


class TestValidity:
    async def test_what_is_too_late_is_not_sent(self, store):
        """Expired in the queue: expired, and no carrier hears of it."""
        ids = await accept(store, some_envelope(expires_ms=1), an_im(expires_ms=1))

        async with at_work(a_worker(store, carrier := Carrier())):
            await all_reach(store, ids, Status.EXPIRED)
            await log_is_empty(store)

        assert carrier.submissions == []

    async def test_the_time_is_asked_last_of_all(self, store):
        """Valid when it was judged and begun, too late when it would be written: not sent."""
        early = wall_clock_ms()
        (message,) = await accept(store, some_envelope(expires_ms=early + 1_000))
        begun = False

        class Store:
            """The queue store, seen to."""

            def __getattr__(self, name):
                return getattr(store, name)

            async def begin(self, *args):
                nonlocal begun
                begun = True
                return await store.begin(*args)

        def clock():
            return early + 2_000 if begun else early

        async with at_work(a_worker(Store(), carrier := Carrier(), now_ms=clock)):
            (stored,) = await all_reach(store, [message], Status.EXPIRED)

        assert carrier.submissions == []
        assert stored.attempts == 1

    async def test_a_scheduled_text_waits_for_its_time(self, store):
        """Not before; and it is not in the log meanwhile."""
        not_before_ms = wall_clock_ms() + 2_000
        (message,) = await accept(store, some_envelope(not_before_ms=not_before_ms))
        sent_ms = []

        async def note(submission):
            sent_ms.append(wall_clock_ms())
            return CarrierAccepted("c1")

        async with at_work(a_worker(store, Carrier(note))):
            await all_reach(store, [message], Status.SCHEDULED)
            await log_is_empty(store)
            await all_reach(store, [message], Status.SUBMITTED)

        assert sent_ms[0] >= not_before_ms


class TestPoison:
    @pytest.mark.parametrize(
        "payload",
        [b"not json", b"[]", b'{"v":1}', b'{"v":2}', b'{"v":1,"tenant":7,"channel":"pigeon"}'],
        ids=["no JSON", "no object", "no fields", "another version", "other words"],
    )
    async def test_what_nobody_can_read_ends(self, store, payload):
        """Once, as a failure of ours; those beside it go on."""
        bad, good = await accept(store, payload, some_envelope())

        async with at_work(a_worker(store, Carrier())):
            (stored,) = await all_reach(store, [bad], Status.FAILED)
            await all_reach(store, [good], Status.SUBMITTED)
            await log_is_empty(store)

        assert stored.events[-1].code == "internal_error"


class TestMeasures:
    async def test_conservation_is_shown(self, store):
        """The store's own counters, and how many partitions are owned."""
        registry = CollectorRegistry()
        ids = await accept(store, some_envelope(), an_im())

        async with at_work(a_worker(store, Carrier(), registry=registry)):
            await all_reach(store, ids, Status.SUBMITTED, Status.DELIVERED)

            def value(name, **labels):
                return registry.get_sample_value(name, labels)

            await until(lambda: value("worker_queue_terminal_messages") == 1)
            assert value("worker_queue_accepted_messages") == 2
            assert value("worker_queue_open_messages") == 1
            assert value("worker_queue_difference_messages") == 0
            assert value("worker_owned_partitions") == 4
            assert value("worker_submissions_total", carrier=CARRIER, outcome="accepted") == 1
            assert value("worker_messages_ended_total", status="delivered") == 1

    async def test_a_route_needs_its_carrier(self, store):
        """Found at the start, not by the first message."""
        with pytest.raises(ValueError, match="routes: there is no carrier acme"):
            a_worker(store)
