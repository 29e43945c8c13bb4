"""What every emulator's process does: refuses settings in words, and ends when it is told to.

Not here: what each imitates (carrier/, tcr/, aggregator/).
"""

import asyncio
import os
import signal
import stat
import sys


class BadSettingsError(ValueError):
    """A setting cannot be used; the message names it and says what it may be."""


async def wait_until_told(stopping: asyncio.Event, *, supervised: bool, said: str) -> None:
    """Say that all is ready, and wait for SIGTERM, SIGINT or, supervised, the end of stdin; whichever sets stopping.

    BadSettingsError when supervised and nobody holds stdin.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if supervised:
        if not _is_pipe(sys.stdin.fileno()):
            raise BadSettingsError("supervised: stdin must be a pipe that the supervisor holds open")
        await loop.connect_read_pipe(lambda: _UntilEnd(stopping), sys.stdin)
    print(said, flush=True)
    await stopping.wait()


def _is_pipe(descriptor: int) -> bool:
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(descriptor)


class _UntilEnd(asyncio.Protocol):
    """Sets an event when what it reads from ends."""

    def __init__(self, ended: asyncio.Event) -> None:
        self._ended = ended

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  the protocol's signature
        self._ended.set()
