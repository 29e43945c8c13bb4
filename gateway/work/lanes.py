"""What waits for one carrier, in memory: who goes next, who waits for whom, which lane stands still.

Urgent goes before person-to-person before bulk; within a lane first come, first served. Of one conversation only one
request is under way: the next message waits behind it, so that the carrier sees them in the order they were accepted.
Several of one conversation may share a request, in order.

Not here: what is done with those that go (dispatcher.py), what waits in the store (queue/).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from gateway.work.routing import CLASSES, lane_of
from gateway.work.tenure import Conversation, Job, Tenure


class Lanes:
    """The lanes of one carrier."""

    def __init__(self, carrier: str, *, changed: Callable[[], None]) -> None:
        #: By name, first the one that goes first.
        self._lanes = {lane_of(carrier, traffic_class): _Lane() for traffic_class in CLASSES}
        self._changed = changed
        #: Of groups that are under way: what waits so many seconds when its group is done.
        self._held: dict[tuple[str, Conversation], tuple[float, list[Job]]] = {}

    def __iter__(self) -> Iterator[str]:
        """Name the lanes."""
        return iter(self._lanes)

    def put(self, job: Job) -> None:
        """Let a message wait behind those that came before it."""
        self._lanes[job.lane].put(job)
        self._changed()

    def take(self, room: int, size: int) -> list[list[Job]]:
        """Take those that go now, at most so many, in groups of at most size that may share a request.

        No conversation is in two groups. done() must be called for each group.
        """
        groups: list[list[Job]] = []
        for lane in self._lanes.values():
            while room > 0 and not lane.paused and (group := lane.take(min(size, room))):
                groups.append(group)
                room -= len(group)
        return groups

    def hold(self, jobs: Iterable[Job], seconds: float) -> None:
        """Let some that were taken, in order, wait for so long after done(), and their conversations with them.

        What a group has of a conversation is held as a whole, or its order would be lost.
        """
        for job in jobs:
            self._held.setdefault((job.lane, job.conversation), (seconds, []))[1].append(job)

    def done(self, group: Iterable[Job]) -> None:
        """Let the conversations of a group go on: at once, or when what was held of them has waited."""
        for lane, conversation in dict.fromkeys((job.lane, job.conversation) for job in group):
            if (held := self._held.pop((lane, conversation), None)) is None:
                self._lanes[lane].go_on(conversation)
            else:
                seconds, jobs = held
                self._lanes[lane].put_back(conversation, jobs)
                asyncio.get_running_loop().call_later(seconds, self._go_on, lane, conversation)
        self._changed()

    def pause(self, lane: str, seconds: float) -> None:
        """Let nothing of a lane go for so long."""
        until_s = asyncio.get_running_loop().time() + seconds
        if until_s > self._lanes[lane].paused_until_s:
            self._lanes[lane].paused_until_s = until_s
            asyncio.get_running_loop().call_later(seconds, self._changed)

    def withdraw(self, lane: str, tenure: Tenure) -> list[Job]:
        """Take out all that wait of one partition; those of one conversation are in order."""
        return self._lanes[lane].withdraw(tenure)

    def stands(self, lane: str, patience_s: float) -> bool:
        """Say whether a lane is paused, or its oldest message has waited longer than that."""
        return self._lanes[lane].paused or self.depth(lane)[1] > patience_s

    def depth(self, lane: str) -> tuple[int, float]:
        """Count what waits in a lane, and the age of the oldest in seconds."""
        now_s = asyncio.get_running_loop().time()
        waiting = self._lanes[lane].waiting()
        return len(waiting), max((now_s - job.since_s for job in waiting), default=0.0)

    def _go_on(self, lane: str, conversation: Conversation) -> None:
        self._lanes[lane].go_on(conversation)
        self._changed()


class _Lane:
    """One lane. A conversation has a place in _behind while one of its messages is ready, under way or held."""

    def __init__(self) -> None:
        self._ready: deque[Job] = deque()
        self._behind: dict[Conversation, deque[Job]] = {}
        self.paused_until_s = 0.0

    @property
    def paused(self) -> bool:
        return asyncio.get_running_loop().time() < self.paused_until_s

    def put(self, job: Job) -> None:
        behind = self._behind.get(job.conversation)
        if behind is None:
            self._behind[job.conversation] = deque()
            self._ready.append(job)
        else:
            behind.append(job)

    def take(self, size: int) -> list[Job]:
        group: list[Job] = []
        while self._ready and len(group) < size:
            job = self._ready.popleft()
            group.append(job)
            behind = self._behind[job.conversation]
            while behind and len(group) < size:
                group.append(behind.popleft())
        return group

    def put_back(self, conversation: Conversation, jobs: Sequence[Job]) -> None:
        self._behind[conversation].extendleft(reversed(jobs))

    def go_on(self, conversation: Conversation) -> None:
        behind = self._behind[conversation]
        if behind:
            self._ready.appendleft(behind.popleft())
        else:
            del self._behind[conversation]

    def waiting(self) -> list[Job]:
        return [*self._ready, *(job for behind in self._behind.values() for job in behind)]

    def withdraw(self, tenure: Tenure) -> list[Job]:
        leaving = [job for job in self.waiting() if job.tenure is tenure]
        # A conversation belongs to one tenure; the place of one that is under way or held stays until it goes on.
        for job in leaving:
            self._behind[job.conversation].clear()
        for job in self._ready:
            if job.tenure is tenure:
                del self._behind[job.conversation]
        self._ready = deque(job for job in self._ready if job.tenure is not tenure)
        return leaving
