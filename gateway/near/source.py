"""The registry store as this side sees it: documents, how old they are, and what changes.

Not here: the store itself (store.py) and what is kept of it in memory (cache.py).
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from compliance.facts import LIVE, RegistryState

#: Facts count as live while the projector's last apply, a heartbeat included, is younger than this (design 4.5).
LEASE_MS: Final = 3_000
#: A judgement is used within so long of its facts: they are as old then as the write may find them.
CHECK_TO_WRITE_MS: Final = 250

_UNAVAILABLE: Final = RegistryState(state="unavailable")


class Reading(NamedTuple):
    """Documents as they stood at one moment."""

    documents: Mapping[str, bytes | None]
    #: Sequence number of the last change applied; 0 when nothing ever was.
    seq: int
    #: Milliseconds since the last apply; None when there was none, or nothing is known about it.
    age_ms: int | None

    def state(self, *, strict: bool) -> RegistryState:
        """Say how much these documents may be trusted; strict takes nothing but live ones."""
        if self.age_ms is None:
            return _UNAVAILABLE
        if self.age_ms <= LEASE_MS:
            return LIVE
        # As of the write, and rounded up: a limit in seconds is over once it is passed by a millisecond.
        age_s = -(-(self.age_ms + CHECK_TO_WRITE_MS) // 1_000)
        return _UNAVAILABLE if strict else RegistryState(state="stale", age_s=age_s)


NO_READING: Final = Reading(documents={}, seq=0, age_ms=None)


class Mark(NamedTuple):
    """Where the store's copy of the registry stands."""

    #: A new one means: forget everything.
    epoch: int
    #: The last change applied.
    seq: int
    #: When, by the store's clock.
    at_ms: int


class Change(NamedTuple):
    """An entry of the feed: the documents that one apply wrote."""

    #: Place in the feed, to go on from.
    id: str
    #: The change before; a follower that does not stand there has missed something.
    from_seq: int
    seq: int
    #: None: the document is gone.
    documents: Sequence[tuple[str, bytes | None]]

    @property
    def at_ms(self) -> int:
        """When it was applied, by the store's clock."""
        return int(self.id.partition("-")[0])


class Step(NamedTuple):
    """What the store says to a follower. The changes were read after the mark: none up to the mark's is missing."""

    #: None: there is no valid copy at this moment.
    mark: Mark | None
    #: The store's clock.
    now_ms: int
    changes: Sequence[Change]


class Source(Protocol):
    """A registry store. Every method raises QueueError when it does not answer in time."""

    async def read(self, keys: Collection[str]) -> Reading:
        """Read documents; a missing one is None."""

    async def last_change(self) -> str:
        """Return the place of the feed's last entry, to follow from there."""

    def scan(self) -> AsyncIterator[Sequence[tuple[str, bytes]]]:
        """Read every document there is, in pieces; what changes meanwhile may be missing, old or new."""

    async def follow(self, process: str, had: Mark | None, after: str, *, wait: bool = True) -> Step:
        """Say which change a process has in memory (None: nothing), and read, or await, changes after a place."""

    async def leave(self, process: str) -> None:
        """Say that a process judges nothing any more."""
