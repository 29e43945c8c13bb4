"""What a person sees of a command: progress, a report, or a refusal.

Reports go to standard output, everything else to standard error. No phone number and no key is shown: a row is named by
its place in the file.

Not here: the commands and their options (__main__.py), log lines (logs.py).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from registry.importer import Progress, Report


@contextmanager
def refusals(*errors: type[Exception]) -> Iterator[None]:
    """End the command with exit status 1 and the error's own sentence, instead of a traceback."""
    try:
        yield
    except errors as error:
        typer.secho(f"a2p-registry: {error}", err=True, fg=typer.colors.RED)
        raise typer.Exit(1) from None


@contextmanager
def progress_bars() -> "Iterator[Progress]":
    """Show a bar for each kind of row, on a terminal only; gone when the block ends."""
    from rich.console import Console  # noqa: PLC0415 - heavy
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415 - heavy

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def advance(kind: str, done: int, total: int) -> None:
            if kind not in tasks:
                tasks[kind] = bars.add_task(kind, total=total)
            bars.advance(tasks[kind], done)

        yield advance


def show(report: "Report") -> None:
    """Show what an import did, and each row that it could not take."""
    for kind, rows in report.rows.items():
        typer.echo(f"{kind}: {rows} good, {report.changes[kind]} database rows changed")
    if report.opt_outs_stored is not None:
        typer.echo(f"opt_outs: {report.opt_outs_stored} in the gateway")
    if report.keys_minted:
        typer.echo(f"API keys: {report.keys_minted} new in the credentials file")
    for kind, rows in report.left_alone.items():
        typer.echo(f"{kind}: {rows} left alone, because the person or the number has left", err=True)
    for name, times in sorted(report.left_out.items()):
        typer.echo(f"{name}: not a field of this format, left out ({times} times)", err=True)
    for bad in report.bad:
        typer.echo(str(bad), err=True)
    if report.bad:
        rows = len({(bad.kind, bad.index) for bad in report.bad})
        what = "1 row was not imported: correct it" if rows == 1 else f"{rows} rows were not imported: correct them"
        typer.secho(f"{what} and import again.", err=True, fg=typer.colors.RED)
