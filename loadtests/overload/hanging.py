"""Holds connections open and gives a gateway nothing for them: ``python -m loadtests.overload.hanging``.

The order comes on standard input; "ready" is a line on standard output once all are open; the report, JSON, comes when
standard input ends. A connection that the server closes is opened again, as whoever does this would.
"""

import asyncio
import contextlib
import socket
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

import orjson

#: Between two bytes of somebody slow.
_DRIP_S: Final = 2.0
#: So long does it take until all are there.
_GATHER_S: Final = 4.0
#: Before a connection is opened again.
_AGAIN_S: Final = 0.1
#: %b is a key: a body is waited for only where there is one.
_HEAD: Final = (
    b"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Authorization: Bearer %b\r\nContent-Length: 60000\r\n\r\n"
)
#: A large answer, so many times.
_GET: Final = b"GET /v1/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
_UNREAD: Final = 5

#: Kind of connection to what it says at first, what it says byte by byte, and whether it reads.
KINDS: Final[Mapping[str, tuple[bytes, bytes, bool]]] = {
    "idle": (b"", b"", True),
    "slow_head": (b"POST /v1/mess", b"ages HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 600, True),
    "slow_body": (_HEAD, b'{"to"' + b" " * 600, True),
    "stopped_body": (_HEAD + b" " * 30_000, b"", True),
    "unread": (_GET * _UNREAD, b"", False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How many of each kind, shared evenly."""

    port: int
    connections: int
    key: str

    def dump(self) -> bytes:
        """Write it for the child: a line."""
        return orjson.dumps(asdict(self)) + b"\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the server did."""

    #: Connections by kind that it closed, and statuses that it gave.
    closed: Mapping[str, int]
    statuses: Mapping[str, int]

    @classmethod
    def load(cls, raw: bytes) -> "Report":
        """Read it in the parent."""
        return cls(**orjson.loads(raw))


class _Crowd:
    """All of them."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._open = 0
        self.all_open = asyncio.Event()
        self.closed: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()

    async def hang(self, kind: str, after_s: float) -> None:
        """Hold one connection, again and again."""
        await asyncio.sleep(after_s)
        is_first = True
        while True:
            with contextlib.suppress(OSError):
                async with _connected(self._order.port) as (reader, writer):
                    if is_first:
                        self._open += 1
                        if self._open == self._order.connections:
                            self.all_open.set()
                    is_first = False
                    await self._hold(kind, reader, writer)
            self.closed[kind] += 1
            await asyncio.sleep(_AGAIN_S)

    async def _hold(self, kind: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, drips, reads = KINDS[kind]
        writer.write(first.replace(b"%b", self._order.key.encode()))
        dripping = asyncio.create_task(_drip(writer, drips))
        try:
            if not reads:
                await writer.drain()
                while not writer.is_closing():
                    await asyncio.sleep(_DRIP_S)
                    writer.write(_GET)
                return
            while data := await reader.read(1 << 16):
                if data.startswith(b"HTTP/1.1 "):
                    self.statuses[data[9:12].decode()] += 1
        finally:
            dripping.cancel()


@contextlib.asynccontextmanager
async def _connected(port: int):  # type: ignore[no-untyped-def] # noqa: ANN202 - two streams
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)  # Little that the system would read for us.
    taken.setblocking(False)  # noqa: FBT003 - the socket's own way
    await asyncio.get_running_loop().sock_connect(taken, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=taken, limit=1 << 12)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def _drip(writer: asyncio.StreamWriter, data: bytes) -> None:
    for place in range(len(data)):
        await asyncio.sleep(_DRIP_S)
        writer.write(data[place : place + 1])


async def _run() -> Report:
    loop = asyncio.get_running_loop()
    order = Order(**orjson.loads(await loop.run_in_executor(None, sys.stdin.buffer.readline)))
    crowd = _Crowd(order)
    kinds = list(KINDS)
    tasks = [
        asyncio.create_task(crowd.hang(kinds[n % len(kinds)], _GATHER_S * n / order.connections))
        for n in range(order.connections)
    ]
    await crowd.all_open.wait()
    sys.stdout.buffer.write(b"ready\n")
    sys.stdout.buffer.flush()
    await loop.run_in_executor(None, sys.stdin.buffer.read)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return Report(closed=dict(crowd.closed), statuses=dict(crowd.statuses))


def main() -> int:
    """Hang on until standard input ends, then report."""
    report = asyncio.run(_run())
    sys.stdout.buffer.write(orjson.dumps(asdict(report)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
