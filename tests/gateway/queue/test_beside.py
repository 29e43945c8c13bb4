"""Inboxes, opt-outs and attachments."""

import pytest

from gateway.queue import Became, OptOutRecord, Spoken, Suspicion, Word


class TestInbox:
    async def test_messages_are_read_in_order_after_a_cursor(self, store):
        """Page by page, nothing twice, nothing left out."""
        for i in range(5):
            await store.deliver_im("acme", "ann", f"0-1-{i}-0", b"m%d" % i)

        first = await store.inbox("acme", "ann", after="", limit=3)
        rest = await store.inbox("acme", "ann", after=first[-1].cursor, limit=3)
        assert [item.payload for item in first + rest] == [b"m0", b"m1", b"m2", b"m3", b"m4"]
        assert await store.inbox("acme", "ann", after=rest[-1].cursor, limit=3) == []

    async def test_a_message_arrives_once(self, store):
        """Whoever crashed before the finish delivers again; the reader sees one."""
        for _ in range(2):
            await store.deliver_im("acme", "ann", "0-1-1-0", b"m")

        assert len(await store.inbox("acme", "ann", after="", limit=9)) == 1

    async def test_yesterdays_message_is_still_known(self, store, raw):
        """Also across midnight; the note of the day before yesterday is not needed any more."""
        await store.deliver_im("acme", "ann", "0-1-1-0", b"m")
        (seen,) = raw.keys("*:seen:*")
        prefix, _, day = seen.rpartition(b":")
        raw.rename(seen, prefix + b":%d" % (int(day) - 1))
        await store.deliver_im("acme", "ann", "0-1-1-0", b"m")
        assert len(await store.inbox("acme", "ann", after="", limit=9)) == 1
        assert 0 < raw.ttl(prefix + b":%d" % (int(day) - 1)) <= 2 * 86400

    async def test_an_inbox_is_its_users_alone(self, store):
        """Neither another tenant's user of the same name nor a colleague sees it."""
        await store.deliver_im("acme", "ann", "0-1-1-0", b"m")

        assert await store.inbox("acme", "bob", after="", limit=9) == []
        assert await store.inbox("other", "ann", after="", limit=9) == []

    @pytest.mark.parametrize("cursor", ["x", "-", "+", "1-1 2", "(1-1"])
    async def test_a_bad_cursor_is_the_callers(self, store, cursor):
        """It never reaches the server."""
        with pytest.raises(ValueError, match="cursor"):
            await store.inbox("acme", "ann", after=cursor, limit=9)


def an_opt_out(**fields) -> OptOutRecord:
    """Build an opt-out."""
    return OptOutRecord(
        **{"tenant": "acme", "recipient": "+15550100", "at_ms": 2000, "keyword": "STOP", "number": "+15550199"} | fields
    )


class TestOptOuts:
    @pytest.mark.parametrize(("second_ms", "kept"), [(1999, "QUIT"), (2000, "STOP"), (2001, "STOP")])
    async def test_the_earliest_instant_is_kept(self, store, second_ms, kept):
        """Whatever order they come in."""
        await store.put_opt_outs([an_opt_out()])
        await store.put_opt_outs([an_opt_out(at_ms=second_ms, keyword="QUIT")])

        (record,) = await store.opt_outs([("acme", "+15550100")])
        assert (record.keyword, record.at_ms) == (kept, min(second_ms, 2000))

    async def test_they_are_read_in_order_and_per_tenant(self, store):
        """One customer's STOP says nothing about another's messages."""
        records = [an_opt_out(), an_opt_out(tenant="other", number=""), an_opt_out(recipient="+15550101")]
        await store.put_opt_outs(records)

        pairs = [("other", "+15550100"), ("other", "+15550101"), ("acme", "+15550101"), ("acme", "+15550100")]
        assert await store.opt_outs(pairs) == [records[1], None, records[2], records[0]]

    async def test_nobody_asked_about_is_nobody(self, store):
        """No pairs, no answers; no records, no harm."""
        assert await store.opt_outs([]) == []
        await store.put_opt_outs([])


class TestMedia:
    async def test_an_attachment_is_kept_for_its_time(self, store, raw):
        """Description and bytes come back as they went in, until the time is over."""
        body = bytes(range(256)) * 1000
        await store.put_media("m1", b'{"type":"image/png"}', body, ttl_s=100)

        assert await store.media_meta(["m0", "m1"]) == [None, b'{"type":"image/png"}']
        assert await store.media_body("m1") == body
        assert await store.media_body("m0") is None
        assert 0 < raw.ttl("{media}:m1") <= 100


def a_word(**fields) -> Spoken:
    """Build a STOP."""
    usual = {"word": Word.STOP, "id": "t1", "tenant": "acme", "recipient": "+15550100", "at_ms": 2000}
    return Spoken(**usual | {"keyword": "Stop.", "number": "+15550199", "user": "ann"} | fields)


class TestWords:
    async def test_a_word_is_heard_once(self, store):
        """It tells what came of it the first time, and for whom, however often it comes."""
        assert await store.heard(a_word()) == (Became.OPTED_OUT, 0, "ann")
        assert await store.heard(a_word(id="t2")) == (Became.WAS_OUT, 0, "ann")

        again = await store.heard(a_word(user="bob"))
        assert (again.became, again.user) == (Became.OPTED_OUT, "ann")
        assert 0 <= again.age_ms < 60_000

    async def test_yesterdays_word_is_still_known(self, store, raw):
        """Also across midnight, and not for ever."""
        await store.heard(a_word())
        (seen,) = raw.keys("{o:acme}:seen:*")
        prefix, _, day = seen.rpartition(b":")
        raw.rename(seen, prefix + b":%d" % (int(day) - 1))

        assert (await store.heard(a_word())).became is Became.OPTED_OUT
        assert 0 < raw.ttl(prefix + b":%d" % (int(day) - 1)) <= 2 * 86400

    async def test_what_was_lifted_is_kept_as_evidence(self, store, raw):
        """When somebody opted out and in again, by which word, at which number."""
        await store.heard(a_word())
        lifted = a_word(word=Word.START, id="t2", at_ms=3000, keyword="unstop", number="+15550198")
        assert (await store.heard(lifted)).became is Became.OPTED_IN

        assert await store.opt_outs([("acme", "+15550100")]) == [None]
        assert raw.hgetall("{o:acme}:+15550100") == {
            b"was": b"2000\tStop.\t+15550199",
            b"lifted_ms": b"3000",
            b"lifted_keyword": b"unstop",
            b"lifted_number": b"+15550198",
        }

    async def test_a_suspicion_is_no_opt_out(self, store, raw):
        """It is told apart; who reads the old way does not see it."""
        await store.heard(a_word(word=Word.SUSPECTED))

        (found,) = await store.opt_outs([("acme", "+15550100")])
        assert found == Suspicion(tenant="acme", recipient="+15550100", at_ms=2000)
        assert raw.fcall_ro("a2p_optouts", 1, "{o:acme}:+15550100") == []

    async def test_a_full_store_hears_a_stop(self, store, raw):
        """And keeps what was written: these come first when memory is short."""
        raw.config_set("maxmemory", 1)

        assert (await store.heard(a_word())).became is Became.OPTED_OUT
        await store.deliver_text("acme", "ann", "t1", b"m")
        await store.keep_orphan("t2", b"m")

        assert len(await store.inbox("acme", "ann", after="", limit=9)) == 1
        assert len(await store.orphans(after="", limit=9)) == 1

    async def test_orphans_are_bounded(self, store, raw):
        """The oldest go."""
        raw.fcall("a2p_keep_orphan", 1, "{orphans}", "first", b"m")
        with raw.pipeline(transaction=False) as pipe:
            for turn in range(100_200):
                pipe.xadd("{orphans}:inbox", {"id": turn, "p": b"m"})
            pipe.execute()
        await store.keep_orphan("last", b"m")

        assert raw.xlen("{orphans}:inbox") < 100_200
