"""What is counted of texts from outside."""

from prometheus_client import CollectorRegistry

from metrics.inbound import InboundMetrics


def test_texts_and_answers_are_counted():
    """Visible at zero from the start, and whatever is outside the sets is other."""
    registry = CollectorRegistry()
    inbound = InboundMetrics(
        registry, carriers=["zeta"], meanings=["stop", "none"], places=["inbox", "orphan"], replies=["queued"]
    )

    def texts(carrier, meaning, place):
        labels = {"carrier": carrier, "meaning": meaning, "place": place}
        return registry.get_sample_value("gateway_inbound_total", labels)

    assert texts("zeta", "stop", "orphan") == 0
    inbound.took("zeta", "stop", "inbox")
    inbound.took("+14155550143", "stop", "inbox")
    inbound.replied("stop", "queued")

    assert texts("zeta", "stop", "inbox") == texts("other", "stop", "inbox") == 1
    replies = {"meaning": "stop", "reply": "queued"}
    assert registry.get_sample_value("gateway_inbound_replies_total", replies) == 1
