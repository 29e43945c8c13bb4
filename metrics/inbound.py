"""What the edge counts of texts that carriers bring: what they meant, where they went, how they were answered.

Not here: receipts (gateway.py).
"""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter

from metrics.labels import Children


class InboundMetrics:
    """Instruments of the way in; carriers, meanings, places and replies are the closed sets of the labels."""

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        carriers: Iterable[str],
        meanings: Iterable[str],
        places: Iterable[str],
        replies: Iterable[str],
    ) -> None:
        meanings = tuple(meanings)
        texts = Counter(
            "gateway_inbound_total",
            "Texts that carriers brought and that are on disk, by what they mean and where they went, repetitions "
            "included. Of orphan nobody owns the number: a rise is a carrier that still routes numbers to us, or a "
            "registry that has lost some. A rise of stop or revocation_suspected is somebody who texts too much; the "
            "latter wait for a person to settle them.",
            ["carrier", "meaning", "place"],
            registry=registry,
        )
        self._texts = Children(texts, carriers, meanings, places).at_zero()
        replies_made = Counter(
            "gateway_inbound_replies_total",
            "Answers to STOP, START and HELP by what became of them: queued, repeated (it was queued before), network "
            "(of toll-free numbers the network answers), too_late (a confirmation is of no use any more), blocked (the "
            "number may not text). A rise of blocked is people who write to numbers that are not registered.",
            ["meaning", "reply"],
            registry=registry,
        )
        self._replies = Children(replies_made, meanings, replies).at_zero()

    def took(self, carrier: str, meaning: str, place: str) -> None:
        """Count one text that is on disk."""
        self._texts.of(carrier, meaning, place).inc()

    def replied(self, meaning: str, reply: str) -> None:
        """Count what became of one answer."""
        self._replies.of(meaning, reply).inc()
