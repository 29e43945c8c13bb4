"""What the registry counts: how its truth reaches the registry store, and how the journal becomes the ledger.

Not here: how old the facts are in a gateway (gateway.py); that is what decisions feel.
"""

import math
from collections.abc import Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from metrics.labels import Children

_APPLY_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_EFFECTIVE_SECONDS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 3.0, 5.0, 6.0, 7.0, 8.0)
#: How a notice goes: an instant message, or a webhook.
NOTICE_WAYS: Final = ("im", "hook")
#: How a wait for a change to be effective ended.
BARRIER_OUTCOMES: Final = ("processes", "leases", "not_yet")
#: What became of a webhook of TCR, and how a request to TCR ended.
TCR_EVENTS: Final = tuple(
    "applied unchanged older repeated unknown_type unknown_object unsigned malformed".split(),
)
TCR_REQUESTS: Final = ("ok", "refused", "limited", "denied", "failed")
#: What can be done about a number at the aggregator.
PROVISIONING_STEPS: Final = ("ask", "lookup", "wait", "confirm", "fail", "remedy", "removed", "stay", "drop")
PROVISIONING_EVENTS: Final = tuple(
    "applied looked_at pending not_awaited unknown_type no_event not_signed too_long".split()
)
PROVISIONING_STATES: Final = ("due", "asked", "stuck")


#: The classes of drift (registry/drift/classes.py).
DRIFT_KINDS: Final = (
    "number_not_at_aggregator",
    "number_extra_at_aggregator",
    "unknown_number_at_aggregator",
    "campaign_differs_at_aggregator",
    "shown_not_effective",
    "assignment_without_job",
    "provisioning_stuck",
    "campaign_state_differs_at_tcr",
    "sharing_state_differs_at_tcr",
    "carrier_state_differs",
    "brand_state_differs",
    "campaign_not_at_tcr",
    "brand_not_at_tcr",
    "store_document_differs",
    "store_document_missing",
    "store_document_extra",
    "enabled_without_licence",
    "two_enabled_numbers",
    "enabled_number_cannot_send",
    "assignment_inconsistent",
    "unknown_state",
    "over_number_limit",
    "orphan_assignment",
)


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

        self._add_ledger(registry)
        self._add_drift(registry)
        self._add_provisioning(registry)
        self._add_tcr(registry)
        self._add_notices(registry)

    def _add_drift(self, registry: CollectorRegistry) -> None:
        self._drift = Children(
            Gauge(
                "registry_open_drift",
                "Places where the registry and those around it disagree, that are open, by class. Above 0 for "
                "assignment_inconsistent somebody is to look at once; of a class that heals itself it falls again "
                "with the next turn, or healing does not work.",
                ["kind"],
                registry=registry,
            ),
            DRIFT_KINDS,
        ).at_zero()
        self._drift_turn = Gauge(
            "registry_drift_turn_age_seconds",
            "Time since the sweep for drift was through with everything. A steady rise means that a side does not "
            "answer, or that there is too much for the rate that is set.",
            registry=registry,
        )

    def _add_ledger(self, registry: CollectorRegistry) -> None:
        self._ledger_rows = Counter(
            "registry_ledger_rows_total",
            "Rows added to the ledger. No rise while messages are sent: look at registry_ledger_lag_entries.",
            registry=registry,
        )
        self._ledger_seconds = Histogram(
            "registry_ledger_write_seconds",
            "Time of one transaction of the ledger. A rise is the ledger's database, or the disk below it.",
            buckets=_APPLY_SECONDS,
            registry=registry,
        )
        self._ledger_lag = Gauge(
            "registry_ledger_lag_entries",
            "Journal entries that are not in the ledger yet, as of the last look. Above 100,000 of one partition they "
            "are lost: the journal drops the oldest. A rise means that the ledger is too slow, or its database away.",
            registry=registry,
        )
        self._ledger_gaps = Counter(
            "registry_ledger_gaps_total",
            "Places where journal entries were gone before the ledger read them. Above 0 the ledger is not whole.",
            registry=registry,
        )
        self._ledger_lost = Counter(
            "registry_ledger_lost_entries_total",
            "Journal entries that were gone before the ledger read them. Above 0 that many are missing for good.",
            registry=registry,
        )
        self._ledger_unreadable = Counter(
            "registry_ledger_unreadable_total",
            "Lines and refusals of the journal that the ledger could not read. Above 0 a newer gateway writes what "
            "this version does not know.",
            registry=registry,
        )
        self._ledger_failures = Counter(
            "registry_ledger_failures_total",
            "Attempts that ended because the queue store or the ledger's database was away. A steady rise: still.",
            registry=registry,
        )
        self._ledger_moved = Counter(
            "registry_ledger_moved_total",
            "Batches given up because another registry process had written them. Harmless; a rise is wasted work.",
            registry=registry,
        )
        self._ledger_trimmed = Counter(
            "registry_ledger_trimmed_rows_total",
            "Rows deleted from the ledger because their time was over. No rise for a day: retention stopped.",
            registry=registry,
        )

    def _add_provisioning(self, registry: CollectorRegistry) -> None:
        self._provisioning = Children(
            Counter(
                "registry_provisioning_steps_total",
                "What was done about numbers at the aggregator. A rise of fail or stay means that numbers do not get "
                "in or out; of remedy, that it shows numbers as done which carriers do not see.",
                ["outcome"],
                registry=registry,
            ),
            PROVISIONING_STEPS,
        ).at_zero()
        self._provisioning_failures = Counter(
            "registry_provisioning_call_failures_total",
            "Turns at the aggregator that ended without an answer that helps. A rise means that numbers stay pending.",
            registry=registry,
        )
        self._provisioning_events = Children(
            Counter(
                "registry_provisioning_events_total",
                "Events of the aggregator by what became of them. "
                "A rise of not_signed means a wrong secret, or somebody else.",
                ["outcome"],
                registry=registry,
            ),
            PROVISIONING_EVENTS,
        ).at_zero()
        self._provisioning_jobs = Children(
            Gauge(
                "registry_provisioning_jobs",
                "Numbers that are on their way in or out, or wait for a person (stuck). "
                "Above 0 for long, stuck is somebody's work.",
                ["status"],
                registry=registry,
            ),
            PROVISIONING_STATES,
        ).at_zero()

    def _add_tcr(self, registry: CollectorRegistry) -> None:
        self._tcr_events = Children(
            Counter(
                "registry_tcr_events_total",
                "Webhooks of TCR by what became of them. A rise of unsigned: somebody else sends them, or the secret "
                "or the address is not the one that TCR has. unknown_type: TCR has a new kind of event.",
                ["outcome"],
                registry=registry,
            ),
            TCR_EVENTS,
        ).at_zero()
        self._tcr_requests = Children(
            Counter(
                "registry_tcr_requests_total",
                "Requests to TCR by how they ended. A rise of limited: somebody else uses our key. denied: the key is "
                "not taken. failed: TCR does not answer, and applications wait.",
                ["outcome"],
                registry=registry,
            ),
            TCR_REQUESTS,
        ).at_zero()
        self._tcr_jobs = Gauge(
            "registry_tcr_jobs",
            "What is still to be asked of TCR: applications, deactivations, questions. A rise that stays means that "
            "TCR does not answer or refuses: look at the failed and denied requests.",
            registry=registry,
        )

    def tcr_event(self, outcome: str) -> None:
        """Count one webhook of TCR by what became of it."""
        self._tcr_events.of(outcome).inc()

    def tcr_request(self, outcome: str) -> None:
        """Count one request to TCR by how it ended."""
        self._tcr_requests.of(outcome).inc()

    def tcr_jobs(self, waiting: int) -> None:
        """Set how many jobs wait for TCR."""
        self._tcr_jobs.set(waiting)

    def _add_notices(self, registry: CollectorRegistry) -> None:
        self._notices_waiting = Children(
            Gauge(
                "registry_waiting_notices",
                "Deliveries of notices that are still to be made, as of the last look, by way: im (the gateway) or "
                "hook (customers' own). A rise of im means that the gateway does not take them.",
                ["way"],
                registry=registry,
            ),
            NOTICE_WAYS,
        ).at_zero()
        self._notices_delivered = Children(
            Counter(
                "registry_notices_delivered_total",
                "Notices delivered, one for each recipient. No rise while some wait: nothing arrives.",
                ["way"],
                registry=registry,
            ),
            NOTICE_WAYS,
        ).at_zero()
        self._notices_given_up = Children(
            Counter(
                "registry_notices_given_up_total",
                "Deliveries given up: three days of attempts, or a hook that wants no more. "
                "A rise of im means that admins were not told that numbers stop.",
                ["way"],
                registry=registry,
            ),
            NOTICE_WAYS,
        ).at_zero()

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

    def notices_waiting(self, counts: Mapping[str, int]) -> None:
        """Set how many deliveries of notices wait, by way."""
        for way in NOTICE_WAYS:
            self._notices_waiting.of(way).set(counts.get(way, 0))

    def notice_delivered(self, way: str) -> None:
        """Count one notice that a recipient has."""
        self._notices_delivered.of(way).inc()

    def notices_given_up(self, way: str, deliveries: int) -> None:
        """Count deliveries that nobody tries any more."""
        self._notices_given_up.of(way).inc(deliveries)

    def ledger_wrote(self, rows: int, seconds: float) -> None:
        """Count one transaction of the ledger."""
        self._ledger_rows.inc(rows)
        self._ledger_seconds.observe(seconds)

    def ledger_lag(self, entries: int) -> None:
        """Set how many journal entries are still to be read."""
        self._ledger_lag.set(entries)

    def ledger_gap(self, entries: int) -> None:
        """Count one gap, and what is missing; 0 where nobody can say."""
        self._ledger_gaps.inc()
        self._ledger_lost.inc(entries)

    def ledger_unreadable(self, entries: int) -> None:
        """Count what could not be read."""
        self._ledger_unreadable.inc(entries)

    def ledger_failed(self) -> None:
        """Count one attempt that ended because something was away."""
        self._ledger_failures.inc()

    def ledger_moved(self) -> None:
        """Count one batch that somebody else had written."""
        self._ledger_moved.inc()

    def ledger_trimmed(self, rows: int) -> None:
        """Count rows whose time was over."""
        self._ledger_trimmed.inc(rows)

    def drift(self, counts: Mapping[str, int], turn_age_s: float | None) -> None:
        """Set how much drift is open, by its class, and how old the last full turn is; None: there was none yet."""
        for kind in DRIFT_KINDS:
            self._drift.of(kind).set(counts.get(kind, 0))
        self._drift_turn.set(math.inf if turn_age_s is None else turn_age_s)

    def provisioning_step(self, step: str) -> None:
        """Count one thing that was done about a number."""
        self._provisioning.of(step).inc()

    def provisioning_call_failed(self) -> None:
        """Count one turn at the aggregator that led nowhere."""
        self._provisioning_failures.inc()

    def provisioning_event(self, outcome: str) -> None:
        """Count one event of the aggregator."""
        self._provisioning_events.of(outcome).inc()

    def provisioning_jobs(self, counts: Mapping[str, int]) -> None:
        """Set how many numbers are in which state of provisioning."""
        for state in PROVISIONING_STATES:
            self._provisioning_jobs.of(state).set(counts.get(state, 0))
