"""What becomes of messages that wait when somebody opts out, by the real facts and the real rules."""

from datetime import UTC, datetime

import pytest

from compliance import documents, shipped
from gateway.clock import boottime_s
from gateway.connectors import CarrierTemporary, Submission
from gateway.connectors.http_carrier import HttpCarrier, HttpCarrierOptions
from gateway.connectors.offers import NotTaken
from gateway.envelope import Kind
from gateway.in_force import JUDGED_WITHIN_S
from gateway.near.cache import NearCache
from gateway.queue import Spoken, Status, Word
from gateway.queue.consent import Restoration
from gateway.send.gather import Gatherer
from gateway.work.worker import wall_clock_ms
from loadtests.carrier.app import running
from loadtests.carrier.settings import Settings
from tests.builders import a_brand, a_campaign, an_assignment
from tests.gateway.near.copies import DID, Clock, Copy, a_company, a_number
from tests.gateway.working import (
    ACCEPTED,
    CARRIER,
    RECIPIENT,
    Carrier,
    a_worker,
    accept,
    all_reach,
    at_work,
    log_is_empty,
    some_envelope,
)


@pytest.fixture
async def recheck(store):
    """The gateway's own judgement, by a company whose one number may text."""
    link = an_assignment(campaign_id="C1", brand_id="B1")
    kept = a_company() | {
        documents.number_key(DID): a_number(assignment=link, sms_enabled_at=datetime(2024, 3, 1, tzinfo=UTC)),
        documents.campaign_key("C1"): documents.dump_campaign(a_campaign(id="C1", brand_id="B1")),
        documents.brand_key("B1"): documents.dump_brand(a_brand(id="B1")),
    }
    copy = Copy(Clock(), kept)

    class Observer:
        def __getattr__(self, name):
            return lambda *_: None

    async with NearCache(copy, Observer(), process="worker:1", now_ms=copy.clock) as near:
        yield Gatherer(near, store, shipped("current"), lambda: datetime.now(UTC))


def a_message(**fields):
    """A text of Ann's to a person."""
    return some_envelope(**{"tenant": "acme", "user": "ann", "sender": DID} | fields)


async def say(store, word, turn=1):
    """Have a person say something to the company."""
    now_ms = wall_clock_ms()
    spoken = Spoken(
        word=word, id=f"{turn}", tenant="acme", recipient=RECIPIENT, at_ms=now_ms, keyword=word, number=DID, user="ann"
    )
    await store.heard(spoken)


class TestWaiting:
    async def test_what_waits_is_blocked(self, store, recheck):
        """Queued when the word came, and never sent; others' messages go."""
        mine = await accept(store, *(a_message(text=f"{turn}") for turn in range(5)))
        others = await accept(store, a_message(recipient="+14155550199"))
        await say(store, Word.STOP)
        carrier = Carrier()

        async with at_work(a_worker(store, carrier, recheck=recheck)):
            ended = await all_reach(store, mine, Status.BLOCKED)
            await all_reach(store, others, Status.SUBMITTED)
            await log_is_empty(store)

        assert {one.events[-1].code for one in ended} == {"recipient_opted_out"}
        assert [one.recipient for one in carrier.submissions] == ["+14155550199"]

    async def test_what_waits_goes_when_the_opt_out_was_taken_back(self, store, recheck):
        """The judgement before a submission is by what is known then; a STOP after it holds for what comes later."""
        ids = await accept(store, a_message())
        await say(store, Word.STOP)
        await store.restore(Restoration(tenant="acme", recipient=RECIPIENT, evidence="Came by and asked for texts."))
        carrier = Carrier()

        async with at_work(a_worker(store, carrier, recheck=recheck)):
            await all_reach(store, ids, Status.SUBMITTED)
            await say(store, Word.STOP, turn=2)
            await all_reach(store, await accept(store, a_message()), Status.BLOCKED)

        assert len(carrier.submissions) == 1

    async def test_what_is_scheduled_is_blocked_when_its_time_comes(self, store, recheck):
        """At the latest: it was put aside before the word, and is judged again."""
        due_ms = wall_clock_ms() + 1_500
        ids = await accept(store, a_message(not_before_ms=due_ms))
        carrier = Carrier()

        async with at_work(a_worker(store, carrier, recheck=recheck)):
            await all_reach(store, ids, Status.SCHEDULED)
            await say(store, Word.STOP)
            await all_reach(store, ids, Status.BLOCKED)

        assert carrier.submissions == []
        assert wall_clock_ms() >= due_ms

    async def test_after_a_start_they_go_again(self, store, recheck):
        """The last word counts."""
        for turn, word in enumerate((Word.STOP, Word.START)):
            await say(store, word, turn)
        ids = await accept(store, a_message())

        async with at_work(a_worker(store, Carrier(), recheck=recheck)):
            await all_reach(store, ids, Status.SUBMITTED)

    async def test_a_clock_that_is_ahead_delays_no_opt_out(self, store, recheck):
        """What is written down is in force, although whoever wrote it believes that it is tomorrow."""
        now_ms = wall_clock_ms() + 86_400_000
        await store.heard(
            Spoken(
                word=Word.STOP,
                id="1",
                tenant="acme",
                recipient=RECIPIENT,
                at_ms=now_ms,
                keyword="STOP",
                number=DID,
                user="ann",
            )
        )
        ids = await accept(store, a_message())

        async with at_work(a_worker(store, Carrier(), recheck=recheck)):
            await all_reach(store, ids, Status.BLOCKED)


class TestReplies:
    @pytest.mark.parametrize(
        ("kind", "ends"),
        [
            (Kind.STOP_REPLY, Status.SUBMITTED),
            (Kind.HELP_REPLY, Status.SUBMITTED),
            (Kind.START_REPLY, Status.BLOCKED),
            (Kind.MESSAGE, Status.BLOCKED),
        ],
    )
    async def test_what_goes_to_whoever_has_opted_out(self, store, recheck, kind, ends):
        """The confirmation, and help; nothing else."""
        await say(store, Word.STOP)
        ids = await accept(store, a_message(kind=kind))

        async with at_work(a_worker(store, Carrier(), recheck=recheck)):
            await all_reach(store, ids, ends)

    async def test_a_reply_keeps_the_other_rules(self, store, recheck):
        """From a number that is not registered there is no confirmation either."""
        await say(store, Word.STOP)
        ids = await accept(store, a_message(kind=Kind.STOP_REPLY, sender="+12025550119"))

        async with at_work(a_worker(store, Carrier(), recheck=recheck)):
            (ended,) = await all_reach(store, ids, Status.BLOCKED)

        assert ended.events[-1].code == "did_not_owned_by_sender"


class TestTooLate:
    async def test_a_submission_begins_soon_after_its_judgement(self, store, recheck):
        """The connector hears until when, and whatever waits in it waits no longer."""
        began_s = boottime_s()
        ids, carrier = await accept(store, a_message()), Carrier()

        async with at_work(a_worker(store, carrier, recheck=recheck)):
            await all_reach(store, ids, Status.SUBMITTED)

        (submission,) = carrier.submissions
        assert began_s < submission.good_until_s <= boottime_s() + JUDGED_WITHIN_S

    @pytest.mark.parametrize("batch_max", [1, 5])
    async def test_nothing_is_sent_that_was_judged_too_long_ago(self, batch_max):
        """Not a byte: what came too late for one of a request is "not now" for all, and goes when it comes in time."""
        async with running(Settings(port=0)) as emulator:
            options = HttpCarrierOptions(
                name=CARRIER,
                url=emulator.url,
                token="carrier-secret",
                receipt_url="http://127.0.0.1:9/",
                batch_max=batch_max,
            )
            async with HttpCarrier(options) as carrier:

                def some(good_until_s):
                    return [
                        Submission(
                            reference=f"r{place}",
                            sender=DID,
                            recipient=f"+141555501{place:02}",
                            text="Hi",
                            good_until_s=until_s,
                        )
                        for place, until_s in enumerate(good_until_s)
                    ]

                soon_s, late_s = boottime_s() + 60, boottime_s() - 0.001
                late = await carrier.submit(some([late_s]))
                both = await carrier.submit(some([soon_s, late_s]))
                known = await carrier.query("r1")
                sent = await carrier.submit(some([soon_s, soon_s]))
                taken = [await carrier.query(f"r{place}") for place in range(2)]

        not_now = CarrierTemporary("too_late")
        assert late == [not_now]
        assert known == NotTaken()
        assert both == [not_now, not_now] if batch_max > 1 else both[1] == not_now
        assert [type(one) for one in sent + taken] == [type(ACCEPTED)] * 4

    async def test_a_message_that_was_too_late_goes_a_little_later(self, store, recheck):
        """As after any "not now" of a carrier."""
        answers = iter([CarrierTemporary("too_late")])

        async def script(_):
            return next(answers, ACCEPTED)

        ids = await accept(store, a_message())
        async with at_work(a_worker(store, carrier := Carrier(script), recheck=recheck)):
            await all_reach(store, ids, Status.SUBMITTED)

        assert carrier.sent(ids[0]) == 2
