"""The registry store as the projector uses it: the mark, and the functions that write (functions.lua explains them).

Not here: what is written when (projector.py).
"""

import asyncio
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

from compliance.documents import FEED_KEY, MARK_KEY

REBUILD_KEY: Final = "{reg}:rebuild"
_FUNCTIONS: Final = Path(__file__).with_name("functions.lua")
_TIMEOUT_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Where the copy in the store stands."""

    #: Which making of the copy this is; a new one means that everything may have changed.
    epoch: int
    #: The last outbox.seq that the copy contains.
    seq: int


class StaleError(Exception):
    """The store is not where we thought it is; nothing was written."""


class RegistryStore:
    """A client of the registry store.

    Every method raises redis.exceptions.RedisError when the store does not answer in time or cannot write. Then the
    write may have happened: read the mark before going on.
    """

    def __init__(self, client: Redis) -> None:
        self._client = client

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
        return None if epoch is None else Mark(epoch=int(epoch), seq=int(seq))

    async def rebuilding(self) -> bool:
        """Tell whether somebody is making the copy anew right now."""
        async with _in_time():
            return bool(await self._client.exists(REBUILD_KEY))

    async def apply(self, mark: Mark, to_seq: int, documents: Mapping[str, bytes]) -> Mark:
        """Take the copy from mark to to_seq with the documents in between; none of them is a heartbeat.

        StaleError when the copy does not stand at mark.
        """
        pairs = _flat(documents)
        await self._call("apply", [MARK_KEY, FEED_KEY], mark.epoch, mark.seq, to_seq, len(documents), *pairs)
        return Mark(epoch=mark.epoch, seq=to_seq)

    async def reset(self, epoch: int) -> None:
        """Empty the store and begin the copy of a new epoch; StaleError when there is one as new or newer."""
        await self._call("reset", [MARK_KEY], epoch)

    async def stage(self, epoch: int, documents: Mapping[str, bytes]) -> None:
        """Write documents of the copy that reset(epoch) began; StaleError when that is not being made any more."""
        await self._call("stage", [REBUILD_KEY], epoch, *_flat(documents))

    async def _call(self, function: str, keys: list[str], *args: int | str | bytes) -> None:
        try:
            async with _in_time():
                await self._client.fcall(function, len(keys), *keys, *args)
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
