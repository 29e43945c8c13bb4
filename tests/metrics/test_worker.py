import pytest

from metrics.worker import DOUBTS
from tests.metrics.reading import value


def test_a_submission_counts_its_outcome_and_its_time(registry, worker):
    """By carrier, so that one bad carrier stands out."""
    worker.submitted("acme", "throttled", 0.5)

    assert value(registry, "worker_submissions_total", carrier="acme", outcome="throttled") == 1
    assert value(registry, "worker_submissions_total", carrier="zeta", outcome="throttled") == 0
    assert value(registry, "worker_submission_seconds_sum", carrier="acme") == 0.5


def test_ends_retries_and_rechecks_are_counted_by_their_words(registry, worker):
    """Each in its own family."""
    worker.ended("delivered")
    worker.retried("zeta")
    worker.recheck_blocked("recipient_opted_out")

    assert value(registry, "worker_messages_ended_total", status="delivered") == 1
    assert value(registry, "worker_retries_total", carrier="zeta") == 1
    assert value(registry, "worker_rechecks_blocked_total", reason="recipient_opted_out") == 1


@pytest.mark.parametrize("resolution", DOUBTS)
def test_every_way_out_of_doubt_has_its_series(registry, worker, resolution):
    """A resend may have reached somebody twice: it must never be just other."""
    worker.doubt(resolution)

    assert value(registry, "worker_doubts_total", resolution=resolution) == 1


def test_a_lane_shows_its_depth_and_its_oldest(registry, worker):
    """Gauges: an emptied lane reads 0 again."""
    worker.lane_depth("acme:urgent", 12, 3.5)
    worker.lane_depth("acme:bulk", 7, 1.5)
    worker.lane_depth("acme:bulk", 0, 0)

    assert value(registry, "worker_lane_messages", lane="acme:urgent") == 12
    assert value(registry, "worker_lane_oldest_seconds", lane="acme:urgent") == 3.5
    assert value(registry, "worker_lane_messages", lane="acme:bulk") == 0
    assert value(registry, "worker_lane_oldest_seconds", lane="acme:bulk") == 0


def test_owned_partitions_are_what_was_set_last(registry, worker):
    """A worker that hands its partitions over owns none."""
    worker.owned(4)
    worker.owned(0)

    assert value(registry, "worker_owned_partitions") == 0


def test_conservation_is_shown_as_the_store_says(registry, worker):
    """All four, also a difference that should not be: it is not computed away here."""
    worker.conservation(accepted=10, terminal=6, open=3, difference=1)

    assert value(registry, "worker_queue_accepted_messages") == 10
    assert value(registry, "worker_queue_terminal_messages") == 6
    assert value(registry, "worker_queue_open_messages") == 3
    assert value(registry, "worker_queue_difference_messages") == 1
