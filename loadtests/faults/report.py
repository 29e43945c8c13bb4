"""What a run found, as tables on the terminal."""

from collections import Counter
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

from loadtests.faults.checkers import RULES, resends
from loadtests.faults.nemesis import Kind
from loadtests.faults.run import Outcome

#: So many violations of one rule are printed; all are in the ledgers.
_SHOWN_MAX: Final = 10


def print_outcome(outcome: Outcome, console: Console) -> None:
    """Print what was done, what was seen, and what was broken."""
    console.print(_faults(outcome), _seen(outcome), _promises(outcome))
    shown: Counter[str] = Counter()
    for violation in outcome.violations:
        shown[violation.rule] += 1
        if shown[violation.rule] <= _SHOWN_MAX:
            words = f"{violation.rule}: {violation.subject} {violation.words}"
            console.print(words, style="red", highlight=False, markup=False)


def _table(title: str, *columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    table.add_column(columns[0])
    for column in columns[1:]:
        table.add_column(column, justify="right")
    return table


def _faults(outcome: Outcome) -> Table:
    table = _table("Faults", "role", "killed", "killed at a point", "paused", "fell over by itself")
    fell = Counter(name.rstrip("-0123456789") for name in outcome.fell)
    for role in sorted({role for role, _ in outcome.done.counts} | set(fell)):
        done = [outcome.done.counts.get((role, kind), 0) for kind in (Kind.KILL, Kind.POINT, Kind.PAUSE)]
        table.add_row(role, *map(str, done), str(fell[role]))
    return table


def _seen(outcome: Outcome) -> Table:
    ledgers = outcome.ledgers
    accepted = {attempt.id for attempt in ledgers.attempts if attempt.accepted}
    taken = Counter(arrival.reference for arrival in ledgers.arrivals if arrival.taken)
    ends = Counter(changes[-1].status for changes in ledgers.changes.values() if changes)
    table = _table("Seen", "what", "how many")
    rows = {
        "messages wanted": len(ledgers.lines),
        "requests": len(ledgers.attempts),
        "requests without an answer": sum(attempt.status is None for attempt in ledgers.attempts),
        "requests answered 5xx or 429": sum(not one.final and one.status is not None for one in ledgers.attempts),
        "messages accepted": len(accepted),
        "submissions at the carrier": len(ledgers.arrivals),
        "messages the carrier took twice": sum(times > 1 for times in taken.values()),
        "messages sent again for a lost answer": sum(resends(changes) > 0 for changes in ledgers.changes.values()),
    }
    for name, count in (rows | {f"ended {status}": count for status, count in sorted(ends.items())}).items():
        table.add_row(name, f"{count:,}")
    return table


def _promises(outcome: Outcome) -> Table:
    broken = Counter(violation.rule for violation in outcome.violations)
    table = _table("Promises", "rule", "violations")
    for rule in RULES:
        count = broken[rule.__name__]
        table.add_row(rule.__name__, f"[{'red' if count else 'green'}]{count}[/]")
    return table
