"""TCP ports on loopback for servers of tests.

A port is found before the server that is to have it is there, and servers of tests start again on the port they had. So
each test process has a range of its own: two never find the same port in the meantime. And none is taken from the range
from which the system lends ports to connections: a server that starts later, or again, might find its port lent.
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
_PROCESSES_MAX: Final = 16
_EACH: Final = (_LENT - _LOWEST) // _PROCESSES_MAX

#: Not the shared generator: what seeds that one for its own ends would give every process the same ports.
_CHANCE: Final = random.SystemRandom()


def free_port() -> int:
    """Find a port that nobody uses."""
    return free_port_base((0,))


def free_port_base(offsets: Iterable[int]) -> int:
    """Find a port so that nobody uses the ports at these distances from it."""
    offsets = tuple(offsets)
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    lowest = _LOWEST + worker % _PROCESSES_MAX * _EACH
    while True:
        base = _CHANCE.randrange(lowest, lowest + _EACH - max(offsets))
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for offset in offsets:
                probe = stack.enter_context(socket.socket())
                probe.bind(("127.0.0.1", base + offset))
            return base
