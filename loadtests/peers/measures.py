"""One sample of one peer: so many texts in over HTTP, and how long until the carrier has the last of them.

Both peers deliver to a carrier emulator of their own that sends no receipts, both are warm when it counts, and both are
measured alike: messages by the time from the first arrival at the carrier to the last. Accepting goes on meanwhile. The
machine is shared by all of it, the load tool too.
"""

import contextlib
import http.client
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import orjson

from loadtests.bench import stand
from loadtests.bench.cpu import foreign_cores, read_cpu, spent
from loadtests.bench.drain import REQUESTS_AT_ONCE, Arrivals
from loadtests.bench.load import LOAD_TOOL
from loadtests.bench.load_wire import LoadOrder, LoadReport
from loadtests.bench.measures import ALLOWED, BATCH_CONNECTIONS, JSON, NDJSON, SINGLE_CONNECTIONS
from loadtests.bench.results import BenchError, Sample
from loadtests.bench.traffic import BATCH_LINES
from loadtests.children import Ground, python
from loadtests.peers.kannel import Boxes, kannel

#: Messages in one request of our worker.
_WORKER_BATCH: Final = 50
_LONGEST_S: Final = 120.0
_LOOK_S: Final = 0.05
_NS: Final = 1e9
#: No receipts: Kannel is asked for none.
_NO_RECEIPTS: Final = {"name": "no receipts", "rules": [{"receipts": "none"}]}
_CARRIER_TOKEN: Final = "carrier-secret"  # noqa: S105  the development default of both sides


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """What measures work with."""

    ground: Ground
    boxes: Boxes
    registry: stand.Registry
    #: Texts of one sample, one a request and in batches; and those that go before it, unmeasured.
    single_texts: int
    batch_texts: int
    warm_up_texts: int
    #: Files of requests by peer and kind: ours-single, kannel-batch and so on.
    calls: Mapping[str, Path]


def ours(peers: Peers, *, batch: bool) -> Sample:
    """Measure gateway, worker and stores."""
    with (
        _carrier(peers.ground) as carrier,
        stand.gateway(peers.ground, peers.registry, carrier) as gateway,
        stand.worker(peers.ground, gateway, batch=_WORKER_BATCH, window=_WORKER_BATCH * REQUESTS_AT_ONCE) as worker,
    ):
        return _take(
            peers,
            carrier,
            LoadOrder(
                port=gateway.port,
                path="/v1/messages/batch" if batch else "/v1/messages",
                content_type=NDJSON if batch else JSON,
                calls=str(peers.calls["ours-batch" if batch else "ours-single"]),
                messages=BATCH_LINES if batch else 1,
                mark=ALLOWED,
                connections=BATCH_CONNECTIONS if batch else SINGLE_CONNECTIONS,
                warm_up_s=0,
                seconds=_LONGEST_S,
                requests_max=1,
                watched={**gateway.watched, "worker": worker, "carrier": carrier.pid},
                patient=True,
            ),
        )


def kannels(peers: Peers, *, batch: bool) -> Sample:
    """Measure Kannel's two boxes."""
    with _carrier(peers.ground) as carrier, kannel(peers.ground, peers.boxes, carrier) as peer:
        return _take(
            peers,
            carrier,
            LoadOrder(
                port=peer.port,
                path="",
                content_type="",
                calls=str(peers.calls["kannel-batch" if batch else "kannel-single"]),
                messages=BATCH_LINES if batch else 1,
                mark="",
                connections=BATCH_CONNECTIONS if batch else SINGLE_CONNECTIONS,
                warm_up_s=0,
                seconds=_LONGEST_S,
                requests_max=1,
                watched={**peer.watched, "carrier": carrier.pid},
            ),
        )


@contextlib.contextmanager
def _carrier(ground: Ground) -> Iterator[stand.Carrier]:
    """Run a carrier emulator that sends no receipts."""
    with stand.carrier(ground) as carrier:
        connection = http.client.HTTPConnection("127.0.0.1", carrier.port, timeout=5)
        with contextlib.closing(connection):
            headers = {"Authorization": f"Bearer {_CARRIER_TOKEN}"}
            connection.request("PUT", "/scenario", orjson.dumps(_NO_RECEIPTS), headers)
            if connection.getresponse().status != http.HTTPStatus.OK:
                raise BenchError("the carrier emulator did not take the scenario")
        yield carrier


def _take(peers: Peers, carrier: stand.Carrier, order: LoadOrder) -> Sample:
    """Send the warm-up and the texts that count, each until the carrier has all of them."""
    if peers.warm_up_texts:
        _send(peers.ground, replace(order, requests_max=-(-peers.warm_up_texts // order.messages)))
        _wait(Arrivals(carrier.ledger), -(-peers.warm_up_texts // order.messages) * order.messages)
    arrivals = Arrivals(carrier.ledger, offset=carrier.ledger.stat().st_size)
    texts = peers.single_texts if order.messages == 1 else peers.batch_texts
    requests = -(-texts // order.messages)
    watched = {**order.watched, "bench": os.getpid()}
    before = read_cpu(watched)
    report = _send(peers.ground, replace(order, requests_max=requests))
    _wait(arrivals, requests * order.messages)
    after = read_cpu(watched)
    return sample_of(
        arrivals, report, order.messages, {**spent(before, after), **_load_tool(report)}, foreign_cores(before, after)
    )


def sample_of(
    arrivals: Arrivals, report: LoadReport, messages: int, cpu_s: Mapping[str, float], foreign: float | None
) -> Sample:
    """Make a sample of what the carrier has and what the load tool says; messages in one request."""
    return Sample(
        messages=arrivals.taken,
        seconds=max(1, arrivals.last_ns - arrivals.first_ns) / _NS,
        p50_ms=report.p50_ms,
        p99_ms=report.p99_ms,
        cpu_us={name: seconds / arrivals.taken * 1e6 for name, seconds in cpu_s.items() if name != "bench"},
        # The load tool is no process that was watched from here: what it took is not foreign.
        foreign_cores=None
        if foreign is None
        else max(0.0, foreign - cpu_s.get(LOAD_TOOL, 0.0) / max(report.seconds, 1e-9)),
        details={
            "accepted_per_second": report.requests * messages / report.seconds,
            "refused_requests": float(report.refusals),
        },
    )


def _load_tool(report: LoadReport) -> dict[str, float]:
    return {name: seconds for name, seconds in report.cpu_s.items() if name == LOAD_TOOL}


def _send(ground: Ground, order: LoadOrder) -> LoadReport:
    command = python("loadtests.bench.load")
    report = LoadReport.load(ground.run("load tool", command, given=order.dump(), timeout_s=_LONGEST_S + 30))
    if report.failures or report.requests != order.requests_max:
        raise BenchError(
            f"{report.requests:,} of {order.requests_max:,} requests were accepted, first: {report.first_failure}"
        )
    return report


def _wait(arrivals: Arrivals, count: int) -> None:
    """Wait until the carrier has taken so many. BenchError when it takes too long, or more came than was sent."""
    deadline = time.monotonic() + _LONGEST_S
    arrivals.look()
    while arrivals.taken < count and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
        arrivals.look()
    if arrivals.taken != count:
        raise BenchError(f"the carrier took {arrivals.taken:,} of {count:,} messages within {_LONGEST_S:.0f} s")
