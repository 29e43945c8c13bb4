"""What waits in the queue store, by partition and lane, and how far the ledger is behind: a look that changes nothing.

The keys are those that gateway/queue/functions/call.lua describes at its head.

Not here: following the journal (follower.py).
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from compliance.journal import PARTITIONS_KEY, journal_key
from registry.ledger.database import LedgerDatabase
from registry.ledger.tables import cursors

#: Longer than a store that is well takes; a page waits for it.
_TIMEOUT_S: Final = 2.0


class Partition(NamedTuple):
    """One partition of the queue store."""

    number: int
    #: Entries that no worker is done with.
    log: int
    #: Messages that wait, by lane.
    lanes: Mapping[str, int]
    #: Milliseconds since the epoch at which the oldest entry came; None where there is none.
    oldest_ms: int | None
    #: Accepted ever, and how many of these have not come to an end.
    accepted: int
    open: int
    doubts: int
    #: Entries of the journal that the ledger has not read.
    unread: int


async def backlog(url: str, ledger: LedgerDatabase) -> list[Partition] | None:
    """Return every partition; None where there is no queue store, or it does not answer in time."""
    if not url:
        return None
    # No socket_timeout: the client would use wait_for, which on Python 3.11 loses a cancellation now and then.
    client = Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=None, protocol=2)
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            many = int(await client.get(PARTITIONS_KEY) or 0)
            read = await _read(ledger)
            return [await _partition(client, number, read.get(number, 0)) for number in range(many)]
    except (RedisError, TimeoutError, OSError):
        return None
    finally:
        await client.aclose()


async def _read(ledger: LedgerDatabase) -> dict[int, int]:
    async with ledger.reading() as connection:
        rows = await connection.execute(sa.select(cursors.c.partition, cursors.c.entry_number))
        return {row.partition: row.entry_number for row in rows}


async def _partition(client: Redis, number: int, read: int) -> Partition:
    base = f"{{q:{number}}}"
    pipe: Any = client.pipeline(transaction=False)
    pipe.hgetall(f"{base}:n")
    pipe.xlen(f"{base}:log")
    pipe.xrange(f"{base}:log", count=1)
    pipe.smembers(f"{base}:lanes")
    pipe.xinfo_stream(journal_key(number))
    counters, entries, first, names, journal = await pipe.execute(raise_on_error=False)
    for answer in (counters, entries, first, names):
        if isinstance(answer, Exception):
            raise answer
    written = 0 if isinstance(journal, ResponseError) else int(journal["entries-added"])  # (no stream yet)
    lanes = sorted(name.decode() for name in names)
    pipe = client.pipeline(transaction=False)
    for lane in lanes:
        pipe.zcard(f"{base}:due:{lane}")
    waiting = await pipe.execute() if lanes else []
    counted = {name.decode(): int(value) for name, value in counters.items()}
    return Partition(
        number=number,
        log=entries,
        lanes=dict(zip(lanes, waiting, strict=True)),
        oldest_ms=int(first[0][0].partition(b"-")[0]) if first else None,
        accepted=counted.get("accepted", 0),
        open=sum(counted.get(f"s:{status}", 0) for status in ("queued", "scheduled", "submitting", "submitted")),
        doubts=counted.get("doubts", 0),
        unread=max(0, written - read),
    )
