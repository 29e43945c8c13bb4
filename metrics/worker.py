"""What the workers count: submissions, ends, retries, doubts, lanes, and the conservation of messages.

Not here: what happens before the 202 (gateway.py).
"""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from metrics.labels import Children

#: What was done about an attempt whose answer is lost: sent again, asked the carrier, ended as unknown.
DOUBTS: Final = ("resend", "query", "unknown")

#: Bounds in seconds: a carrier on the same network up to the longest wait for its answer.
_SUBMISSION_SECONDS: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class WorkerMetrics:
    """Instruments of one worker process.

    The keyword arguments are the closed sets of the labels: carriers, lanes (carrier x class), outcomes of a
    submission, terminal statuses, reasons that the recheck can block with.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        carriers: Iterable[str],
        lanes: Iterable[str],
        outcomes: Iterable[str],
        statuses: Iterable[str],
        reasons: Iterable[str],
    ) -> None:
        self._submissions = _Submissions(registry, tuple(carriers), tuple(outcomes))
        self._lanes = _Lanes(registry, tuple(lanes))
        self._conservation = _Conservation(registry)
        ended = Counter(
            "worker_messages_ended_total",
            "Messages that reached their end, by terminal status. A rise of expired means the lanes are too slow, "
            "of unknown a carrier without receipts, of failed a carrier that says no.",
            ["status"],
            registry=registry,
        )
        self._ended = Children(ended, statuses).at_zero()
        blocked = Counter(
            "worker_rechecks_blocked_total",
            "Messages accepted earlier and blocked before submission, by reason. "
            "A rise follows a revocation or a STOP while texts were waiting; without one, look at the registry.",
            ["reason"],
            registry=registry,
        )
        self._blocked = Children(blocked, reasons).at_zero()

    def submitted(self, carrier: str, outcome: str, seconds: float) -> None:
        """Count one answer of a carrier to a submission, or its absence, and how long it took."""
        self._submissions.all.of(carrier, outcome).inc()
        self._submissions.seconds.of(carrier).observe(seconds)

    def ended(self, status: str) -> None:
        """Count one message that reached a terminal status."""
        self._ended.of(status).inc()

    def retried(self, carrier: str) -> None:
        """Count one message put aside to be tried again with this carrier."""
        self._submissions.retries.of(carrier).inc()

    def doubt(self, resolution: str) -> None:
        """Count one attempt whose answer is lost, by what was done about it; resolution is one of DOUBTS."""
        self._submissions.doubts.of(resolution).inc()

    def lane_depth(self, lane: str, messages: int, oldest_seconds: float) -> None:
        """Set how many messages wait in a lane of this worker, and the age of the oldest (0 when empty)."""
        self._lanes.messages.of(lane).set(messages)
        self._lanes.oldest.of(lane).set(oldest_seconds)

    def owned(self, partitions: int) -> None:
        """Set how many partitions this worker owns."""
        self._lanes.partitions.set(partitions)

    def recheck_blocked(self, reason: str) -> None:
        """Count one message that the recheck before submission blocked."""
        self._blocked.of(reason).inc()

    def conservation(self, *, accepted: int, terminal: int, open: int, difference: int) -> None:  # noqa: A002 - the term
        """Set the queue store's own counters, of all its partitions: difference = accepted - terminal - open."""
        self._conservation.accepted.set(accepted)
        self._conservation.terminal.set(terminal)
        self._conservation.open.set(open)
        self._conservation.difference.set(difference)


class _Submissions:
    """What was offered to carriers."""

    def __init__(self, registry: CollectorRegistry, carriers: tuple[str, ...], outcomes: tuple[str, ...]) -> None:
        submissions = Counter(
            "worker_submissions_total",
            "Submissions by carrier and what the carrier said. A rise of refusals is that carrier's trouble, "
            "unless every carrier shows it: then it is ours or the network's.",
            ["carrier", "outcome"],
            registry=registry,
        )
        self.all = Children(submissions, carriers, outcomes).at_zero()
        seconds = Histogram(
            "worker_submission_seconds",
            "Time until a carrier answered a submission. A rise comes before throttling and lost answers: "
            "lower that carrier's window.",
            ["carrier"],
            buckets=_SUBMISSION_SECONDS,
            registry=registry,
        )
        self.seconds = Children(seconds, carriers).at_zero()
        retries = Counter(
            "worker_retries_total",
            "Messages put aside to be tried again, by carrier. A rise means that the carrier throttles or is down; "
            "nothing is lost.",
            ["carrier"],
            registry=registry,
        )
        self.retries = Children(retries, carriers).at_zero()
        doubts = Counter(
            "worker_doubts_total",
            "Attempts whose answer is lost, by what was done. Each resend may have reached somebody twice: "
            "a rise is a carrier that drops connections, or workers that are killed.",
            ["resolution"],
            registry=registry,
        )
        self.doubts = Children(doubts, DOUBTS).at_zero()


class _Lanes:
    """What waits, and for whom."""

    def __init__(self, registry: CollectorRegistry, lanes: tuple[str, ...]) -> None:
        messages = Gauge(
            "worker_lane_messages",
            "Messages waiting in a lane of this worker. A rise in the lanes of one carrier is that carrier; "
            "in all lanes, too few workers.",
            ["lane"],
            registry=registry,
        )
        self.messages = Children(messages, lanes).at_zero()
        oldest = Gauge(
            "worker_lane_oldest_seconds",
            "Age of the oldest message waiting in a lane. It rises with the clock when a lane stands still.",
            ["lane"],
            registry=registry,
        )
        self.oldest = Children(oldest, lanes).at_zero()
        self.partitions = Gauge(
            "worker_owned_partitions",
            "Partitions that this worker owns. Summed over all workers it is the number of partitions. When the sum "
            "falls, messages wait; when it rises for longer than a lease, two workers believe they own one.",
            registry=registry,
        )


class _Conservation:
    """The queue store's own counters: they survive restarts, ours do not, so these are gauges that are set."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.accepted = Gauge(
            "worker_queue_accepted_messages",
            "Messages ever accepted, by the store's counters; every worker says the same (take max, not sum). "
            "It only rises: a fall means another or an older store.",
            registry=registry,
        )
        self.terminal = Gauge(
            "worker_queue_terminal_messages",
            "Messages ever ended, by the store's counters. When accepted rises and this does not, nothing arrives.",
            registry=registry,
        )
        self.open = Gauge(
            "worker_queue_open_messages",
            "Messages accepted and not ended. A rise that does not fall again is a backlog: look at the lanes.",
            registry=registry,
        )
        self.difference = Gauge(
            "worker_queue_difference_messages",
            "Accepted less terminal less open, by the store's counters: always 0. Anything else for minutes means that "
            "a message was lost or counted twice: page.",
            registry=registry,
        )
