"""When a process is to end: on SIGTERM or SIGINT, and, under a supervisor, when that one is gone.

A supervised process holds the reading end of a pipe as its standard input. The other end closes when the supervisor
ends, however it ends; so none of its children outlives it.

A second signal ends the process at once: every change is one transaction, so nothing is left half done.
"""

import asyncio
import contextlib
import os
import signal
import threading
from typing import Final

_STDIN: Final = 0
#: Shells tell a death by signal so.
_SIGNALLED: Final = 128


def stop_event(*, supervised: bool) -> asyncio.Event:
    """Return an event that is set once this process is to end gracefully. Call it within the running loop.

    A second signal ends the process at once, with exit status 128 and the signal's number.
    """
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    signals: list[int] = []

    def signalled(number: int) -> None:
        if signals:
            os._exit(_SIGNALLED + number)
        signals.append(number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled, number)

    def wait_for_end_of_file() -> None:
        # Not sys.stdin: its lock, held by a thread that never returns, would break the interpreter's exit.
        with contextlib.suppress(OSError):
            while os.read(_STDIN, 4096):
                pass
        with contextlib.suppress(RuntimeError):  # The loop ended first.
            loop.call_soon_threadsafe(stop.set)

    if supervised:
        threading.Thread(target=wait_for_end_of_file, name="supervisor", daemon=True).start()
    return stop
