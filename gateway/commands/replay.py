"""a2p-gateway replay: judge recorded lines again, and show what differs."""

import gc
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from compliance.policy import PolicyError
from compliance.shapes import ShapeError
from gateway.commands.progress import lines_of
from gateway.commands.tables import show, verdict_and_reason
from gateway.offline.replay import Replay, Replayed
from gateway.policies import load_policy

DIFFERENT, UNREADABLE = 1, 2


def replay(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            exists=True,
            dir_okay=False,
            readable=True,
            help="Decision records, inbound texts, segment counts or destinations, one JSON object a line.",
        ),
    ],
    policy: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Judge under this policy (current, seed, carrier_actual, or a TOML file) with its options, instead of "
            "each record's own.",
        ),
    ] = None,
) -> None:
    """Judge records again and print what differs.

    The acceptance cases, a recorded day, and "what would the new policy have done" are the same command.
    Exit status: 0 nothing differs, 1 something differs, 2 something cannot be read.
    """
    try:
        judge = Replay(None if policy is None else load_policy(policy))
    except PolicyError as wrong:
        typer.echo(wrong, err=True)
        raise typer.Exit(UNREADABLE) from None
    tally = _Tally()
    gc.freeze()
    for path, number, line in lines_of(files, "replaying"):
        try:
            replayed = judge.line(line)
        except ShapeError as wrong:
            tally.unreadable += 1
            typer.echo(f"{path}:{number}: {wrong}", err=True)
        else:
            tally.add(replayed)
            if replayed.differs:
                _print_difference(path, number, replayed)
    tally.print()
    raise typer.Exit(tally.status)


def _print_difference(path: Path, number: int, replayed: Replayed) -> None:
    typer.echo(f"{replayed.id}  {path}:{number}  {replayed.note}".rstrip())
    typer.echo(f"    expected  {replayed.expected}")
    typer.echo(f"    found     {replayed.found}")


class _Tally:
    """Counts of a run."""

    def __init__(self) -> None:
        self.unreadable = 0
        self._different = 0
        self._other_version = 0
        self._kinds: Counter[str] = Counter()
        self._decisions: Counter[tuple[str, str]] = Counter()
        self._started = time.perf_counter()

    def add(self, replayed: Replayed) -> None:
        self._kinds[replayed.kind] += 1
        self._different += replayed.differs
        self._other_version += replayed.other_version
        if replayed.decision is not None:
            self._decisions[replayed.decision.verdict, replayed.decision.reason] += 1

    @property
    def status(self) -> int:
        """The exit status: what cannot be read weighs more than what differs."""
        if self.unreadable:
            return UNREADABLE
        return DIFFERENT if self._different else 0

    def print(self) -> None:
        """Print the counts."""
        elapsed_s = time.perf_counter() - self._started
        count = self._kinds.total()
        if self._decisions:
            show(verdict_and_reason(self._decisions))
        kinds = ", ".join(f"{number:,} {kind}" for kind, number in self._kinds.items())
        typer.echo(f"{count:,} records ({kinds}) in {elapsed_s:.2f} s, {count / elapsed_s:,.0f} a second")
        if self._other_version:
            typer.echo(f"{self._other_version:,} were made under another version of their policy than is shipped now")
        typer.echo(f"{self._different:,} differ" + (f", {self.unreadable:,} unreadable" if self.unreadable else ""))
