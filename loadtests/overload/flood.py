"""Sends plain texts to a gateway at a rate, whatever it answers: ``python -m loadtests.overload.flood``.

The order comes on standard input, the report goes to standard output, JSON both ways. Arrivals come at a constant rate
(an open loop), whether earlier ones are answered or not; one that finds all connections busy waits for the next free
one, and its waiting is its own. Rate 0 means: each connection asks again as soon as it has its answer.

Not here: clients that hang on (hanging.py), what a good run is (tests/scenarios/test_overload.py).
"""

import asyncio
import gc
import re
import sys
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Final, cast

import orjson
import uvloop

#: How often due arrivals are looked for.
_TICK_S: Final = 0.001
#: Longest wait for the last answers.
_PATIENCE_S: Final = 20.0
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)
_RETRY: Final = re.compile(rb"\r\nretry-after: *([0-9]+)\r\n", re.IGNORECASE)
_REFUSED: Final = frozenset({429, 503})
_ACCEPTED: Final = 202


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to send. Bounded in time."""

    port: int
    keys: Sequence[str]
    body: str
    connections: int
    seconds: float
    #: Arrivals a second; 0: as many as there is room for.
    rate: float = 0.0

    def dump(self) -> bytes:
        """Write it for the child."""
        return orjson.dumps(asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Milliseconds; zeros when there was nothing."""

    p50: float
    p99: float
    longest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of it; what was answered after the time is in statuses only."""

    seconds: float
    #: Requests that arrived, and of them those that found a connection in time.
    arrived: int
    sent: int
    statuses: dict[str, int]
    #: Answered within the time.
    accepted: int
    refused: int
    #: From the request's first byte to the answer's last.
    accepted_ms: Latency
    refused_ms: Latency
    #: The same, from the request's arrival.
    accepted_since_arrival_ms: Latency
    refusals_without_retry_after: int
    #: How often each value of Retry-After was said.
    retry_after: dict[str, int] = field(default_factory=dict)

    def dump(self) -> bytes:
        """Write it for the parent."""
        return orjson.dumps(asdict(self))

    @classmethod
    def load(cls, raw: bytes) -> "Report":
        """Read it in the parent."""
        fields = orjson.loads(raw)
        latencies = {name: Latency(**value) for name, value in fields.items() if name.endswith("_ms")}
        return cls(**fields | latencies)


class _Flood:
    """One run."""

    def __init__(self, order: Order) -> None:
        self._order = order
        body = order.body.encode()
        self._requests = [
            b"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %b\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (key.encode(), len(body), body)
            for key in order.keys
        ]
        self._free: deque[_Connection] = deque()
        self._waiting: deque[float] = deque()
        self._began = 0.0
        self._ends = 0.0
        self.arrived = self.sent = 0
        self.statuses: Counter[int] = Counter()
        self.retries: Counter[int] = Counter()
        self.unsaid = 0
        self.accepted: list[tuple[float, float]] = []
        self.refused: list[float] = []

    async def run(self) -> Report:
        """Send for as long as was ordered."""
        loop = asyncio.get_running_loop()
        made = [
            await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self._order.port)
            for _ in range(self._order.connections)
        ]
        self._began = time.perf_counter()
        self._ends = self._began + self._order.seconds
        if self._order.rate == 0:
            for _, connection in made:
                self._send(connection, self._began)
        else:
            self._free.extend(connection for _, connection in made)
        while (now := time.perf_counter()) < self._ends:
            if self._order.rate:
                self._arrive(now)
            await asyncio.sleep(_TICK_S)
        async with asyncio.timeout(_PATIENCE_S):
            await asyncio.gather(*(connection.answered() for _, connection in made))
        for transport, _ in made:
            transport.close()
        return self._report()

    def take(self, connection: "_Connection", status: int, retry_after: int | None) -> None:
        """Note an answer, and give its connection the next request."""
        now = time.perf_counter()
        self.statuses[status] += 1
        if status in _REFUSED:
            self.unsaid += retry_after is None
            if retry_after is not None:
                self.retries[retry_after] += 1
        if now <= self._ends:
            if status == _ACCEPTED:
                self.accepted.append((now - connection.sent_at, now - connection.arrived_at))
            elif status in _REFUSED:
                self.refused.append(now - connection.sent_at)
            if self._order.rate == 0:
                self._send(connection, now)
                return
            if self._waiting:
                self._send(connection, self._waiting.popleft())
                return
        self._free.append(connection)

    def _arrive(self, now: float) -> None:
        due = int((now - self._began) * self._order.rate)
        while self.arrived < due:
            at = self._began + self.arrived / self._order.rate
            self.arrived += 1
            if self._free:
                self._send(self._free.popleft(), at)
            else:
                self._waiting.append(at)

    def _send(self, connection: "_Connection", arrived_at: float) -> None:
        connection.send(self._requests[self.sent % len(self._requests)], arrived_at)
        self.sent += 1

    def _report(self) -> Report:
        return Report(
            seconds=self._order.seconds,
            arrived=self.arrived or self.sent,
            sent=self.sent,
            statuses={str(status): count for status, count in self.statuses.items()},
            accepted=len(self.accepted),
            refused=len(self.refused),
            accepted_ms=latency([sent for sent, _ in self.accepted]),
            refused_ms=latency(self.refused),
            accepted_since_arrival_ms=latency([arrived for _, arrived in self.accepted]),
            refusals_without_retry_after=self.unsaid,
            retry_after={str(seconds): count for seconds, count in self.retries.items()},
        )


class _Connection(asyncio.Protocol):
    """A connection with at most one request under way."""

    def __init__(self, flood: _Flood) -> None:
        self._flood = flood
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._is_busy = False
        self._answered = asyncio.Event()
        self._answered.set()
        self.sent_at = self.arrived_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass.

    def connection_lost(self, exc: Exception | None) -> None:
        """End the run: a server that closes connections cannot be measured."""
        del exc
        if self._is_busy:
            raise ConnectionError("the server closed a connection")

    def send(self, request: bytes, arrived_at: float) -> None:
        """Send a request."""
        self.arrived_at = arrived_at
        self.sent_at = time.perf_counter()
        self._is_busy = True
        self._answered.clear()
        if self._transport is not None:
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Hand an answer over once it is whole."""
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._received[: end + 2]
        length = _LENGTH.search(head)
        if length is None or len(self._received) < end + 4 + int(length[1]):
            return
        self._received = b""
        self._is_busy = False
        self._answered.set()
        retry = _RETRY.search(head)
        self._flood.take(self, int(head[9:12]), None if retry is None else int(retry[1]))

    async def answered(self) -> None:
        """Wait until nothing is under way."""
        await self._answered.wait()


def latency(seconds: Sequence[float]) -> Latency:
    """Sum up latencies."""
    ordered = sorted(seconds)
    if not ordered:
        return Latency(p50=0.0, p99=0.0, longest=0.0)
    places = (len(ordered) // 2, len(ordered) * 99 // 100, len(ordered) - 1)
    p50, p99, longest = (round(ordered[place] * 1_000, 3) for place in places)
    return Latency(p50=p50, p99=p99, longest=longest)


def main() -> int:
    """Read the order, send, report."""
    order = Order(**orjson.loads(sys.stdin.buffer.read()))
    gc.disable()  # Seconds only; a collection would look like a slow server.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        report = runner.run(_Flood(order).run())
    sys.stdout.buffer.write(report.dump())
    return 0


if __name__ == "__main__":
    sys.exit(main())
