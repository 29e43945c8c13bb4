"""Places where a process can be made to kill itself, so that tests can show what a crash exactly there costs.

Off unless A2P_FAILPOINT names one, which settings refuse where a store is not on this machine; then the start says so
in an error line. A point that is not armed costs one look at an empty table.

Not here: who arms them (loadtests/faults, tests).
"""

import os
import signal
from typing import Final

import structlog

POINTS: Final = (
    "gateway.before_accept",
    "gateway.after_accept",
    "worker.before_begin",
    "worker.after_begin",
    "worker.before_write",
    "worker.after_write",
    "worker.before_finish",
    "worker.after_finish",
)

#: Point to the passes left until it takes effect.
_armed: dict[str, int] = {}

log = structlog.get_logger(__name__)


def parse(text: str) -> tuple[str, int]:
    """Read "<point>:<pass>", such as worker.after_begin:3; ValueError for anything else."""
    point, _, number = text.partition(":")
    if point not in POINTS or not number.isdecimal() or int(number) < 1:
        raise ValueError(f"must be a point and the number of a pass, such as {POINTS[3]}:3; of {', '.join(POINTS)}")
    return point, int(number)


def arm(text: str) -> None:
    """Have this process killed at a point; "" arms nothing."""
    if not text:
        return
    point, number = parse(text)
    _armed[point] = number
    log.error("failpoint_armed", point=point, at_pass=number, meaning="this process will kill itself")


def passed(point: str) -> None:
    """Say that the process is at a point. Usually nothing happens."""
    if point not in _armed:
        return
    _armed[point] -= 1
    if _armed[point] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
