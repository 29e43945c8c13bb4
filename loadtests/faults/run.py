"""One run: load and faults together, then all is healed, drained, asked and checked.

Not here: the options (__main__.py), what is printed (report.py).
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from loadtests.faults.checkers import Violation, check
from loadtests.faults.client import Load, conversations
from loadtests.faults.collect import collect, wait_until_ended
from loadtests.faults.ledger import Ledgers, write_ledgers
from loadtests.faults.nemesis import Done, Fault, Nemesis, draw_plan
from loadtests.faults.stand import ROLES, Stand, Standing, standing

#: Longest waits once all is healed: for the clients' answers, and for the messages' ends.
_ANSWERS_S: Final = 60.0
_ENDS_S: Final = 150.0

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a run is asked for."""

    seed: int
    #: Random kills and pauses.
    faults: int = 40
    seconds: float = 60.0
    #: Messages a second.
    rate: float = 40.0
    #: Whom it may hit.
    roles: tuple[str, ...] = ROLES
    #: How often each named point is hit.
    point_rounds: int = 1
    gateways: int = 2
    workers: int = 2
    #: Where ledgers go, and logs of a run that broke something.
    out: Path = Path("var/faults")

    def plan(self, stand: Stand) -> list[Fault]:
        """Draw the plan of this run."""
        targets = {role: stand.of(role) for role in self.roles}
        return draw_plan(self.seed, targets, faults=self.faults, seconds=self.seconds, point_rounds=self.point_rounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run found."""

    ledgers: Ledgers
    violations: list[Violation]
    done: Done = field(default_factory=Done)
    #: Processes that ended by themselves, in order.
    fell: tuple[str, ...] = ()


def run(options: Options, environment: Mapping[str, str], tell: Tell) -> Outcome:
    """Run; environment is what children inherit. ChildError when the product does not come up (again)."""
    options.out.mkdir(parents=True, exist_ok=True)
    tell("starting")
    with standing(environment, gateways=options.gateways, workers=options.workers) as product:
        stand = product.stand
        plan = options.plan(stand)
        (options.out / "plan.txt").write_text("".join(f"{fault}\n" for fault in plan))
        with logs_kept(stand, options.out) as keep:
            nemesis = Nemesis(stand, tell)
            load = start_load(product, options)
            nemesis.carry_out(plan)
            ledgers = settle(stand, load, tell)
            write_ledgers(ledgers, options.out)
            violations = check(ledgers)
            if not violations:
                keep.pop_all()
        return Outcome(ledgers=ledgers, violations=violations, done=nemesis.done, fell=tuple(stand.fell))


def start_load(product: Standing, options: Options, *, repeats: bool = True) -> Load:
    """Begin to send."""
    count = max(10, int(options.rate / 2))
    return Load(
        conversations=list(conversations(product.company, product.keys, count)),
        port=product.stand.port,
        rate=options.rate,
        seed=options.seed,
        folder=options.out,
        repeats=repeats,
    ).start()


def settle(stand: Stand, load: Load, tell: Tell) -> Ledgers:
    """Heal, let everything come to its end, and bring the ledgers together."""
    tell("healing")
    stand.heal()
    tell("waiting for the last answers")
    load.finish(_ANSWERS_S)
    tell("draining")
    wait_until_ended(stand, _ENDS_S)
    tell("collecting the ledgers")
    return collect(stand, load)


@contextlib.contextmanager
def logs_kept(stand: Stand, out: Path) -> Iterator[contextlib.ExitStack]:
    """Copy all logs out when the block fails, or unless it says that they are not wanted."""
    with contextlib.ExitStack() as stack:
        stack.callback(_copy_logs, stand, out)
        yield stack


def _copy_logs(stand: Stand, out: Path) -> None:
    for log in stand.place.folder.glob("*.log"):
        (out / log.name).write_bytes(log.read_bytes())
