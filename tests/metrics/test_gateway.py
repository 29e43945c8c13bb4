import pytest

from metrics.gateway import ACCEPT_FAILURES, GatewayMetrics
from tests.metrics.reading import samples, value


class TestDecisions:
    def test_a_decision_counts_in_all_three_families(self, registry, gateway):
        """One decision, three ways to look at it."""
        gateway.decided("sms", "block", "recipient_opted_out")

        labels = {"channel": "sms", "verdict": "block", "reason": "recipient_opted_out"}
        assert value(registry, "gateway_decisions_total", **labels) == 1
        assert value(registry, "gateway_verdicts_total", channel="sms", verdict="block") == 1
        assert value(registry, "gateway_reasons_total", reason="recipient_opted_out") == 1

    def test_the_parts_are_sums_over_the_combinations(self, registry, gateway):
        """The three families cannot disagree."""
        for _ in range(3):
            gateway.decided("sms", "allow", "ok_registered")
        gateway.decided("mms", "allow", "ok_registered")
        gateway.decided("mms", "block", "recipient_opted_out")

        assert value(registry, "gateway_verdicts_total", channel="sms", verdict="allow") == 3
        assert value(registry, "gateway_verdicts_total", channel="mms", verdict="allow") == 1
        assert value(registry, "gateway_reasons_total", reason="ok_registered") == 4
        assert value(registry, "gateway_reasons_total", reason="recipient_opted_out") == 1

    def test_only_combinations_that_happened_are_shown(self, registry, gateway):
        """Three channels, four verdicts and all reasons would be hundreds of series, most of them impossible."""
        gateway.decided("sms", "allow", "ok_registered")

        assert sum(1 for s in samples(registry) if s.name == "gateway_decisions_total") == 1

    def test_a_reason_outside_the_catalogue_counts_as_other(self, registry, gateway):
        """It stays a decision of its channel and verdict, and is seen."""
        gateway.decided("sms", "block", "+12025550123")
        gateway.decided("sms", "block", "not_in_the_catalogue")

        assert value(registry, "gateway_decisions_total", channel="sms", verdict="block", reason="other") == 2
        assert value(registry, "gateway_verdicts_total", channel="sms", verdict="block") == 2
        assert value(registry, "gateway_reasons_total", reason="other") == 2


@pytest.mark.parametrize("reason", ACCEPT_FAILURES)
def test_every_word_of_the_queue_store_has_its_series(registry, gateway, reason):
    """A failed accept is never just other."""
    gateway.accept_failed(reason)

    assert value(registry, "gateway_accept_failures_total", reason=reason) == 1


def test_times_and_sizes_are_observed(registry, gateway):
    """Each into its own histogram, in seconds and messages."""
    gateway.decision_took(0.000_03)
    gateway.accept_took(0.25)
    gateway.flushed(7, 0.125)

    assert value(registry, "gateway_decision_seconds_sum") == 0.000_03
    assert value(registry, "gateway_accept_seconds_sum") == 0.25
    assert value(registry, "gateway_flush_seconds_sum") == 0.125
    assert value(registry, "gateway_flush_messages_sum") == 7


def test_the_edge_is_counted_by_its_words(registry, gateway):
    """What was refused, repeated, and what receipts did."""
    gateway.refused_input("missing_field")
    gateway.replayed()
    gateway.receipt("applied")

    assert value(registry, "gateway_refused_inputs_total", code="missing_field") == 1
    assert value(registry, "gateway_replays_total") == 1
    assert value(registry, "gateway_receipts_total", folded="applied") == 1


class TestAnswers:
    def test_answers_count_by_route_and_status(self, registry, gateway):
        """The status is the number that was sent."""
        gateway.responded("/v1/messages", 202)

        assert value(registry, "gateway_responses_total", route="/v1/messages", status="202") == 1

    @pytest.mark.parametrize("status", ["500", "503"])
    @pytest.mark.parametrize("route", ["/v1/messages", "/v1/messages/{id}"])
    def test_what_somebody_is_woken_for_is_there_from_the_start(self, registry, gateway, route, status):
        """The first 503 of a route is then a rise, which an alert can see."""
        assert value(registry, "gateway_responses_total", route=route, status=status) == 0

    def test_a_path_is_no_route(self, registry, gateway):
        """A path holds message ids; only its template is a label."""
        gateway.responded("/v1/messages/0-1763780000000-1-0", 200)

        assert value(registry, "gateway_responses_total", route="other", status="200") == 1


def test_sets_may_be_handed_in_as_generators(registry):
    """Iterable means once: no series may be missing because a set was read twice."""
    GatewayMetrics(
        registry,
        channels=(c for c in ["sms"]),
        verdicts=(v for v in ["allow"]),
        reasons=(r for r in ["ok_registered"]),
        input_codes=(c for c in ["malformed_json"]),
        folded=(f for f in ["applied"]),
        routes=(r for r in ["/v1/messages"]),
    )

    assert value(registry, "gateway_verdicts_total", channel="sms", verdict="allow") == 0
    assert value(registry, "gateway_responses_total", route="/v1/messages", status="503") == 0
