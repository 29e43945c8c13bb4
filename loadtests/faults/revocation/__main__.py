"""``python -m loadtests.faults.revocation``: how long a number goes on sending after its registration is taken away.

Exit status 0: within the bound. 1: not, or the product did not come up again. 2: the options are wrong.
"""

import argparse
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

from loadtests.children import ChildError
from loadtests.faults.revocation.flips import ALWAYS_S, USUAL_S, Late, Mode, Origin, bounded, figures
from loadtests.faults.revocation.rounds import Kind
from loadtests.faults.revocation.run import USUAL_ROUNDS, Options, Outcome, run

_BROKEN: Final = 1
_INTERRUPTED: Final = 130
#: So many violations are printed.
_SHOWN_MAX: Final = 20
_DESCRIPTION: Final = "Takes registrations away under load while things break; tells when the last text went out."


def table_of(outcome: Outcome) -> Table:
    """Lay out what was found, a line per round and origin."""
    table = Table(box=box.SIMPLE_HEAD, title="From commit to last submission, seconds", title_justify="left")
    for column in ("mode", "broken", "flips", "texts of"):
        table.add_column(column)
    for column in ("late submissions", "p50", "p99", "max", "bound", "lag"):
        table.add_column(column, justify="right")
    rounds: dict[tuple[Mode, str], list[Late]] = {}
    for late in outcome.lates:
        rounds.setdefault((late.flip.mode, late.flip.round), []).append(late)
    origins: tuple[Origin, ...] = ("app", "api")
    for (mode, name), lates in rounds.items():
        for origin in origins:
            p50, p99, most = figures([late.worst_s(origin) for late in lates])
            bound = f"{USUAL_S:.0f} (p99), {ALWAYS_S:.0f}" if name == Kind.NONE else f"{ALWAYS_S:.0f}"
            table.add_row(
                mode,
                name,
                str(len(lates)),
                {"app": "people", "api": "programs"}[origin],
                str(sum(len(late.after_s[origin]) for late in lates)),
                *(f"{value:.3f}" for value in (p50, p99, most)),
                bound if origin in bounded(lates[0].flip) else "-",
                f"{outcome.lags.get((mode, name), 0.0):.2f}",
            )
    return table


def _print(outcome: Outcome, console: Console) -> None:
    violations = outcome.violations()
    console.print(table_of(outcome))
    said = Counter(late.flip.by for late in outcome.lates)
    answers = ", ".join(f"{count} by {by}" for by, count in sorted(said.items()))
    console.print(f"{len(outcome.lates)} flips, {outcome.busy} of numbers that had just sent; effective: {answers}.")
    worst_s = max((seconds for late in outcome.lates for seconds in late.since_answer().values()), default=0.0)
    console.print(f"Last submission after an effective answer: {worst_s:.3f} s.")
    for violation in violations[:_SHOWN_MAX]:
        words = f"{violation.rule}: {violation.subject} {violation.words}"
        console.print(words, style="red", highlight=False, markup=False)
    if len(violations) > _SHOWN_MAX:
        console.print(f"... and {len(violations) - _SHOWN_MAX} more", style="red", highlight=False)


def parse(arguments: Sequence[str]) -> Options:
    """Return what a command line asks for; exits with 2 and a message if it cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.faults.revocation", description=_DESCRIPTION)
    add = parser.add_argument
    add("--flips", type=int, default=500, help="in all rounds together; default %(default)s")
    add("--seed", type=int, default=1, help="the same seed draws the same flips; default %(default)s")
    add("--rounds", metavar="KIND,...", help=f"of {', '.join(Kind)}; default: all, and the main ones in enforce mode")
    add("--modes", default="strict,enforce", help="policies to run them with; default %(default)s")
    add("--senders", type=int, default=200, help="numbers, up to 300; default %(default)s")
    add("--rate", type=float, default=160.0, help="texts a second; default %(default)s")
    add("--out", type=Path, default=Path("var/revocations"), help="folder for the ledgers; default %(default)s")
    given = parser.parse_args(arguments)
    try:
        kinds = tuple(Kind(name) for name in given.rounds.split(",")) if given.rounds else None
    except ValueError as error:
        parser.error(f"--rounds: {error}")
    modes = given.modes.split(",")
    if unknown := set(modes) - set(USUAL_ROUNDS):
        parser.error(f"--modes: there is no mode {', '.join(sorted(unknown))}")
    rounds: dict[Mode, tuple[Kind, ...]] = {mode: kinds or USUAL_ROUNDS[mode] for mode in USUAL_ROUNDS if mode in modes}
    options = Options(
        seed=given.seed,
        flips=given.flips,
        rounds=rounds,
        senders=given.senders,
        rate=given.rate,
        out=given.out / f"seed-{given.seed}",
    )
    most = max(options.count(kind) for kinds in rounds.values() for kind in kinds)
    if not 0 < most <= given.senders:
        parser.error(f"--flips: {most} a round, of {given.senders} senders; each is flipped once a round at most")
    return options


def _stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  a signal handler's signature
    """Unwind as Ctrl-C does, so that everything is stopped."""
    raise KeyboardInterrupt


def main() -> int:
    """Run the command line and return its exit status."""
    options = parse(sys.argv[1:])
    console = Console(width=None if sys.stdout.isatty() else 120)
    signal.signal(signal.SIGTERM, _stop)
    tell: Callable[[str], None] = lambda text: console.print(text, highlight=False, markup=False)  # noqa: E731
    try:
        outcome = run(options, os.environ, tell)
    except ChildError as error:
        console.print(f"The run failed: {error}", style="bold red", highlight=False, markup=False)
        return _BROKEN
    except KeyboardInterrupt:
        console.print("Stopped.")
        return _INTERRUPTED
    _print(outcome, console)
    console.print(f"Ledgers: {options.out}", highlight=False)
    return _BROKEN if outcome.violations() else 0


if __name__ == "__main__":
    sys.exit(main())
