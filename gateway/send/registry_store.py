"""Reads the registry store: documents by key and how old they may be, all concurrent asks in one round trip.

Facts are live while the projector's last apply, a heartbeat included, is younger than three seconds by the store's own
clock. This is the miss path of a cache that holds documents in memory; it stays when the cache comes.

Not here: what a document means (compliance/documents.py) and which documents a message needs (gather.py).
"""

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

import structlog

from compliance.documents import MARK_KEY
from compliance.facts import LIVE, RegistryState
from gateway.queue import QueueError
from gateway.queue.wire import Wire
from gateway.send.coalescer import Coalescer

LEASE_MS: Final = 3_000
_UNAVAILABLE: Final = RegistryState(state="unavailable")

_log = structlog.get_logger()


class Reading(NamedTuple):
    """Documents as they stood at one moment."""

    documents: Mapping[str, bytes | None]
    #: Sequence number of the last change applied; 0 when nothing ever was.
    seq: int
    #: Milliseconds since the last apply; None when there was none, or the store is away.
    age_ms: int | None

    def state(self, *, strict: bool) -> RegistryState:
        """Say how much these documents may be trusted; strict takes nothing but live ones."""
        if self.age_ms is None:
            return _UNAVAILABLE
        if self.age_ms <= LEASE_MS:
            return LIVE
        # Rounded up: a limit in seconds is over once it is passed by a millisecond.
        return _UNAVAILABLE if strict else RegistryState(state="stale", age_s=-(-self.age_ms // 1_000))


NO_READING: Final = Reading(documents={}, seq=0, age_ms=None)


class RegistryStore:
    """Documents of the registry store."""

    def __init__(self, url: str, *, timeout_s: float = 1.0) -> None:
        self._wire = Wire(url, connections=4, timeout_s=timeout_s)
        self._coalescer: Coalescer[str, Reading] = Coalescer(self._read)

    async def read(self, keys: Collection[str]) -> Reading:
        """Read documents; a store that is away reads as nothing at all, with age_ms None. Never raises for that."""
        try:
            return await self._coalescer.ask(keys)
        except QueueError as failure:
            _log.warning("registry_store_unreachable", error=type(failure).__name__)
            return NO_READING

    async def _read(self, keys: Collection[str]) -> Reading:
        ordered = list(keys)
        values, (seq, at_ms), (seconds, micros) = await self._wire.all(
            ("MGET", *ordered),
            ("HMGET", MARK_KEY, "seq", "at_ms"),
            ("TIME",),
        )
        documents = dict(zip(ordered, values, strict=True))
        if at_ms is None:
            return Reading(documents=documents, seq=0, age_ms=None)
        now_ms = int(seconds) * 1_000 + int(micros) // 1_000
        return Reading(documents=documents, seq=int(seq), age_ms=max(0, now_ms - int(at_ms)))

    async def close(self) -> None:
        """Close the connections."""
        await self._wire.close()
