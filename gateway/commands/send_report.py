"""What `send` shows of a run: a bar meanwhile, a line a message in a file, tables and sentences at the end."""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import IO, Self

import orjson
import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from gateway.client.day_run import Ends
from gateway.client.expected import Difference
from gateway.client.sending import Outcome
from gateway.commands.tables import by_verdict, show, verdict_and_reason


class Watcher:
    """Watches a run: the observer of gateway/client/day_run.py."""

    def __init__(self, *, out: IO[bytes] | None) -> None:
        #: What was said to each message, in the order of the answers.
        self.outcomes: list[Outcome] = []
        #: Seconds from the first message to the last answer.
        self.elapsed_s = 0.0
        self._began_at = 0.0
        self._out = out
        self._task: TaskID | None = None
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def begins(self, stage: str, total: int) -> None:
        """Show the stage's bar in the place of the one before."""
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(stage, total=total)
        self._began_at = time.perf_counter()

    def advances(self, steps: int) -> None:
        """Move the bar."""
        if self._task is not None:
            self._progress.advance(self._task, steps)

    def heard(self, outcomes: Sequence[Outcome]) -> None:
        """Keep outcomes, and write them out."""
        self.elapsed_s = time.perf_counter() - self._began_at
        self.outcomes += outcomes
        if self._out is not None:
            self._out.writelines(_line(outcome) for outcome in outcomes)


def _line(outcome: Outcome) -> bytes:
    return orjson.dumps(
        {
            "n": outcome.outgoing.line.n,
            "id": outcome.id,
            "status": outcome.status,
            "verdict": outcome.verdict,
            "reason": outcome.reason,
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def print_answers(watcher: Watcher, repeats: int) -> None:
    """Print what was said: the tables of `judge`, and what had no verdict."""
    decided = [outcome for outcome in watcher.outcomes if outcome.verdict is not None]
    show(
        verdict_and_reason(Counter((one.verdict or "", one.reason) for one in decided)),
        by_verdict("channel", Counter((one.channel or "", one.verdict or "") for one in decided)),
        by_verdict("company", Counter((one.outgoing.tenant, one.verdict or "") for one in decided)),
    )
    failed: Counter[tuple[str, ...]] = Counter(_failure(one) for one in watcher.outcomes if one.verdict is None)
    if failed:
        show(_counts("HTTP errors", ("status", "code"), failed))
    count, replays = len(watcher.outcomes), sum(outcome.replayed for outcome in watcher.outcomes)
    rate = count / watcher.elapsed_s if watcher.elapsed_s else 0.0
    typer.echo(f"{count:,} messages in {watcher.elapsed_s:.2f} s, {rate:,.0f} a second")
    typer.echo(f"{replays:,} replayed, {repeats:,} requests repeated")


def print_ends(ends: Ends) -> None:
    """Print where the accepted messages stand."""
    show(_counts("Final statuses", ("status",), Counter((status,) for status in ends.statuses.values())))
    typer.echo(f"{ends.unfinished:,} have not come to an end")


def print_differences(differences: Sequence[Difference]) -> None:
    """Print every message that was not answered as expected."""
    for one in differences:
        typer.echo(f"n {one.n}\n    expected  {one.expected}\n    got       {one.got}")
    typer.echo(f"{len(differences):,} differ")


def _failure(outcome: Outcome) -> tuple[str, str]:
    return "none" if outcome.status is None else str(outcome.status), outcome.reason


def _counts(title: str, columns: Iterable[str], counts: Counter[tuple[str, ...]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    for column in columns:
        table.add_column(column)
    table.add_column("messages", justify="right")
    for words, count in sorted(counts.items(), key=lambda row: (-row[1], row[0])):
        table.add_row(*words, f"{count:,}")
    return table
