"""Plots as SVG that the page has in it: bars by day or hour, stacked, with the numbers for who cannot see them.

Drawn here and not by a script: it prints, it needs nothing, and a strict content policy lets it be. Colours are classes
of the style sheet.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from markupsafe import Markup, escape

_WIDTH: Final = 720
_HEIGHT: Final = 160
_LEFT: Final = 44
_BOTTOM: Final = 22
_TOP: Final = 8
_GAP: Final = 0.25
_LABELS: Final = 8


def bars(
    title: str, places: Sequence[str], series: Mapping[str, Sequence[int]], names: Mapping[str, str] | None = None
) -> Markup:
    """Draw stacked bars: places are the labels below, series the heights by what is counted (also its CSS class).

    Series are drawn from below in their order. Nothing to count gives an empty plot with its axis. names: what series
    are called where they are told and not drawn.
    """
    called = {name: escape((names or {}).get(name, name)) for name in series}
    totals = [sum(values) for values in zip(*series.values(), strict=True)] if series else []
    top = _round_up(max(totals, default=0))
    step = (_WIDTH - _LEFT) / max(1, len(places))
    scale = (_HEIGHT - _BOTTOM - _TOP) / top
    labelled = max(1, -(-len(places) // _LABELS))
    parts = [_axis(top)]
    for place, label in enumerate(places):
        x, y = _LEFT + place * step + step * _GAP / 2, float(_HEIGHT - _BOTTOM)
        told, drawn = [], []
        for name, values in series.items():
            if values[place]:
                height = values[place] * scale
                y -= height
                told.append(f"{called[name]} {values[place]:,}")
                drawn.append(_bar(x, y, step * (1 - _GAP), height, name))
        parts.append(f"<g><title>{escape(label)}: {', '.join(told) or '0'}</title>{''.join(drawn)}</g>")
        if place % labelled == 0:
            parts.append(_label(x, label))
    said = f"{escape(title)}: " + "; ".join(f"{called[name]} {sum(values):,}" for name, values in series.items())
    return Markup(  # noqa: S704 - escaped
        f'<svg class="plot" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{said}">{"".join(parts)}</svg>'
    )


def legend(names: Mapping[str, str]) -> Markup:
    """List which colour is what: series and what they are called."""
    items = Markup("").join(
        Markup(
            '<li><svg viewBox="0 0 10 10" aria-hidden="true"><rect class="bar bar-{}" width="10" height="10" rx="2"/>'
            "</svg>{}</li>"
        ).format(name, label)
        for name, label in names.items()
    )
    return Markup('<ul class="legend">{}</ul>').format(items)


# What follows is text that is escaped already: Markup of every piece takes longer than all the rest of a plot.


def _bar(x: float, y: float, width: float, height: float, name: str) -> str:
    return (
        f'<rect class="bar bar-{escape(name)}" x="{x:.1f}" y="{y:.1f}"'
        f' width="{max(1.0, width):.1f}" height="{max(0.5, height):.1f}" rx="1.5"/>'
    )


def _label(x: float, label: str) -> str:
    return f'<text class="plot-label" x="{x:.1f}" y="{_HEIGHT - 6}">{escape(label)}</text>'


def _axis(top: int) -> str:
    lines = []
    for part in (0, 0.5, 1):
        y = _HEIGHT - _BOTTOM - part * (_HEIGHT - _BOTTOM - _TOP)
        value = f"{top * part:,.0f}" if top > 1 or part != 0.5 else ""  # noqa: PLR2004 - half way
        lines.append(
            f'<line class="plot-line" x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="plot-label plot-value" x="{_LEFT - 6}" y="{y + 4:.1f}">{value}</text>'
        )
    return "".join(lines)


def _round_up(most: int) -> int:
    """Return the end of the axis: 1, 2 or 5 with noughts."""
    tens = 1
    while tens * 10 < most:
        tens *= 10
    return next(digit * tens for digit in (1, 2, 5, 10) if digit * tens >= most)
