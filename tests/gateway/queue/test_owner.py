"""Ownership: leases, epochs, and what the next owner finds."""

import pytest

from gateway.queue import Begin, Fenced, Finish, Status
from gateway.queue.keys import entry_of
from tests.gateway.queue.builders import (
    PAYLOAD,
    a_park,
    a_request,
    accepted,
    begun,
    check_conservation,
    owned,
    parked,
    submitted,
    taken,
)


class TestLease:
    async def test_one_owner_at_a_time(self, store):
        """While a lease runs, nobody else gets the partition; other partitions are others' business."""
        await owned(store)

        assert await store.own(0, "worker-2", 60_000) is None
        assert await store.own(1, "worker-2", 60_000) == 1

    async def test_renewing_keeps_the_epoch(self, store, raw):
        """The same holder again is a renewal, and the lease is as long as asked for last."""
        epoch = await owned(store)

        assert await store.own(0, "worker-1", 1_000) == epoch
        seconds, _ = raw.time()
        assert int(raw.hget("{q:0}:owner", "until_ms")) / 1000 - seconds < 30

    async def test_a_lapsed_lease_goes_to_whoever_asks(self, store):
        """With a new epoch; a lease of no length has lapsed at once."""
        epoch = await store.own(0, "worker-1", 0)

        assert await store.own(0, "worker-2", 60_000) == epoch + 1

    async def test_released_is_free_at_once(self, store):
        """The next owner need not wait the lease out, and releasing again does not take it from them."""
        epoch = await owned(store)
        await store.release(0, epoch)
        successor = await owned(store, "worker-2")
        await store.release(0, epoch)

        assert successor > epoch
        assert await store.own(0, "worker-2", 60_000) == successor

    async def test_a_lapsed_lease_that_nobody_took_harms_nobody(self, store):
        """The epoch is over when somebody else has one, not before."""
        epoch = await store.own(0, "worker-1", 0)
        assert await store.take(0, epoch, count=1, pending_after=None) == ([], None)


OWNERS_CALLS = {
    "take": lambda store, epoch, _: store.take(0, epoch, count=10, pending_after=None),
    "take pending": lambda store, epoch, _: store.take(0, epoch, count=10, pending_after="0"),
    "due": lambda store, epoch, _: store.due(0, epoch, "acme", now_ms=9, count=10),
    "begin": lambda store, epoch, one: store.begin(0, epoch, [Begin(id=one, payload=PAYLOAD)]),
    "finish": lambda store, epoch, one: store.finish(0, epoch, [Finish(id=one, status=Status.FAILED, attempt=1)]),
    "park": lambda store, epoch, one: store.park(0, epoch, [a_park(one, attempt=1)]),
    "acknowledge": lambda store, epoch, one: store.acknowledge(0, epoch, [entry_of(one)]),
}


class TestFencing:
    @pytest.mark.parametrize("call", OWNERS_CALLS.values(), ids=OWNERS_CALLS.keys())
    @pytest.mark.parametrize("successor", [True, False], ids=["taken over", "given back"])
    async def test_an_epoch_that_is_over_changes_nothing(self, store, raw, call, successor):
        """Every call of a former owner is refused, whether somebody follows or not."""
        message_id, epoch = await begun(store)
        await store.release(0, epoch)
        if successor:
            await owned(store, "worker-2")
        before = {key: raw.dump(key) for key in raw.keys("{q:0}:*")}

        with pytest.raises(Fenced):
            await call(store, epoch, message_id)
        assert {key: raw.dump(key) for key in raw.keys("{q:0}:*")} == before

    @pytest.mark.parametrize("call", OWNERS_CALLS.values(), ids=OWNERS_CALLS.keys())
    async def test_the_epoch_of_now_may(self, store, call):
        """The other side of the border: the owner's call is done (acknowledge finds the message open)."""
        message_id, epoch = await begun(store)
        if call is OWNERS_CALLS["acknowledge"]:
            await store.finish(0, epoch, [Finish(id=message_id, status=Status.FAILED, attempt=1)])

        await call(store, epoch, message_id)

    async def test_nobody_is_owner_before_somebody_asked(self, store):
        """A made-up epoch is over."""
        with pytest.raises(Fenced):
            await store.take(0, 0, count=1, pending_after=None)


class TestTake:
    async def test_entries_come_in_order_and_once(self, store):
        """A new entry is given to the owner one time; count is in entries."""
        ids = [await accepted(store, a_request(b"a%d" % i, b"b%d" % i)) for i in range(3)]
        epoch = await owned(store)

        first, cursor = await store.take(0, epoch, count=2, pending_after=None)
        second, _ = await store.take(0, epoch, count=2, pending_after=None)
        third, _ = await store.take(0, epoch, count=2, pending_after=None)
        assert cursor is None
        assert [one.id for one in first] == ids[0] + ids[1]
        assert [(one.id, one.payload) for one in second] == [(ids[2][0], b"a2"), (ids[2][1], b"b2")]
        assert third == []

    async def test_what_never_arrived_is_given_again(self, store):
        """A read that was given up may reach the store late: its entries come with the next read, before any new."""
        ids = [(await accepted(store))[0] for _ in range(4)]
        epoch = await owned(store)
        (first,), _ = await store.take(0, epoch, count=1, pending_after=None, received="0")
        received = entry_of(first.id)
        await store.take(0, epoch, count=2, pending_after=None, received=received)  # Its answer is lost.

        again, cursor = await store.take(0, epoch, count=10, pending_after=None, received=received)
        new, _ = await store.take(0, epoch, count=10, pending_after=None, received=entry_of(ids[2]))
        assert cursor is None
        assert [one.id for one in again] == ids[1:3]
        assert [one.id for one in new] == ids[3:]

    async def test_the_next_owner_reads_what_is_pending_first(self, store):
        """Page by page with the cursor, in the order of acceptance, doubts as doubts; new entries after."""
        ids = [(await accepted(store))[0] for _ in range(5)]
        epoch = await owned(store)
        await store.take(0, epoch, count=10, pending_after=None)
        await store.begin(0, epoch, [Begin(id=ids[1], payload=PAYLOAD)])
        await store.release(0, epoch)
        (fresh,) = await accepted(store)
        epoch = await owned(store, "worker-2")

        pages, cursor = [], "0"
        while cursor is not None:
            page, cursor = await store.take(0, epoch, count=2, pending_after=cursor)
            pages.append([(one.id, one.attempts, one.status) for one in page])
        assert [one for page in pages for one in page] == [
            (message_id, *((1, Status.SUBMITTING) if message_id == ids[1] else (0, Status.QUEUED)))
            for message_id in ids
        ]
        new, _ = await store.take(0, epoch, count=10, pending_after=None)
        assert [one.id for one in new] == [fresh]

    async def test_what_is_ended_or_parked_is_not_taken_again(self, store):
        """Of an entry only the messages with something left to do come back; their place is not mistaken."""
        ids = await accepted(store, a_request(b"ended", b"parked", b"open", b"sent"))
        epoch = await owned(store)
        await store.take(0, epoch, count=10, pending_after=None)
        await store.finish(0, epoch, [Finish(id=ids[0], status=Status.FAILED, payload=b"ended")])
        await store.park(0, epoch, [a_park(ids[1])])
        await store.begin(0, epoch, [Begin(id=ids[3], payload=b"sent")])
        await store.finish(0, epoch, [Finish(id=ids[3], status=Status.SUBMITTED, attempt=1)])

        again, _ = await store.take(0, epoch, count=10, pending_after="0")
        assert [(one.id, one.payload) for one in again] == [(ids[2], b"open")]

    async def test_an_entry_with_nothing_left_goes_by_itself(self, store, raw):
        """A crash between the last finish and the acknowledgement leaves nothing behind."""
        message_id, epoch = await submitted(store)
        await store.release(0, epoch)
        epoch = await owned(store, "worker-2")

        assert await store.take(0, epoch, count=10, pending_after="0") == ([], None)
        assert raw.xlen("{q:0}:log") == 0
        assert raw.xpending("{q:0}:log", "work")["pending"] == 0
        assert raw.exists(f"{{q:0}}:m:{message_id}")

    async def test_an_entry_that_somebody_deleted_is_forgotten(self, store, raw):
        """Pending, and deleted by hand: nothing is left of it to send, and it does not keep the others waiting."""
        (deleted,), (kept,) = await accepted(store), await accepted(store)
        epoch = await owned(store)
        await store.take(0, epoch, count=10, pending_after=None)
        raw.xdel("{q:0}:log", entry_of(deleted))

        taken, cursor = await store.take(0, epoch, count=10, pending_after="0")
        assert ([one.id for one in taken], cursor) == ([kept], None)
        assert raw.xpending("{q:0}:log", "work")["pending"] == 1
        # The counters do not forget it: they say that one is queued of which nothing is left.
        assert (await store.counts())[0].by_status[Status.QUEUED] == 2

    async def test_a_retry_that_was_under_way_is_not_forgotten(self, store):
        """No log entry holds it any more: the next owner finds the doubt in its lane, and can resolve it."""
        message_id, epoch = await parked(store)
        await store.begin(0, epoch, [Begin(id=message_id, payload=PAYLOAD)])
        assert await store.due(0, epoch, "acme", now_ms=1 << 50, count=10) == []
        await store.release(0, epoch)
        epoch = await owned(store, "worker-2")

        (doubt,) = await store.due(0, epoch, "acme", now_ms=1 << 50, count=10)
        assert (doubt.id, doubt.attempts, doubt.status) == (message_id, 1, Status.SUBMITTING)
        await store.park(0, epoch, [a_park(message_id, attempt=1, code="doubt_owner_lost")])
        (again,) = await store.begin(0, epoch, [Begin(id=message_id, payload=PAYLOAD)])
        assert again.attempt == 2
        await check_conservation(store)

    async def test_a_retry_that_ended_is_not_found_again(self, store):
        """The other side: ended before the owner changed, nothing is due."""
        message_id, epoch = await parked(store)
        await store.begin(0, epoch, [Begin(id=message_id, payload=PAYLOAD)])
        await store.finish(0, epoch, [Finish(id=message_id, status=Status.FAILED, attempt=1)])
        await store.release(0, epoch)
        epoch = await owned(store, "worker-2")

        assert await store.due(0, epoch, "acme", now_ms=1 << 50, count=10) == []

    async def test_a_retry_that_waits_again_keeps_its_time(self, store):
        """Its attempt is over: a change of owner does not bring the next one forward."""
        message_id, epoch = await parked(store)
        await store.begin(0, epoch, [Begin(id=message_id, payload=PAYLOAD)])
        await store.park(0, epoch, [a_park(message_id, attempt=1, due_ms=1 << 50)])
        await store.release(0, epoch)
        epoch = await owned(store, "worker-2")

        assert await store.due(0, epoch, "acme", now_ms=(1 << 50) - 1, count=10) == []
        assert len(await store.due(0, epoch, "acme", now_ms=1 << 50, count=10)) == 1


class TestAcknowledge:
    async def test_an_entry_leaves_the_log_alone(self, store):
        """Those before and after it stay: nothing is lost by the order of acknowledgements."""
        ids = [(await accepted(store))[0] for _ in range(4)]
        epoch = await owned(store)
        await store.take(0, epoch, count=3, pending_after=None)
        await store.finish(0, epoch, [Finish(id=ids[1], status=Status.FAILED, payload=PAYLOAD)])
        await store.acknowledge(0, epoch, [entry_of(ids[1])])

        assert (await store.counts())[0].log_entries == 3
        await store.release(0, epoch)
        epoch = await owned(store, "worker-2")
        pending, _ = await store.take(0, epoch, count=10, pending_after="0")
        new, _ = await store.take(0, epoch, count=10, pending_after=None)
        assert [one.id for one in pending + new] == [ids[0], ids[2], ids[3]]
        assert all(await store.look(ids))

    async def test_an_open_message_keeps_its_entry(self, store):
        """A worker's mistake loses nothing: the entry stays and is named; the others go."""
        ids = await accepted(store, a_request(b"a", b"b")) + await accepted(store, a_request(b"c"))
        epoch = await owned(store)
        await store.take(0, epoch, count=10, pending_after=None)
        ends = [Finish(id=one, status=Status.FAILED, payload=b"x") for one in (ids[0], ids[2])]
        await store.finish(0, epoch, ends)

        with pytest.raises(ValueError, match=entry_of(ids[1])):
            await store.acknowledge(0, epoch, [entry_of(ids[1]), entry_of(ids[2])])
        assert [one.id for one in (await store.take(0, epoch, count=10, pending_after="0"))[0]] == [ids[1]]
        assert (await store.counts())[0].log_entries == 1

    async def test_repeating_it_changes_nothing(self, store):
        """The answer was lost, the same is asked again."""
        message_id, epoch = await parked(store)

        await store.acknowledge(0, epoch, [entry_of(message_id)])
        assert (await store.counts())[0].log_entries == 0


async def test_counts_say_what_waits(store):
    """Entries in the log, messages per lane, age of the oldest entry."""
    await parked(store)
    (message_id,) = await accepted(store)
    counts, empty, *_ = await store.counts()

    assert (counts.accepted, counts.log_entries, counts.parked) == (2, 1, {"acme": 1})
    assert counts.by_status[Status.QUEUED] == 2
    assert 0 <= counts.oldest_ms < 60_000
    assert (empty.partition, empty.accepted, empty.log_entries, empty.parked, empty.oldest_ms) == (1, 0, 0, {}, 0)
    assert message_id.startswith("0-")


async def test_taken_twice_by_one_owner_is_told(store):
    """After a lost answer the owner reads the pending entries again and finds what it may have been given."""
    message_id, epoch = await taken(store)

    again, _ = await store.take(0, epoch, count=10, pending_after="0")
    assert [one.id for one in again] == [message_id]
