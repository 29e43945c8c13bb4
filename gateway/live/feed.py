"""What one connection is to be told of its user's messages: a short queue between the reader of the journal and it.

While there is room, the reader puts events in as they come, and the feed is live. When there is none, because the
client does not acknowledge or does not read, the feed falls behind: it keeps its place and nothing else, and catches
up from there, in the store, when it has room again. So memory is flat, and nothing is lost.

Not here: the reader (journal_tail.py), what is done with events (session.py).
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from gateway.live.events import Event, User
from gateway.live.places import Place

#: Events that wait in a feed, and their bytes; one that is larger comes alone.
_MOST_WAITING: Final = 64
_MOST_BYTES: Final = 256 * 1024


class Feed:
    """The events of one user's messages behind a place. Not for threads."""

    def __init__(self, user: User, place: Place, wake: Callable[[], None]) -> None:
        """wake: called when there is something new."""
        self.user = user
        #: All of the user's events up to here were put in.
        self.place = place
        #: The reader puts events in as they come.
        self.is_live = False
        #: Somebody reads for it what it missed.
        self.is_catching_up = False
        #: What was missed is not kept any more; its place is where it goes on.
        self.has_gap = False
        self._wake = wake
        self._waiting: deque[Event] = deque()
        self._bytes = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting

    @property
    def is_behind(self) -> bool:
        """Whether somebody should read for it what it missed, now that it has room."""
        return not self.is_live and not self.is_catching_up and not self._waiting

    def put(self, event: Event) -> bool:
        """Put an event in, unless it is in already; False when there is no room for it."""
        if event.place <= self.place:
            return True
        if self._waiting and (len(self._waiting) >= _MOST_WAITING or self._bytes + len(event.body) > _MOST_BYTES):
            self.is_live = False
            return False
        self.place = event.place
        self._waiting.append(event)
        self._bytes += len(event.body)
        self._wake()
        return True

    def take(self) -> Event | None:
        """Take the oldest event out; None when nothing waits."""
        if not self._waiting:
            return None
        event = self._waiting.popleft()
        self._bytes -= len(event.body)
        return event

    def advance(self, place: Place) -> None:
        """Note that there was nothing more up to a place."""
        self.place = max(self.place, place)

    def lose(self, place: Place) -> None:
        """Forget what waits, for what was before it is not kept; go on from a place."""
        self._waiting.clear()
        self._bytes = 0
        self.place = place
        self.has_gap = True
        self._wake()
