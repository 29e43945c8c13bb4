"""Reads one partition's journal for all connected users whose messages are in it.

One reader follows the end, however many are connected, and gives each event to its user's feeds. A feed that is not at
the end (its client comes back, or had no room) catches up by a pass over what is missing; those that ask at about the
same time share one, for after a gateway's end all of its clients come at once. A pass is bounded: who would have to
look further back, or behind what was removed, is told that there is a gap, and loads its history anew.

Not here: what an entry says (events.py), what a feed holds (feed.py).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

import structlog

from gateway.live.events import Changes, Event, User
from gateway.live.feed import Feed
from gateway.live.places import Place
from gateway.live.store import Ends, LiveStore
from gateway.queue import QueueError

#: Entries in one read; other work gets its turn between two.
_PIECE: Final = 200
#: Entries that a pass looks at.
_PASS: Final = 20_000
#: The store keeps the reader waiting for so long when there is nothing new.
_WAIT_MS: Final = 500
#: Between two reads, so that what comes meanwhile comes together; and before a pass.
_PAUSE_S: Final = 0.02
#: Reads that find nothing, where the reader of the end found something, before it is taken for removed.
_MOST_EMPTY: Final = 3
_NOWHERE: Final = Place(0, 0)
_BACKOFF_FIRST_S: Final = 0.1
_BACKOFF_MAX_S: Final = 2.0

_log = structlog.get_logger()


class JournalTail:
    """The feeds of one partition, and who reads for them. run() does it until cancelled."""

    def __init__(self, store: LiveStore, partition: int, *, most_looked_at: int = _PASS) -> None:
        """most_looked_at: entries that a pass looks at, about."""
        self._store = store
        self._partition = partition
        self._most_looked_at = most_looked_at
        self._changes = Changes(store)
        #: By user; those that are live and those that are not.
        self._feeds: dict[User, set[Feed]] = {}
        self._behind: list[Feed] = []
        #: All entries up to here were given to live feeds; None while nobody reads.
        self._place: Place | None = None
        #: Whether nothing can have been missed before what is read next.
        self._is_sure = True
        self._somebody = asyncio.Event()
        self._asked = asyncio.Event()

    def add(self, feed: Feed) -> None:
        """Serve a feed from now on."""
        self._feeds.setdefault(feed.user, set()).add(feed)
        self._somebody.set()
        self.catch_up(feed)

    def remove(self, feed: Feed) -> None:
        """Serve a feed no more."""
        feed.is_live = False
        theirs = self._feeds.get(feed.user, set())
        theirs.discard(feed)
        if not theirs:
            self._feeds.pop(feed.user, None)
        if not self._feeds:
            self._somebody.clear()

    def catch_up(self, feed: Feed) -> None:
        """Have read for a feed what it missed; it is live when there is nothing more."""
        if not feed.is_live and not feed.is_catching_up:
            feed.is_catching_up = True
            self._behind.append(feed)
            self._asked.set()

    def place_of(self, feed: Feed) -> Place:
        """Return up to where all of a feed's events were put into it."""
        return max(feed.place, self._place) if feed.is_live and self._place is not None else feed.place

    async def run(self) -> None:
        """Read until cancelled, while anybody is connected."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._go_on(self._follow))
            tasks.create_task(self._go_on(self._serve_those_behind))

    async def _go_on(self, step: Callable[[], Awaitable[None]]) -> None:
        """Take step after step; when the store is away, wait for it."""
        backoff_s = _BACKOFF_FIRST_S
        while True:
            try:
                await step()
                backoff_s = _BACKOFF_FIRST_S
                continue
            except QueueError as failure:
                _log.warning("journal_not_followed", partition=self._partition, error=type(failure).__name__)
            except Exception as crash:  # noqa: BLE001 - an entry that nobody understands must not end the reading
                _log.error("journal_reader_crashed", partition=self._partition, exc_info=crash)
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, _BACKOFF_MAX_S)

    async def _follow(self) -> None:
        """Read what is new, and give it to the feeds that are live. Raises QueueError."""
        if not self._feeds:
            self._place = None
            await self._somebody.wait()
        if self._place is None:
            last = (await self._store.journal_ends(self._partition)).last
            self._place = last if self._place is None else self._place
        was_sure, self._is_sure = self._is_sure, False
        entries = await self._store.journal_after(self._partition, self._place, count=_PIECE, wait_ms=_WAIT_MS)
        if not was_sure:
            ends = await self._store.journal_ends(self._partition)
            if _is_lost(self._place, ends):
                self._start_anew(ends.last)
                return
        self._give(await self._changes.of(entries, self._feeds.__contains__))
        self._is_sure = len(entries) < _PIECE
        if entries:
            self._place = entries[-1].place
            await asyncio.sleep(_PAUSE_S if self._is_sure else 0)

    def _give(self, events: Iterable[tuple[User, Event]]) -> None:
        for user, event in events:
            for feed in self._feeds.get(user, ()):
                if feed.is_live:
                    feed.put(event)

    def _start_anew(self, last: Place) -> None:
        """Go on from the end: what was in between is not in the store any more, or it is another store."""
        self._place = last
        for feed in [feed for feeds in self._feeds.values() for feed in feeds if feed.is_live]:
            feed.lose(last)

    async def _serve_those_behind(self) -> None:
        """Make a pass for whoever asked. Raises QueueError, and then they have asked still."""
        await self._asked.wait()
        await asyncio.sleep(_PAUSE_S)
        self._asked.clear()
        feeds, self._behind = self._behind, []
        try:
            await self._pass({feed for feed in feeds if feed in self._feeds.get(feed.user, ())})
        except BaseException:
            self._behind += [feed for feed in feeds if feed.is_catching_up]
            self._asked.set()
            raise

    async def _pass(self, feeds: set[Feed]) -> None:
        """Read on from the place of the feed that is furthest behind, until all are at the end or have no room."""
        looked_at = empty = 0
        at = min((feed.place for feed in feeds), default=_NOWHERE)
        while feeds:
            entries = await self._store.journal_from(self._partition, at, count=_PIECE)
            ends = await self._store.journal_ends(self._partition)
            self._lose([feed for feed in feeds if _is_lost(max(feed.place, at), ends)], feeds, ends.last)
            events = await self._changes.of(entries, {feed.user for feed in feeds}.__contains__)
            self._put(events, feeds)
            at = entries[-1].place if entries else at
            if len(entries) < _PIECE and (self._place is None or at >= self._place):
                self._place = at if self._place is None else self._place
                self._make_live(feeds, at)
                return
            looked_at, empty = looked_at + len(entries), 0 if entries else empty + 1
            if looked_at >= self._most_looked_at or empty > _MOST_EMPTY:
                self._lose([feed for feed in feeds if feed.place < at or empty], feeds, ends.last)
                self._ask_again(feeds)
                return

    def _put(self, events: Iterable[tuple[User, Event]], feeds: set[Feed]) -> None:
        """Give events to feeds that catch up; one that has no room for more leaves them."""
        for user, event in events:
            for feed in [feed for feed in self._feeds.get(user, ()) if feed in feeds]:
                if not feed.put(event):
                    feeds.discard(feed)
                    feed.is_catching_up = False

    def _make_live(self, feeds: Iterable[Feed], at: Place) -> None:
        for feed in feeds:
            feed.advance(at)
            feed.is_catching_up = False
            feed.is_live = feed in self._feeds.get(feed.user, ())

    def _lose(self, lost: Sequence[Feed], feeds: set[Feed], last: Place) -> None:
        """Tell feeds that there is a gap; they go on from the end."""
        for feed in lost:
            feeds.discard(feed)
            feed.lose(last)
        self._ask_again(lost)

    def _ask_again(self, feeds: Iterable[Feed]) -> None:
        self._behind += feeds
        if self._behind:
            self._asked.set()


def _is_lost(place: Place, ends: Ends) -> bool:
    """Say whether something behind a place may have been removed, or whether the place is not of this stream."""
    return place.told > ends.last.told or (ends.first is not None and place.told < ends.first.told)
