"""Inboxes, opt-outs and attachments."""

import pytest

from gateway.queue import OptOutRecord


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
