"""What is measured beside what: each measure takes one sample a round.

Not here: the drain (drain.py), the order of rounds (runner.py), what the figures mean side by side (summary.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from loadtests.bench import stand
from loadtests.bench.load_wire import LoadOrder, LoadReport
from loadtests.bench.options import Options
from loadtests.bench.results import BenchError, Sample
from loadtests.bench.store_load import StoreOrder
from loadtests.bench.traffic import BATCH_LINES
from loadtests.children import Ground, answers, fetch, python
from loadtests.ports import free_port

#: In the answer to every text that may be sent as it is: a flagged, deferred or refused one is a failure here.
ALLOWED: Final = '"verdict":"allow"'
JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
SINGLE_CONNECTIONS: Final = 64
BATCH_CONNECTIONS: Final = 4

#: More than a run can use up: these are bounded by time.
_UNBOUNDED: Final = 10_000_000
_ENTRY_BYTES: Final = 300
#: The store holds all of them in memory.
_ENTRIES_MAX: Final = 400_000
#: A child that runs so much longer than it was told to is stuck.
_PATIENCE_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What measures work with."""

    options: Options
    ground: Ground
    #: Files of requests (traffic.py).
    singles: Path
    batches: Path
    #: None when no measure that was asked for needs it.
    registry: stand.Registry | None

    @property
    def product(self) -> stand.Registry:
        """The registry, for measures that say that they need it."""
        if self.registry is None:
            raise BenchError("this measure needs the registry, which was not started")
        return self.registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One thing that is measured."""

    #: In files and for --only.
    name: str
    title: str
    #: Measures of a group are drawn side by side.
    group: str
    take: Callable[[Bench], Sample]
    #: It needs the registry with the company in it.
    needs_product: bool = False


def echo(bench: Bench) -> Sample:
    """Measure the bare application, with the requests of the single accept."""
    port = free_port()
    command = python("loadtests.bench.echo", "--port", str(port))
    with bench.ground.running("echo", command, answers(port, "/healthz")) as pid:
        report = send(bench, timed(bench, port, bench.singles, watched={"echo": pid}))
    return sample_of(report, messages=1)


def single(bench: Bench) -> Sample:
    """Measure the accept of one text a request, and what its stages took by the gateway's own histograms."""
    with stand.gateway(bench.ground, bench.product) as gateway:
        order = timed(bench, gateway.port, bench.singles, watched=gateway.watched, mark=ALLOWED)
        warm(bench, order)
        before = scrape(gateway.admin_port)
        report = send(bench, order)
        stages = stages_of(before, scrape(gateway.admin_port))
    return sample_of(report, messages=1, details=stages)


def batch(bench: Bench) -> Sample:
    """Measure the accept of a hundred texts a request."""
    with stand.gateway(bench.ground, bench.product) as gateway:
        order = LoadOrder(
            port=gateway.port,
            path="/v1/messages/batch",
            content_type=NDJSON,
            calls=str(bench.batches),
            messages=BATCH_LINES,
            mark=ALLOWED,
            connections=BATCH_CONNECTIONS,
            warm_up_s=bench.options.warm_up_s,
            seconds=bench.options.seconds,
            requests_max=_UNBOUNDED,
            watched=gateway.watched,
            patient=True,
        )
        warm(bench, order)
        report = send(bench, order)
    return sample_of(report, messages=BATCH_LINES)


def store_one(bench: Bench) -> Sample:
    """Measure entries that are brought to the disk one by one."""
    return _store(bench, in_flight=1)


def store_many(bench: Bench) -> Sample:
    """Measure entries of which 64 share an fsync."""
    return _store(bench, in_flight=64)


def _store(bench: Bench, *, in_flight: int) -> Sample:
    options = bench.options
    with stand.store(bench.ground, "raw-store", fsync="always") as store:
        order = StoreOrder(
            socket=str(store.socket),
            in_flight=in_flight,
            entry_bytes=_ENTRY_BYTES,
            warm_up_s=options.warm_up_s,
            seconds=options.seconds,
            entries_max=_ENTRIES_MAX,
            watched={"raw store": store.pid},
        )
        timeout_s = options.warm_up_s + options.seconds + _PATIENCE_S
        command = python("loadtests.bench.store_load")
        said = bench.ground.run("store load", command, given=order.dump(), timeout_s=timeout_s)
    return sample_of(LoadReport.load(said), messages=in_flight)


def timed(bench: Bench, port: int, calls: Path, *, watched: Mapping[str, int], mark: str = "") -> LoadOrder:
    """Order single texts for the measured time."""
    return LoadOrder(
        port=port,
        path="/v1/messages",
        content_type=JSON,
        calls=str(calls),
        messages=1,
        mark=mark,
        connections=SINGLE_CONNECTIONS,
        warm_up_s=bench.options.warm_up_s,
        seconds=bench.options.seconds,
        requests_max=_UNBOUNDED,
        watched=watched,
        patient=True,
    )


def warm(bench: Bench, order: LoadOrder) -> None:
    """Send the first texts of an order unmeasured: a gateway that has just started has nothing near yet."""
    requests = bench.options.warm_up_texts // order.messages
    if requests:
        send(bench, replace(order, warm_up_s=0, seconds=_PATIENCE_S, requests_max=requests))


def send(bench: Bench, order: LoadOrder) -> LoadReport:
    """Run the load tool. BenchError when it fails, or when any answer was not a good one."""
    timeout_s = order.warm_up_s + order.seconds + _PATIENCE_S
    command = python("loadtests.bench.load")
    report = LoadReport.load(bench.ground.run("load tool", command, given=order.dump(), timeout_s=timeout_s))
    if report.failures:
        raise BenchError(
            f"{report.failures:,} answers of POST {order.path} were not accepted texts, "
            f"the first: {report.first_failure}",
        )
    if not report.requests:
        raise BenchError(f"POST {order.path} was not answered within the measured time")
    return report


def sample_of(report: LoadReport, *, messages: int, details: Mapping[str, float] | None = None) -> Sample:
    """Make a sample of a report; messages in one request."""
    count = report.requests * messages
    return Sample(
        messages=count,
        seconds=report.seconds,
        p50_ms=report.p50_ms,
        p99_ms=report.p99_ms,
        cpu_us={name: seconds / count * 1e6 for name, seconds in report.cpu_s.items()},
        foreign_cores=report.foreign_cores,
        details={**(details or {}), "refused_requests": float(report.refusals)},
    )


def scrape(admin_port: int) -> dict[str, float]:
    """Return the metrics without labels that a process shows."""
    body = fetch(admin_port, "/metrics")
    if body is None:
        raise BenchError("/metrics did not answer")
    lines = (line.split() for line in body.decode().splitlines() if line and line[0] != "#" and "{" not in line)
    return {name: float(value) for name, value, *_ in lines}


def stages_of(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Return what the stages of an accept took on average between two scrapes."""
    grown = {name: value - before.get(name, 0.0) for name, value in after.items()}

    def mean(name: str) -> float:
        return grown[f"{name}_sum"] / max(1.0, grown[f"{name}_count"])

    return {
        "decision_us": mean("gateway_decision_seconds") * 1e6,
        "accept_us": mean("gateway_accept_seconds") * 1e6,
        "flush_us": mean("gateway_flush_seconds") * 1e6,
        "flush_messages": mean("gateway_flush_messages"),
    }
