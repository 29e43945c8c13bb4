"""What the network does to the bytes of one direction, and to answers: the state behind the proxy's faults.

Shared by all connections of a proxy, so that a fault holds for those that are open and those to come.

Not here: moving the bytes (proxy_link.py), what a test says to it (proxy.py).
"""

import asyncio
from enum import StrEnum
from typing import Final

#: A narrow line passes so many seconds' worth of bytes at a time.
_SLICE_S: Final = 0.02


class Direction(StrEnum):
    """Which way bytes go."""

    TO_SERVER = "to_server"
    TO_CLIENT = "to_client"


class End(StrEnum):
    """Which end of a connection."""

    CLIENT = "client"
    SERVER = "server"


class Lost(StrEnum):
    """How a client learns that an answer was lost."""

    #: Its connection is reset.
    RESET = "reset"
    #: Not at all: the connection stays open, and later questions on it are answered.
    SILENCE = "silence"


class Flow:
    """One direction, on every connection."""

    def __init__(self) -> None:
        self.delay_s = 0.0
        self.jitter_s = 0.0
        self.bytes_per_s: float | None = None
        #: How many bytes ever came out at the other end.
        self.passed = 0
        self._reset_in: int | None = None
        self._line_free_at_s = 0.0
        self._open = asyncio.Event()
        self._open.set()

    def stall(self) -> None:
        """Let nothing through, not even the end of a stream; what comes is kept, up to a limit."""
        self._open.clear()

    def reset_after(self, size: int) -> None:
        """Let so many bytes through, over all connections, and reset the connection that had the last of them."""
        self._reset_in = size

    def heal(self) -> None:
        """Be a perfect line again, for whatever was not sent off yet."""
        self.delay_s = self.jitter_s = 0.0
        self.bytes_per_s = self._reset_in = None
        self._open.set()

    async def clear(self) -> None:
        """Wait while the direction is stalled."""
        await self._open.wait()

    def admit(self, size: int) -> tuple[int, bool]:
        """Say how many of so many bytes may go now, and whether their connection is reset after them."""
        if self.bytes_per_s is not None:
            size = min(size, max(1, int(self.bytes_per_s * _SLICE_S)))
        if self._reset_in is None:
            return size, False
        if size < self._reset_in:
            self._reset_in -= size
            return size, False
        size, self._reset_in = self._reset_in, None
        return size, True

    def wait_s(self, size: int, now_s: float) -> float:
        """Take a place on the line for so many bytes; seconds until they are through."""
        if self.bytes_per_s is None:
            return 0.0
        self._line_free_at_s = max(self._line_free_at_s, now_s) + size / self.bytes_per_s
        return self._line_free_at_s - now_s


class Swallowing:
    """Which answers never arrive."""

    def __init__(self) -> None:
        #: How many answers were swallowed.
        self.swallowed = 0
        #: Only requests that contain this are counted.
        self.marker = b""
        self._next: int | None = None
        self._every: int | None = None
        self._then = Lost.RESET

    def begin(self, nth: int, *, every: int | None, containing: bytes, then: Lost) -> None:
        """Swallow the answer to the nth request from now; with every, to each so-many-th after that too."""
        self._next, self._every, self.marker, self._then = nth, every, containing, then

    def heal(self) -> None:
        """Swallow nothing more, but for the answer to a request that is under way."""
        self._next = self._every = None

    def count(self) -> Lost | None:
        """Count one request; how its answer is lost, or None."""
        if self._next is None:
            return None
        self._next -= 1
        if self._next > 0:
            return None
        self._next = self._every
        return self._then


class Exchange:
    """Requests and answers on one connection, told apart by who speaks.

    A request begins when the client speaks after the server did. That is exact for clients that wait for their answer
    before they ask again, many commands in one go included.
    """

    def __init__(self, rule: Swallowing) -> None:
        self._rule = rule
        self._answering = True
        self._counted = False
        self._lost: Lost | None = None
        self._tail = b""

    def asks(self, data: bytes) -> None:
        """Note what the client says."""
        if self._answering:
            self._answering, self._counted, self._lost, self._tail = False, False, None, b""
        if self._counted:
            return
        said = self._tail + data
        if self._rule.marker in said:
            self._counted = True
            self._lost = self._rule.count()
        self._tail = said[-len(self._rule.marker) :]

    def answers(self) -> Lost | None:
        """Note that the server speaks; how that is lost, or None."""
        if not self._answering and self._lost is not None:
            self._rule.swallowed += 1
        self._answering = True
        return self._lost
