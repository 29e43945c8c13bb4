"""What is kept beside the messages: inboxes, attachments.

Not here: copying an instant message into an inbox, which is the owner's (owned.py); opt-outs (opt_outs.py).
"""

from collections.abc import Sequence

from gateway.queue import InboxItem, keys
from gateway.queue.wire import Wire, fcall


class BesideStore:
    """The edge's half of the queue that is not about messages under way."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def inbox(self, tenant: str, user: str, *, after: str, limit: int) -> list[InboxItem]:
        """Read what came for a user, in order, after a cursor ("" for the beginning; ValueError for a bad one)."""
        return await self._items(keys.inbox(tenant, user), after, limit)

    async def deliver_text(self, tenant: str, user: str, text_id: str, payload: bytes) -> None:
        """Put a carrier's text into a user's inbox, once by id; durable when it returns."""
        await self._wire.one(fcall("deliver_im", (keys.user(tenant, user),), text_id, payload), kept=True)

    async def keep_orphan(self, text_id: str, payload: bytes) -> None:
        """Keep a carrier's text to a number that nobody owns, once by id; durable when it returns."""
        await self._wire.one(fcall("keep_orphan", (keys.ORPHANS,), text_id, payload), kept=True)

    async def orphans(self, *, after: str, limit: int) -> list[InboxItem]:
        """Read those texts in order, after a cursor ("" for the beginning; ValueError for a bad one)."""
        return await self._items(f"{keys.ORPHANS}:inbox", after, limit)

    async def _items(self, key: str, after: str, limit: int) -> list[InboxItem]:
        start = f"({keys.stream_position(after)}" if after else "-"
        entries = await self._wire.one(("XRANGE", key, start, "+", "COUNT", limit))
        return [InboxItem(cursor=stamp.decode(), payload=fields[3]) for stamp, fields in entries]

    async def put_media(self, media_id: str, meta: bytes, body: bytes, *, ttl_s: int) -> None:
        """Keep an uploaded attachment."""
        await self._wire.one(fcall("put_media", (keys.media(media_id),), meta, body, ttl_s * 1000), kept=True)

    async def media_meta(self, media_ids: Sequence[str]) -> list[bytes | None]:
        """Read attachments' descriptions, in one round trip."""
        return await self._wire.all(*(("HGET", keys.media(media_id), "meta") for media_id in media_ids))

    async def media_body(self, media_id: str) -> bytes | None:
        """Read an attachment's bytes."""
        body: bytes | None = await self._wire.one(("HGET", keys.media(media_id), "body"))
        return body
