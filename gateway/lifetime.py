"""When a process is to end: on SIGTERM or SIGINT, and, under a supervisor, when that one is gone.

A supervised process holds the reading end of a pipe as its standard input. The other end closes when the supervisor
ends, however it ends; so none of its children outlives it.
"""

import asyncio
import contextlib
import os
import signal
import threading
from typing import Final

_STDIN: Final = 0


def stop_event(*, supervised: bool) -> asyncio.Event:
    """Return an event that is set once this process is to end gracefully. Call it within the running loop."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if supervised:
        threading.Thread(target=_at_end_of_input, args=(loop, stop), name="supervisor", daemon=True).start()
    return stop


def _at_end_of_input(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    # Not sys.stdin: its lock, held by a thread that never returns, would break the interpreter's exit.
    with contextlib.suppress(OSError):
        while os.read(_STDIN, 4096):
            pass
    with contextlib.suppress(RuntimeError):  # The loop ended first.
        loop.call_soon_threadsafe(stop.set)
