"""What the registry's public port counts: requests of programs, of people in the console, and of those who call back.

Not here: the registry's own work (registry.py).
"""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from metrics.labels import Children

#: Whose requests: programs' (/v1), people's (/console), callers' back (/hooks).
SURFACES: Final = ("v1", "console", "hooks")
_STATUSES: Final = ("1xx", "2xx", "3xx", "4xx", "5xx")
#: Seconds. A page may take 0.05; what waits for gateways to hear of a change takes up to 5.
_BOUNDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class RegistryHttpMetrics:
    """Instruments of the public port of one registry process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        answered = Counter(
            "registry_http_requests_total",
            "Requests that were answered, by surface (v1, console, hooks) and status class. A rise of 5xx means that "
            "the database is away, or a fault of ours: the log has database_unavailable or request_crashed.",
            ["route", "status"],
            registry=registry,
        )
        self._answered = Children(answered, SURFACES, _STATUSES).at_zero()
        taken = Histogram(
            "registry_http_request_seconds",
            "How long whole answers took, by surface; streams (live pages, files) are not in it. A rise of console "
            "above 0.05 is felt by people; changes wait until every gateway has them.",
            ["route"],
            buckets=_BOUNDS,
            registry=registry,
        )
        self._taken = Children(taken, SURFACES).at_zero()

    def answered(self, surface: str, status: int, seconds: float | None) -> None:
        """Count an answer; seconds: how long it took, None for a stream."""
        self._answered.of(surface, f"{status // 100}xx").inc()
        if seconds is not None:
            self._taken.of(surface).observe(seconds)
