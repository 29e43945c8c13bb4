"""The shortest way from how things stand to "can send": uniform-cost search over the steps of situation.py.

Shortest is what takes people the fewest things to do and, among those ways, what usually takes the least time. Of ways
that are equal in both, the one that the guide tells first.

Not here: who says that a situation can send (facts.py asks the judge).
"""

import heapq
from collections.abc import Callable, Iterable
from typing import NamedTuple

from registry.preflight.situation import Situation, Step, steps_from


class Plan(NamedTuple):
    """A way, from the first step to the last."""

    start: Situation
    steps: tuple[Step, ...]

    @property
    def persons(self) -> int:
        """How many things people have to do."""
        return sum(step.advice.persons for step in self.steps)

    @property
    def usual_s(self) -> int:
        """How long it takes, in seconds, when every step takes long."""
        return sum(step.advice.usual_s for step in self.steps)


class _Node(NamedTuple):
    """A place on the way; tuples order the heap: no two have the same start, ranks and number."""

    persons: int
    usual_s: int
    #: Which start, then the ranks of the steps so far: decides between equals.
    path: tuple[int, ...]
    number: int
    at: Situation
    plan: Plan


def shortest(starts: Iterable[Situation], can_send: Callable[[Situation], bool]) -> Plan | None:
    """Return the shortest plan from any of the starts, the first of equals; None where no way leads there."""
    ahead = [_Node(0, 0, (place,), place, start, Plan(start, ())) for place, start in enumerate(starts)]
    heapq.heapify(ahead)
    counted = len(ahead)
    seen: set[Situation] = set()
    while ahead:
        here = heapq.heappop(ahead)
        if here.at in seen:
            continue
        seen.add(here.at)
        if can_send(here.at):
            return here.plan
        for step in steps_from(here.at):
            if step.after not in seen:
                advice = step.advice
                counted += 1
                node = _Node(
                    here.persons + advice.persons,
                    here.usual_s + advice.usual_s,
                    (*here.path, advice.rank),
                    counted,
                    step.after,
                    Plan(here.plan.start, (*here.plan.steps, step)),
                )
                heapq.heappush(ahead, node)
    return None
