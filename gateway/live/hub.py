"""The live events of one process: a reader for each partition that somebody is connected to, and a watch over inboxes.

Not here: sockets and who may open them (edge/http_events.py).
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from enum import StrEnum

from gateway.live.events import User
from gateway.live.inbox_watch import InboxWatch
from gateway.live.journal_tail import JournalTail
from gateway.live.places import Position
from gateway.live.session import Observer, Session, start_of
from gateway.live.store import LiveStore


class Full(StrEnum):
    """Why a connection is not taken."""

    PROCESS = "process"
    USER = "user"


class TooManyError(Exception):
    """A connection would be one too many; says of what."""

    def __init__(self, full: Full) -> None:
        super().__init__(full)
        self.full = full


class Hub:
    """Opens sessions; open_hub() makes one."""

    def __init__(
        self, store: LiveStore, observe: Observer, tasks: asyncio.TaskGroup, *, most: int, most_of_user: int
    ) -> None:
        self._store = store
        self._observe = observe
        self._tasks = tasks
        self._most = most
        self._most_of_user = most_of_user
        self._tails: dict[int, JournalTail] = {}
        self._watch = InboxWatch(store)
        self._by_user: Counter[User] = Counter()
        self._running = [tasks.create_task(self._watch.run(), name="inbox-watch")]

    @property
    def open(self) -> int:
        """Connections that are open."""
        return self._by_user.total()

    @contextlib.contextmanager
    def place_for(self, user: User) -> Iterator[None]:
        """Hold a place for a connection of a user's. Raises TooManyError."""
        if self.open >= self._most:
            raise TooManyError(Full.PROCESS)
        if self._by_user[user] >= self._most_of_user:
            raise TooManyError(Full.USER)
        self._by_user[user] += 1
        try:
            yield
        finally:
            self._by_user[user] -= 1
            if not self._by_user[user]:
                del self._by_user[user]

    async def start_of(self, user: User, after: Position | None) -> tuple[Position, bool]:
        """Say where a session begins, and whether there is a gap before it. Raises QueueError."""
        return await start_of(self._store, user, after)

    def session(self, user: User, start: tuple[Position, bool], send: Callable[[bytes], Awaitable[None]]) -> Session:
        """Make a session that begins where start_of() said. send: writes one frame."""
        partition = self._store.partition_of(user.tenant, user.id)
        if partition not in self._tails:
            tail = self._tails[partition] = JournalTail(self._store, partition)
            self._running.append(self._tasks.create_task(tail.run(), name=f"journal-tail-{partition}"))
        position, has_gap = start
        return Session(
            user,
            position,
            has_gap=has_gap,
            tail=self._tails[partition],
            watch=self._watch,
            store=self._store,
            send=send,
            observe=self._observe,
        )

    def close(self) -> None:
        """Read no more."""
        for task in self._running:
            task.cancel()


@contextlib.asynccontextmanager
async def open_hub(url: str, partitions: int, observe: Observer, *, most: int, most_of_user: int) -> AsyncIterator[Hub]:
    """Read the queue store at url for live events until the context ends; connections are made when they are needed.

    most: sessions at once; most_of_user: of them one user's.
    """
    store = LiveStore(url, partitions)
    try:
        async with asyncio.TaskGroup() as tasks:
            hub = Hub(store, observe, tasks, most=most, most_of_user=most_of_user)
            try:
                yield hub
            finally:
                hub.close()
    finally:
        await store.close()
