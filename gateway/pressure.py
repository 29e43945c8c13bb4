"""Says whether the queue store should get new messages, from the room it has and from how long messages wait in it.

Looked at beside the traffic, about once a second. What stopped the intake must be clearly over before it begins again,
or it would stop and begin all the time. When it will be over is computed from how it went between the last two looks.

Not here: what a caller is told (edge/admission.py), how the store is asked (queue/room.py).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from gateway.edge.admission import Admission, Cause, Pressure
from gateway.queue import Counts
from gateway.queue.room import Room

#: Over again at this part of a limit.
_OVER: Final = 0.9
#: A disk with so much room left is not full, whatever its size.
_ENOUGH_BYTES: Final = 1 << 30
#: Where nobody can tell when: a caller comes back after a minute.
_UNKNOWN_S: Final = 60.0
#: Backlogs change slowly, and asking costs the store a little.
_BACKLOG_EVERY_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """From where on the store gets nothing new. Zero means never, but for memory, where one does."""

    memory: float
    disk_free: float
    log_bytes: int
    backlog_s: float


class Store(Protocol):
    """What is asked of the queue store."""

    async def room(self) -> Room:
        """Read how much room there is."""

    async def counts(self) -> list[Counts]:
        """Read the conservation counters of every partition."""


class _Level(NamedTuple):
    """How far something is on its way to its limit, which is at 1."""

    cause: Cause
    at: float


class StorePressure:
    """Keeps an admission's pressure up to date."""

    def __init__(
        self,
        store: Store,
        marks: Marks,
        admission: Admission,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._marks = marks
        self._admission = admission
        self._clock = clock
        self._oldest_s = 0.0
        self._backlog_due = 0.0
        #: When the last look was, and what it found.
        self._before: tuple[float, dict[Cause, float]] | None = None

    async def look(self) -> None:
        """Ask the store, and say what follows. Raises QueueError, which says nothing either way."""
        now = self._clock()
        if self._marks.backlog_s and now >= self._backlog_due:
            self._oldest_s = max([one.oldest_ms for one in await self._store.counts()], default=0) / 1_000
            self._backlog_due = now + _BACKLOG_EVERY_S
        levels = _levels(await self._store.room(), self._oldest_s, self._marks)
        held = self._admission.pressure
        worst: _Level | None = None
        for level in levels:
            stops_at = _OVER if held is not None and held.cause is level.cause else 1.0
            if level.at >= stops_at and (worst is None or level.at > worst.at):
                worst = level
        self._admission.pressure = None if worst is None else Pressure(worst.cause, self._over_in_s(worst, now))
        self._before = (now, {level.cause: level.at for level in levels})

    def _over_in_s(self, level: _Level, now: float) -> float:
        """Compute when it is over, at the pace since the last look; a minute when it does not get better."""
        if self._before is None:
            return _UNKNOWN_S
        then, levels = self._before
        pace = (levels.get(level.cause, level.at) - level.at) / max(now - then, 0.001)
        return (level.at - _OVER) / pace if pace > 0 else _UNKNOWN_S


def _levels(room: Room, oldest_s: float, marks: Marks) -> Sequence[_Level]:
    levels = [_Level(Cause.MEMORY, room.memory_used / marks.memory if marks.memory < 1 else 0.0)]
    disk = 0.0 if room.log_is_written else 2.0
    if marks.log_bytes:
        disk = max(disk, room.log_bytes / marks.log_bytes)
    if marks.disk_free and room.disk is not None:
        free, size = room.disk
        disk = max(disk, min(size * marks.disk_free, _ENOUGH_BYTES) / max(free, 1))
    levels.append(_Level(Cause.DISK, disk))
    levels.append(_Level(Cause.BACKLOG, oldest_s / marks.backlog_s if marks.backlog_s else 0.0))
    return levels
