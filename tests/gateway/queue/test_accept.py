"""Accepting: ids, order, refusals, idempotency."""

import asyncio

import pytest

from gateway.queue import Accept, Accepted, Mismatch, Replayed, Status
from gateway.queue.commit import GroupCommit
from tests.gateway.queue.builders import PAYLOAD, a_key, a_request, accepted, check_conservation, status_of

REFUSAL = b'{"code":"did_not_registered"}'
OTHER_REFUSAL = b'{"code":"recipient_opted_out"}'


async def test_a_flush_is_one_log_entry(store, raw):
    """However many requests come together, a partition's log gets one entry, and ids count on inside it."""
    first, second = await store.accept([a_request(b"a", b"b"), a_request(b"c")])

    ((stamp, fields),) = raw.xrange("{q:0}:log")
    assert fields == {b"n": b"3", b"p": b"a\nb\nc"}
    assert first.message_ids == (f"0-{stamp.decode()}-0", f"0-{stamp.decode()}-1")
    assert second.message_ids == (f"0-{stamp.decode()}-2",)


async def test_requests_of_many_partitions_are_told_apart(store):
    """Outcomes stand where their requests stood, whatever partition they went to."""
    outcomes = await store.accept([a_request(b"m%d" % i, partition=i % 4, idempotency=a_key(str(i))) for i in range(9)])

    stored = await store.look([outcome.message_ids[0] for outcome in outcomes])
    assert [one.payload for one in stored] == [b"m%d" % i for i in range(9)]
    assert [one.id[0] for one in stored] == [str(i % 4) for i in range(9)]


async def test_a_message_is_queued_from_the_moment_it_is_accepted(store):
    """Before anybody touches it, it can be read: status queued, event 1 at the instant its id tells."""
    (message_id,) = await accepted(store)

    (stored,) = await store.look([message_id])
    assert (stored.payload, stored.status, stored.attempts) == (PAYLOAD, Status.QUEUED, 0)
    (event,) = stored.events
    assert (event.seq, event.status, event.at_ms) == (1, Status.QUEUED, int(message_id.split("-")[1]))


@pytest.mark.parametrize("message_id", ["", "x", "0-1-1", "9-1-1-0", "00-1-1-0", "0-1-1-0\n", "r-0-1-1", "0-1-1-1"])
async def test_what_is_not_here_is_none(store, message_id):
    """A strange id, another partition's, or one never given, is not found; it is no error."""
    await accepted(store)

    assert await store.look([message_id]) == [None]


async def test_a_place_beyond_its_entry_is_none(store):
    """The entry is there, the place in it is not."""
    (message_id,) = await accepted(store)

    assert await store.look([message_id[:-1] + "1"]) == [None]


@pytest.mark.parametrize("message", [b"", b"a\nb"])
async def test_what_could_not_be_told_apart_again_is_refused(store, message):
    """Line feeds separate messages in an entry: nothing is written."""
    for bad in (Accept(partition=0, messages=(message,)), Accept(partition=0, refusals=(message,))):
        with pytest.raises(ValueError, match="line feed"):
            await store.accept([a_request(), bad])
    assert (await store.counts())[0].accepted == 0


async def test_whoever_shares_the_flush_with_a_bad_request_is_safe(store):
    """The caller who brings a line feed is told before anybody else is concerned."""
    async with GroupCommit(store) as commit:
        good, bad = await asyncio.gather(
            commit.submit(a_request()), commit.submit(a_request(b"a\nb")), return_exceptions=True
        )

    assert isinstance(good, Accepted)
    assert isinstance(bad, ValueError)


class TestRefusals:
    async def test_a_refusal_is_kept_in_the_journal(self, store):
        """A request with nothing but refusals leaves no message, and each can be read back by its id."""
        (outcome,) = await store.accept([a_request(messages=(), refusals=(REFUSAL, OTHER_REFUSAL))])

        assert outcome.message_ids == ()
        assert [await store.look_refusal(one) for one in outcome.refusal_ids] == [REFUSAL, OTHER_REFUSAL]
        counts = (await store.counts())[0]
        assert (counts.accepted, counts.refused) == (0, 2)

    async def test_requests_keep_their_own_refusals(self, store):
        """With or without a key, with or without messages, refusals find their request again."""
        outcomes = await store.accept(
            [
                a_request(refusals=(b"1",)),
                a_request(refusals=(b"2", b"3"), idempotency=a_key("a")),
                a_request(messages=(), refusals=(b"4",), idempotency=a_key("b")),
                a_request(),
                a_request(messages=(), refusals=(b"5",)),
            ]
        )

        assert [[await store.look_refusal(i) for i in outcome.refusal_ids] for outcome in outcomes] == [
            [b"1"], [b"2", b"3"], [b"4"], [], [b"5"],
        ]  # fmt: skip
        assert [len(outcome.message_ids) for outcome in outcomes] == [1, 1, 0, 1, 0]

    @pytest.mark.parametrize("refusal_id", ["", "r-0-1-1", "r-9-1-1", "0-1-1-0", "r-0-1"])
    async def test_what_was_never_refused_is_none(self, store, refusal_id):
        """No refusal, no answer."""
        assert await store.look_refusal(refusal_id) is None

    async def test_other_journal_entries_are_no_refusals(self, store, raw):
        """The journal holds changes of status too; their ids say nothing as refusal ids."""
        (message_id,) = await accepted(store)
        await store.cancel(message_id, PAYLOAD)
        stamp = raw.xrange("{q:0}:events")[0][0].decode()

        assert await store.look_refusal(f"r-0-{stamp}") is None


class TestIdempotency:
    async def test_the_same_request_again_gives_the_first_answer(self, store):
        """Same key, same body: the ids and the answer of then, and nothing new."""
        request = a_request(b"a", b"b", refusals=(REFUSAL,), idempotency=a_key(answer=b'{"x":"\xc3\xa9\\n"}'))
        (first,) = await store.accept([request])
        (again,) = await store.accept([request])

        assert isinstance(first, Accepted)
        assert again == Replayed(
            message_ids=first.message_ids, refusal_ids=first.refusal_ids, answer=b'{"x":"\xc3\xa9\\n"}'
        )
        counts = (await store.counts())[0]
        assert (counts.accepted, counts.refused) == (2, 1)

    async def test_another_body_is_a_mismatch(self, store):
        """Same key, other body: nothing is written."""
        await accepted(store, a_request(idempotency=a_key()))

        assert await store.accept([a_request(idempotency=a_key(body="other"))]) == [Mismatch()]
        assert (await store.counts())[0].accepted == 1

    async def test_a_known_key_is_found_before_a_refusal_is_spoken(self, store):
        """A retry after a revocation still gets its 202: the refusal of now is not written."""
        await accepted(store, a_request(idempotency=a_key()))
        (again,) = await store.accept([a_request(messages=(), refusals=(REFUSAL,), idempotency=a_key())])

        assert isinstance(again, Replayed)
        assert (await store.counts())[0].refused == 0

    async def test_a_refusal_is_not_remembered(self, store):
        """Only what was accepted is: the same request may pass later."""
        refused = a_request(messages=(), refusals=(REFUSAL,), idempotency=a_key())
        outcomes = await store.accept([refused, refused])
        outcomes += await store.accept([refused])
        (passed,) = await store.accept([a_request(idempotency=a_key())])

        assert all(isinstance(outcome, Accepted) for outcome in [*outcomes, passed])
        assert len({outcome.refusal_ids for outcome in outcomes}) == 3

    async def test_twins_in_one_flush(self, store):
        """The second sees the first: same body replayed, other body a mismatch, one message."""
        first, twin, other = await store.accept(
            [a_request(idempotency=a_key()), a_request(idempotency=a_key()), a_request(idempotency=a_key(body="other"))]
        )

        assert twin == Replayed(message_ids=first.message_ids, refusal_ids=(), answer=a_key().answer)
        assert other == Mismatch()
        assert (await store.counts())[0].accepted == 1

    async def test_twins_of_a_known_key_are_each_compared_with_what_is_stored(self, store):
        """A mismatching first does not speak for its twin."""
        (message_id,) = await accepted(store, a_request(idempotency=a_key()))
        wrong, right = await store.accept([a_request(idempotency=a_key(body="other")), a_request(idempotency=a_key())])

        assert wrong == Mismatch()
        assert right.message_ids == (message_id,)

    async def test_a_known_key_among_new_ones_takes_only_its_own_messages_out(self, store):
        """Fresh requests around a replay keep their messages and their places."""
        known = a_request(b"old1", b"old2", idempotency=a_key("known"))
        await accepted(store, known)
        outcomes = await store.accept(
            [
                a_request(b"x", idempotency=a_key("x")),
                known,
                a_request(b"plain"),
                a_request(b"y1", b"y2", idempotency=a_key("y")),
            ]
        )

        found = [[one.payload for one in await store.look(outcome.message_ids)] for outcome in outcomes]
        assert found == [[b"x"], [b"old1", b"old2"], [b"plain"], [b"y1", b"y2"]]
        assert isinstance(outcomes[1], Replayed)
        (again,) = await store.accept([a_request(b"y1", b"y2", idempotency=a_key("y"))])
        assert again.message_ids == outcomes[3].message_ids

    async def test_more_keys_than_one_call_takes(self, store):
        """A batch beyond the limit of one call is split, and twins across the cut still find each other."""
        requests = [a_request(idempotency=a_key(str(i))) for i in range(1500)]
        outcomes = await store.accept([*requests, requests[0], requests[1400]])

        assert len({outcome.message_ids for outcome in outcomes[:1500]}) == 1500
        assert [outcome.message_ids for outcome in outcomes[1500:]] == [
            outcomes[0].message_ids,
            outcomes[1400].message_ids,
        ]

    @pytest.mark.parametrize(("hours_ago", "remembered"), [(8, True), (24, True), (32, False)])
    async def test_a_key_is_remembered_a_day(self, store, raw, hours_ago, remembered):
        """The present window of 8 hours and three before it are looked up; a window too old is not."""
        await accepted(store, a_request(idempotency=a_key()))
        (window,) = raw.keys("{q:0}:i:*")
        hour = int(window.rpartition(b":")[2])
        assert hour % 8 == 0
        raw.rename(window, f"{{q:0}}:i:{hour - hours_ago}")

        (again,) = await store.accept([a_request(idempotency=a_key())])
        assert isinstance(again, Replayed if remembered else Accepted)

    async def test_a_window_expires_whole_after_it_was_last_needed(self, store, raw):
        """32 hours: 8 for the window itself, 24 for its last key; later keys do not make it live longer."""
        await accepted(store, a_request(idempotency=a_key("a")))
        (window,) = raw.keys("{q:0}:i:*")
        assert 31 * 3600 < raw.ttl(window) <= 32 * 3600
        raw.expire(window, 100)
        await accepted(store, a_request(idempotency=a_key("b")))
        assert raw.ttl(window) <= 100

    async def test_a_hundred_parallel_twins_make_one_message(self, store):
        """Whatever flush they land in, the same request is one message with one id."""
        async with GroupCommit(store, flights=4, batch_requests=7) as commit:
            request = a_request(idempotency=a_key())
            outcomes = await asyncio.gather(*(commit.submit(request) for _ in range(100)))

        assert sum(isinstance(outcome, Accepted) for outcome in outcomes) == 1
        assert len({outcome.message_ids for outcome in outcomes}) == 1
        assert (await store.counts())[0].accepted == 1


async def test_stored_bytes(store, raw):
    """What is on disk is a contract: another version of this program must read it."""
    (message_id,) = await accepted(store, a_request(b"m", refusals=(b"r",), idempotency=a_key(answer=b"A")))
    stamp = message_id[2:-2].encode()
    ((refusal, fields),) = raw.xrange("{q:0}:events")

    assert fields == {b"refusal": b"r"}
    ((digest, record),) = raw.hgetall(raw.keys("{q:0}:i:*")[0]).items()
    assert digest == a_key().digest
    assert record == b"1 %b 0 r-0-%b 1 32\n%bA" % (stamp, refusal, a_key().fingerprint)
    await store.cancel(message_id, b"m")
    at = str((await store.look([message_id]))[0].events[1].at_ms).encode()
    ms = stamp.split(b"-")[0]
    assert raw.hgetall(f"{{q:0}}:m:{message_id}") == {
        b"p": b"m", b"s": b"cancelled 0 2 ",
        b"e1": b"queued\t%b\t\t" % ms, b"e2": b"cancelled\t%b\t\t" % at,
    }  # fmt: skip
    lines = b"status\t%b\t1\tqueued\t%b\t\t\t\t\t\t\tm\nstatus\t%b\t2\tcancelled\t%b\t\t\t\t\t\t\t"
    name = message_id.encode()
    assert raw.xrange("{q:0}:events")[1][1] == {b"lines": lines % (name, ms, name, at)}


class TestCancel:
    async def test_a_message_that_nobody_took_yet(self, store):
        """It never leaves: the owner that comes later finds nothing to do."""
        (message_id,) = await accepted(store)
        assert await store.cancel(message_id, PAYLOAD) is Status.CANCELLED
        assert await status_of(store, message_id) is Status.CANCELLED

        epoch = await store.own(0, "worker", 60_000)
        assert await store.take(0, epoch, count=10, pending_after=None) == ([], None)
        assert (await store.counts())[0].log_entries == 0
        await check_conservation(store)

    async def test_cancelling_twice_is_cancelling_once(self, store):
        """The second time changes nothing and says what stands."""
        (message_id,) = await accepted(store)
        await store.cancel(message_id, PAYLOAD)

        assert await store.cancel(message_id, PAYLOAD) is Status.CANCELLED
        assert (await store.counts())[0].by_status[Status.CANCELLED] == 1

    @pytest.mark.parametrize("message_id", ["0-1-1-0", "nonsense", "9-1-1-0"])
    async def test_what_is_not_here_stays_so(self, store, message_id):
        """Nothing is made up for an id that was never given."""
        assert await store.cancel(message_id, PAYLOAD) is Status.UNKNOWN
        assert await store.look([message_id]) == [None]
        await check_conservation(store)
