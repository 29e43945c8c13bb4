"""How fast a worker brings a backlog to the carrier: texts accepted while no worker ran, then one starts.

The carrier's ledger is what counts: it says when each message arrived, and how often. Receipts come back while the
drain goes on, as they do in life.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import orjson

from loadtests.bench import stand
from loadtests.bench.cpu import foreign_cores, read_cpu, spent
from loadtests.bench.load import LOAD_TOOL
from loadtests.bench.load_wire import LoadOrder
from loadtests.bench.measures import ALLOWED, BATCH_CONNECTIONS, NDJSON, Bench, send
from loadtests.bench.results import BenchError, Sample
from loadtests.bench.traffic import BATCH_LINES

#: Messages under way to the carrier at once: by itself each, and in batches, where a request holds many.
_WINDOW: Final = 64
REQUESTS_AT_ONCE: Final = 8
#: A worker that has not drained the backlog by then never will.
_LONGEST_S: Final = 60.0
_LOOK_S: Final = 0.02
_NS: Final = 1e9


class Arrivals:
    """What has reached the carrier, read from its ledger as it grows."""

    def __init__(self, ledger: Path, offset: int = 0) -> None:
        self._ledger = ledger
        self._offset = offset
        self._references: set[str] = set()
        #: Submissions that the carrier took, doubles included.
        self.taken = 0
        #: Wall clock of the first and the last of them, ns.
        self.first_ns = 0
        self.last_ns = 0

    @property
    def messages(self) -> int:
        """How many different messages have arrived."""
        return len(self._references)

    def look(self) -> int:
        """Read what is new and return how many different messages have arrived."""
        with self._ledger.open("rb") as ledger:
            ledger.seek(self._offset)
            new = ledger.read()
        whole, _, _ = new.rpartition(b"\n")
        if whole:
            self._offset += len(whole) + 1
        for line in whole.splitlines():
            event = orjson.loads(line)
            if event["event"] == "received" and event["taken"]:
                self._references.add(event["reference"])
                self.taken += 1
                self.first_ns = self.first_ns or event["at_ns"]
                self.last_ns = event["at_ns"]
        return self.messages


def drain(batch: int) -> Callable[[Bench], Sample]:
    """Return the measure of a worker that puts so many messages into a request to the carrier."""
    window = _WINDOW if batch == 1 else batch * REQUESTS_AT_ONCE

    def take(bench: Bench) -> Sample:
        with (
            stand.carrier(bench.ground) as carrier,
            stand.gateway(bench.ground, bench.product, carrier) as gateway,
        ):
            backlog = fill(bench, gateway)
            started_ns = time.time_ns()
            with stand.worker(bench.ground, gateway, batch=batch, window=window) as worker:
                watched = {**gateway.watched, "worker": worker, "carrier": carrier.pid, LOAD_TOOL: os.getpid()}
                return _watch(Arrivals(carrier.ledger), backlog, watched, started_ns)

    return take


def fill(bench: Bench, gateway: stand.Gateway) -> int:
    """Have the backlog accepted; returns how many messages it is."""
    requests = -(-bench.options.drain_messages // BATCH_LINES)
    send(
        bench,
        LoadOrder(
            port=gateway.port,
            path="/v1/messages/batch",
            content_type=NDJSON,
            calls=str(bench.batches),
            messages=BATCH_LINES,
            mark=ALLOWED,
            connections=min(BATCH_CONNECTIONS, requests),
            warm_up_s=0,
            seconds=_LONGEST_S,
            requests_max=requests,
            watched={},
            patient=True,
        ),
    )
    return requests * BATCH_LINES


def _watch(arrivals: Arrivals, backlog: int, watched: dict[str, int], started_ns: int) -> Sample:
    """Wait until the carrier has the whole backlog. BenchError when that takes too long, or something came twice."""
    deadline = time.monotonic() + _LONGEST_S
    while (early := arrivals.look()) == 0 and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
    before = read_cpu(watched)
    while arrivals.look() < backlog and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
    after = read_cpu(watched)
    if arrivals.messages != backlog:
        raise BenchError(f"the carrier has {arrivals.messages:,} of {backlog:,} messages after {_LONGEST_S:.0f} s")
    if arrivals.taken != backlog:
        raise BenchError(f"the carrier took {arrivals.taken - backlog:,} messages more often than once")
    watched_messages = max(1, backlog - early)
    return Sample(
        messages=backlog,
        seconds=max(1, arrivals.last_ns - arrivals.first_ns) / _NS,
        cpu_us={name: seconds / watched_messages * 1e6 for name, seconds in spent(before, after).items()},
        foreign_cores=foreign_cores(before, after),
        details={"from_worker_start_s": (arrivals.last_ns - started_ns) / _NS},
    )
