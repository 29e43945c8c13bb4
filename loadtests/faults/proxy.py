"""A TCP proxy that breaks connections on purpose: put it between a client and a server, and be the network's bad day.

    async with Proxy(("127.0.0.1", 6379), seed=1) as proxy:
        client = connect("127.0.0.1", proxy.port)
        proxy.slow(Direction.TO_CLIENT, delay_s=0.2, jitter_s=0.1)
        ...
        proxy.heal()

Faults are set from the event loop that runs the proxy, at any time, and hold for connections that are open and for
those to come. Several hold at once. Nothing is drawn but jitter, from the seed, the connection's number and the
direction; the same bytes at the same times meet the same faults.

A server that cannot be reached shows as a connection that is made and then reset.

Not here: what the faults do to bytes (proxy_flow.py) and to a connection (proxy_link.py); what a program should make of
it (the tests).
"""

import asyncio
import contextlib
import socket
from collections.abc import Coroutine
from types import TracebackType
from typing import Final, Self, TypeAlias

from loadtests.faults.proxy_flow import Direction, End, Flow, Lost, Swallowing
from loadtests.faults.proxy_link import Link, close

#: Host and port, or the path of a Unix socket.
Address: TypeAlias = tuple[str, int] | str

_HOST: Final = "127.0.0.1"
_BACKLOG: Final = 512


class Proxy:
    """Listens on loopback and passes on to one server. An async context manager; at the end every socket is closed."""

    def __init__(self, server: Address, *, seed: int = 0) -> None:
        self._server = server
        self._seed = seed
        self._flows = {direction: Flow() for direction in Direction}
        self._swallowing = Swallowing()
        self._links: dict[Link, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures: list[BaseException] = []
        #: Holds the port while nobody listens on it.
        self._port_holder: socket.socket | None = None
        self._listener: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        #: Where clients connect to, on 127.0.0.1.
        self.port = 0
        #: How many connections were ever made, and the most that were open at once.
        self.connections = 0
        self.most_open = 0

    @property
    def open(self) -> int:
        """How many connections are open."""
        return len(self._links)

    @property
    def swallowed(self) -> int:
        """How many answers were swallowed so far."""
        return self._swallowing.swallowed

    def passed(self, direction: Direction) -> int:
        """Count the bytes that ever came out at the other end."""
        return self._flows[direction].passed

    def slow(
        self,
        *directions: Direction,
        delay_s: float = 0.0,
        jitter_s: float = 0.0,
        bytes_per_s: float | None = None,
    ) -> None:
        """Delay bytes, each by delay_s and up to jitter_s more, and pass at most so many a second over all connections.

        Of both directions if none is named. Bytes on their way keep the time that they were given.
        """
        for direction in directions or tuple(Direction):
            flow = self._flows[direction]
            flow.delay_s, flow.jitter_s, flow.bytes_per_s = delay_s, jitter_s, bytes_per_s

    def stall(self, *directions: Direction) -> None:
        """Let nothing through, of both directions if none is named; connections stay open, and can be made."""
        for direction in directions or tuple(Direction):
            self._flows[direction].stall()

    def reset_after(self, size: int, direction: Direction) -> None:
        """Let exactly so many more bytes through, then reset that connection at both ends. Once."""
        self._flows[direction].reset_after(size)

    def swallow_reply(
        self,
        nth: int = 1,
        *,
        every: int | None = None,
        containing: bytes = b"",
        then: Lost = Lost.RESET,
    ) -> None:
        """Swallow the answer to the nth request from now, and with every to each so-many-th after that.

        The server does what it was asked. Only requests with these bytes in them are counted.
        """
        self._swallowing.begin(nth, every=every, containing=containing, then=then)

    def cut(self, *, reset: bool = True) -> None:
        """End every connection that is made now, at both ends, with a reset or politely. New ones can be made."""
        for link, task in self._links.items():
            if reset:
                link.reset()
            _cancel(task)

    def refuse(self) -> None:
        """Have new connections refused; those that are open stay."""
        if self._accepting is None or self._listener is None:
            return
        # At once; the socket itself is closed when nobody waits on it any more.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        _cancel(self._accepting)
        self._accepting = self._listener = None

    def half_open(self, gone: End = End.SERVER) -> None:
        """Have one end of every connection vanish without a word to the other, which is never answered again.

        What the other end says is taken and thrown away. heal() resets it: the host is back and knows nothing of it.
        """
        for link in self._links:
            link.lose(gone)

    def heal(self) -> None:
        """End every fault. What was cut stays cut, and half-open connections are reset."""
        for flow in self._flows.values():
            flow.heal()
        self._swallowing.heal()
        for link, task in self._links.items():
            if link.half_open:
                _cancel(task)
        if self._listener is None and self._port_holder is not None:
            self._listen()

    async def __aenter__(self) -> Self:
        self._port_holder = _bound(0)
        self.port = self._port_holder.getsockname()[1]
        self._listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.refuse()
        self.cut(reset=False)
        for task in self._tasks:
            _cancel(task)
        while self._tasks:
            await asyncio.wait(self._tasks)
            await asyncio.sleep(0)  # Their callbacks run.
        if self._port_holder is not None:
            self._port_holder.close()
            self._port_holder = None
        if self._failures:
            raise self._failures[0]

    def _listen(self) -> None:
        listener = self._listener = _bound(self.port)
        listener.listen(_BACKLOG)
        self._accepting = self._spawn(self._accept(listener), listener)

    def _spawn(self, work: Coroutine[None, None, None], end: socket.socket) -> asyncio.Task[None]:
        """Run something that needs a socket, which is closed at the end even if it never began."""
        task = asyncio.create_task(work, name="proxy")
        self._tasks.add(task)
        task.add_done_callback(lambda _: end.close())
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self._failures.append(failure)  # A fault of the proxy's own: whoever uses it is told at the end.

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(listener)
            self._spawn(self._serve(client), client)

    async def _serve(self, client: socket.socket) -> None:
        self.connections += 1
        seed = f"{self._seed}/{self.connections}"
        try:
            server = await _connected(self._server)
        except OSError:
            close(client, reset=True)
            return
        for end in (client, server):
            if end.family != socket.AF_UNIX:
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link = Link(client, server, flows=self._flows, swallowing=self._swallowing, seed=seed)
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a connection is served by a task")
        self._links[link] = task
        self.most_open = max(self.most_open, len(self._links))
        try:
            await link.run()
        finally:
            del self._links[link]


def _cancel(task: asyncio.Task[None]) -> None:
    """Cancel once: a second time would disturb the clearing up."""
    if not task.cancelling():
        task.cancel()


def _bound(port: int) -> socket.socket:
    """Take a port on loopback together with others of ours, so that it stays ours while nobody listens."""
    end = socket.socket()
    end.settimeout(0)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    end.bind((_HOST, port))
    return end


async def _connected(server: Address) -> socket.socket:
    """Connect to the server; OSError when it is not there."""
    end = socket.socket(socket.AF_UNIX if isinstance(server, str) else socket.AF_INET)
    end.settimeout(0)
    try:
        await asyncio.get_running_loop().sock_connect(end, server)
    except BaseException:
        end.close()
        raise
    return end
