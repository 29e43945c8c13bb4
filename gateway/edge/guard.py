"""Guards the public port's connections: how many there may be, and how long each may take over what it owes us.

Every connection is held from its first moment to its last. One look around, some times a second, tells each to check
itself, which is cheaper than a timer a request; so a limit is kept to within that pause. A connection owes us a head
once it is open or has begun one, a body once it has announced one, the reading of its answer, and a new request after
that. Whoever owes for too long is told so where HTTP has words for it (408), and closed.

Not here: what a connection does (front.py, connections.py), which requests may come in (door.py, admission.py).
"""

import asyncio
import ipaddress
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol, cast

import structlog

#: Part of the connections that may be open before idle ones get less patience.
_PRESSED: Final = 0.8
#: Looks around within the shortest limit there is.
_LOOKS: Final = 10
_LEAST_LOOK_S, _MOST_LOOK_S = 0.01, 0.5
#: Of an IPv6 address, so many bits are one peer's.
_PEER_BITS: Final = 64

_log = structlog.get_logger()


class Phase(StrEnum):
    """What a connection owed us when its time was over."""

    #: The first byte.
    CONNECT = "connect"
    #: The rest of a head.
    HEAD = "head"
    #: The rest of a body.
    BODY = "body"
    #: The next request; the everyday end of a connection.
    IDLE = "idle"
    #: The reading of what we wrote.
    ANSWER = "answer"


class Full(StrEnum):
    """Why a connection is not taken."""

    PROCESS = "process"
    PEER = "peer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What connections may take."""

    #: Connections open at once.
    connections: int = 2_000
    #: Of them one peer's: an IPv4 address, a /64 of IPv6, or everybody behind a load balancer.
    per_peer: int = 1_000
    #: From the connection's start, or from a head's first byte, to its last one.
    head_s: float = 5.0
    #: A body may be so far behind body_rate, in seconds.
    body_s: float = 5.0
    #: Bytes a second.
    body_rate: float = 1_024.0
    #: The longest that any body may take.
    body_whole_s: float = 300.0
    #: So long may an answer lie unread, at body_rate.
    answer_s: float = 30.0
    #: Between a request's answer and the next request; less when most connections are taken.
    idle_s: float = 60.0
    idle_pressed_s: float = 5.0
    #: Bytes of large bodies in memory at once.
    body_bytes: int = 256 << 20


class Observer(Protocol):
    """Told what became of connections."""

    def connection_refused(self, cause: str) -> None:
        """Say that a connection was one too many; cause is one of Full."""

    def timed_out(self, phase: str) -> None:
        """Say that a connection's time was over; phase is one of Phase."""


class Guarded(Protocol):
    """A connection."""

    def check(self, now: float) -> None:
        """End yourself if you owe something for too long; now is time.monotonic()."""


class Guard:
    """Holds every connection of the public port."""

    def __init__(self, limits: Limits, observe: Observer) -> None:
        self.limits = limits
        self.observe = observe
        self._peers: dict[Guarded, str] = {}
        self._by_peer: dict[str, int] = {}
        self._body_bytes = 0
        self._looking: asyncio.TimerHandle | None = None
        shortest = min(limits.head_s, limits.body_s, limits.answer_s, limits.idle_s)
        self._look_s = min(max(shortest / _LOOKS, _LEAST_LOOK_S), _MOST_LOOK_S)
        #: Connections that ended in this look, and a second's worth of them on average.
        self._ended = 0
        self._ends_a_second = 0.0

    @property
    def open(self) -> int:
        """Connections that are open."""
        return len(self._peers)

    @property
    def body_bytes(self) -> int:
        """Bytes of large bodies that have a place."""
        return self._body_bytes

    @property
    def is_pressed(self) -> bool:
        """Whether most connections are taken, so that an idle one costs somebody else."""
        return len(self._peers) >= _PRESSED * self.limits.connections

    @property
    def idle_s(self) -> float:
        """How long a connection may be without a request."""
        return min(self.limits.idle_pressed_s, self.limits.idle_s) if self.is_pressed else self.limits.idle_s

    def enter(self, guarded: Guarded, transport: asyncio.Transport) -> Full | None:
        """Hold a connection from now on; or say which limit it would pass, and leave it alone."""
        if len(self._peers) >= self.limits.connections:
            self.observe.connection_refused(Full.PROCESS)
            return Full.PROCESS
        peer = peer_of(transport)
        theirs = self._by_peer.get(peer, 0)
        if theirs >= self.limits.per_peer:
            self.observe.connection_refused(Full.PEER)
            return Full.PEER
        self._by_peer[peer] = theirs + 1
        self._peers[guarded] = peer
        if self._looking is None:
            self._looking = asyncio.get_running_loop().call_later(self._look_s, self._look_around)
        return None

    def replace(self, before: Guarded, after: Guarded) -> None:
        """Hold another in its place: the connection is the same."""
        self._peers[after] = self._peers.pop(before)

    def leave(self, guarded: Guarded) -> None:
        """Let a connection go that is closed; nothing happens when it was never held."""
        peer = self._peers.pop(guarded, None)
        if peer is None:
            return
        self._ended += 1
        theirs = self._by_peer[peer] - 1
        if theirs:
            self._by_peer[peer] = theirs
        else:
            del self._by_peer[peer]

    def retry_after_s(self) -> int:
        """Say when a connection may be free again: as soon as one ends, at the pace at which they do."""
        return math.ceil(min(max(1 / max(self._ends_a_second, 0.01), 1.0), self.limits.idle_s))

    def reserve(self, size: int) -> bool:
        """Make room for a large body; False when there is none."""
        if self._body_bytes + size > self.limits.body_bytes:
            return False
        self._body_bytes += size
        return True

    def release(self, size: int) -> None:
        """Give room back."""
        self._body_bytes -= size

    def close(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    def _look_around(self) -> None:
        self._ends_a_second += (self._ended / self._look_s - self._ends_a_second) * min(self._look_s, 1.0)
        self._ended = 0
        now = time.monotonic()
        for guarded in tuple(self._peers):
            try:
                guarded.check(now)
            except Exception as failure:  # noqa: BLE001 - one connection's trouble is not the others'
                _log.error("guard_check_failed", error=type(failure).__name__, exc_info=failure)
        again = asyncio.get_running_loop().call_later if self._peers else None
        self._looking = None if again is None else again(self._look_s, self._look_around)


class Unread:
    """Watches that what we wrote on one connection is read."""

    __slots__ = ("_due", "_left")

    def __init__(self) -> None:
        self._left = 0
        self._due = math.inf

    def is_overdue(self, transport: asyncio.WriteTransport, now: float, limits: Limits) -> bool:
        """Say whether the other side reads too slowly, or not at all."""
        left = transport.get_write_buffer_size()
        if not left:
            self._left = 0
            return False
        if not self._left:
            self._due = now + limits.answer_s
        elif left < self._left:
            self._due = put_off(self._due, now, self._left - left, limits.answer_s, limits.body_rate)
        self._left = left
        return now >= self._due


def put_off(due: float, now: float, done: int, grace_s: float, rate: float) -> float:
    """Move a deadline by the time that so many bytes may take; never further than the grace from now."""
    return min(due + done / rate, now + grace_s)


def peer_of(transport: asyncio.BaseTransport) -> str:
    """Name who is at the other end; "" where that cannot be told."""
    name = cast(Callable[[str], object], transport.get_extra_info)("peername")
    if not isinstance(name, tuple):
        return ""
    host = str(name[0])
    if ":" not in host:
        return host
    address = ipaddress.IPv6Address(host.partition("%")[0])
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address), _PEER_BITS), strict=False))
