"""TCP ports on loopback for servers that are measured and tested.

A port is found before the server that is to have it is there, and servers start again on the port they had. So each
process looks in a range by its own number: two that run at once seldom look in the same one. And none is taken from the
range from which the system lends ports to connections: a server that starts later, or again, might find its port lent.
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

#: Not the shared generator: what seeds that one for its own ends would give every process the same ports.
_CHANCE: Final = random.SystemRandom()


def free_port() -> int:
    """Find a port that nobody uses."""
    return free_port_base((0,))


def free_port_base(offsets: Iterable[int]) -> int:
    """Find a port so that nobody uses the ports at these distances from it."""
    offsets = tuple(offsets)
    lowest = _LOWEST + os.getpid() % _RANGES * _EACH
    while True:
        base = _CHANCE.randrange(lowest, lowest + _EACH - max(offsets))
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for offset in offsets:
                probe = stack.enter_context(socket.socket())
                probe.bind(("127.0.0.1", base + offset))
            return base
