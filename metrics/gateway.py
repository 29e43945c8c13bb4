"""What the send path counts: decisions, accepts, refusals, receipts, answers.

Not here: what happens to a message after its 202 (worker.py).
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from prometheus_client import CollectorRegistry, Counter

from metrics.cells import CellHistogram
from metrics.decisions import DecisionTally
from metrics.labels import Children

#: Why an accept failed: the queue store's words, and the one for a lost answer.
ACCEPT_FAILURES: Final = ("unreachable", "full", "settings", "functions", "outcome_unknown")

#: Bounds in seconds. A decision is CPU only; an accept waits for the disk.
_DECISION_SECONDS: Final = (0.000_02, 0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.05)
_DISK_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_FLUSH_MESSAGES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
#: Answers that somebody is woken for: visible at zero for every route, the others when they first happen.
_ALARMING: Final = (HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE)


class GatewayMetrics:
    """Instruments of one gateway process.

    The keyword arguments are the closed sets of the labels: channels, verdicts and reasons of a decision, input_codes
    of requests refused before any decision, folded (what a receipt did), routes (path templates, never paths).
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        channels: Iterable[str],
        verdicts: Iterable[str],
        reasons: Iterable[str],
        input_codes: Iterable[str],
        folded: Iterable[str],
        routes: Iterable[str],
    ) -> None:
        self._decisions = DecisionTally(channels, verdicts, reasons)
        registry.register(self._decisions)
        self._decision_seconds = CellHistogram(
            "gateway_decision_seconds",
            "Time to judge one leg, its facts at hand. A rise means a rule became slow or the machine is short of CPU.",
            bounds=_DECISION_SECONDS,
            registry=registry,
        )
        self._accepts = _Accepts(registry)
        self._edge = _Edge(registry, tuple(input_codes), tuple(folded), tuple(routes))

    def decided(self, channel: str, verdict: str, reason: str) -> None:
        """Count one leg's decision."""
        self._decisions.add(channel, verdict, reason)

    def decision_took(self, seconds: float) -> None:
        """Note how long one leg's decision took, its facts at hand."""
        self._decision_seconds.observe(seconds)

    def accept_took(self, seconds: float, *, times: int = 1) -> None:
        """Note how long a request, or each of several, waited until the queue store had it on disk."""
        self._accepts.seconds.observe(seconds, times)

    def flushed(self, size: int, seconds: float) -> None:
        """Note one group commit: how many messages it carried and how long the store took."""
        self._accepts.flush_messages.observe(size)
        self._accepts.flush_seconds.observe(seconds)

    def replayed(self) -> None:
        """Count one request whose idempotency key was known, answered as the first time."""
        self._accepts.replays.inc()

    def accept_failed(self, reason: str) -> None:
        """Count one request that was not, or perhaps not, kept; reason is one of ACCEPT_FAILURES."""
        self._accepts.failures.of(reason).inc()

    def refused_input(self, code: str) -> None:
        """Count one request refused before any decision: malformed, or not allowed to ask."""
        self._edge.refused.of(code).inc()

    def receipt(self, folded: str) -> None:
        """Count one carrier receipt by what it did."""
        self._edge.receipts.of(folded).inc()

    def responded(self, route: str, status: int) -> None:
        """Count one HTTP answer; route is the path template."""
        self._edge.responses.of(route, str(status)).inc()


class _Accepts:
    """What the queue store was asked to keep."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.seconds = CellHistogram(
            "gateway_accept_seconds",
            "Time from handing a request to the queue store until it is on disk. "
            "A rise is a slow disk when flushes take longer too, else too many requests for one connection.",
            bounds=_DISK_SECONDS,
            registry=registry,
        )
        self.flush_seconds = CellHistogram(
            "gateway_flush_seconds",
            "Time of one group commit in the queue store. A rise is the store's disk, its CPU or the network to it.",
            bounds=_DISK_SECONDS,
            registry=registry,
        )
        self.flush_messages = CellHistogram(
            "gateway_flush_messages",
            "Messages that one group commit carried. It rises with load and with slow commits; at 1, none was shared.",
            bounds=_FLUSH_MESSAGES,
            registry=registry,
        )
        self.replays = Counter(
            "gateway_replays_total",
            "Requests answered from their idempotency key. "
            "A rise means that clients repeat: they time out or lose our answers.",
            registry=registry,
        )
        failures = Counter(
            "gateway_accept_failures_total",
            "Requests that the queue store did not keep (503). A rise of unreachable or outcome_unknown is the store "
            "or the way to it, of full its memory, of settings or functions a store that was changed under us.",
            ["reason"],
            registry=registry,
        )
        self.failures = Children(failures, ACCEPT_FAILURES).at_zero()


class _Edge:
    """What came in and what was answered."""

    def __init__(
        self,
        registry: CollectorRegistry,
        input_codes: tuple[str, ...],
        folded: tuple[str, ...],
        routes: tuple[str, ...],
    ) -> None:
        refused = Counter(
            "gateway_refused_inputs_total",
            "Requests refused before any decision, by code. "
            "A rise of one code is a client that was changed, or a probe.",
            ["code"],
            registry=registry,
        )
        self.refused = Children(refused, input_codes).at_zero()
        receipts = Counter(
            "gateway_receipts_total",
            "Carrier receipts by what they did. A rise of contradicted or unknown_message is a carrier that mixes up "
            "its ids; of repeated, one that does not see our answers.",
            ["folded"],
            registry=registry,
        )
        self.receipts = Children(receipts, folded).at_zero()
        responses = Counter(
            "gateway_responses_total",
            "HTTP answers by route and status. A rise of 503 is a missing store or registry, of 500 a fault of ours; "
            "route other is a path that we do not have.",
            ["route", "status"],
            registry=registry,
        )
        self.responses = Children(responses, routes, [str(status.value) for status in HTTPStatus])
        for route in routes:
            for status in _ALARMING:
                self.responses.of(route, str(status.value))
