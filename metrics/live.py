"""What live events count: who is connected, and what they were told.

Not here: other connections of the public port (edge.py).
"""

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

from metrics.labels import Children

#: Types of frames.
_TYPES: Final = ("hello", "message", "status", "inbound", "position", "gap")


class LiveMetrics:
    """Instruments of the live events of one gateway process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        sent = Counter(
            "gateway_events_sent_total",
            "Frames sent to clients of live events, by type. A rise of gap is clients that were away for longer than "
            "events are looked back for, or a queue store that was replaced.",
            ["type"],
            registry=registry,
        )
        self._sent = Children(sent, _TYPES).at_zero()
        self._open = Gauge(
            "gateway_event_connections_open",
            "Sockets of live events. Near A2P_MAX_EVENT_CONNECTIONS new ones are refused.",
            registry=registry,
        )

    def event_sent(self, kind: str) -> None:
        """Count one frame by its type."""
        self._sent.of(kind).inc()

    def connections_of(self, read: Callable[[], float]) -> None:
        """Have the number of sockets read when it is asked for."""
        self._open.set_function(read)
