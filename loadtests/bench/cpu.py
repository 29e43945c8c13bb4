"""CPU time of processes and of the whole machine, from /proc. Where there is none, nothing is said.

Not here: dividing by messages (measures.py).
"""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
#: utime and stime in /proc/<pid>/stat, counted from the field after the command's name.
_UTIME, _STIME = 11, 12
#: user, nice and system in the first line of /proc/stat. Interrupts are left out: they belong to no process.
_BUSY = slice(1, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """CPU seconds since each process, and the machine, started."""

    #: Of a clock that only moves forward.
    at_s: float
    #: By the name that the caller gave; a process that has ended, or cannot be seen, is missing.
    processes: Mapping[str, float]
    #: Of all processes together; None where the system does not tell.
    machine: float | None


def read_cpu(watched: Mapping[str, int]) -> Reading:
    """Read the clocks of processes, given as name to process id. Resolution: a tick of the kernel, usually 10 ms."""
    tick_s = 1 / os.sysconf("SC_CLK_TCK")
    processes = {}
    for name, pid in watched.items():
        try:
            stat = (_PROC / str(pid) / "stat").read_text()
        except OSError:
            continue
        # The command's name stands in parentheses and may hold anything, blanks and parentheses too.
        fields = stat.rpartition(")")[2].split()
        processes[name] = (int(fields[_UTIME]) + int(fields[_STIME])) * tick_s
    return Reading(at_s=time.perf_counter(), processes=processes, machine=_machine_s(tick_s))


def _machine_s(tick_s: float) -> float | None:
    try:
        with (_PROC / "stat").open() as stat:
            return sum(int(ticks) for ticks in stat.readline().split()[_BUSY]) * tick_s
    except OSError:
        return None


def spent(before: Reading, after: Reading) -> dict[str, float]:
    """Return CPU seconds by process between two readings."""
    both = before.processes.keys() & after.processes.keys()
    return {name: after.processes[name] - before.processes[name] for name in after.processes if name in both}


def foreign_cores(before: Reading, after: Reading) -> float | None:
    """Return how many cores were taken by processes that were not watched."""
    if before.machine is None or after.machine is None:
        return None
    foreign_s = after.machine - before.machine - sum(spent(before, after).values())
    return max(0.0, foreign_s / (after.at_s - before.at_s))
