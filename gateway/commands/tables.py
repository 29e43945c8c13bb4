"""Counts as tables on standard output."""

from collections import Counter
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

from compliance.decision import Verdict

_PIPE_WIDTH: Final = 160


def verdict_and_reason(counts: Counter[tuple[str, str]]) -> Table:
    """Show counts by (verdict, reason), most frequent first within a verdict."""
    table = Table(box=box.SIMPLE_HEAD, title="Verdicts and reasons", title_justify="left")
    table.add_column("verdict")
    table.add_column("reason")
    table.add_column("messages", justify="right")
    order = list(Verdict)
    rows = sorted(counts.items(), key=lambda row: (order.index(Verdict(row[0][0])), -row[1], row[0][1]))
    for (verdict, reason), count in rows:
        table.add_row(verdict, reason, f"{count:,}")
    table.add_section()
    table.add_row("all", "", f"{counts.total():,}")
    return table


def by_verdict(title: str, counts: Counter[tuple[str, str]]) -> Table:
    """Show counts by (word, verdict): a row a word, a column a verdict."""
    table = Table(box=box.SIMPLE_HEAD, title=f"By {title}", title_justify="left")
    table.add_column(title)
    for verdict in (*Verdict, "all"):
        table.add_column(verdict, justify="right")
    for word in sorted({word for word, _ in counts}):
        row = [counts[word, verdict] for verdict in Verdict]
        table.add_row(word, *(f"{count:,}" for count in (*row, sum(row))))
    return table


def show(*tables: Table) -> None:
    """Print tables; into a file or a pipe as wide as they need."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    for table in tables:
        console.print(table)
