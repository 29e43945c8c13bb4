"""Figures from many values: percentiles within a measurement, medians with their spread over rounds.

Not here: which figures are shown beside which (summary.py).
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

_THREE_DIGITS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """One figure over all rounds. The median, because a disturbed round moves a mean."""

    median: float
    low: float
    high: float

    @classmethod
    def over(cls, values: Iterable[float | None]) -> Self | None:
        """Return the spread of the values that there are; None without any."""
        found = [value for value in values if value is not None]
        if not found:
            return None
        return cls(median=statistics.median(found), low=min(found), high=max(found))


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the smallest value that percent of an ascending, non-empty sequence do not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def ratio(over: float | None, under: float | None) -> float | None:
    """Return over / under; None where one of them is missing or there is nothing to divide by."""
    return None if over is None or not under else over / under


def text_of(spread: Spread | None) -> str:
    """Write a spread as median (lowest to highest)."""
    if spread is None:
        return "-"
    if spread.low == spread.high:
        return figure(spread.median)
    return f"{figure(spread.median)} ({figure(spread.low)} to {figure(spread.high)})"


def figure(value: float) -> str:
    """Write a figure with three digits that count, or all before the point."""
    return f"{value:,.0f}" if abs(value) >= _THREE_DIGITS else f"{value:.3g}"
