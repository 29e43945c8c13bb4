"""Bars with whiskers as inline SVG: nothing is fetched, nothing runs.

A bar is the median, its whisker reaches from the lowest to the highest round. Colours come from the page's style.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from loadtests.bench.figures import Spread, text_of

_WIDTH: Final = 860
#: Where bars begin and end, and where the space for their figures ends.
_LEFT: Final = 330
_RIGHT: Final = 660
_ROW: Final = 30
_BAR: Final = 16
_CAP: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar."""

    title: str
    value: Spread
    #: A goal is a line across the bar.
    goal: float | None = None


def bar_chart(title: str, unit: str, bars: Sequence[Bar]) -> str:
    """Draw bars on one scale from zero; "" without any."""
    if not bars:
        return ""
    top = max(max(bar.value.high, bar.goal or 0.0) for bar in bars) or 1.0
    height = _ROW * len(bars) + 6
    rows = "".join(_row(bar, index * _ROW, top) for index, bar in enumerate(bars))
    return (
        f"<figure><figcaption>{escape(title)} <small>{escape(unit)}</small></figcaption>"
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}">{rows}</svg></figure>'
    )


def _row(bar: Bar, y: int, top: float) -> str:
    middle = y + _ROW / 2

    def x(value: float) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * max(0.0, value) / top, 1)

    low, median, high = x(bar.value.low), x(bar.value.median), x(bar.value.high)
    whisker = (
        f"M{low} {middle - _CAP}V{middle + _CAP}M{low} {middle}H{high}M{high} {middle - _CAP}V{middle + _CAP}"
        if low != high
        else ""
    )
    goal = "" if bar.goal is None else f'<path class="goal" d="M{x(bar.goal)} {y + 3}V{y + _ROW - 3}"/>'
    return (
        f'<text x="{_LEFT - 8}" y="{middle + 4}" text-anchor="end">{escape(bar.title)}</text>'
        f'<rect class="bar" x="{_LEFT}" y="{middle - _BAR / 2}" width="{round(median - _LEFT, 1)}" height="{_BAR}"/>'
        f'<path class="whisker" d="{whisker}"/>{goal}'
        f'<text x="{_RIGHT + 8}" y="{middle + 4}">{escape(text_of(bar.value))}</text>'
    )
