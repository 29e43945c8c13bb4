"""``python -m loadtests.bench``: the command line of the benchmark.

Exit status 0: measured. 1: the run is worth nothing; the terminal says why. 2: the options are wrong.
"""

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType

from rich.console import Console

from loadtests.bench.files import write_files
from loadtests.bench.options import Options
from loadtests.bench.results import BenchError
from loadtests.bench.runner import INSIDE, MEASURES, Progress, run
from loadtests.bench.summary import summarize
from loadtests.bench.terminal import print_run
from loadtests.children import ChildError

_FAILED = 1
_INTERRUPTED = 130

_DESCRIPTION = """\
Measures accepting and delivering texts beside the floors of the stack and of the store, in interleaved rounds, on real
processes of its own. Writes bench.json and bench.html. Everything it starts, it stops; nothing leaves this machine."""


def parse(arguments: Sequence[str]) -> Options:
    """Return what a command line asks for; exits with 2 and a message if it cannot be read."""
    usual = Options()
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.bench",
        description=_DESCRIPTION,
        epilog="Measures: " + ", ".join(_names()) + ". Leave the machine alone while it runs.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="one short round: shows that all works, measures nothing to quote")
    add("--rounds", type=int, help=f"default {usual.rounds}")
    add("--seconds", type=float, help=f"measured time of one measure in one round; default {usual.seconds:g}")
    add("--only", action="append", choices=_names(), metavar="NAME", help="this measure; may be repeated")
    add("--out", type=Path, default=usual.out, help="folder for the results; default %(default)s")
    add("--data-dir", type=Path, help="folder on the disk that is to be measured; default: for temporary files")
    given = parser.parse_args(arguments)
    if given.rounds is not None and given.rounds < 1:
        parser.error("--rounds must be 1 or more")
    if given.seconds is not None and given.seconds <= 0:
        parser.error("--seconds must be more than 0")
    make = Options.quick if given.quick else Options
    options = make(only=frozenset(given.only or ()), out=given.out, data_dir=given.data_dir)
    asked = {name: getattr(given, name) for name in ("rounds", "seconds") if getattr(given, name) is not None}
    return replace(options, **asked)


def _names() -> list[str]:
    return [*(measure.name for measure in MEASURES), *(name for name, _, _ in INSIDE)]


@contextlib.contextmanager
def _showing(console: Console) -> Iterator[Progress]:
    """Show what is being done: a spinner on a terminal, a line each elsewhere."""
    if not console.is_terminal:
        yield lambda text: console.print(f"{text} ...", highlight=False)
        return
    with console.status("starting") as status:
        yield lambda text: status.update(f"{text} ...")


def _stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  a signal handler's signature
    """Unwind as Ctrl-C does, so that everything is stopped."""
    raise KeyboardInterrupt


def main() -> int:
    """Run the command line and return its exit status."""
    options = parse(sys.argv[1:])
    signal.signal(signal.SIGTERM, _stop)
    console = Console(stderr=True)
    try:
        with _showing(console) as progress:
            done = run(options, os.environ, progress)
    except (BenchError, ChildError) as error:
        console.print(f"The benchmark failed: {error}", style="bold red", highlight=False, markup=False)
        return _FAILED
    except KeyboardInterrupt:
        console.print("Stopped; nothing was written.")
        return _INTERRUPTED
    summary = summarize(done)
    print_run(done, summary)
    write_files(done, summary, options.out)
    console.print(f"Written: {options.out / 'bench.json'}, {options.out / 'bench.html'}", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
