"""Reads the journals in the queue store. Only ever reads: nothing that sends can be stopped from here.

A stream knows how many entries it ever had, so what was dropped before it was read is counted exactly, to the entry.

Not here: what the entries say (batch.py), how far was read (writer.py).
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple, Self

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from compliance.journal import PARTITIONS_KEY, journal_key, message_key
from registry.ledger.batch import Entry

_TIMEOUT_S: Final = 5.0


class Cursor(NamedTuple):
    """How far a partition was read."""

    #: The last entry; 0 and 0: none.
    ms: int = 0
    seq: int = 0
    #: Its number among all entries that the stream ever had.
    number: int = 0

    @property
    def entry(self) -> str:
        """The entry, as the store has it."""
        return f"{self.ms}-{self.seq}"


class Piece(NamedTuple):
    """What was read of one partition after its cursor."""

    partition: int
    before: Cursor
    after: Cursor
    entries: list[Entry]
    #: Entries that were gone before they could be read.
    lost: int
    #: The stream is not the one that it was, or an older copy of it: how much was lost nobody can say.
    replaced: bool
    #: Entries that are still to be read.
    behind: int


class Journals:
    """The journals of a queue store. Every method raises redis.exceptions.RedisError or TimeoutError."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    @classmethod
    @asynccontextmanager
    async def connected(cls, url: str) -> AsyncIterator[Self]:
        """Make a client for url; it connects when first used, and again after every failure."""
        # No socket_timeout: the client would use wait_for, which on Python 3.11 loses a cancellation now and then.
        client = Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=None, protocol=2)
        try:
            yield cls(client)
        finally:
            await client.aclose()

    async def partitions(self) -> int:
        """Return how many there are; 0 while no gateway has ever started on this store."""
        async with asyncio.timeout(_TIMEOUT_S):
            return int(await self._client.get(PARTITIONS_KEY) or 0)

    async def with_news(self, cursors: Mapping[int, Cursor]) -> list[int]:
        """Return the partitions that have entries after their cursors."""
        async with asyncio.timeout(_TIMEOUT_S):
            pipe = self._client.pipeline(transaction=False)
            for partition, cursor in cursors.items():
                pipe.execute_command("XREAD", "COUNT", 1, "STREAMS", journal_key(partition), cursor.entry)
            found = await pipe.execute()
        return [partition for partition, news in zip(cursors, found, strict=True) if news]

    async def read(self, partition: int, cursor: Cursor, count: int) -> Piece:
        """Read the next entries of a partition, and what is missing before or among them."""
        key = journal_key(partition)
        async with asyncio.timeout(_TIMEOUT_S):
            pipe = self._client.pipeline(transaction=True)  # Both of one instant.
            pipe.xinfo_stream(key)
            pipe.xrange(key, min=f"({cursor.entry}", count=count)
            info, found = await pipe.execute(raise_on_error=False)
        if isinstance(info, ResponseError):  # There is no stream (yet).
            info, found = {"entries-added": 0, "length": 0}, []
        for failure in (info, found):
            if isinstance(failure, Exception):
                raise failure
        entries = [_entry(name, fields) for name, fields in found]
        return _piece(partition, cursor, entries, info, at_end=len(entries) < count)

    async def envelopes(self, ids: Iterable[tuple[int, str]]) -> dict[str, bytes]:
        """Read envelopes of messages from their state: partition and id; those that are gone are left out."""
        wanted = list(ids)
        async with asyncio.timeout(_TIMEOUT_S):
            pipe = self._client.pipeline(transaction=False)
            for partition, name in wanted:
                pipe.hget(message_key(partition, name), "p")
            found = await pipe.execute()
        return {name: raw for (_, name), raw in zip(wanted, found, strict=True) if raw}


def _entry(name: bytes, fields: Mapping[bytes, bytes] | None) -> Entry:
    ms, _, seq = name.partition(b"-")
    return Entry(int(ms), int(seq), [part for pair in (fields or {}).items() for part in pair])


def _piece(partition: int, cursor: Cursor, entries: list[Entry], info: Mapping[str, Any], *, at_end: bool) -> Piece:
    added, length = int(info["entries-added"]), int(info["length"])
    replaced = added < cursor.number
    if replaced:
        # Numbers mean something again once all of it was read; until then this happens at each look.
        lost, number = 0, added
    else:
        lost = max(0, added - length - cursor.number)
        number = min(cursor.number + lost + len(entries), added)
        if at_end:  # Whatever does not add up now is gone, too: somebody deleted entries.
            lost, number = lost + added - number, added
    last = entries[-1] if entries else Entry(cursor.ms, cursor.seq, ())
    after = Cursor(last.ms, last.seq, number)
    return Piece(partition, cursor, after, entries, lost, replaced, added - number)
