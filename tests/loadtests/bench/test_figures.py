"""Figures from many values."""

import pytest

from loadtests.bench.figures import Spread, figure, percentile, ratio, text_of


@pytest.mark.parametrize(("percent", "expected"), [(50, 5), (99, 10), (100, 10), (10, 1), (11, 2), (0, 1)])
def test_a_percentile_is_a_value_that_was_measured(percent, expected):
    """Nearest rank: so many percent are not above it."""
    assert percentile(range(1, 11), percent) == expected


def test_a_percentile_of_one_value_is_that_value():
    """A measure may be so slow that there is no more."""
    assert percentile([7.0], 99) == 7.0


def test_a_spread_is_median_lowest_and_highest():
    """One disturbed round moves the whisker, not the median."""
    assert Spread.over([3.0, 1.0, 900.0]) == Spread(median=3.0, low=1.0, high=900.0)


def test_a_round_without_the_value_does_not_count():
    """Not measured is not zero."""
    assert Spread.over([None, 4.0, 2.0]) == Spread(median=3.0, low=2.0, high=4.0)
    assert Spread.over([None]) is None


@pytest.mark.parametrize(
    ("over", "under", "expected"), [(6.0, 3.0, 2.0), (None, 3.0, None), (6.0, None, None), (6.0, 0.0, None)]
)
def test_a_ratio_needs_both_sides(over, under, expected):
    """Nothing is divided by nothing."""
    assert ratio(over, under) == expected


@pytest.mark.parametrize(
    ("value", "text"), [(0.001234, "0.00123"), (12.345, "12.3"), (100.4, "100"), (1234567.0, "1,234,567")]
)
def test_a_figure_has_the_digits_that_count(value, text):
    """More digits would claim more than was measured."""
    assert figure(value) == text


def test_a_spread_is_written_with_its_ends_where_they_differ():
    """A figure without its spread says nothing about the next run."""
    assert text_of(Spread(median=2.0, low=1.0, high=3.0)) == "2 (1 to 3)"
    assert text_of(Spread(median=2.0, low=2.0, high=2.0)) == "2"
    assert text_of(None) == "-"
