"""Attempts: begin, finish, park, due, and the numbers that fence them."""

import pytest

from gateway.queue import TERMINAL, Begin, Begun, Finish, Park, Status, Taken
from gateway.queue.keys import entry_of
from tests.gateway.queue.builders import (
    PAYLOAD,
    a_park,
    a_receipt,
    a_request,
    accepted,
    begun,
    check_conservation,
    owned,
    parked,
    status_of,
    submitted,
    taken,
)

DAY_S = 24 * 3600


def statuses(stored):
    """The events' statuses, after a check that their numbers have no gap."""
    assert [event.seq for event in stored.events] == list(range(1, len(stored.events) + 1))
    return [event.status for event in stored.events]


class TestBegin:
    async def test_the_first_attempt_is_one(self, store):
        """Begin is durable and visible: status, number, event."""
        message_id, _ = await begun(store)

        (stored,) = await store.look([message_id])
        assert (stored.status, stored.attempts, stored.payload) == (Status.SUBMITTING, 1, PAYLOAD)
        assert statuses(stored) == [Status.QUEUED, Status.SUBMITTING]

    async def test_an_open_attempt_is_not_begun_again(self, store):
        """Whoever asks twice does not send twice."""
        message_id, epoch = await begun(store)

        again = await store.begin(0, epoch, [Begin(id=message_id, payload=PAYLOAD)])
        assert again == [Begun(id=message_id, attempt=None, status=Status.SUBMITTING)]

    @pytest.mark.parametrize("status", sorted(TERMINAL))
    async def test_no_attempt_after_the_end(self, store, status):
        """Every terminal status, all of them, refuses an attempt."""
        message_id, epoch = await taken(store)
        await store.finish(0, epoch, [Finish(id=message_id, status=status, payload=PAYLOAD)])

        again = await store.begin(0, epoch, [Begin(id=message_id, payload=PAYLOAD)])
        assert again == [Begun(id=message_id, attempt=None, status=status)]

    async def test_no_attempt_on_what_was_cancelled_in_hand(self, store):
        """A cancel between take and begin wins."""
        message_id, epoch = await taken(store)
        await store.cancel(message_id, PAYLOAD)

        (again,) = await store.begin(0, epoch, [Begin(id=message_id, payload=PAYLOAD)])
        assert (again.attempt, again.status) == (None, Status.CANCELLED)

    async def test_no_attempt_on_what_is_gone(self, store):
        """A message that nobody has in hand and nobody knows is not made up."""
        _, epoch = await taken(store)

        (gone,) = await store.begin(0, epoch, [Begin(id="0-1-1-0", payload=PAYLOAD)])
        assert (gone.attempt, gone.status) == (None, Status.UNKNOWN)
        assert await store.look(["0-1-1-0"]) == [None]

    async def test_a_begin_that_comes_late_opens_nothing(self, store):
        """Given up, asked again, refused by the carrier, parked: then the first arrives, and nobody waits for it."""
        message_id, epoch = await begun(store)
        await store.park(0, epoch, [a_park(message_id, attempt=1)])

        late = await store.begin(0, epoch, [Begin(id=message_id, payload=PAYLOAD, attempts=0)])
        assert late == [Begun(id=message_id, attempt=None, status=Status.QUEUED)]
        (next_one,) = await store.begin(0, epoch, [Begin(id=message_id, payload=PAYLOAD, attempts=1)])
        assert next_one.attempt == 2

    async def test_a_begin_that_knows_too_much_leaves_no_half_message(self, store):
        """A message never touched is begun by nobody who knows of attempts, and counts once all the same."""
        message_id, epoch = await taken(store)

        (refused,) = await store.begin(0, epoch, [Begin(id=message_id, payload=PAYLOAD, attempts=3)])
        assert (refused.attempt, refused.status) == (None, Status.QUEUED)
        await store.begin(0, epoch, [Begin(id=message_id, payload=PAYLOAD, attempts=0)])
        (stored,) = await store.look([message_id])
        assert [event.status for event in stored.events] == [Status.QUEUED, Status.SUBMITTING]

    async def test_a_batch_is_answered_in_order(self, store):
        """Each message gets its own answer in its own place."""
        first, second = await accepted(store), await accepted(store)
        epoch = await owned(store)
        await store.take(0, epoch, count=10, pending_after=None)
        await store.cancel(first[0], PAYLOAD)

        answers = await store.begin(0, epoch, [Begin(id=i, payload=PAYLOAD) for i in first + second])
        assert [answer.attempt for answer in answers] == [None, 1]


class TestFinish:
    async def test_submitted_keeps_the_carriers_word(self, store):
        """Reference, code and detail stay with the message; tabs cannot break an event's columns."""
        message_id, _ = await submitted(store, code="a\tb", detail="c\td\ne")

        (stored,) = await store.look([message_id])
        assert (stored.status, stored.carrier_reference) == (Status.SUBMITTED, "ref-1")
        assert (stored.events[-1].code, stored.events[-1].detail) == ("a b", "c d e")

    async def test_repeating_it_changes_nothing(self, store):
        """The answer was lost, the same is asked again: one event, one count."""
        message_id, epoch = await submitted(store)
        end = Finish(id=message_id, status=Status.SUBMITTED, attempt=1, carrier_reference="ref-1")

        assert await store.finish(0, epoch, [end]) == [Status.SUBMITTED]
        (stored,) = await store.look([message_id])
        assert statuses(stored) == [Status.QUEUED, Status.SUBMITTING, Status.SUBMITTED]
        await check_conservation(store)

    async def test_a_message_that_never_began_an_attempt(self, store):
        """Attempt 0 with the payload: an IM delivered, a message blocked at the recheck."""
        message_id, epoch = await taken(store)
        end = Finish(id=message_id, status=Status.BLOCKED, payload=PAYLOAD, code="number_suspended")

        assert await store.finish(0, epoch, [end]) == [Status.BLOCKED]
        (stored,) = await store.look([message_id])
        assert statuses(stored) == [Status.QUEUED, Status.BLOCKED]
        assert stored.payload == PAYLOAD

    async def test_a_payload_left_out_is_not_lost(self, store):
        """The log still has it: the first touch keeps it, whoever forgot to bring it along."""
        message_id, epoch = await taken(store)
        await store.finish(0, epoch, [Finish(id=message_id, status=Status.FAILED)])

        (stored,) = await store.look([message_id])
        assert stored.payload == PAYLOAD

    async def test_a_large_batch_is_journaled_whole(self, store, raw):
        """Lines are packed, at most sixteen an entry, none left out, in order."""
        ids = await accepted(store, a_request(*[b"m%d" % i for i in range(40)]))
        epoch = await owned(store)
        await store.take(0, epoch, count=10, pending_after=None)
        await store.finish(0, epoch, [Finish(id=one, status=Status.FAILED) for one in ids])

        entries = [entry[b"lines"].decode().split("\n") for _, entry in raw.xrange("{q:0}:events")]
        assert [len(lines) for lines in entries] == [16, 16, 16, 16, 16]
        told = [(line.split("\t")[1], line.split("\t")[3]) for lines in entries for line in lines]
        assert told == [(one, status) for one in ids for status in ("queued", "failed")]

    async def test_attempt_0_does_not_end_an_open_attempt(self, store):
        """Only its own number may: somebody may be sending at this moment."""
        message_id, epoch = await begun(store)

        assert await store.finish(0, epoch, [Finish(id=message_id, status=Status.EXPIRED)]) == [Status.SUBMITTING]

    async def test_an_attempt_that_was_never_begun_ends_nothing(self, store):
        """A number above the last one is somebody's mistake."""
        message_id, epoch = await begun(store)

        end = Finish(id=message_id, status=Status.FAILED, attempt=2)
        assert await store.finish(0, epoch, [end]) == [Status.SUBMITTING]

    async def test_an_older_attempts_yes_is_a_doubt(self, store, raw):
        """It cannot speak for the newer attempt, but that the carrier took it twice is never lost."""
        message_id, epoch = await begun(store)
        await store.park(0, epoch, [a_park(message_id, attempt=1)])
        await store.begin(0, epoch, [Begin(id=message_id, payload=PAYLOAD)])

        late = Finish(id=message_id, status=Status.SUBMITTED, attempt=1, carrier="acme", carrier_reference="late")
        for _ in range(2):
            assert await store.finish(0, epoch, [late]) == [Status.SUBMITTING]
        assert (await store.counts())[0].doubts == 1
        assert raw.hget(f"{{q:0}}:m:{message_id}", "d1") == b"late"
        assert raw.xrevrange("{q:0}:events")[0][1][b"lines"].startswith(f"doubt\t{message_id}\t".encode())
        assert await store.finish(0, epoch, [Finish(id=message_id, status=Status.FAILED, attempt=1)]) == [
            Status.SUBMITTING
        ]

    async def test_a_late_yes_of_a_parked_attempt_prevents_the_second_submission(self, store):
        """Nothing newer was begun: the carrier has the message, so it is submitted, and not due any more."""
        message_id, epoch = await begun(store)
        await store.park(0, epoch, [a_park(message_id, attempt=1, code="doubt_timeout")])

        late = Finish(id=message_id, status=Status.SUBMITTED, attempt=1)
        assert await store.finish(0, epoch, [late]) == [Status.SUBMITTED]
        assert await store.due(0, epoch, "acme", now_ms=2, count=10) == []

    async def test_a_receipt_may_be_faster(self, store):
        """The terminal status stands; the reference is stored all the same."""
        message_id, epoch = await begun(store)
        await store.receipts([a_receipt(message_id, carrier_reference="")])

        end = Finish(id=message_id, status=Status.SUBMITTED, attempt=1, carrier="acme", carrier_reference="ref-9")
        assert await store.finish(0, epoch, [end]) == [Status.DELIVERED]
        (stored,) = await store.look([message_id])
        assert stored.carrier_reference == "ref-9"
        assert await store.due(0, epoch, "receipt", now_ms=1 << 50, count=10) == []

    @pytest.mark.parametrize("first", sorted(TERMINAL))
    async def test_the_end_is_the_end(self, store, first):
        """A terminal status never changes, to no other status at all."""
        message_id, epoch = await taken(store)
        await store.finish(0, epoch, [Finish(id=message_id, status=first, payload=PAYLOAD)])

        for status in TERMINAL | {Status.SUBMITTED}:
            assert await store.finish(0, epoch, [Finish(id=message_id, status=status)]) == [first]
        await store.park(0, epoch, [a_park(message_id)])
        assert await status_of(store, message_id) is first
        await check_conservation(store)

    @pytest.mark.parametrize("status", [Status.QUEUED, Status.SCHEDULED, Status.SUBMITTING])
    async def test_nothing_ends_as_open(self, store, status):
        """A caller's mistake is told, not stored."""
        message_id, epoch = await taken(store)
        with pytest.raises(ValueError, match="ends as"):
            await store.finish(0, epoch, [Finish(id=message_id, status=status)])

    async def test_a_doubt_that_ends_is_counted_once(self, store):
        """Code "doubt..." on the attempt that it ends; asking again does not count again."""
        message_id, epoch = await begun(store)
        end = Finish(id=message_id, status=Status.UNKNOWN, attempt=1, code="doubt_answer_lost")
        await store.finish(0, epoch, [end])
        await store.finish(0, epoch, [end])

        assert (await store.counts())[0].doubts == 1


class TestPark:
    async def test_parking_an_open_attempt_is_the_one_step_back(self, store):
        """From submitting to queued with its number; the event says why."""
        message_id, epoch = await begun(store)
        await store.park(0, epoch, [a_park(message_id, attempt=1, code="carrier_throttled")])

        (stored,) = await store.look([message_id])
        assert statuses(stored) == [Status.QUEUED, Status.SUBMITTING, Status.QUEUED]
        assert stored.events[-1].code == "carrier_throttled"
        await check_conservation(store)

    @pytest.mark.parametrize("attempt", [0, 2])
    async def test_another_number_does_not_park_an_open_attempt(self, store, attempt):
        """Somebody may be sending at this moment."""
        message_id, epoch = await begun(store)
        await store.park(0, epoch, [a_park(message_id, attempt=attempt)])

        assert await status_of(store, message_id) is Status.SUBMITTING
        assert await store.due(0, epoch, "acme", now_ms=9, count=10) == []

    async def test_attempts_count_up(self, store):
        """Each begin after a park is the next number."""
        message_id, epoch = await begun(store)
        for attempt in (1, 2, 3):
            await store.park(0, epoch, [a_park(message_id, attempt=attempt)])
            (again,) = await store.begin(0, epoch, [Begin(id=message_id, payload=PAYLOAD)])
            assert again.attempt == attempt + 1

    async def test_unchanged_status_is_no_event(self, store):
        """A queued message that waits is still queued."""
        message_id, _ = await parked(store)

        (stored,) = await store.look([message_id])
        assert statuses(stored) == [Status.QUEUED]

    async def test_a_schedule(self, store):
        """Scheduled is a step forward; parking it again does not take it back."""
        message_id, epoch = await parked(store, status=Status.SCHEDULED, due_ms=5)
        await store.park(0, epoch, [a_park(message_id, due_ms=7)])

        assert await status_of(store, message_id) is Status.SCHEDULED
        assert await store.due(0, epoch, "acme", now_ms=6, count=10) == []
        assert [one.id for one in await store.due(0, epoch, "acme", now_ms=7, count=10)] == [message_id]

    async def test_a_message_waits_in_one_lane_only(self, store):
        """Parking it elsewhere takes it out of where it was."""
        message_id, epoch = await parked(store)
        await store.park(0, epoch, [a_park(message_id, lane="other")])

        assert await store.due(0, epoch, "acme", now_ms=9, count=10) == []
        assert (await store.counts())[0].parked == {"acme": 0, "other": 1}

    async def test_what_a_carrier_has_is_not_parked(self, store):
        """A submitted message waits for its receipt, nowhere else."""
        message_id, epoch = await submitted(store)
        await store.park(0, epoch, [a_park(message_id, attempt=1)])

        assert await status_of(store, message_id) is Status.SUBMITTED
        assert await store.due(0, epoch, "acme", now_ms=9, count=10) == []

    async def test_a_doubt_is_counted_when_its_attempt_is_parked(self, store):
        """Once, by the call that ended the attempt; no other code counts."""
        message_id, epoch = await begun(store)
        for _ in range(2):
            await store.park(0, epoch, [a_park(message_id, attempt=1, code="doubt_timeout")])
        await store.begin(0, epoch, [Begin(id=message_id, payload=PAYLOAD)])
        await store.park(0, epoch, [a_park(message_id, attempt=2, code="carrier_unreachable")])

        assert (await store.counts())[0].doubts == 1

    async def test_an_unsure_begin_can_be_parked(self, store):
        """After a lost answer, parking attempts + 1 is right whether the begin happened or not."""
        message_id, epoch = await taken(store)
        await store.park(0, epoch, [a_park(message_id, attempt=1)])
        assert [one.attempts for one in await store.due(0, epoch, "acme", now_ms=9, count=10)] == [0]
        await store.begin(0, epoch, [Begin(id=message_id, payload=PAYLOAD)])
        await store.park(0, epoch, [a_park(message_id, attempt=1)])
        assert [one.attempts for one in await store.due(0, epoch, "acme", now_ms=9, count=10)] == [1]

    async def test_only_waiting_is_parked(self, store):
        """A caller's mistake is told, not stored."""
        message_id, epoch = await taken(store)
        with pytest.raises(ValueError, match="parked as"):
            await store.park(0, epoch, [a_park(message_id, status=Status.SUBMITTED)])


class TestDue:
    async def test_the_border_in_time(self, store):
        """Due at its instant, not a millisecond before, with payload and number of attempts."""
        message_id, epoch = await parked(store, due_ms=1000)

        assert await store.due(0, epoch, "acme", now_ms=999, count=10) == []
        assert await store.due(0, epoch, "acme", now_ms=1000, count=10) == [
            Taken(id=message_id, payload=PAYLOAD, attempts=0, status=Status.QUEUED)
        ]

    async def test_due_stays_due_until_something_happens(self, store):
        """Reading is not taking: whoever crashes now loses nothing."""
        message_id, epoch = await parked(store)
        await store.due(0, epoch, "acme", now_ms=9, count=10)
        assert len(await store.due(0, epoch, "acme", now_ms=9, count=10)) == 1

        await store.begin(0, epoch, [Begin(id=message_id, payload=PAYLOAD)])
        assert await store.due(0, epoch, "acme", now_ms=9, count=10) == []

    async def test_the_earliest_come_first(self, store):
        """And no more than asked for."""
        ids = await accepted(store, a_request(), a_request(), a_request())
        epoch = await owned(store)
        await store.take(0, epoch, count=10, pending_after=None)
        parks = [a_park(message_id, due_ms=9 - i) for i, message_id in enumerate(ids)]
        await store.park(0, epoch, parks)

        assert [one.id for one in await store.due(0, epoch, "acme", now_ms=9, count=2)] == [ids[2], ids[1]]

    async def test_a_cancelled_message_is_not_due(self, store):
        """Parked or scheduled, it can be cancelled; then nobody waits for it."""
        message_id, epoch = await parked(store)

        assert await store.cancel(message_id, PAYLOAD) is Status.CANCELLED
        assert await store.due(0, epoch, "acme", now_ms=9, count=10) == []

    async def test_an_open_attempt_cannot_be_cancelled(self, store):
        """It may be at the carrier already."""
        message_id, _ = await begun(store)

        assert await store.cancel(message_id, PAYLOAD) is Status.SUBMITTING

    async def test_no_receipt_in_time(self, store):
        """A submitted message is due in lane "receipt" at the instant finish said, and can be ended from there."""
        message_id, epoch = await submitted(store, receipt_due_ms=5000)
        assert await store.due(0, epoch, "receipt", now_ms=4999, count=10) == []
        (late,) = await store.due(0, epoch, "receipt", now_ms=5000, count=10)
        assert (late.id, late.status, late.attempts) == (message_id, Status.SUBMITTED, 1)

        assert await store.finish(0, epoch, [Finish(id=message_id, status=Status.UNKNOWN)]) == [Status.UNKNOWN]
        assert await store.due(0, epoch, "receipt", now_ms=5000, count=10) == []

    async def test_without_a_word_a_receipt_has_72_hours(self, store, raw):
        """No message waits for ever."""
        await submitted(store)

        ((_, due_ms),) = raw.zrange("{q:0}:due:receipt", 0, -1, withscores=True)
        seconds, _ = raw.time()
        assert abs(due_ms / 1000 - seconds - 72 * 3600) < 60


class TestHowLongAMessageIsKept:
    async def test_a_day_after_the_end(self, store, raw):
        """A parked message that ends is readable for 24 hours more; an open one has no limit."""
        message_id, epoch = await parked(store)
        assert raw.ttl(f"{{q:0}}:m:{message_id}") == -1

        await store.finish(0, epoch, [Finish(id=message_id, status=Status.EXPIRED)])
        assert DAY_S - 60 < raw.ttl(f"{{q:0}}:m:{message_id}") <= DAY_S

    async def test_not_while_its_entry_is_in_the_log(self, store, raw):
        """Or a worker that comes back after two days would send it again; the day starts with the acknowledgement."""
        message_id, epoch = await taken(store)
        await store.finish(0, epoch, [Finish(id=message_id, status=Status.FAILED, payload=PAYLOAD)])
        assert raw.ttl(f"{{q:0}}:m:{message_id}") == -1

        await store.acknowledge(0, epoch, [entry_of(message_id)])
        assert DAY_S - 60 < raw.ttl(f"{{q:0}}:m:{message_id}") <= DAY_S

    async def test_what_is_gone_is_not_counted_twice(self, store, raw):
        """A finish that is repeated days later makes nothing up."""
        message_id, epoch = await parked(store)
        end = Finish(id=message_id, status=Status.FAILED, payload=PAYLOAD)
        await store.finish(0, epoch, [end])
        raw.delete(f"{{q:0}}:m:{message_id}")

        assert await store.finish(0, epoch, [end]) == [Status.UNKNOWN]
        await store.park(0, epoch, [Park(id=message_id, payload=b"x", lane="a", due_ms=1, status=Status.QUEUED)])
        await check_conservation(store)
