"""a2p-gateway judge: judge a day of texts against a company file, without any server."""

import contextlib
from collections import Counter
from pathlib import Path
from typing import Annotated, BinaryIO

import orjson
import typer

from compliance.case import is_internal
from compliance.decide import decide
from compliance.decision import Decision
from compliance.facts import Facts
from compliance.policy import PolicyError
from compliance.recording import record_to
from compliance.shapes import ShapeError
from gateway.commands.progress import lines_of
from gateway.commands.tables import by_verdict, show, verdict_and_reason
from gateway.offline.company import read_company
from gateway.offline.day import facts_of, read_day_line
from gateway.policies import load_policy

BAD_LINES, UNUSABLE = 1, 2


def judge(
    company: Annotated[
        Path,
        typer.Option(exists=True, dir_okay=False, readable=True, help="Companies and their numbers (a2p-company/1)."),
    ],
    day: Annotated[
        Path,
        typer.Option(exists=True, dir_okay=False, readable=True, help="Messages, one JSON object a line."),
    ],
    policy: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="current, seed, carrier_actual, or a TOML file.")
    ] = "current",
    out: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write a decision record a message here, for replay.")
    ] = None,
) -> None:
    """Judge a day of texts and count the verdicts.

    Counters are at zero, the registry is live. Exit status: 0 all judged, 1 some lines are bad, 2 the company file,
    the policy or the output cannot be used.
    """
    tally, bad = _Tally(), 0
    with contextlib.ExitStack() as stack:
        try:
            chosen, known = load_policy(policy), read_company(company.read_bytes())
            records = None if out is None else stack.enter_context(_new_file(out, company, day))
        except (PolicyError, ShapeError, OSError) as wrong:
            typer.echo(wrong, err=True)
            raise typer.Exit(UNUSABLE) from None
        for _, number, raw in lines_of([day], "judging"):
            try:
                line = read_day_line(raw)
                facts = facts_of(line, known)
            except ShapeError as wrong:
                bad += 1
                typer.echo(f"{day}:{number}: {wrong}", err=True)
                continue
            decision = decide(facts, chosen)
            tally.add(facts, decision)
            if records is not None:
                record = record_to(str(line.n), facts, chosen, decision)
                records.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
    tally.print()
    if bad:
        typer.echo(f"{bad:,} bad lines were left out", err=True)
        raise typer.Exit(BAD_LINES)


def _new_file(path: Path, *inputs: Path) -> BinaryIO:
    if path.exists() and any(path.samefile(one) for one in inputs):
        raise FileExistsError(f"{path} is an input: name another file with --out")
    return path.open("wb")


class _Tally:
    """Counts of a run."""

    def __init__(self) -> None:
        self._reasons: Counter[tuple[str, str]] = Counter()
        self._channels: Counter[tuple[str, str]] = Counter()
        self._companies: Counter[tuple[str, str]] = Counter()

    def add(self, facts: Facts, decision: Decision) -> None:
        self._reasons[decision.verdict, decision.reason] += 1
        self._channels[_channel(facts), decision.verdict] += 1
        self._companies[facts.sender.tenant, decision.verdict] += 1

    def print(self) -> None:
        """Print the tables."""
        show(
            verdict_and_reason(self._reasons),
            by_verdict("channel", self._channels),
            by_verdict("company", self._companies),
        )


def _channel(facts: Facts) -> str:
    if is_internal(facts):
        return "im"
    return "mms" if facts.message.media else "sms"
