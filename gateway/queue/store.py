"""The queue store: both ports on one Redis or Valkey server.

open_store() proves before the first message that the server keeps what it is given, has our functions in our version,
and was set up with as many partitions as we believe. prove() looks again, as often as its caller likes, for servers are
reconfigured while they run: from a look that finds it unfit to the next that finds it fit, nothing new is kept.

Not here: batching of concurrent accepts (commit.py).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

from gateway.queue import OutcomeUnknown, QueueUnavailable
from gateway.queue.beside import BesideStore
from gateway.queue.library import check_functions, fix_partitions, load_functions
from gateway.queue.messages import MessageStore
from gateway.queue.opt_outs import OptOutStore
from gateway.queue.owned import OwnedStore
from gateway.queue.room import Room, read_room
from gateway.queue.selfcheck import check_durability
from gateway.queue.wire import Wire

PARTITIONS: Final = 4
CONNECTIONS: Final = 16
TIMEOUT_S: Final = 5.0
#: Hosts of addresses that cannot be another machine's; a unix socket has none.
_THIS_MACHINE: Final = frozenset({None, "127.0.0.1", "::1", "localhost"})


class QueueStore(MessageStore, OwnedStore, BesideStore, OptOutStore):
    """Implements Queue and OwnedQueue. Every method raises QueueError and takes at most the time limit of its wire."""

    def __init__(self, wire: Wire, partitions: int, *, durability: str, is_local: bool = False) -> None:
        super().__init__(wire, partitions)  # The parts keep the same two things.
        self._is_local = is_local
        #: What the server's own settings promise, in words.
        self.durability = durability

    async def prove(self) -> None:
        """Look whether the server is still fit: its settings, and our functions in our version or a later one.

        Raises QueueUnavailable: "settings" or "functions" with a detail for operators, and until a look that succeeds
        nothing is accepted or begun, while what is under way may end; or QueueError for a store that did not answer,
        which proves nothing either way.
        """
        try:
            await check_durability(self._wire)
            await check_functions(self._wire)
        except QueueUnavailable as unfit:
            if unfit.reason in {"settings", "functions"}:
                self._wire.unfit = unfit
            raise
        self._wire.unfit = None

    async def room(self) -> Room:
        """Read how much memory and disk the server has left. Raises QueueError."""
        return await read_room(self._wire, is_local=self._is_local)


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
        durability = await _made_ready(wire, partitions)
        yield QueueStore(wire, partitions, durability=durability, is_local=urlsplit(url).hostname in _THIS_MACHINE)
    finally:
        await wire.close()


async def _made_ready(wire: Wire, partitions: int) -> str:
    """Prove the server fit and put into it what we need; the level of durability that it keeps."""
    try:
        durability = await check_durability(wire)
        await load_functions(wire)
        await fix_partitions(wire, partitions)
    except OutcomeUnknown as lost:
        # Whether it was done or not: doing all of it once more is how one gets going.
        raise QueueUnavailable("unreachable", f"{wire.place} while it was looked at: {lost}") from None
    return durability
