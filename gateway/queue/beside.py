"""What is kept beside the messages: inboxes, opt-outs, attachments.

Not here: copying an instant message into an inbox, which is the owner's (owned.py).
"""

from collections.abc import Sequence

from gateway.queue import Became, Heard, InboxItem, OptOutRecord, Spoken, Suspicion, keys
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

    async def put_opt_outs(self, records: Sequence[OptOutRecord]) -> None:
        """Keep opt-outs; durable when it returns. The earliest instant stays."""
        by_tenant: dict[str, list[OptOutRecord]] = {}
        for record in records:
            by_tenant.setdefault(record.tenant, []).append(record)
        await self._wire.all(
            *(
                fcall(
                    "optout",
                    [keys.opt_out(tenant, record.recipient) for record in theirs],
                    *(value for record in theirs for value in (record.at_ms, record.keyword, record.number)),
                )
                for tenant, theirs in by_tenant.items()
            ),
            kept=True,
        )

    async def heard(self, spoken: Spoken) -> Heard:
        """Keep what a person said of further texts, once by its id; durable when it returns."""
        became, age_ms, user = await self._wire.one(
            fcall(
                "heard",
                (keys.opt_out(spoken.tenant, spoken.recipient),),
                *(spoken.word, spoken.id, spoken.at_ms, spoken.keyword, spoken.number, spoken.said_ms, spoken.user),
            ),
            kept=True,
        )
        return Heard(Became(became.decode()), age_ms, user.decode())

    async def opt_outs(self, pairs: Sequence[tuple[str, str]]) -> list[OptOutRecord | Suspicion | None]:
        """Read opt-outs, or suspicions, fresh for (tenant, E.164 recipient) pairs, in one round trip."""
        by_tenant: dict[str, list[int]] = {}
        for place, (tenant, _) in enumerate(pairs):
            by_tenant.setdefault(tenant, []).append(place)
        replies = await self._wire.all(
            *(
                fcall("optouts", [keys.opt_out(*pairs[place]) for place in places], "suspected", read_only=True)
                for places in by_tenant.values()
            )
        )
        found: list[OptOutRecord | Suspicion | None] = [None] * len(pairs)
        for places, reply in zip(by_tenant.values(), replies, strict=True):
            for at in range(0, len(reply), 4):
                place = places[reply[at] - 1]
                found[place] = _opt_out(*pairs[place], *reply[at + 1 : at + 4])
        return found

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


def _opt_out(tenant: str, recipient: str, at_ms: bytes, keyword: bytes, number: bytes) -> OptOutRecord | Suspicion:
    if not keyword:
        return Suspicion(tenant=tenant, recipient=recipient, at_ms=int(at_ms))
    return OptOutRecord(
        tenant=tenant, recipient=recipient, at_ms=int(at_ms), keyword=keyword.decode(), number=number.decode()
    )
