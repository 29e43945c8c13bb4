"""The hot path's histogram says what the library's own would say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from metrics.cells import CellHistogram

BOUNDS = (0.001, 0.005, 0.25, 1.0, 10)


@given(st.lists(st.sampled_from((*BOUNDS, 0.0, 0.003, 9.5, 11.0)) | st.floats(min_value=0, max_value=100)))
def test_it_is_scraped_as_the_library_would_show_it(amounts):
    """Name, help, buckets (bounds belong to the bucket below), count and sum, byte for byte."""
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    mine = CellHistogram("gateway_x_seconds", "What, and why.", bounds=BOUNDS, registry=ours)
    other = Histogram("gateway_x_seconds", "What, and why.", buckets=BOUNDS, registry=theirs)
    for amount in amounts:
        mine.observe(amount)
        other.observe(amount)

    shown = [line for line in generate_latest(theirs).splitlines() if b"_created" not in line]
    assert [line for line in generate_latest(ours).splitlines() if line] == shown


def test_it_is_there_at_zero():
    """Never happened does not read as not measured."""
    registry = CollectorRegistry()
    CellHistogram("gateway_x_seconds", "What.", bounds=BOUNDS, registry=registry)

    assert registry.get_sample_value("gateway_x_seconds_count") == 0
    assert registry.get_sample_value("gateway_x_seconds_bucket", {"le": "+Inf"}) == 0


@pytest.mark.parametrize("bounds", [(), (1.0, 1.0), (2.0, 1.0)])
def test_bounds_that_are_none_are_refused(bounds):
    """At the start, not in the first scrape."""
    with pytest.raises(ValueError, match="bounds: must rise"):
        CellHistogram("gateway_x_seconds", "What.", bounds=bounds)
