"""What the registry counts: how its truth reaches the registry store.

Not here: how old the facts are in a gateway (gateway.py); that is what decisions feel.
"""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from metrics.labels import Children

_APPLY_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_EFFECTIVE_SECONDS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 3.0, 5.0, 6.0, 7.0, 8.0)
#: How a wait for a change to be effective ended.
BARRIER_OUTCOMES: Final = ("processes", "leases", "not_yet")


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
        self._effective = Histogram(
            "registry_effective_seconds",
            "Time from the commit of a change through the admin API until no process could judge by what was before. "
            "Above 1 second revocations are slow: look at registry_processes_behind_changes and apply failures.",
            buckets=_EFFECTIVE_SECONDS,
            registry=registry,
        )
        self._barriers = Children(
            Counter(
                "registry_barriers_total",
                "Changes through the admin API by how they became effective. leases: not everybody could be asked, "
                "and old facts ran out by themselves. A rise of not_yet (answered with 202) means that revocations "
                "were not known to be effective within 8 seconds.",
                ["outcome"],
                registry=registry,
            ),
            BARRIER_OUTCOMES,
        ).at_zero()
        self._processes = Gauge(
            "registry_processes",
            "Gateways and workers that keep facts in memory and said so within 6 seconds. "
            "A rise is a start; fewer than run means that some are cut off from the registry store and refuse texts.",
            registry=registry,
        )
        self._behind = Gauge(
            "registry_processes_behind_changes",
            "Changes that the process furthest behind has not read yet. Above 0 for long means that a process "
            "is stuck, and revocations wait for its lease to run out.",
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

    def barrier(self, outcome: str, seconds: float) -> None:
        """Count one wait for a change to be effective, and how long it took if it was."""
        self._barriers.of(outcome).inc()
        if outcome != "not_yet":
            self._effective.observe(seconds)

    def processes(self, live: int, seq_behind: int) -> None:
        """Set how many processes follow, and how many changes the last of them lacks."""
        self._processes.set(live)
        self._behind.set(seq_behind)
