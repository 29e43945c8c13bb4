"""Starts child processes in order, waits until each is ready, starts again what fell over, stops all in reverse.

Each child holds the reading end of a pipe that only this process writes to, so that none outlives it, whatever kills
it. The children's logs go to files; the terminal is for people.

Not here: which processes there are (commands/up.py).
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

#: Seconds to come up, to end gracefully, and between looks.
_START_S: Final = 90.0
_STOP_S: Final = 20.0
_LOOK_S: Final = 0.05
#: A child that falls over so often within a minute is not started again.
_MOST_FALLS: Final = 5
_MINUTE_S: Final = 60.0

_log = structlog.get_logger()


class ChildError(Exception):
    """A child did not come up, or fell over again and again; the message says which and where its log is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A process to run."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    #: True once the process does its work.
    is_ready: Callable[[], Awaitable[bool]]


class Supervisor:
    """Runs children until told to stop."""

    def __init__(self, log_folder: Path, environment: Mapping[str, str]) -> None:
        self._log_folder = log_folder
        self._environment = environment
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._order: list[Child] = []
        self._watchers: set[asyncio.Task[None]] = set()
        self._stopping = False
        #: Set when something is beyond help.
        self.failed: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def start(self, child: Child) -> None:
        """Start a child and wait until it is ready; ChildError when it does not come up."""
        self._order.append(child)
        await self._spawn(child)
        await self._wait_ready(child)
        watcher = asyncio.create_task(self._watch(child), name=f"watch-{child.name}")
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)

    async def stop(self) -> None:
        """Stop all children, the last started first."""
        self._stopping = True
        for child in reversed(self._order):
            process = self._running.get(child.name)
            if process is not None and process.returncode is None:
                await _end(process)
        for watcher in list(self._watchers):
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)

    async def _spawn(self, child: Child) -> None:
        self._log_folder.mkdir(parents=True, exist_ok=True)
        with self._log_file(child).open("ab") as log:
            self._running[child.name] = await asyncio.create_subprocess_exec(
                *child.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**self._environment, **child.environment},
                start_new_session=True,  # Ctrl-C is for us; we stop the children in order.
            )

    async def _wait_ready(self, child: Child) -> None:
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            if self._running[child.name].returncode is not None:
                raise ChildError(f"{child.name} ended while starting; see {self._log_file(child)}")
            if await child.is_ready():
                return
            await asyncio.sleep(_LOOK_S)
        raise ChildError(f"{child.name} was not ready within {_START_S:.0f} s; see {self._log_file(child)}")

    async def _watch(self, child: Child) -> None:
        """Start a child again when it ends without being told to."""
        falls: deque[float] = deque(maxlen=_MOST_FALLS)
        while True:
            status = await self._running[child.name].wait()
            if self._stopping:
                return
            _log.warning("child_ended", child=child.name, status=status)
            now = time.monotonic()
            if len(falls) == _MOST_FALLS and now - falls[0] < _MINUTE_S:
                self._give_up(f"{child.name} keeps falling over; see {self._log_file(child)}")
                return
            falls.append(now)
            await asyncio.sleep(min(2.0, 0.2 * len(falls)))
            await self._spawn(child)
            _log.info("child_restarted", child=child.name)

    def _give_up(self, why: str) -> None:
        if not self.failed.done():
            self.failed.set_result(why)

    def _log_file(self, child: Child) -> Path:
        return self._log_folder / f"{child.name}.log"


async def _end(process: asyncio.subprocess.Process) -> None:
    """Close the pipe, ask, and at last insist."""
    if process.stdin is not None:
        process.stdin.close()
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_STOP_S):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def supervising(log_folder: Path, environment: Mapping[str, str]) -> AsyncIterator[Supervisor]:
    """Run a supervisor; whatever it started is stopped at the end."""
    supervisor = Supervisor(log_folder, environment)
    try:
        yield supervisor
    finally:
        await supervisor.stop()
