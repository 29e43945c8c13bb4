"""The registry store as the registry uses it: the mark, who follows, and the functions (functions.lua explains them).

Not here: what is written when (projector.py), and when everybody has a change (barrier.py).
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, cast

import redis.exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from compliance.documents import FEED_KEY, MARK_KEY, PROCESSES_KEY

REBUILD_KEY: Final = "{reg}:rebuild"
_FUNCTIONS: Final = Path(__file__).with_name("functions.lua")
_TIMEOUT_S: Final = 5.0
#: An apply that reaches the store later than this is refused there.
APPLY_WITHIN_MS: Final = 1500


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Where the copy in the store stands."""

    #: Which making of the copy this is; a new one means that everything may have changed.
    epoch: int
    #: The last outbox.seq that the copy contains.
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """A process that keeps facts in memory, and the change that it has."""

    name: str
    epoch: int
    seq: int
    #: How long ago it said so, by the store's clock.
    age_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Followers:
    """Where the copy stands and where those who follow it do, at one instant."""

    #: None when there is no valid copy.
    mark: Mark | None
    processes: tuple[Follower, ...]


def boot_time() -> float:
    """Return seconds on the clock that leases run by: it goes on while the machine sleeps, and never jumps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class StaleError(Exception):
    """The store is not where we thought it is; nothing was written."""


class RegistryStore:
    """A client of the registry store.

    Every method raises redis.exceptions.RedisError when the store does not answer in time or cannot write. Then the
    write may have happened: read the mark before going on.
    """

    def __init__(self, client: Redis) -> None:
        self._client = client
        #: The store's clock in milliseconds, and our boot time when we heard it; None until it was asked.
        self._clock: tuple[int, float] | None = None
        #: Boot time at which the last apply of this process set out, taken or not. One of a process before us may have
        #: set out up to now.
        self.applied_at = boot_time()

    @classmethod
    @asynccontextmanager
    async def connected(cls, url: str) -> AsyncIterator[Self]:
        """Make a client for url; it connects when first used, and again after every failure."""
        # No retries inside the client: a write whose reply was lost must not be sent again unseen. No socket_timeout:
        # the client would use wait_for, which on Python 3.11 loses a cancellation now and then; _in_time() does not.
        client = Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=None)
        try:
            yield cls(client)
        finally:
            await client.aclose()

    async def load_functions(self) -> None:
        """Put our version of the functions into the store; a store that lost its data may have lost them too."""
        async with _in_time():
            await self._client.function_load(_FUNCTIONS.read_text(), replace=True)

    async def mark(self) -> Mark | None:
        """Return where the copy stands, or None when there is no valid copy."""
        async with _in_time():
            epoch, seq = cast("list[Any]", await self._client.hmget(MARK_KEY, ["epoch", "seq"]))
            await self._ask_clock()
        return None if epoch is None else Mark(epoch=int(epoch), seq=int(seq))

    async def rebuilding(self) -> bool:
        """Tell whether somebody is making the copy anew right now."""
        async with _in_time():
            return bool(await self._client.exists(REBUILD_KEY))

    async def apply(
        self,
        mark: Mark,
        to_seq: int,
        documents: Mapping[str, bytes],
        *,
        read_at: float | None = None,
        fresh: bool = True,
    ) -> Mark:
        """Take the copy from mark to to_seq with the documents in between; none of them is a heartbeat.

        read_at: boot time before SQL was read (None: now); the facts are of then. fresh: to_seq is as far as SQL was;
        otherwise the facts grow no younger by it. StaleError when the copy does not
        stand at mark, or the store was not reached in APPLY_WITHIN_MS.
        """
        clock = self._clock
        if clock is None:
            async with _in_time():
                clock = await self._ask_clock()
        heard_ms, heard_at = clock
        self.applied_at = boot_time()
        # A little early: the answer with the store's clock took its time.
        until_ms = heard_ms + int((self.applied_at - heard_at) * 1000) + APPLY_WITHIN_MS
        # Never 0, which says that it is not fresh.
        age_ms = 1 if read_at is None else max(1, math.ceil((self.applied_at - read_at) * 1000))
        fits = (mark.epoch, mark.seq, to_seq, age_ms if fresh else 0, until_ms, len(documents))
        self._hear_clock(int(await self._call("apply", [MARK_KEY, FEED_KEY], *fits, *_flat(documents))))
        return Mark(epoch=mark.epoch, seq=to_seq)

    async def followers(self) -> Followers:
        """Return where the copy and every process stand; those that were silent for a minute are forgotten."""
        answer = await self._call("followers", [MARK_KEY, PROCESSES_KEY])
        epoch, seq, _, now_ms, *rest = (part.decode() for part in answer)
        processes = []
        for name, said in zip(rest[::2], rest[1::2], strict=True):
            its_epoch, its_seq, at_ms = map(int, said.split())
            age_ms = int(now_ms) - at_ms
            processes.append(Follower(name=name, epoch=its_epoch, seq=its_seq, age_ms=age_ms))
        mark = Mark(epoch=int(epoch), seq=int(seq)) if epoch else None
        return Followers(mark=mark, processes=tuple(processes))

    async def reset(self, epoch: int) -> None:
        """Empty the store and begin the copy of a new epoch; StaleError when there is one as new or newer."""
        await self._call("reset", [MARK_KEY], epoch)

    async def stage(self, epoch: int, documents: Mapping[str, bytes]) -> None:
        """Write documents of the copy that reset(epoch) began; StaleError when that is not being made any more."""
        await self._call("stage", [REBUILD_KEY], epoch, *_flat(documents))

    async def _ask_clock(self) -> tuple[int, float]:
        seconds, microseconds = await self._client.time()
        return self._hear_clock(seconds * 1000 + microseconds // 1000)

    def _hear_clock(self, now_ms: int) -> tuple[int, float]:
        self._clock = clock = now_ms, boot_time()
        return clock

    async def _call(self, function: str, keys: list[str], *args: int | str | bytes) -> Any:
        try:
            async with _in_time():
                return await self._client.fcall(function, len(keys), *keys, *args)
        except ResponseError as error:
            if str(error).startswith("STALE"):
                raise StaleError(str(error)) from None
            raise


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            yield
    except TimeoutError:
        raise redis.exceptions.TimeoutError("the registry store does not answer in time") from None


def _flat(documents: Mapping[str, bytes]) -> list[str | bytes]:
    return [part for pair in documents.items() for part in pair]
