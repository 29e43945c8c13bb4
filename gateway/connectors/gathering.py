"""Which messages share a request to a carrier that takes several at once: all that one turn of the loop submits.

Nothing waits here for company: what is submitted was judged a moment ago, and that is good for a moment only. While
requests are on their way messages gather before they are judged (work/lanes.py), so that the next one is full. A
conversation is never in two requests at the same time. Requests are bounded in count and in bytes.

Not here: the request and its answer (http_carrier.py).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from gateway.connectors import CarrierAccepted, CarrierRejected, CarrierTemporary, InDoubt, Outcome, Submission

#: Of messages that go alone because a batch went wrong with them; beyond, the oldest is forgotten.
_SUSPECTS_MAX: Final = 10_000
_BATCH_REFUSED: Final = CarrierTemporary("batch_refused")


@dataclass(frozen=True, slots=True)
class Item:
    """One message as it stands in a body."""

    submission: Submission
    raw: bytes


#: Sends one request. Returns an outcome for each of its messages, in order, or one that was said of the request as a
#: whole; never raises for what a carrier does.
Send: TypeAlias = Callable[[Sequence[Item]], Awaitable[Sequence[Outcome] | Outcome]]


@dataclass(slots=True, eq=False)
class _Call:
    """What one submitter waits for."""

    items: Sequence[Item]
    done: asyncio.Future[list[Outcome]]
    #: By place.
    outcomes: dict[int, Outcome] = field(default_factory=dict)

    def settle(self, place: int, outcome: Outcome) -> None:
        """Take the outcome of one message; the last one is the submitter's answer."""
        self.outcomes[place] = outcome
        if len(self.outcomes) == len(self.items) and not self.done.done():
            self.done.set_result([self.outcomes[each] for each in range(len(self.items))])


@dataclass(frozen=True, slots=True)
class _Place:
    """A message and who asked for it."""

    call: _Call
    number: int
    item: Item


_Part: TypeAlias = list[_Place]


class Gathering:
    """Gathers the submissions of a turn into requests."""

    def __init__(self, send: Send, *, count_max: int, bytes_max: int) -> None:
        self._send = send
        self._count_max = count_max
        self._bytes_max = bytes_max
        self._calls: list[_Call] = []
        self._under_way: dict[asyncio.Task[None], set[_Call]] = {}
        #: References whose batch was refused as a whole, or whose answer was lost: one of them may be to blame.
        self._suspects: dict[str, None] = {}

    async def submit(self, items: Sequence[Item]) -> list[Outcome]:
        """Submit messages, together with whatever else is submitted now; one outcome each, in order."""
        if not items:
            return []
        loop = asyncio.get_running_loop()
        call = _Call(items, loop.create_future())
        self._calls.append(call)
        if len(self._calls) == 1:
            loop.call_soon(self._flush)
        try:
            return await call.done
        finally:
            if call.done.cancelled():
                self._give_up(call)

    async def close(self) -> None:
        """Break off what is under way."""
        tasks = list(self._under_way)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _flush(self) -> None:
        """Send what this turn has brought."""
        calls, self._calls = [call for call in self._calls if not call.done.done()], []
        together: _Part = []
        size = 0
        for parts in self._conversations(calls):
            first = parts[0]
            if len(parts) > 1 or first[0].item.submission.reference in self._suspects:
                self._start(parts)
                continue
            more = _size(first)
            if together and (len(together) + len(first) > self._count_max or size + more > self._bytes_max):
                self._start([together])
                together, size = [], 0
            together += first
            size += more
        if together:
            self._start([together])

    def _conversations(self, calls: Sequence[_Call]) -> list[list[_Part]]:
        """Sort messages by conversation, each cut into the parts that fit a request; a suspect is a part of its own."""
        found: dict[tuple[str, str], list[_Part]] = {}
        for call in calls:
            for number, item in enumerate(call.items):
                submission, place = item.submission, _Place(call, number, item)
                parts = found.get((submission.sender, submission.recipient))
                if parts is None:
                    found[submission.sender, submission.recipient] = [[place]]
                elif self._may_join(parts[-1], item):
                    parts[-1].append(place)
                else:
                    parts.append([place])
        return list(found.values())

    def _may_join(self, part: _Part, item: Item) -> bool:
        if item.submission.reference in self._suspects or part[0].item.submission.reference in self._suspects:
            return False
        return len(part) < self._count_max and _size(part) + len(item.raw) <= self._bytes_max

    def _start(self, parts: Sequence[_Part]) -> None:
        task = asyncio.get_running_loop().create_task(self._send_parts(parts))
        self._under_way[task] = {place.call for part in parts for place in part}
        task.add_done_callback(self._ended)

    async def _send_parts(self, parts: Sequence[_Part]) -> None:
        """Send one request, or several that must follow each other; each looks itself whether it is too late."""
        for part in parts:
            outcomes = self._suspect(part, await self._send([place.item for place in part]))
            for place, outcome in zip(part, outcomes, strict=True):
                place.call.settle(place.number, outcome)

    def _suspect(self, part: _Part, said: Sequence[Outcome] | Outcome) -> Sequence[Outcome]:
        """Note which messages are to go alone next time; a no to a whole batch is no last word about any of it."""
        each = said if isinstance(said, Sequence) else [said] * len(part)
        if len(part) == 1 and isinstance(each[0], CarrierAccepted | CarrierRejected):
            self._suspects.pop(part[0].item.submission.reference, None)
        if len(part) == 1 or isinstance(said, Sequence):
            return each
        if isinstance(said, CarrierRejected | InDoubt):
            self._suspects |= dict.fromkeys(place.item.submission.reference for place in part)
            while len(self._suspects) > _SUSPECTS_MAX:
                del self._suspects[next(iter(self._suspects))]
        return [_BATCH_REFUSED] * len(part) if isinstance(said, CarrierRejected) else each

    def _give_up(self, call: _Call) -> None:
        """Break off requests that nobody waits for any more."""
        for task, calls in self._under_way.items():
            calls.discard(call)
            if not calls:
                task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Hand a crash of ours on to those who wait; when it was broken off, nobody waits for ever either."""
        calls = self._under_way.pop(task)
        crash = None if task.cancelled() else task.exception()
        for call in calls:
            if call.done.done():
                continue
            if crash is not None:
                call.done.set_exception(crash)
            elif task.cancelled():
                call.done.cancel()


def _size(part: _Part) -> int:
    """Count the bytes of a part, with a comma each."""
    return sum(len(place.item.raw) + 1 for place in part)
