import time

from tests.metrics.reading import value


def test_a_flip_that_went_well_has_a_time_and_an_instant(registry, canary):
    """The last counts."""
    before = time.time()
    canary.turned(0.25)

    assert value(registry, "canary_effect_seconds_count") == 1
    assert value(registry, "canary_effect_seconds_sum") == 0.25
    assert before <= value(registry, "canary_last_success_timestamp_seconds") <= time.time()


def test_a_failure_is_counted_by_its_reason(registry, canary):
    """And leaves the last success as it was."""
    canary.failed("late")

    assert value(registry, "canary_failures_total", reason="late") == 1
    assert value(registry, "canary_last_success_timestamp_seconds") == 0
