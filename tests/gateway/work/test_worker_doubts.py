"""What a worker does when the carrier's answer is lost."""

import asyncio

import pytest

from gateway.connectors import CarrierAccepted, CarrierTemporary, InDoubt
from gateway.connectors.offers import NotTaken, Silent
from gateway.envelope import TrafficClass
from gateway.queue import Receipt, Status
from gateway.queue.retry import Schedule
from tests.gateway.working import (
    ACCEPTED,
    CARRIER,
    LOST,
    AskableCarrier,
    Carrier,
    a_worker,
    accept,
    all_reach,
    at_work,
    doubts,
    log_is_empty,
    says,
    some_envelope,
)


class TestLostAnswers:
    async def test_a_person_s_text_is_sent_again_once(self, store):
        """Twice read is better than never; and the doubt is counted."""
        (message,) = await accept(store, some_envelope())

        async with at_work(a_worker(store, carrier := Carrier(says(LOST, ACCEPTED)))):
            (stored,) = await all_reach(store, [message], Status.SUBMITTED)

        assert (carrier.sent(message), stored.attempts, await doubts(store)) == (2, 2, 1)

    async def test_never_more_than_once(self, store):
        """The second lost answer is the end: unknown."""
        (message,) = await accept(store, some_envelope())

        async with at_work(a_worker(store, carrier := Carrier(says(LOST)))):
            (stored,) = await all_reach(store, [message], Status.UNKNOWN)

        assert carrier.sent(message) == 2
        assert stored.events[-1].code == "doubt_timeout"

    async def test_a_refusal_between_two_doubts_makes_no_difference(self, store):
        """One resend a message, whatever else happened."""
        script = says(LOST, CarrierTemporary("http_503"), LOST, ACCEPTED)
        (message,) = await accept(store, some_envelope())

        async with at_work(a_worker(store, carrier := Carrier(script))):
            await all_reach(store, [message], Status.UNKNOWN)

        assert carrier.sent(message) == 3

    @pytest.mark.parametrize("traffic_class", [TrafficClass.URGENT, TrafficClass.BULK])
    async def test_a_code_or_a_newsletter_is_not_sent_again(self, store, traffic_class):
        """A second one-time code confuses, a second newsletter costs."""
        (message,) = await accept(store, some_envelope(traffic_class=traffic_class))

        async with at_work(a_worker(store, carrier := Carrier(says(LOST, ACCEPTED)))):
            await all_reach(store, [message], Status.UNKNOWN)
            await log_is_empty(store)

        assert carrier.sent(message) == 1

    async def test_a_receipt_settles_it(self, store):
        """What is delivered meanwhile is not sent again."""

        async def deliver_and_lose(submission):
            receipt = Receipt(id=submission.reference, status=Status.DELIVERED, carrier=CARRIER, carrier_reference="x")
            await store.receipts([receipt])
            return LOST

        (message,) = await accept(store, some_envelope())

        async with at_work(a_worker(store, carrier := Carrier(deliver_and_lose))):
            await all_reach(store, [message], Status.DELIVERED)
            await log_is_empty(store)

        assert carrier.sent(message) == 1
        assert await doubts(store) == 0

    async def test_the_carrier_says_that_it_has_it(self, store):
        """Then it is submitted, under the carrier's name for it, and not sent again."""
        carrier = AskableCarrier(says(LOST), CarrierAccepted("c7"))
        (message,) = await accept(store, some_envelope())

        async with at_work(a_worker(store, carrier)):
            (stored,) = await all_reach(store, [message], Status.SUBMITTED)

        assert (stored.carrier_reference, carrier.sent(message), carrier.asked) == ("c7", 1, [message])

    @pytest.mark.parametrize("traffic_class", list(TrafficClass))
    async def test_the_carrier_says_that_it_has_it_not(self, store, traffic_class):
        """Then it is sent again, whatever its class, but once."""
        carrier = AskableCarrier(says(LOST), NotTaken())
        (message,) = await accept(store, some_envelope(traffic_class=traffic_class))

        async with at_work(a_worker(store, carrier)):
            await all_reach(store, [message], Status.UNKNOWN)

        assert carrier.sent(message) == 2

    @pytest.mark.parametrize(("traffic_class", "sent"), [(TrafficClass.P2P, 2), (TrafficClass.BULK, 1)])
    async def test_the_carrier_does_not_say(self, store, traffic_class, sent):
        """Then the policy of its class counts."""
        carrier = AskableCarrier(says(LOST), InDoubt("timeout"))
        (message,) = await accept(store, some_envelope(traffic_class=traffic_class))

        async with at_work(a_worker(store, carrier)):
            await all_reach(store, [message], Status.UNKNOWN)

        assert carrier.sent(message) == sent

    @pytest.mark.parametrize("traffic_class", list(TrafficClass))
    async def test_a_carrier_that_is_silent_is_asked_again(self, store, traffic_class):
        """One that comes back knows; a code is sent that never left, and nothing twice that did."""
        silence = (Silent("disconnected"), Silent("unreachable"), Silent("http_503"))
        has_it = AskableCarrier(says(LOST), *silence, CarrierAccepted("c7"))
        has_it_not = AskableCarrier(says(LOST, ACCEPTED), *silence, NotTaken())
        for carrier, sent in ((has_it, 1), (has_it_not, 2)):
            (message,) = await accept(store, some_envelope(traffic_class=traffic_class))
            async with at_work(a_worker(store, carrier)):
                await all_reach(store, [message], Status.SUBMITTED)
            assert carrier.asked == [message] * 4
            assert carrier.sent(message) == sent

    @pytest.mark.parametrize(("traffic_class", "sent"), [(TrafficClass.P2P, 2), (TrafficClass.URGENT, 1)])
    async def test_but_not_for_ever(self, store, traffic_class, sent):
        """Then it counts as one that cannot say."""
        carrier = AskableCarrier(says(LOST), Silent("unreachable"))
        schedule = Schedule(resend_ms=20, ask_for_ms=100, ask_again_ms=20)
        (message,) = await accept(store, some_envelope(traffic_class=traffic_class))

        async with at_work(a_worker(store, carrier, schedule=schedule)):
            (stored,) = await all_reach(store, [message], Status.UNKNOWN)

        assert carrier.sent(message) == sent
        assert 2 <= len(carrier.asked) <= 12
        assert stored.events[-1].code == "doubt_timeout"

    async def test_a_receipt_ends_the_asking(self, store):
        """Whoever is silent to us may have told what became of it."""
        carrier = AskableCarrier(says(LOST), Silent("unreachable"))
        (message,) = await accept(store, some_envelope(traffic_class=TrafficClass.URGENT))

        async with at_work(a_worker(store, carrier)):
            async with asyncio.timeout(10):
                while len(carrier.asked) < 2:  # noqa: ASYNC110 - it notes, and signals nobody
                    await asyncio.sleep(0.01)
            receipt = Receipt(id=message, status=Status.DELIVERED, carrier=CARRIER, carrier_reference="x")
            await store.receipts([receipt])
            await all_reach(store, [message], Status.DELIVERED)
            await log_is_empty(store)

        assert carrier.sent(message) == 1
        assert await doubts(store) == 0

    async def test_a_connector_that_crashes_leaves_a_doubt(self, store):
        """It may have sent; the worker goes on."""

        async def crash(submission):
            if submission.text == "bad":
                raise ZeroDivisionError
            return ACCEPTED

        carrier = Carrier(crash)
        bad, good = await accept(
            store,
            some_envelope(text="bad", traffic_class=TrafficClass.BULK),
            some_envelope(traffic_class=TrafficClass.BULK, recipient="+14155550144"),
        )

        async with at_work(a_worker(store, carrier)):
            await all_reach(store, [bad], Status.UNKNOWN)
            await all_reach(store, [good], Status.SUBMITTED)
