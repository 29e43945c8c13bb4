"""A histogram for the hot path: an observation is an addition to a list, and Prometheus' arithmetic waits for a scrape.

The library's own takes a lock for every number that it adds, so that threads may share it. A process of ours observes
from its event loop alone and is scraped by the same loop, so nothing here needs one. What is scraped is the same.

Not here: counters (decisions.py has the one that is counted most often).
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class CellHistogram(Collector):
    """A histogram without labels. bounds: the buckets' upper bounds, rising, without infinity; ValueError otherwise."""

    def __init__(
        self, name: str, documentation: str, *, bounds: Sequence[float], registry: CollectorRegistry | None = None
    ) -> None:
        if not bounds or any(low >= high for low, high in pairwise(bounds)):
            raise ValueError("bounds: must rise, and there must be one")
        self._name = name
        self._documentation = documentation
        self._bounds = tuple(float(bound) for bound in bounds)
        self._names = (*map(_name_of, self._bounds), "+Inf")
        self._cells = [0] * len(self._names)
        self._sum = 0.0
        if registry is not None:
            registry.register(self)

    def observe(self, amount: float, times: int = 1) -> None:
        """Add an observation, in the unit of the name, or so many that are alike."""
        self._cells[bisect_left(self._bounds, amount)] += times
        self._sum += amount * times

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Yield what is scraped: each bucket with all below it."""
        buckets = list(zip(self._names, accumulate(self._cells), strict=True))
        yield HistogramMetricFamily(self._name, self._documentation, buckets=buckets, sum_value=self._sum)


def _name_of(bound: float) -> str:
    return str(floatToGoString(bound))  # type: ignore[no-untyped-call]  # untyped there
