"""``python -m loadtests.peers``: the command line of the comparison.

Exit status 0: measured. 1: the run is worth nothing; the terminal says why. 2: the options are wrong. 3: no Kannel.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

from loadtests.bench.figures import Spread, figure, text_of
from loadtests.bench.results import BenchError, Sample
from loadtests.bench.summary import CAVEAT
from loadtests.children import ChildError
from loadtests.peers.kannel import HOW_TO_GET_IT, find_boxes
from loadtests.peers.run import MEASURES, Options, Result, pairs, run, write_file

_FAILED: Final = 1
_NO_KANNEL: Final = 3
_INTERRUPTED: Final = 130
_PIPE_WIDTH: Final = 150

_DESCRIPTION = """\
Measures the product beside Kannel without a store, in interleaved rounds: texts in over HTTP, out over HTTP to the same
carrier emulator. Writes peers.json. Everything it starts, it stops; nothing leaves this machine."""


def parse(arguments: Sequence[str]) -> Options:
    """Return what a command line asks for; exits with 2 and a message if it cannot be read."""
    usual = Options()
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.peers",
        description=_DESCRIPTION,
        epilog="Leave the machine alone while it runs.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="one short round: shows that all works, measures nothing to quote")
    add("--rounds", type=int, help=f"default {usual.rounds}")
    add("--out", type=Path, default=usual.out, help="folder for the results; default %(default)s")
    add("--data-dir", type=Path, help="folder on the disk that is to be measured; default: for temporary files")
    given = parser.parse_args(arguments)
    if given.rounds is not None and given.rounds < 1:
        parser.error("--rounds must be 1 or more")
    quick = {"rounds": 1, "single_texts": 600, "batch_texts": 600, "warm_up_texts": 100} if given.quick else {}
    rounds = {} if given.rounds is None else {"rounds": given.rounds}
    return Options(out=given.out, data_dir=given.data_dir, **{**quick, **rounds})


def print_result(result: Result) -> None:
    """Print everything; into a file or a pipe as wide as it needs."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    console.print(_rates(result), _cpu(result), _ratios(result))
    console.print(CAVEAT, style="bold")
    for warning in result.warnings:
        console.print(f"Warning: {warning}", style="yellow")


def _table(title: str, *columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=bool(number))
    return table


def _samples(result: Result, name: str) -> list[Sample]:
    return [one[name] for one in result.rounds if name in one]


def _rates(result: Result) -> Table:
    table = _table("Median of rounds (lowest to highest)", "peer", "delivered/s", "accepted/s", "p50 ms", "p99 ms")
    for measure in MEASURES:
        samples = _samples(result, measure.name)
        table.add_row(
            measure.title,
            text_of(Spread.over(sample.per_second for sample in samples)),
            text_of(Spread.over(sample.details.get("accepted_per_second") for sample in samples)),
            text_of(Spread.over(sample.p50_ms for sample in samples)),
            text_of(Spread.over(sample.p99_ms for sample in samples)),
        )
    return table


def _cpu(result: Result) -> Table:
    processes = list(dict.fromkeys(name for one in result.rounds for sample in one.values() for name in sample.cpu_us))
    table = _table("CPU, µs a message, by process (medians)", "peer", *processes)
    for measure in MEASURES:
        spreads = [
            Spread.over(sample.cpu_us.get(name) for sample in _samples(result, measure.name)) for name in processes
        ]
        table.add_row(measure.name, *("" if spread is None else figure(spread.median) for spread in spreads))
    return table


def _ratios(result: Result) -> Table:
    table = _table("Ratios within a round: median (lowest to highest)", "ratio", "reached", "goal")
    for pair in pairs(result.rounds):
        table.add_row(pair.title, text_of(pair.reached), f"≥ {pair.goal:g}")
    return table


def _stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  a signal handler's signature
    """Unwind as Ctrl-C does, so that everything is stopped."""
    raise KeyboardInterrupt


def main() -> int:
    """Run the command line and return its exit status."""
    options = parse(sys.argv[1:])
    console = Console(stderr=True)
    boxes = find_boxes()
    if boxes is None:
        console.print(HOW_TO_GET_IT, style="bold red", highlight=False, markup=False)
        return _NO_KANNEL
    signal.signal(signal.SIGTERM, _stop)
    try:
        result = run(options, os.environ, boxes, lambda text: console.print(f"{text} ...", highlight=False))
    except (BenchError, ChildError) as error:
        console.print(f"The comparison failed: {error}", style="bold red", highlight=False, markup=False)
        return _FAILED
    except KeyboardInterrupt:
        console.print("Stopped; nothing was written.")
        return _INTERRUPTED
    print_result(result)
    console.print(f"Written: {write_file(result, options.out)}", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
