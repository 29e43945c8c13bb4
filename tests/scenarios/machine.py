"""What others do on the machine while something is timed: it makes everything slow, and is nobody's fault."""

import os
import resource
from typing import NamedTuple

from loadtests.bench.cpu import Reading, foreign_cores, read_cpu
from tests.gateway.running_edge import Edge

#: So much others may take of the machine.
QUIET_CORES = 0.125


class Clocks(NamedTuple):
    """CPU time of all that is ours."""

    reading: Reading
    ended_s: float


def clocks(edge: Edge, *children: int) -> Clocks:
    """Read them; children are processes that run at both readings."""
    servers = {"queue": edge.queue_server._process.pid, "registry": edge.registry_server._process.pid}
    ours = {"gateway": os.getpid(), **servers, **{str(pid): pid for pid in children}}
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Clocks(read_cpu(ours), ended.ru_utime + ended.ru_stime)


def foreign_since(edge: Edge, before: Clocks, *children: int) -> float:
    """Say how many cores others took since then; what ended meanwhile was ours."""
    after = clocks(edge, *children)
    passed_s = after.reading.at_s - before.reading.at_s
    return (foreign_cores(before.reading, after.reading) or 0.0) - (after.ended_s - before.ended_s) / passed_s
