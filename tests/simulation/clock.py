"""Virtual time for code that reads clocks: in every module of ours, `time` is the loop's.

Not here: waiting, which is the loop's own business (loop.py).
"""

import contextlib
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from types import ModuleType
from typing import Final

from tests.simulation.loop import Process, SimulatedLoop, current_process

#: When every run begins: a Friday, noon Pacific, so that nothing has to be quiet.
START: Final = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
_START_NS: Final = int(START.timestamp()) * 10**9
#: The machine was started a while before.
_BOOTED_NS: Final = 1_000 * 10**9
_OURS: Final = ("gateway.", "registry.")


class VirtualTime:
    """What code takes for the module `time`. Each process may have a wall clock that is wrong; leases go by another."""

    CLOCK_BOOTTIME = time.CLOCK_BOOTTIME

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop
        #: Seconds that a process's wall clock is ahead.
        self.ahead_s: dict[Process, float] = {}

    def wall_ms(self) -> int:
        """Milliseconds since the epoch, truly."""
        return (_START_NS + int(self._loop.time() * 10**9)) // 10**6

    def time_ns(self) -> int:
        """Wall clock of whoever asks."""
        process = current_process()
        ahead_s = 0.0 if process is None else self.ahead_s.get(process, 0.0)
        return _START_NS + int((self._loop.time() + ahead_s) * 10**9)

    def now(self) -> datetime:
        """Wall clock of whoever asks, as a datetime."""
        return datetime.fromtimestamp(self.time_ns() / 10**9, UTC)

    def time(self) -> float:
        """Wall clock of whoever asks."""
        return self.time_ns() / 10**9

    def clock_gettime_ns(self, clock: int) -> int:
        """Clock of leases."""
        assert clock == self.CLOCK_BOOTTIME
        return _BOOTED_NS + int(self._loop.time() * 10**9)

    def clock_gettime(self, clock: int) -> float:
        """Clock of leases."""
        return self.clock_gettime_ns(clock) / 10**9

    def monotonic(self) -> float:
        """Clock of pauses."""
        return self._loop.time()

    def perf_counter(self) -> float:
        """Clock of measurements."""
        return self._loop.time()


@cache
def _readers() -> list[ModuleType]:
    """Return the modules that read clocks."""
    modules = list(sys.modules.items())
    return [module for name, module in modules if name.startswith(_OURS) and vars(module).get("time") is time]


@contextlib.contextmanager
def virtual_time(loop: SimulatedLoop) -> Iterator[VirtualTime]:
    """Put virtual time into all modules of the gateway and the registry that are loaded."""
    virtual = VirtualTime(loop)
    for module in _readers():
        module.time = virtual  # type: ignore[attr-defined]
    try:
        yield virtual
    finally:
        for module in _readers():
            module.time = time  # type: ignore[attr-defined]
