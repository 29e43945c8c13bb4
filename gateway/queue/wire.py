"""Commands to the queue store and back: one round trip, never sent twice, and every fault told apart.

redis-py's connections do the work; its retry, pool and pipeline are left out on purpose. A retry after a lost answer
would do a thing twice, a pool hides whether anything was sent, and a command that is cancelled half-way must cost its
connection, or the next caller reads its answer.

Not here: what is asked (messages.py, owned.py, beside.py).
"""

import asyncio
import copy
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import hiredis
from redis.asyncio.connection import AbstractConnection, Connection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoPermissionError, OutOfMemoryError, RedisError, ResponseError

from gateway.queue import Fenced, OutcomeUnknown, QueueError, QueueUnavailable

Command: TypeAlias = tuple[str | bytes | int, ...]

#: What a server says before it looks at a command: nothing was done, another one or a later moment may do better.
_NOT_NOW: Final = frozenset(
    {"LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MOVED", "ASK", "MISCONF", "NOREPLICAS"}
)


class ServerFailed(OutcomeUnknown):
    """The server answered, and with an error: what was done before it stays done."""


def fcall(function: str, keys: Sequence[str], *args: str | bytes | int, read_only: bool = False) -> Command:
    """Call one of our functions; keys are all in one slot."""
    return ("FCALL_RO" if read_only else "FCALL", f"a2p_{function}", len(keys), *keys, *args)


def again(error: QueueError) -> QueueError:
    """Copy an error for another waiter: a raised instance collects its own traceback."""
    return copy.copy(error)


class Wire:
    """The connections to one store, opened when needed, at most so many, and closed together."""

    def __init__(self, url: str, *, connections: int, timeout_s: float) -> None:
        options = dict(parse_url(url))
        self._kind: type[AbstractConnection] = options.pop("connection_class", Connection)  # type: ignore[assignment]
        # The time limit is ours, around the whole round trip; maintenance pushes need RESP3, and we read none.
        self._options: dict[str, Any] = options | {
            "socket_timeout": None,
            "socket_connect_timeout": timeout_s,
            "retry": Retry(NoBackoff(), 0),
            "protocol": 2,
        }
        self._timeout_s = timeout_s
        self._room = asyncio.Semaphore(connections)
        self._idle: list[AbstractConnection] = []
        #: Why the store cannot promise to keep what it is given now, if so; QueueStore.prove() sets it.
        self.unfit: QueueUnavailable | None = None
        #: Where the store is, without a password: for messages to operators.
        self.place: str = urlsplit(url)._replace(netloc=urlsplit(url).netloc.rpartition("@")[2], query="").geturl()

    async def ask(self, *commands: Command, kept: bool = False) -> list[Any]:
        """Send commands in one round trip; a reply each, a QueueError in the place of a reply that did not come.

        kept: somebody relies on its being on disk afterwards, so nothing is sent while the store is unfit for that.

        Takes at most timeout_s, a wait for a free connection included. A command whose QueueError is no OutcomeUnknown
        was not done.
        """
        if kept and self.unfit is not None:
            return [again(self.unfit) for _ in commands]
        if not commands:
            return []
        replies: list[Any] = []
        sent = False
        try:
            async with asyncio.timeout(self._timeout_s), self._room, self._connected() as connection:
                packed = [hiredis.pack_command(command) for command in commands]  # type: ignore[arg-type] # stub: 1 item
                sent = True
                await connection.send_packed_command(packed, check_health=False)
                for _ in commands:
                    replies.append(await _reply(connection))  # noqa: PERF401 - those before a fault are kept
        except (RedisError, OSError) as error:  # TimeoutError is an OSError.
            name = type(error).__name__
            fault = OutcomeUnknown(name) if sent else QueueUnavailable("unreachable", f"{self.place}: {name}")
            replies += [again(fault) for _ in range(len(commands) - len(replies))]
            if sent:
                await self._distrust()
        return replies

    async def one(self, command: Command, *, kept: bool = False) -> Any:
        """Send one command; its reply, or its QueueError raised."""
        return (await self.all(command, kept=kept))[0]

    async def all(self, *commands: Command, kept: bool = False) -> list[Any]:
        """Send commands in one round trip; their replies, or the first QueueError raised."""
        replies = await self.ask(*commands, kept=kept)
        for reply in replies:
            if isinstance(reply, QueueError):
                raise reply
        return replies

    async def close(self) -> None:
        """Close the connections; nobody may be asking any more."""
        while self._idle:
            await self._idle.pop().disconnect()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AbstractConnection]:
        """Lend a connection on which nothing is under way; one that did not come back clean is thrown away."""
        connection = self._idle.pop() if self._idle else self._kind(**self._options)
        try:
            if connection.is_connected and not await _clean(connection):
                await connection.disconnect(nowait=True)
            if not connection.is_connected:
                await connection.connect()  # type: ignore[no-untyped-call]
            yield connection
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        self._idle.append(connection)

    async def _distrust(self) -> None:
        """Throw idle connections away: what broke one has often broken all, and each would cost somebody a wait."""
        while self._idle:
            await self._idle.pop().disconnect(nowait=True)


async def _clean(connection: AbstractConnection) -> bool:
    """Say whether an idle connection may be used: it is open as far as one can see, and no stray answer waits in it.

    redis-py notices an end and stray bytes. A reset is an exception that its stream keeps for the next who reads.
    """
    stream: asyncio.StreamReader | None = getattr(connection, "_reader", None)
    return stream is not None and stream.exception() is None and not await connection.can_read()


async def _reply(connection: AbstractConnection) -> Any:
    """Read one reply; a word of refusal is a reply too, as the QueueError that it means."""
    try:
        return await connection.read_response(disconnect_on_error=False)
    except OutOfMemoryError:
        return QueueUnavailable("full", "the store's memory limit is reached")
    except NoPermissionError as error:
        return QueueUnavailable("settings", str(error))
    except RedisError as error:
        code = getattr(error, "status_code", None) or str(error).partition(" ")[0]
        if code in _NOT_NOW:
            return QueueUnavailable("unreachable", code)
        if code == "FENCED":
            return Fenced()
        if not isinstance(error, ResponseError):
            raise
        if "function not found" in str(error).lower():
            return QueueUnavailable("functions", "the function library a2p_queue is not loaded")
        return ServerFailed(str(error))  # Often from inside a function.
