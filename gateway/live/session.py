"""One connection's events, in the order in which they are told: those of the feed, and those of the inbox between them.

Each frame has the position behind it as its seq. A client that acknowledges up to one and comes back behind it gets
everything after it: at least once, for what it did not acknowledge it may get again. At most so many events are under
way unacknowledged; then nothing is told until the client acknowledges.

Not here: the socket (edge/http_events.py), where events come from (journal_tail.py, inbox_watch.py).
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import orjson
import structlog

from gateway.live.events import Event, User, inbound
from gateway.live.feed import Feed
from gateway.live.inbox_watch import InboxWatch
from gateway.live.journal_tail import JournalTail
from gateway.live.places import Position, place_of
from gateway.live.store import LiveStore
from gateway.queue import QueueError

#: Events that a client may leave unacknowledged.
_MOST_UNACKNOWLEDGED: Final = 256
#: A client that leaves so many for so long is gone, or is none of ours.
_STALLED_S: Final = 60.0
#: When nothing happens to a user for so long, the client is told how far we are: others' events pass by.
_POSITION_EVERY_S: Final = 10.0
_PAGE: Final = 50
_AGAIN_S: Final = 1.0

_log = structlog.get_logger()


class Observer(Protocol):
    """Told what was told."""

    def event_sent(self, kind: str) -> None:
        """Count a frame; kind is its type."""


class Session:
    """Tells one client the events of one user."""

    def __init__(
        self,
        user: User,
        start: Position,
        *,
        has_gap: bool,
        tail: JournalTail,
        watch: InboxWatch,
        store: LiveStore,
        send: Callable[[bytes], Awaitable[None]],
        observe: Observer,
    ) -> None:
        """start: where to begin; has_gap: it is not where the client wished. send: writes one frame."""
        self._user = user
        self._tail = tail
        self._watch = watch
        self._store = store
        self._send = send
        self._observe = observe
        self._wake = asyncio.Event()
        self._feed = Feed(user, start.journal, self._wake.set)
        self._feed.has_gap = has_gap
        self._told = start
        self._inbox_has_news = True
        #: seq of what was told and not acknowledged, in order.
        self._unacknowledged: deque[str] = deque()
        self._full_since: float | None = None

    @property
    def is_stalled(self) -> bool:
        """Whether the client acknowledges nothing for too long."""
        return self._full_since is not None and time.monotonic() - self._full_since > _STALLED_S

    def acknowledge(self, seq: str) -> None:
        """Hear that the client has everything up to a frame; one that is not awaited changes nothing."""
        if seq in self._unacknowledged:
            while self._unacknowledged.popleft() != seq:
                pass
            self._full_since = None
            self._wake.set()

    async def run(self) -> None:
        """Tell everything, until cancelled. Raises what send() raises."""
        try:
            await self._tell("hello", self._told)
            self._tail.add(self._feed)
            while True:
                self._wake.clear()
                if await self._tell_more():
                    continue
                try:
                    async with asyncio.timeout(_POSITION_EVERY_S):
                        await self._wake.wait()
                except TimeoutError:
                    await self._tell_position()
        finally:
            self._tail.remove(self._feed)
            self._watch.forget(self._user, self._hear_of_news)

    async def _tell_more(self) -> bool:
        """Tell what there is and there is room for; False when that was nothing."""
        if self._feed.has_gap:
            await self._tell_gap()
            return True
        has_told = False
        while self._has_room and (event := self._feed.take()) is not None:
            await self._tell_event(event, self._told._replace(journal=event.place))
            has_told = True
        if self._feed.is_behind and self._has_room:
            self._tail.catch_up(self._feed)
        if self._inbox_has_news and self._has_room:
            has_told |= await self._tell_inbox()
        return has_told

    @property
    def _has_room(self) -> bool:
        return len(self._unacknowledged) < _MOST_UNACKNOWLEDGED

    async def _tell_inbox(self) -> bool:
        """Tell a page of the inbox; at its end, ask to hear when there is more."""
        room = min(_MOST_UNACKNOWLEDGED - len(self._unacknowledged), _PAGE)
        try:
            items = await self._store.inbox(self._user.tenant, self._user.id, after=self._told.inbox, limit=room)
        except QueueError as failure:
            await self._wait_for_store(failure)
            return True
        for item in items:
            place = place_of(item.cursor)
            try:
                event = inbound(place, item)
            except ValueError as unreadable:
                _log.error("inbox_item_unreadable", exc_info=unreadable)
                self._told = self._told._replace(inbox=place)
                continue
            await self._tell_event(event, self._told._replace(inbox=place))
        if not items:
            self._inbox_has_news = False
            self._watch.ask(self._user, self._told.inbox, self._hear_of_news)
        return bool(items)

    async def _wait_for_store(self, failure: QueueError) -> None:
        _log.warning("inbox_not_read", error=type(failure).__name__)
        await asyncio.sleep(_AGAIN_S)

    def _hear_of_news(self) -> None:
        self._inbox_has_news = True
        self._wake.set()

    async def _tell_event(self, event: Event, position: Position) -> None:
        self._unacknowledged.append(position.seq)
        if not self._has_room:
            self._full_since = time.monotonic()
        self._told = position
        await self._write(event.kind, event.body, position)

    async def _tell_gap(self) -> None:
        """Say that events are missing; after it comes what happens from now on."""
        try:
            _, inbox = await self._store.ends(self._user.tenant, self._user.id)
        except QueueError as failure:
            await self._wait_for_store(failure)
            return
        self._feed.has_gap = False
        self._watch.forget(self._user, self._hear_of_news)
        self._inbox_has_news = True
        self._told = Position(self._feed.place, max(inbox.last, self._told.inbox))
        self._unacknowledged.clear()
        self._full_since = None
        await self._tell("gap", self._told)

    async def _tell_position(self) -> None:
        """Say how far we are, if that is further than what was told last, and nothing is under way."""
        place = self._tail.place_of(self._feed)
        if self._feed.is_empty and not self._unacknowledged and place > self._told.journal:
            self._told = self._told._replace(journal=place)
            await self._tell("position", self._told)

    async def _tell(self, kind: str, position: Position) -> None:
        await self._write(kind, orjson.dumps({"type": kind}), position)

    async def _write(self, kind: str, body: bytes, position: Position) -> None:
        await self._send(b'{"seq":"%b",%b' % (position.seq.encode(), body[1:]))
        self._observe.event_sent(kind)


async def start_of(store: LiveStore, user: User, after: Position | None) -> tuple[Position, bool]:
    """Say where to begin for a client that wants to go on behind a position, and whether there is a gap before it.

    Raises QueueError.
    """
    journal, inbox = await store.ends(user.tenant, user.id)
    now = Position(journal.last, inbox.last)
    if after is None:
        return now, False
    is_ours = after.journal.told <= now.journal.told and after.inbox.told <= now.inbox.told
    return (after, False) if is_ours else (now, True)
