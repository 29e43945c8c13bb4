"""A progress bar on standard error, for work on files that takes a while; only where a person watches."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

#: Lines between two updates of the bar.
_STEP: Final = 512


def lines_of(paths: Iterable[Path], title: str) -> Iterator[tuple[Path, int, bytes]]:
    """Yield every line that is not blank, with its file and its number, and show how far it is. Raises OSError."""
    paths = list(paths)
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=sum(path.stat().st_size for path in paths))
        for path in paths:
            read = 0
            with path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    read += len(line)
                    if not number % _STEP:
                        progress.advance(task, read)
                        read = 0
                    if not line.isspace():
                        yield path, number, line
            progress.advance(task, read)
