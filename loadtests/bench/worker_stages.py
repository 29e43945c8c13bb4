"""What a worker spends its time on: its share by stage, from Python's profiler, while it drains a backlog.

A profiler makes everything slower, small functions most of all; so it gives shares, and the CPU time they are shares of
is that of the drain without it (summary.py). It profiles plain Python: of compiled code a profiler sees little.
"""

import os
import pstats
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from loadtests.bench import stand
from loadtests.bench.drain import REQUESTS_AT_ONCE, Arrivals, fill
from loadtests.bench.measures import Bench
from loadtests.bench.results import BenchError, Sample
from loadtests.children import Process, answers, checkout, python
from loadtests.ports import free_port

STAGES_NAME: Final = "worker-stages"
#: Stage to where its code is, by what stands in the name of a file or, of compiled code, of a module. The first that
#: fits counts; code of Python itself and of the libraries below counts to whoever calls it.
STAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "judging again: facts and decision": ("/gateway/send/", "/gateway/near/", "/compliance/", "/gateway/policies"),
    "the carrier: body, request, answer": ("/gateway/connectors/", "/aiohttp/", "/yarl/", "/multidict/", "/aiosignal/"),
    "the store's client: begin, finish, take": ("/gateway/queue/", "/redis/", "/hiredis/"),
    "reading: entries, envelopes, jobs": ("/gateway/envelope", "/gateway/work/reader", "/gateway/work/hand"),
    "lanes, attempts, steps": ("/gateway/work/", "/gateway/in_force", "/gateway/clock", "/gateway/failpoints"),
    "metrics and logs": ("/metrics/", "/prometheus_client/", "/structlog/", "/gateway/logs"),
}
LOOP: Final = "the event loop and the rest"

_BATCH: Final = 50
_LONGEST_S: Final = 90.0
_LOOK_S: Final = 0.02
#: Callers of callers are asked so far.
_DEPTH_MAX: Final = 8

#: File, line and name, as pstats has them.
_Function = tuple[str, int, str]


def worker_stages(bench: Bench) -> Sample:
    """Measure the shares of the stages while a worker drains a backlog."""
    written = bench.ground.new_folder("profile") / "worker.prof"
    with (
        stand.carrier(bench.ground) as carrier,
        stand.gateway(bench.ground, bench.product, carrier) as gateway,
    ):
        backlog = fill(bench, gateway)
        admin_port = free_port()
        settings = {
            **gateway.settings,
            "A2P_WORKER_ADMIN_PORT": str(admin_port),
            "A2P_CARRIER_BATCH": str(_BATCH),
            "A2P_CARRIER_WINDOW": str(_BATCH * REQUESTS_AT_ONCE),
        }
        command = python("loadtests.bench.profiled", str(written), "gateway", "work", "--supervised")
        plain = {**bench.ground.environment, "PYTHONPATH": str(checkout())}
        worker = Process("worker", command, plain, bench.ground.new_folder("worker") / "log")
        try:
            worker.start(settings)
            worker.wait_ready(answers(admin_port, "/readyz"))
            worker.signal(signal.SIGUSR1)
            seconds = _drained(Arrivals(carrier.ledger), backlog)
            worker.signal(signal.SIGUSR2)
            _wait_for(written, worker)
        finally:
            worker.end()
    return Sample(messages=backlog, seconds=seconds, details=shares_of(pstats.Stats(str(written)).stats))  # type: ignore[attr-defined]


def _drained(arrivals: Arrivals, backlog: int) -> float:
    started = time.monotonic()
    while arrivals.look() < backlog:
        if time.monotonic() - started > _LONGEST_S:
            raise BenchError(f"the carrier has {arrivals.messages:,} of {backlog:,} messages")
        time.sleep(_LOOK_S)
    return time.monotonic() - started


def _wait_for(file: Path, worker: Process) -> None:
    until = time.monotonic() + _LONGEST_S
    while not file.exists():
        if time.monotonic() > until or worker.status is not None:
            raise BenchError(f"the profile was not written: {worker.last_words()}")
        time.sleep(_LOOK_S)


def shares_of(stats: Mapping[_Function, Any]) -> dict[str, float]:
    """Return each stage's share of all time; stats as pstats has them: calls, own time, and own time by caller."""
    took = dict.fromkeys((*STAGES, LOOP), 0.0)
    for function, (_, _, own_s, _, callers) in stats.items():
        _spread(function, own_s, callers, stats, took, _DEPTH_MAX)
    whole = sum(took.values()) or 1.0
    return {stage: seconds / whole for stage, seconds in took.items()}


def _spread(
    function: _Function,
    seconds: float,
    callers: Mapping[_Function, Any],
    stats: Mapping[_Function, Any],
    took: dict[str, float],
    depth: int,
) -> None:
    """Count the time of a function to its stage, or, where it has none, to those of its callers."""
    stage = _stage_of(function)
    weights = {caller: max(own[2], 1e-9) for caller, own in callers.items() if caller != function}
    if stage is not None or depth == 0 or not weights:
        took[stage or LOOP] += seconds
        return
    whole = sum(weights.values())
    for caller, weight in weights.items():
        above = stats[caller][4] if caller in stats else {}
        _spread(caller, seconds * weight / whole, above, stats, took, depth - 1)


def _stage_of(function: _Function) -> str | None:
    file, _, name = function
    # Of compiled code there is no file: "<built-in method gateway.envelope.load>".
    where = file.replace(os.sep, "/") if file != "~" else "/" + name.replace(".", "/").rpartition(" ")[2]
    for stage, marks in STAGES.items():
        if any(mark in where for mark in marks):
            return stage
    return None
