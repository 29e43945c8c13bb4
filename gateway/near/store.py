"""The registry store over the wire.

Not here: what a document means (compliance/documents.py) and who writes them (the registry).
"""

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any, Final

from compliance.documents import FEED_KEY, MARK_KEY, PROCESSES_KEY
from gateway.near.source import Change, Mark, Reading, Step
from gateway.queue.wire import Wire

#: How long the store may keep a follower waiting for a change; so often does it hear that we live.
_BLOCK_MS: Final = 200
#: Changes in one piece; each may hold hundreds of documents.
_CHANGES: Final = 10
_SCANNED: Final = 1_000
_DOCUMENTS: Final = "{reg}:*"
_NO_DOCUMENTS: Final = frozenset({MARK_KEY, FEED_KEY, PROCESSES_KEY, "{reg}:rebuild"})


class RegistryStore:
    """A Source (source.py) on a server that speaks the Redis protocol."""

    def __init__(self, url: str, *, timeout_s: float = 1.0) -> None:
        self._reads = Wire(url, connections=4, timeout_s=timeout_s)
        self._feed = Wire(url, connections=1, timeout_s=timeout_s)

    async def read(self, keys: Collection[str]) -> Reading:
        """Read documents, and the mark before them: they are at least as new as it says."""
        ordered = list(keys)
        (seq, at_ms), (seconds, micros), values = await self._reads.all(
            ("HMGET", MARK_KEY, "seq", "at_ms"),
            ("TIME",),
            ("MGET", *ordered),
        )
        documents = dict(zip(ordered, values, strict=True))
        if at_ms is None:
            return Reading(documents=documents, seq=0, age_ms=None)
        now_ms = int(seconds) * 1_000 + int(micros) // 1_000
        return Reading(documents=documents, seq=int(seq), age_ms=max(0, now_ms - int(at_ms)))

    async def last_change(self) -> str:
        """Return the place of the feed's last entry, to follow from there."""
        last = await self._reads.one(("XREVRANGE", FEED_KEY, "+", "-", "COUNT", 1))
        return last[0][0].decode() if last else "0-0"

    async def scan(self) -> AsyncIterator[Sequence[tuple[str, bytes]]]:
        """Read every document there is, in pieces; what changes meanwhile may be missing, old or new."""
        cursor = b"0"
        while True:
            cursor, found = await self._reads.one(("SCAN", cursor, "MATCH", _DOCUMENTS, "COUNT", _SCANNED))
            keys = [key for key in (raw.decode() for raw in found) if key not in _NO_DOCUMENTS]
            if keys:
                values = await self._reads.one(("MGET", *keys))
                yield [(key, raw) for key, raw in zip(keys, values, strict=True) if raw is not None]
            if cursor == b"0":
                return

    async def follow(self, process: str, had: Mark | None, after: str, *, wait: bool = True) -> Step:
        """Say which change a process has in memory (None: nothing), and read, or await, changes after a place."""
        epoch, seq = (had.epoch, had.seq) if had is not None else (0, 0)
        block = ("BLOCK", _BLOCK_MS) if wait else ()
        stands, feed = await self._feed.all(
            ("FCALL", "follow", 2, MARK_KEY, PROCESSES_KEY, process, epoch, seq),
            ("XREAD", "COUNT", _CHANGES, *block, "STREAMS", FEED_KEY, after),
        )
        mark = Mark(epoch=int(stands[0]), seq=int(stands[1]), at_ms=int(stands[2])) if stands[0] else None
        entries = feed[0][1] if feed else ()
        return Step(mark=mark, now_ms=int(stands[3]), changes=[_change(*entry) for entry in entries])

    async def leave(self, process: str) -> None:
        """Say that a process judges nothing any more."""
        await self._feed.one(("FCALL", "leave", 1, PROCESSES_KEY, process))

    async def close(self) -> None:
        """Close the connections."""
        await self._reads.close()
        await self._feed.close()


def _change(place: bytes, fields: Sequence[bytes]) -> Change:
    """Read a feed entry: seq, from, then pairs of key and bytes."""
    values: Any = iter(fields)
    pairs = list(zip(values, values, strict=True))
    head = dict(pairs[:2])
    return Change(
        id=place.decode(),
        from_seq=int(head[b"from"]),
        seq=int(head[b"seq"]),
        documents=[(key.decode(), raw or None) for key, raw in pairs[2:]],
    )
