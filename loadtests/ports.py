"""TCP ports on loopback for servers that are measured and tested.

A port is found before the server that is to have it is there, and servers start again on the port they had. So each
process goes through a range by its own number, and gives no port twice before it has given all of them. And none is
taken from the range from which the system lends ports to connections: a server that starts later might find its lent.
"""

import contextlib
import os
import random
import socket
from collections.abc import Iterable
from typing import Final

#: From here on the system lends ports to connections.
_LENT: Final = 32_768
_LOWEST: Final = 10_000
_RANGES: Final = 16
_EACH: Final = (_LENT - _LOWEST) // _RANGES


class _Range:
    """The ports of this process, one after the other, from somewhere on."""

    def __init__(self) -> None:
        self._lowest = _LOWEST + os.getpid() % _RANGES * _EACH
        # Not the shared generator: what seeds that one for its own ends would have every process begin alike.
        self._next = self._lowest + random.SystemRandom().randrange(_EACH)

    def take(self, count: int) -> int:
        """Return the first of some ports in a row."""
        if self._next + count > self._lowest + _EACH:
            self._next = self._lowest
        first = self._next
        self._next += count
        return first


_PORTS: Final = _Range()


def free_port() -> int:
    """Find a port that nobody uses."""
    return free_port_base((0,))


def free_port_base(offsets: Iterable[int]) -> int:
    """Find a port so that nobody uses the ports at these distances from it."""
    offsets = tuple(offsets)
    while True:
        base = _PORTS.take(max(offsets) + 1)
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for offset in offsets:
                probe = stack.enter_context(socket.socket())
                probe.bind(("127.0.0.1", base + offset))
            return base
