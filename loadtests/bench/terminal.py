"""The run as tables on the terminal."""

from collections.abc import Sequence
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

from loadtests.bench.figures import figure, text_of
from loadtests.bench.results import Run
from loadtests.bench.summary import CAVEAT, Stage, Summary

_PIPE_WIDTH: Final = 150


def print_run(run: Run, summary: Summary) -> None:
    """Print everything; into a file or a pipe as wide as it needs."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    if summary.rates:
        console.print(_rates(summary), _cpu(summary))
    if summary.ratios:
        console.print(_ratios(summary))
    if summary.cpu_stages:
        console.print(_stages("A single accept: CPU a text", summary.cpu_stages))
    if summary.waits:
        console.print(_stages("A single accept: time passed within the gateway", summary.waits))
    if len(summary.worker_stages) > 1:
        console.print(
            _stages("A worker, 50 texts a request: CPU a text, in the shares of plain Python", summary.worker_stages)
        )
    if summary.unit_us is not None:
        console.print(f"Unit: orjson.loads of one decision record, {figure(summary.unit_us.median)} µs here.")
    for one in run.inside:
        console.print(one.title, one.table, sep="\n", markup=False)
    console.print(CAVEAT, style="bold")
    for warning in run.warnings:
        console.print(f"Warning: {warning}", style="yellow")


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    table.add_column(first)
    for column in others:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _rates(summary: Summary) -> Table:
    table = _table("Median of rounds (lowest to highest)", "measure", "messages/s", "p50 ms", "p99 ms")
    for rate in summary.rates:
        table.add_row(rate.title, text_of(rate.per_second), text_of(rate.p50_ms), text_of(rate.p99_ms))
    return table


def _cpu(summary: Summary) -> Table:
    processes = list(dict.fromkeys(name for rate in summary.rates for name in rate.cpu_us))
    table = _table("CPU, µs a message, by process (medians)", "measure", *processes)
    for rate in summary.rates:
        spreads = (rate.cpu_us.get(name) for name in processes)
        table.add_row(rate.name, *("" if spread is None else figure(spread.median) for spread in spreads))
    return table


def _ratios(summary: Summary) -> Table:
    table = _table("Ratios within a round: median (lowest to highest)", "ratio", "reached", "goal")
    for one in summary.ratios:
        table.add_row(one.title, text_of(one.reached), one.goal_text)
    return table


def _stages(title: str, stages: Sequence[Stage]) -> Table:
    table = _table(title, "stage", "µs", "units")
    for stage in stages:
        table.add_row(stage.title, text_of(stage.took), text_of(stage.units))
    return table
