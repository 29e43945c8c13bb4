"""One connection through the proxy: two sockets, and each direction's bytes from the one to the other, in order.

Bare sockets rather than streams, for what a fault needs: to the byte how much was sent, a reset instead of an end, and
an end of one direction only.

Not here: what the faults are (proxy_flow.py), which connections there are (proxy.py).
"""

import asyncio
import contextlib
import random
import socket
import struct
from collections import deque
from collections.abc import Mapping
from typing import Final

from loadtests.faults.proxy_flow import Direction, End, Exchange, Flow, Lost, Swallowing

_READ: Final = 1 << 16
#: Bytes that a direction may hold back; beyond, the sender has to wait, as with a full line.
_HELD_MAX: Final = 1 << 20
#: Makes close() send a reset: linger for no time at all.
_RESET: Final = struct.pack("ii", 1, 0)


class _ResetNowError(Exception):
    """A fault wants this connection reset."""


class _Pump:
    """Carries one direction of one connection."""

    def __init__(
        self, direction: Direction, source: socket.socket, sink: socket.socket, flow: Flow, exchange: Exchange
    ) -> None:
        self._direction = direction
        self._source = source
        self._sink = sink
        self._flow = flow
        self._exchange = exchange
        self._held: deque[tuple[float, bytes]] = deque()
        self._held_size = 0
        self._changed = asyncio.Event()

    async def read(self, rng: random.Random) -> None:
        """Take what the source says, until it says no more, and note when it is due at the sink."""
        loop = asyncio.get_running_loop()
        due_s = 0.0
        while True:
            data = await loop.sock_recv(self._source, _READ)
            if data and self._direction is Direction.TO_CLIENT and (lost := self._exchange.answers()):
                if lost is Lost.RESET:
                    raise _ResetNowError
                continue
            # Jitter delays, and never changes the order: it is one stream.
            flight_s = self._flow.delay_s + self._flow.jitter_s * rng.random()
            due_s = max(due_s, loop.time() + flight_s)
            self._held.append((due_s, data))
            self._held_size += len(data)
            self._changed.set()
            if not data:
                return
            while self._held_size > _HELD_MAX:
                await self._change()

    async def write(self) -> None:
        """Give the sink what is due, and at last the end of the stream."""
        loop = asyncio.get_running_loop()
        while True:
            while not self._held:
                await self._change()
            due_s, data = self._held.popleft()
            if (early_s := due_s - loop.time()) > 0:
                await asyncio.sleep(early_s)
            await self._flow.clear()
            if not data:
                self._sink.shutdown(socket.SHUT_WR)
                return
            if self._direction is Direction.TO_SERVER:
                self._exchange.asks(data)
            await self._send(data)
            self._held_size -= len(data)
            self._changed.set()

    async def _send(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        rest = memoryview(data)
        while rest:
            await self._flow.clear()
            size, reset = self._flow.admit(len(rest))
            if (wait_s := self._flow.wait_s(size, loop.time())) > 0:
                await asyncio.sleep(wait_s)
            await loop.sock_sendall(self._sink, rest[:size])
            self._flow.passed += size
            if reset:
                raise _ResetNowError
            rest = rest[size:]

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


class Link:
    """One connection. run() carries it to its end; the sockets are closed then, however it ended."""

    def __init__(
        self,
        client: socket.socket,
        server: socket.socket,
        *,
        flows: Mapping[Direction, Flow],
        swallowing: Swallowing,
        seed: str,
    ) -> None:
        self._sockets = {End.CLIENT: client, End.SERVER: server}
        exchange = Exchange(swallowing)
        self._pumps = {
            direction: _Pump(direction, source, sink, flows[direction], exchange)
            for direction, source, sink in (
                (Direction.TO_SERVER, client, server),
                (Direction.TO_CLIENT, server, client),
            )
        }
        self._seed = seed
        #: Whether the connection ends with a reset.
        self._reset = False
        #: The end that is gone without a word, if one is.
        self._gone: End | None = None
        self._carrying: asyncio.Task[None] | None = None

    @property
    def half_open(self) -> bool:
        """Whether one end is gone and the other does not know."""
        return self._gone is not None

    def reset(self) -> None:
        """End with a reset rather than politely; whoever runs this cancels it then."""
        self._reset = True

    def lose(self, end: End) -> None:
        """Have one end vanish: its side of the connection is reset, the other is left as it is and hears nothing."""
        self._gone = end
        if self._carrying is not None:
            self._carrying.cancel()

    async def run(self) -> None:
        """Carry bytes until both sides have said their last, a side breaks, or the caller cancels it."""
        self._carrying = asyncio.create_task(self._carry(), name="proxy-carry")
        try:
            await asyncio.wait({self._carrying})
            if self._gone is not None:
                close(self._sockets.pop(self._gone), reset=True)
                await self._drink()
            elif not self._carrying.cancelled():
                self._carrying.result()
        finally:
            self._carrying.cancel()
            try:
                await asyncio.gather(self._carrying, return_exceptions=True)
            finally:  # A cancel may come even here.
                for end in self._sockets.values():
                    close(end, reset=self._reset)

    async def _carry(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                for direction, pump in self._pumps.items():
                    tasks.create_task(pump.read(random.Random(f"{self._seed}/{direction}")))
                    tasks.create_task(pump.write())
        except* (OSError, _ResetNowError):
            self._reset = True  # Who breaks off on one side breaks off on the other.

    async def _drink(self) -> None:
        """Take what the end that is left says, and answer nothing; for ever, if it says no last word."""
        loop = asyncio.get_running_loop()
        (left,) = self._sockets.values()
        self._reset = True  # A packet to a host that forgot the connection is answered so, once it gets through.
        with contextlib.suppress(OSError):
            while await loop.sock_recv(left, _READ):
                pass


def close(end: socket.socket, *, reset: bool) -> None:
    """Close a socket, politely or with a reset."""
    if reset:
        with contextlib.suppress(OSError):  # The peer was quicker.
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    end.close()
