"""Inboxes and attachments."""

import pytest


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


class TestMedia:
    async def test_an_attachment_is_kept_for_its_time(self, store, raw):
        """Description and bytes come back as they went in, until the time is over."""
        body = bytes(range(256)) * 1000
        await store.put_media("m1", b'{"type":"image/png"}', body, ttl_s=100)

        assert await store.media_meta(["m0", "m1"]) == [None, b'{"type":"image/png"}']
        assert await store.media_body("m1") == body
        assert await store.media_body("m0") is None
        assert 0 < raw.ttl("{media}:m1") <= 100


class TestOrphans:
    async def test_orphans_are_bounded(self, store, raw):
        """The oldest go."""
        raw.fcall("a2p_keep_orphan", 1, "{orphans}", "first", b"m")
        with raw.pipeline(transaction=False) as pipe:
            for turn in range(100_200):
                pipe.xadd("{orphans}:inbox", {"id": turn, "p": b"m"})
            pipe.execute()
        await store.keep_orphan("last", b"m")

        assert raw.xlen("{orphans}:inbox") < 100_200
