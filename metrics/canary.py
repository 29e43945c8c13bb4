"""What the canary counts: how long a revocation takes until the gateway's verdict changes, seen from outside.

Not here: how the number is flipped (gateway/demo/canary.py).
"""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from metrics.labels import Children

_EFFECT_SECONDS: Final = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 3.0, 5.0, 8.0, 15.0)
#: Why a flip came to nothing.
CANARY_FAILURES: Final = ("registry", "gateway", "late", "broken_promise")


class CanaryMetrics:
    """Instruments of one canary."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._effect = Histogram(
            "canary_effect_seconds",
            "Time from sending a change of a canary number to the registry until the gateway's verdict was another. "
            "Above 1 second revocations are slow, above 5 seconds a promise is broken.",
            buckets=_EFFECT_SECONDS,
            registry=registry,
        )
        self._failures = Children(
            Counter(
                "canary_failures_total",
                "Flips that came to nothing. registry, gateway: it did not answer as it should. late: the verdict "
                "stayed. A rise of broken_promise is an alarm: the registry called a change effective, and the "
                "gateway still judged by what was before.",
                ["reason"],
                registry=registry,
            ),
            CANARY_FAILURES,
        ).at_zero()
        self._last = Gauge(
            "canary_last_success_timestamp_seconds",
            "When a flip last went well; 0 when none has yet. It rises all the time: one older than a minute means "
            "that revocations do not work, or that nobody watches them.",
            registry=registry,
        )

    def turned(self, seconds: float) -> None:
        """Count one flip that went well."""
        self._effect.observe(seconds)
        self._last.set_to_current_time()

    def failed(self, reason: str) -> None:
        """Count one flip that came to nothing."""
        self._failures.of(reason).inc()
