"""Runs a server that knows nothing of our supervisor, and stops it when the supervisor is gone.

`python -m gateway.guard COMMAND ARG...`: ends COMMAND at the end of standard input, on SIGTERM or SIGINT, and ends
itself when COMMAND does, with its exit status.
"""

import asyncio
import contextlib
import os
import sys
from typing import Final

from gateway.lifetime import stop_event

#: Seconds that a server has for saving what it holds.
_PATIENCE_S: Final = 10.0


async def _guard(command: list[str]) -> int:
    stop = stop_event(supervised=True, impatient=False)  # The server must not stay behind.
    child = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL, start_new_session=True)
    ended, stopped = asyncio.create_task(child.wait()), asyncio.create_task(stop.wait())
    await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not ended.done():
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await asyncio.shield(ended)
        except TimeoutError:
            child.kill()
    return await ended


def main() -> None:
    """Run the command line."""
    status = asyncio.run(_guard(sys.argv[1:]))
    sys.stdout.flush()
    # The thread that waits for the supervisor may hold standard input: leave without asking it.
    os._exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main()
