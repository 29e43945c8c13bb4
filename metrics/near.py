"""What a process counts of its copy of the registry in memory."""

import math
from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

#: Seconds: a healthy change takes some milliseconds, one behind a lost connection some seconds.
_CHANGE_SECONDS: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class NearMetrics:
    """Instruments of the near cache of one process; kind (gateway, worker) is the first word of their names."""

    def __init__(self, registry: CollectorRegistry, kind: str) -> None:
        self._age = Gauge(
            f"{kind}_registry_age_seconds",
            "Age of the facts that decisions are taken on; +Inf before the first. Above 3 they count as stale: "
            "the registry, its store or the feed has stopped, and api traffic is refused from 5 on.",
            registry=registry,
        )
        self._age.set(math.inf)  # 0 would say "fresh" of facts that we have never seen.
        self._changes = Histogram(
            f"{kind}_registry_change_seconds",
            "Time from a change in the registry store until this process decides by it. "
            "A rise is a busy event loop or a slow way to the store.",
            buckets=_CHANGE_SECONDS,
            registry=registry,
        )
        self._loads = Counter(
            f"{kind}_registry_loads_total",
            "Times that all documents were loaded: once a start. A rise is a rebuild, or a feed that lost changes.",
            registry=registry,
        )
        self._fills = Counter(
            f"{kind}_registry_fills_total",
            "Documents of numbers read because they were not in memory. "
            "A steady rise says that more numbers send than are kept (A2P_NEAR_NUMBERS).",
            registry=registry,
        )

    def age_of(self, age_s: Callable[[], float]) -> None:
        """Ask for the age, in seconds, whenever somebody looks."""
        self._age.set_function(age_s)

    def loaded(self, documents: int) -> None:
        """Count a load of everything."""
        del documents
        self._loads.inc()

    def changed(self, seconds: float) -> None:
        """Note how long a change took to come here."""
        self._changes.observe(seconds)

    def filled(self, documents: int) -> None:
        """Count documents read one by one."""
        self._fills.inc(documents)
