"""How much facts may be trusted, by their age."""

import pytest

from compliance.facts import LIVE, RegistryState
from gateway.near.source import NO_READING, Reading

UNAVAILABLE = RegistryState(state="unavailable")


@pytest.mark.parametrize(
    ("age_ms", "state"),
    [
        (0, LIVE),
        (3_000, LIVE),
        (3_001, RegistryState(state="stale", age_s=4)),
        (4_750, RegistryState(state="stale", age_s=5)),
        (4_751, RegistryState(state="stale", age_s=6)),
        (None, UNAVAILABLE),
    ],
)
def test_facts_are_as_old_as_the_write_may_find_them(age_ms, state):
    """A quarter of a second is kept for the way from check to write, so that a limit holds at the carrier."""
    assert Reading(documents={}, seq=1, age_ms=age_ms).state(strict=False) == state


def test_strict_takes_nothing_but_live_ones():
    """And what is not known is not live."""
    assert Reading(documents={}, seq=1, age_ms=3_000).state(strict=True) == LIVE
    assert Reading(documents={}, seq=1, age_ms=3_001).state(strict=True) == UNAVAILABLE
    assert NO_READING.state(strict=True) == UNAVAILABLE
