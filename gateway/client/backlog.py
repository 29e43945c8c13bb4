"""Which messages go next: as many at once as there are hands, yet each conversation in order.

A conversation is a sender and a recipient. Messages of different conversations overtake each other; those of one do
not, even when its first must be repeated for a while. A batch holds messages of one group (one key) only.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Generic, TypeAlias, TypeVar

Item = TypeVar("Item")
#: Group and conversation.
_Name: TypeAlias = tuple[Hashable, Hashable]


class Backlog(Generic[Item]):
    """Hands out batches of 1 to size items until there are no more; for any number of takers in one event loop."""

    def __init__(
        self,
        items: Iterable[Item],
        *,
        size: int,
        group_of: Callable[[Item], Hashable],
        conversation_of: Callable[[Item], Hashable],
    ) -> None:
        self._size = size
        self._group_of = group_of
        self._conversation_of = conversation_of
        #: What waits in each conversation, with its place among all.
        self._waiting: dict[_Name, deque[tuple[int, Item]]] = {}
        #: By group, conversations that wait and that nobody has in hand; a heap by the place of the first item.
        self._free: dict[Hashable, list[tuple[int, _Name]]] = {}
        self._left = 0
        self._changed = asyncio.Event()
        for place, item in enumerate(items):
            self._waiting.setdefault(self._name_of(item), deque()).append((place, item))
            self._left += 1
        for name in self._waiting:
            self._release(name)

    async def take(self) -> Sequence[Item]:
        """Take the next batch, waiting for it; empty when all has been taken. Give every batch back with done()."""
        while self._left:
            # Heaps compare by the place of their first item, and no two items share one.
            if free := min((heap for heap in self._free.values() if heap), default=None):
                return self._from(free)
            self._changed.clear()
            await self._changed.wait()
        return ()

    def done(self, batch: Sequence[Item]) -> None:
        """Let the next messages of these conversations go."""
        for name in {self._name_of(item) for item in batch}:
            self._release(name)
        self._changed.set()

    def _from(self, free: list[tuple[int, _Name]]) -> Sequence[Item]:
        batch: list[tuple[int, Item]] = []
        while free and len(batch) < self._size:
            waiting = self._waiting[heapq.heappop(free)[1]]
            while waiting and len(batch) < self._size:
                batch.append(waiting.popleft())
        self._left -= len(batch)
        batch.sort(key=lambda placed: placed[0])
        return [item for _, item in batch]

    def _name_of(self, item: Item) -> _Name:
        return self._group_of(item), self._conversation_of(item)

    def _release(self, name: _Name) -> None:
        if waiting := self._waiting[name]:
            heapq.heappush(self._free.setdefault(name[0], []), (waiting[0][0], name))
