"""What the public port counts before a request is anybody's: connections, time-outs, what was turned away.

Not here: answers and decisions (gateway.py).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from metrics.labels import OTHER, Children, closed_set

#: Gauges by name, and what they say.
_GAUGES: Final = {
    "gateway_connections_open": "Connections of the public port. Near A2P_MAX_CONNECTIONS new ones are refused: more "
    "clients than this process is for, or somebody who holds connections open.",
    "gateway_requests_under_way": "Sends that are judged or wait for the disk. At gateway_requests_limit others are "
    "turned away.",
    "gateway_requests_limit": "Sends that may be under way, found from how long each waits for its turn. A fall is a "
    "process short of CPU.",
    "gateway_bodies_bytes": "Room taken by large bodies. At A2P_BODY_MEMORY further ones are refused.",
}


class EdgeMetrics:
    """Instruments of one public port; refused, phases and causes are the closed sets of the labels."""

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        refused: Iterable[str],
        phases: Iterable[str],
        causes: Iterable[str],
    ) -> None:
        connections = Counter(
            "gateway_connections_refused_total",
            "Connections closed at once, by limit: of the process, or of one peer. A rise of peer is one client, or a "
            "load balancer whose limit is too low.",
            ["cause"],
            registry=registry,
        )
        self._refused = Children(connections, list(refused)).at_zero()
        timeouts = Counter(
            "gateway_timeouts_total",
            "Connections closed because they took too long, by what they owed: connect and head (nothing, or half a "
            "request), body, answer (not read), idle (no further request: everyday). A rise of any other than idle is "
            "a slow network, or an attack.",
            ["phase"],
            registry=registry,
        )
        self._timeouts = Children(timeouts, list(phases)).at_zero()
        self._shed = _Shed(causes)
        registry.register(self._shed)
        self._gauges = {name: Gauge(name, said, registry=registry) for name, said in _GAUGES.items()}

    def connection_refused(self, cause: str) -> None:
        """Count one connection that was one too many."""
        self._refused.of(cause).inc()

    def timed_out(self, phase: str) -> None:
        """Count one connection whose time was over."""
        self._timeouts.of(phase).inc()

    def shed(self, cause: str) -> None:
        """Count one send that was turned away."""
        self._shed.add(cause)

    def show(self, readings: Mapping[str, Callable[[], float]]) -> None:
        """Have gauges read when they are asked; KeyError for a name that is none."""
        for name, read in readings.items():
            self._gauges[name].set_function(read)


class _Shed(Collector):
    """A tally, because it is counted most when there is least time for it."""

    def __init__(self, causes: Iterable[str]) -> None:
        self._counts = dict.fromkeys(closed_set(causes), 0)

    def add(self, cause: str) -> None:
        """Count one."""
        self._counts[cause if cause in self._counts else OTHER] += 1

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield what is scraped."""
        family = CounterMetricFamily(
            "gateway_shed",
            "Sends turned away before their body was looked at (429, 503), by cause. A rise of busy is more load than "
            "CPU, of share one tenant's flood, of waiting a slow store, of memory, disk or backlog a store that fills "
            "up, of bodies too many large uploads at once.",
            labels=["cause"],
        )
        for cause, count in self._counts.items():
            family.add_metric([cause], count)
        yield family
