"""When a process is to end: on SIGTERM or SIGINT, and, under a supervisor, when that one is gone.

A supervised process holds the reading end of a pipe as its standard input. The other end closes when the supervisor
ends, however it ends; so none of its children outlives it.

A second signal ends the process at once: whoever sends it does not want to wait for the drain, and what is under way
then is what a crash leaves, which loses nothing.
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


def stop_event(*, supervised: bool, impatient: bool = True) -> asyncio.Event:
    """Return an event that is set once this process is to end gracefully. Call it within the running loop.

    impatient: a second signal ends the process at once, with exit status 128 and the signal's number.
    """
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    signals: list[int] = []

    def signalled(number: int) -> None:
        if signals and impatient:
            os._exit(_SIGNALLED + number)
        signals.append(number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled, number)
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
