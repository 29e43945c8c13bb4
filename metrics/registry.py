"""What the registry counts: how its truth reaches the registry store.

Not here: how old the facts are in a gateway (gateway.py); that is what decisions feel.
"""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_APPLY_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class RegistryMetrics:
    """Instruments of one registry process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._documents = Counter(
            "registry_applied_documents_total",
            "Documents written into the registry store. "
            "A jump is an import or a rebuild; otherwise it follows the console.",
            registry=registry,
        )
        self._seconds = Histogram(
            "registry_apply_seconds",
            "Time of one apply in the registry store. A rise delays every revocation by as much.",
            buckets=_APPLY_SECONDS,
            registry=registry,
        )
        self._failures = Counter(
            "registry_apply_failures_total",
            "Applies that failed or were refused. A rise means the store is gone or another projector writes: "
            "the gateways' facts grow stale.",
            registry=registry,
        )
        self._lag = Gauge(
            "registry_outbox_lag_changes",
            "Changes committed in SQL and not yet in the registry store. "
            "A rise means that revocations do not reach the gateways: look at apply failures.",
            registry=registry,
        )
        self._heartbeats = Counter(
            "registry_heartbeats_total",
            "Applies without documents, two a second, that keep the gateways' facts live. "
            "When it stops rising they are stale within 3 seconds.",
            registry=registry,
        )

    def applied(self, documents: int, seconds: float) -> None:
        """Count one apply that the store took."""
        self._documents.inc(documents)
        self._seconds.observe(seconds)

    def apply_failed(self) -> None:
        """Count one apply that failed or was refused."""
        self._failures.inc()

    def outbox_lag(self, seq_behind: int) -> None:
        """Set how many changes SQL is ahead of the store."""
        self._lag.set(seq_behind)

    def heartbeat(self) -> None:
        """Count one heartbeat that the store took."""
        self._heartbeats.inc()
