"""Watches the inboxes of all connected users in one read: who asked hears once that there is something behind a place.

What came is read by whoever asked, for itself, when it has room: a slow client holds up nobody and takes no memory.

Not here: what is in an inbox (events.py, beside.py of the queue).
"""

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple

import structlog

from gateway.live.events import User
from gateway.live.places import Place
from gateway.live.store import LiveStore
from gateway.queue import QueueError, keys

#: The store keeps the watch waiting for so long when there is nothing new; so long does it take to watch one more.
_WAIT_MS: Final = 200
#: Between two reads: each names all inboxes, which costs the store about a microsecond an inbox.
_PAUSE_S: Final = 0.05
_BACKOFF_S: Final = 1.0

_log = structlog.get_logger()


class _Asked(NamedTuple):
    place: Place
    tell: Callable[[], None]


class InboxWatch:
    """Who waits for news in which inbox. run() looks until cancelled."""

    def __init__(self, store: LiveStore) -> None:
        self._store = store
        self._asked: dict[str, list[_Asked]] = {}
        self._somebody = asyncio.Event()

    def ask(self, user: User, place: Place, tell: Callable[[], None]) -> None:
        """Have tell() called, once, when there is something behind a place in a user's inbox."""
        self._asked.setdefault(keys.inbox(user.tenant, user.id), []).append(_Asked(place, tell))
        self._somebody.set()

    def forget(self, user: User, tell: Callable[[], None]) -> None:
        """Take back what was asked."""
        key = keys.inbox(user.tenant, user.id)
        left = [asked for asked in self._asked.pop(key, ()) if asked.tell != tell]
        if left:
            self._asked[key] = left

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            if not self._asked:
                self._somebody.clear()
                await self._somebody.wait()
            try:
                await self._look()
            except QueueError as failure:
                _log.warning("inboxes_not_watched", error=type(failure).__name__)
                await asyncio.sleep(_BACKOFF_S)
            except Exception as crash:  # noqa: BLE001 - whatever one answer was, the next is looked at
                _log.error("inbox_watch_crashed", exc_info=crash)
                await asyncio.sleep(_BACKOFF_S)

    async def _look(self) -> None:
        after = {key: min(asked.place for asked in all_asked) for key, all_asked in self._asked.items()}
        for key in await self._store.inboxes_with_news(after, wait_ms=_WAIT_MS):
            for asked in self._asked.pop(key, ()):
                asked.tell()
        await asyncio.sleep(_PAUSE_S)
