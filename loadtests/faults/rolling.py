"""A rolling restart under load: every process of ours is replaced, one after the other, each by a successor.

The load does not repeat what failed until it is over, so that the share of errors that an impatient client sees can be
counted.

Not here: kills (nemesis.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from loadtests.faults.checkers import Violation, check
from loadtests.faults.ledger import Ledgers, write_ledgers
from loadtests.faults.run import Options, Tell, logs_kept, settle, start_load
from loadtests.faults.stand import Stand, standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolled:
    """What a rolling restart did to clients."""

    ledgers: Ledgers
    violations: list[Violation]
    #: Exit status of every process that was replaced, by its name.
    statuses: Mapping[str, int]
    #: Requests while it went on, and those of them without a good answer.
    requests: int
    errors: int


def roll(options: Options, environment: Mapping[str, str], tell: Tell) -> Rolled:
    """Replace everything once under load. ChildError when something does not come up or does not end."""
    options.out.mkdir(parents=True, exist_ok=True)
    tell("starting")
    settings = {"A2P_PRE_STOP_S": "0.5"}
    with (
        standing(environment, gateways=options.gateways, workers=options.workers, settings=settings) as product,
        logs_kept(product.stand, options.out) as keep,
    ):
        stand = product.stand
        load = start_load(product, options, repeats=False)
        statuses = _replace_all(stand, tell)
        tries = list(load.attempts)
        ledgers = settle(stand, load, tell)
        write_ledgers(ledgers, options.out)
        violations = check(ledgers)
        if not violations:
            keep.pop_all()
    return Rolled(
        ledgers=ledgers,
        violations=violations,
        statuses=statuses,
        requests=len(tries),
        errors=sum(not attempt.final for attempt in tries),
    )


def _replace_all(stand: Stand, tell: Tell) -> dict[str, int]:
    statuses = {}
    for name in [*stand.of("gateway"), *stand.of("worker"), *stand.of("registry")]:
        tell(f"replacing {name}")
        role, successor = stand.parts[name].role, f"{name}-next"
        if role == "registry":
            stand.add_registry(successor)
        else:
            stand.add_ours(successor, role)
        stand.start(successor)
        stand.wait_ready(successor)
        stand.terminate(name)
        statuses[name] = stand.remove(name)
    return statuses
