"""Reads for live events in the queue store. Only ever reads, on connections of its own: no send waits for one.

Not here: what is read (events.py), by whom and how often (journal_tail.py, inbox_watch.py).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from gateway.live.places import Place, place_of
from gateway.queue import InboxItem, QueueError, Stored, keys
from gateway.queue.beside import BesideStore
from gateway.queue.messages import MessageStore
from gateway.queue.wire import ServerFailed, Wire

#: Connections for reads that wait for nothing.
_READS: Final = 4
_TIMEOUT_S: Final = 5.0
_NOWHERE: Final = Place(0, 0)


class Entry(NamedTuple):
    """An entry of a journal."""

    place: Place
    #: Its one field's name and value.
    fields: Sequence[bytes]


class Ends(NamedTuple):
    """Where a stream begins and ends; it is at its place whatever was removed since."""

    #: Entries before this one are gone; None: none is.
    first: Place | None
    #: The last entry that there ever was.
    last: Place


class LiveStore:
    """The queue store as live events see it. Every method raises QueueError."""

    def __init__(self, url: str, partitions: int) -> None:
        self.partitions = partitions
        # Each partition's reader, and that of the inboxes, may keep a connection waiting.
        self._waiting = Wire(url, connections=partitions + 1, timeout_s=_TIMEOUT_S)
        self._reading = Wire(url, connections=_READS, timeout_s=_TIMEOUT_S)
        self._messages = MessageStore(self._reading, partitions)
        self._beside = BesideStore(self._reading)

    def partition_of(self, tenant: str, user: str) -> int:
        """Say in which journal a sending user's messages are."""
        return keys.partition_of(tenant, user, self.partitions)

    async def journal_after(self, partition: int, place: Place, *, count: int, wait_ms: int) -> list[Entry]:
        """Read the entries behind one, waiting for the first."""
        command = ("XREAD", "COUNT", count, "BLOCK", wait_ms, "STREAMS", keys.journal(partition), place.entry)
        found = await self._waiting.one(command)
        return _entries(found[0][1]) if found else []

    async def journal_from(self, partition: int, place: Place, *, count: int) -> list[Entry]:
        """Read an entry that is not told whole, or the next, and those behind it."""
        start = f"({place.entry}" if place.is_whole else place.entry
        return _entries(await self._reading.one(("XRANGE", keys.journal(partition), start, "+", "COUNT", count)))

    async def journal_ends(self, partition: int) -> Ends:
        """Say where a journal begins and ends."""
        (ends,) = await self._ends(keys.journal(partition))
        return ends

    async def ends(self, tenant: str, user: str) -> tuple[Ends, Ends]:
        """Say where the journal of a user's partition and their inbox begin and end, in one round trip."""
        journal, inbox = await self._ends(keys.journal(self.partition_of(tenant, user)), keys.inbox(tenant, user))
        return journal, inbox

    async def look(self, ids: Sequence[str]) -> list[Stored | None]:
        """Read messages by id; None where there is no such message (any more)."""
        return await self._messages.look(ids)

    async def inbox(self, tenant: str, user: str, *, after: Place, limit: int) -> list[InboxItem]:
        """Read what came for a user behind a place, in order."""
        return await self._beside.inbox(tenant, user, after=after.entry, limit=limit)

    async def inboxes_with_news(self, after: Mapping[str, Place], *, wait_ms: int) -> list[str]:
        """Return the keys of inboxes that have something behind their place, waiting for the first."""
        places = [place.entry for place in after.values()]
        found = await self._waiting.one(("XREAD", "COUNT", 1, "BLOCK", wait_ms, "STREAMS", *after, *places))
        return [key.decode() for key, _ in found or ()]

    async def close(self) -> None:
        """Close the connections."""
        await self._waiting.close()
        await self._reading.close()

    async def _ends(self, *streams: str) -> list[Ends]:
        return [_stream_ends(one) for one in await self._reading.ask(*(("XINFO", "STREAM", key) for key in streams))]


def _entries(found: Sequence[Any]) -> list[Entry]:
    return [Entry(place_of(name), fields) for name, fields in found]


def _stream_ends(info: Any) -> Ends:
    if isinstance(info, ServerFailed) and "no such key" in str(info):
        return Ends(None, _NOWHERE)
    if isinstance(info, QueueError):
        raise info
    said = dict(zip(info[::2], info[1::2], strict=True))
    last = place_of(said[b"last-generated-id"])
    if said[b"entries-added"] == said[b"length"]:
        return Ends(None, last)
    return Ends(place_of(said[b"first-entry"][0]) if said[b"first-entry"] else last, last)
