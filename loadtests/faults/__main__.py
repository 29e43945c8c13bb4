"""``python -m loadtests.faults``: kills, freezes and restarts processes under load, and checks what was promised.

Exit status 0: all promises held. 1: one was broken, or the product did not come up again. 2: the options are wrong.
"""

import argparse
import contextlib
import itertools
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

from rich.console import Console

from loadtests.children import ChildError
from loadtests.faults.checkers import check
from loadtests.faults.ledger import read_ledgers
from loadtests.faults.report import print_outcome
from loadtests.faults.rolling import roll
from loadtests.faults.run import Options, Outcome, Tell, run
from loadtests.faults.stand import ROLES

_BROKEN = 1
_INTERRUPTED = 130
#: Columns where the output is no terminal.
_WIDTH_OF_FILES = 120
_USUAL = Options(seed=1)

_DESCRIPTION = """\
Starts the product on this machine, sends texts, kills and pauses its processes at random moments and at named points,
heals everything, and checks from ledgers kept outside the product that no promise was broken. Nothing leaves this
machine; everything it starts, it ends."""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return what a command line asks for; exits with 2 and a message if it cannot be read."""
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.faults",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--seed", type=int, help="the same seed draws the same faults; default: by the clock")
    add("--kills", type=int, default=_USUAL.faults, help="random kills and pauses of a run; default %(default)s")
    add("--rate", type=float, default=_USUAL.rate, help="messages a second; default %(default)s")
    add("--seconds", type=float, default=_USUAL.seconds, help="of faults, in a run; default %(default)s")
    add("--hours", type=float, help="run after run, each with the next seed, for so long")
    add("--only", metavar="ROLE,...", help=f"whom to hit, of {', '.join(ROLES)}; default: all")
    add("--points", type=int, default=_USUAL.point_rounds, help="times for each named point; default %(default)s")
    add(
        "--rolling",
        action="store_true",
        help="replace every process of ours once instead, with clients who repeat nothing",
    )
    add("--out", type=Path, default=_USUAL.out, help="folder for the ledgers; default %(default)s")
    add("--check", type=Path, metavar="DIR", help="only check the ledgers of an earlier run again")
    given = parser.parse_args(arguments)
    given.roles = tuple(given.only.split(",")) if given.only else ROLES
    if unknown := set(given.roles) - set(ROLES):
        parser.error(f"--only: there is no role {', '.join(sorted(unknown))}")
    if given.kills < 0 or given.points < 0 or given.seconds <= 0 or given.rate <= 0:
        parser.error("--kills and --points must not be negative, --seconds and --rate must be more than 0")
    return given


def _options(given: argparse.Namespace, seed: int) -> Options:
    return Options(
        seed=seed,
        faults=given.kills,
        seconds=given.seconds,
        rate=given.rate,
        roles=given.roles,
        point_rounds=given.points,
        out=given.out / f"seed-{seed}",
    )


def _stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  a signal handler's signature
    """Unwind as Ctrl-C does, so that everything is stopped."""
    raise KeyboardInterrupt


@contextlib.contextmanager
def _telling(console: Console) -> Iterator[Tell]:
    """Show what is being done: a spinner on a terminal, a line each elsewhere."""
    if not console.is_terminal:
        yield lambda text: console.print(text, highlight=False, markup=False)
        return
    with console.status("starting") as status:
        yield status.update


def _one_run(options: Options, console: Console, *, rolling: bool) -> Outcome:
    """Run once and say what was found. ChildError when the run is worth nothing."""
    console.rule(f"seed {options.seed}")
    with _telling(console) as tell:
        if rolling:
            rolled = roll(options, os.environ, tell)
            outcome = Outcome(ledgers=rolled.ledgers, violations=rolled.violations)
            console.print(f"{rolled.errors:,} of {rolled.requests:,} requests had no good answer at once")
        else:
            outcome = run(options, os.environ, tell)
    print_outcome(outcome, console)
    return outcome


def _runs(given: argparse.Namespace, console: Console) -> int:
    """Run for as long as was asked; the exit status. Ledgers of good runs are kept only where there is one run."""
    seed = given.seed if given.seed is not None else int(time.time()) % 1_000_000
    until_s = time.monotonic() + (given.hours or 0) * 3_600
    for number in itertools.count(1):
        options = _options(given, seed)
        try:
            outcome = _one_run(options, console, rolling=given.rolling)
        except ChildError as error:
            console.print(f"The run failed: {error}", style="bold red", highlight=False, markup=False)
            return _BROKEN
        if outcome.violations or given.hours is None:
            console.print(f"Ledgers: {options.out}", highlight=False)
            return _BROKEN if outcome.violations else 0
        shutil.rmtree(options.out)
        console.print(f"{number:,} runs, all promises held", highlight=False)
        if time.monotonic() >= until_s:
            return 0
        seed += 1
    return 0


def main() -> int:
    """Run the command line and return its exit status."""
    given = parse(sys.argv[1:])
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_FILES)
    if given.check is not None:
        ledgers = read_ledgers(given.check)
        outcome = Outcome(ledgers=ledgers, violations=check(ledgers))
        print_outcome(outcome, console)
        return _BROKEN if outcome.violations else 0
    signal.signal(signal.SIGTERM, _stop)
    try:
        return _runs(given, console)
    except KeyboardInterrupt:
        console.print("Stopped; the ledgers of this run are as far as they got.")
        return _INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
