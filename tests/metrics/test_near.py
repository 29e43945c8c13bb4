"""What is counted of the copy of the registry in memory."""

import math

import pytest
from prometheus_client import CollectorRegistry

from metrics.near import NearMetrics


@pytest.fixture
def registry():
    """Of one process."""
    return CollectorRegistry()


@pytest.mark.parametrize("kind", ["gateway", "worker"])
def test_facts_never_seen_are_infinitely_old(registry, kind):
    """0 would say fresh; and once they are seen, their age is asked for at each look."""
    ages = iter([0.5, 7.5])
    near = NearMetrics(registry, kind)
    assert registry.get_sample_value(f"{kind}_registry_age_seconds") == math.inf

    near.age_of(lambda: next(ages))

    assert registry.get_sample_value(f"{kind}_registry_age_seconds") == 0.5
    assert registry.get_sample_value(f"{kind}_registry_age_seconds") == 7.5


def test_loads_changes_and_fills_are_counted(registry):
    """Each by what it is."""
    near = NearMetrics(registry, "gateway")

    near.loaded(1_000)
    near.changed(0.25)
    near.filled(3)

    assert registry.get_sample_value("gateway_registry_loads_total") == 1
    assert registry.get_sample_value("gateway_registry_change_seconds_sum") == 0.25
    assert registry.get_sample_value("gateway_registry_fills_total") == 3
