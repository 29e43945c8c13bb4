"""The queue store: both ports on one Redis or Valkey server.

open_store() proves before the first message that the server keeps what it is given, has our functions in our version,
and was set up with as many partitions as we believe.

Not here: batching of concurrent accepts (commit.py).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from gateway.queue.beside import BesideStore
from gateway.queue.library import fix_partitions, load_functions
from gateway.queue.messages import MessageStore
from gateway.queue.owned import OwnedStore
from gateway.queue.selfcheck import check_durability
from gateway.queue.wire import Wire

PARTITIONS: Final = 4
CONNECTIONS: Final = 16
TIMEOUT_S: Final = 5.0


class QueueStore(MessageStore, OwnedStore, BesideStore):
    """Implements Queue and OwnedQueue. Every method raises QueueError and takes at most the time limit of its wire."""

    def __init__(self, wire: Wire, partitions: int, *, durability: str) -> None:
        super().__init__(wire, partitions)  # The three parts keep the same two things.
        #: What the server's own settings promise, in words.
        self.durability = durability


@asynccontextmanager
async def open_store(
    url: str, *, partitions: int = PARTITIONS, connections: int = CONNECTIONS, timeout_s: float = TIMEOUT_S
) -> AsyncIterator[QueueStore]:
    """Connect, prove the store fit, and close it at the end.

    url: redis://, rediss:// or unix://. Raises QueueUnavailable: "unreachable" (try again), or "settings" or
    "functions" with a detail that says what to change.
    """
    wire = Wire(url, connections=connections, timeout_s=timeout_s)
    try:
        durability = await check_durability(wire)
        await load_functions(wire)
        await fix_partitions(wire, partitions)
        yield QueueStore(wire, partitions, durability=durability)
    finally:
        await wire.close()
