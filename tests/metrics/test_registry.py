from tests.metrics.reading import value


def test_an_apply_counts_its_documents_and_its_time(registry, registry_metrics):
    """Documents add up; the number of applies is the histogram's count."""
    registry_metrics.applied(500, 0.25)
    registry_metrics.applied(3, 0.5)

    assert value(registry, "registry_applied_documents_total") == 503
    assert value(registry, "registry_apply_seconds_sum") == 0.75
    assert value(registry, "registry_apply_seconds_count") == 2


def test_failures_and_heartbeats_are_not_applies(registry, registry_metrics):
    """Each has its own series; neither writes a document."""
    registry_metrics.apply_failed()
    registry_metrics.heartbeat()
    registry_metrics.heartbeat()

    assert value(registry, "registry_apply_failures_total") == 1
    assert value(registry, "registry_heartbeats_total") == 2
    assert value(registry, "registry_apply_seconds_count") == 0


def test_the_lag_is_what_was_set_last(registry, registry_metrics):
    """A gauge: it falls to 0 when the store has caught up."""
    registry_metrics.outbox_lag(42)
    registry_metrics.outbox_lag(0)

    assert value(registry, "registry_outbox_lag_changes") == 0
