"""The run as one page that needs nothing else: tables, plots, the machine, every round."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

import orjson

from loadtests.bench.figures import Spread, figure, text_of
from loadtests.bench.plots import Bar, bar_chart
from loadtests.bench.results import Run
from loadtests.bench.summary import CAVEAT, Rate, Stage, Summary

_GROUPS: Final = {
    "accept": "Accepting texts",
    "drain": "Draining a backlog to the carrier",
    "store": "The floor of the store",
}
_LEGEND: Final = (
    "A bar is the median of all rounds, its whisker reaches from the lowest to the highest, a red line is a goal."
)
_STYLE: Final = """
:root { color-scheme: light dark; --ink: light-dark(#1c2330, #e6e9ef); --soft: light-dark(#5c6675, #9aa4b2);
  --line: light-dark(#d9dee6, #39414d); --bar: light-dark(#5b8def, #6f9bf2); --goal: light-dark(#b3261e, #ff8a80);
  --paper: light-dark(#fff, #14181f); --warn: light-dark(#fff4d6, #3a3013); }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 900px;
  margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.2rem; } small, .soft { color: var(--soft); font-weight: normal; }
.caveat { border-left: 4px solid var(--bar); padding: .3rem .8rem; }
.warning { background: var(--warn); padding: .5rem .8rem; border-radius: 6px; margin: .4rem 0; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .25rem .6rem; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
figure { margin: 1.2rem 0; } figcaption { font-weight: 600; } .scroll { overflow-x: auto; }
svg { width: 100%; height: auto; font-size: 13px; fill: var(--ink); }
.bar { fill: var(--bar); } .whisker { stroke: var(--ink); fill: none; } .goal { stroke: var(--goal); stroke-width: 2; }
pre { overflow-x: auto; font-size: 12px; }
"""


def render_page(run: Run, summary: Summary) -> str:
    """Return the page as HTML."""
    parts = [
        "<h1>Benchmark of a2p-gateway</h1>",
        f'<p class="soft">{escape(run.started_at)} · {len(run.rounds)} rounds, interleaved</p>',
        f'<p class="caveat">{escape(CAVEAT)} {escape(_LEGEND)}</p>',
        *(f'<p class="warning">{escape(warning)}</p>' for warning in run.warnings),
        _ratios(summary),
        *(_group(title, [rate for rate in summary.rates if rate.group == name]) for name, title in _GROUPS.items()),
        _stages(summary),
        _worker_stages(summary),
        _machine(run),
        _rounds(run),
        *(f"<h2>{escape(one.title)}</h2><pre>{escape(one.table)}</pre>" for one in run.inside),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Benchmark of a2p-gateway</title><style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _ratios(summary: Summary) -> str:
    if not summary.ratios:
        return ""
    rows = ((one.title, text_of(one.reached), one.goal_text) for one in summary.ratios)
    bars = [Bar(title=one.title, value=one.reached, goal=one.goal) for one in summary.ratios if one.goal is not None]
    return (
        "<h2>Ratios within a round</h2>"
        + bar_chart("Reached, where there is a goal", "times", bars)
        + _table(("ratio", "median (lowest to highest)", "goal"), rows)
    )


def _group(title: str, rates: Sequence[Rate]) -> str:
    if not rates:
        return ""
    rows = ((rate.title, text_of(rate.per_second), text_of(rate.p50_ms), text_of(rate.p99_ms)) for rate in rates)
    return (
        f"<h2>{escape(title)}</h2>"
        + bar_chart("Throughput", "messages a second", [Bar(title=one.title, value=one.per_second) for one in rates])
        + bar_chart("Latency, median", "ms a request", _bars((one.title, one.p50_ms) for one in rates))
        + bar_chart("Latency, 99th percentile", "ms a request", _bars((one.title, one.p99_ms) for one in rates))
        + bar_chart(
            "CPU by process",
            "µs a message",
            _bars((f"{one.name}: {name}", spread) for one in rates for name, spread in one.cpu_us.items()),
        )
        + _table(("measure", "messages/s", "p50 ms", "p99 ms"), rows)
    )


def _stages(summary: Summary) -> str:
    if not summary.cpu_stages:
        return ""
    unit = "" if summary.unit_us is None else f", {figure(summary.unit_us.median)} µs here"
    return (
        "<h2>Stages of a single accept</h2>"
        f'<p class="soft">Units are of orjson.loads of one decision record{unit}.</p>'
        + bar_chart("CPU", "µs a text", [Bar(title=one.title, value=one.took) for one in summary.cpu_stages])
        + _stage_table("CPU", summary.cpu_stages)
        + _stage_table("time passed within the gateway", summary.waits)
    )


def _worker_stages(summary: Summary) -> str:
    if len(summary.worker_stages) <= 1:
        return ""
    return (
        "<h2>Stages of a worker, 50 texts a request</h2>"
        + bar_chart("CPU", "µs a text", [Bar(title=one.title, value=one.took) for one in summary.worker_stages])
        + _stage_table("CPU", summary.worker_stages)
    )


def _stage_table(title: str, stages: Sequence[Stage]) -> str:
    return _table((title, "µs", "units"), ((one.title, text_of(one.took), text_of(one.units)) for one in stages))


def _machine(run: Run) -> str:
    facts = {name: value for name, value in run.machine.items() if name != "versions"}
    versions = run.machine.get("versions", {})
    rows = ((name, str(value)) for name, value in [*facts.items(), *versions.items(), *run.options.items()])
    return "<h2>The machine and the run</h2>" + _table(("what", "value"), rows)


def _rounds(run: Run) -> str:
    text = orjson.dumps(run.rounds, option=orjson.OPT_INDENT_2).decode()
    return f"<details><summary>Every round</summary><pre>{escape(text)}</pre></details>"


def _bars(rows: Iterable[tuple[str, Spread | None]]) -> list[Bar]:
    return [Bar(title=title, value=value) for title, value in rows if value is not None]


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
