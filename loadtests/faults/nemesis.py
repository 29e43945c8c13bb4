"""What is done to whom, and when: a plan drawn from a seed, and its execution.

The same seed, roles and length give the same plan. Faults may overlap, hit processes that are just starting, and hit
the same process twice.

Not here: how a process is killed (stand.py).
"""

import heapq
import itertools
import random
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from loadtests.children import ChildError
from loadtests.faults.stand import Stand

#: Where the product can be made to kill itself (gateway/failpoints.py), by the role that passes there.
POINTS: Final[Mapping[str, tuple[str, ...]]] = {
    "gateway": ("gateway.before_accept", "gateway.after_accept"),
    "worker": (
        "worker.before_begin",
        "worker.after_begin",
        "worker.before_write",
        "worker.after_write",
        "worker.before_finish",
        "worker.after_finish",
    ),
}
#: Of a hundred random faults so many are kills; the others are pauses.
_KILLS_PERCENT: Final = 65
#: How long a killed process stays down, and a paused one stands still, in seconds.
_DOWN_S: Final = (0.05, 1.5)
_PAUSED_S: Final = (0.3, 3.0)
#: Passes before a point takes effect, at most.
_PASSES_MAX: Final = 5
#: Longest wait for a process to reach its point.
_POINT_S: Final = 30.0
_LOOK_S: Final = 0.02


class Kind(StrEnum):
    """What is done."""

    KILL = "kill"
    PAUSE = "pause"
    #: The role's processes are all killed; one comes back alone and kills itself at one named point after the other.
    POINT = "point"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is done."""

    #: Seconds after the beginning.
    at_s: float
    target: str
    kind: Kind
    #: Down or still for so long; 0 for points.
    for_s: float = 0.0
    #: "<point>:<pass>" each, in order.
    points: tuple[str, ...] = ()

    def __str__(self) -> str:
        what = f"at {', '.join(self.points)}" if self.kind is Kind.POINT else f"for {self.for_s:.2f} s"
        return f"{self.at_s:7.2f} s  {self.kind:5} {self.target} {what}"


@dataclass(slots=True)
class Done:
    """What came of a plan."""

    #: By role and what was done, such as ("worker", "kill"): every kill and pause, those for a point included.
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    #: Points at which a process really ended.
    points: list[str] = field(default_factory=list)

    def count(self, role: str, what: str) -> None:
        """Count one."""
        self.counts[role, what] = self.counts.get((role, what), 0) + 1

    @property
    def total(self) -> int:
        """All kills and pauses."""
        return sum(self.counts.values())


def draw_plan(
    seed: int, targets: Mapping[str, Sequence[str]], *, faults: int, seconds: float, point_rounds: int = 0
) -> list[Fault]:
    """Draw a plan: so many random faults, spread evenly over the roles, and so often each point that a role passes.

    targets: by role, the names of its processes.
    """
    draw = random.Random(seed)
    roles = list(itertools.islice(_evenly(draw, list(targets)), faults))
    plan = [_random_fault(draw, draw.choice(targets[role]), draw.uniform(0, seconds)) for role in roles]
    for role in [role for role in POINTS if role in targets] * point_rounds:
        points = draw.sample(POINTS[role], len(POINTS[role]))
        passes = tuple(f"{point}:{draw.randint(1, _PASSES_MAX)}" for point in points)
        target, at_s = draw.choice(targets[role]), draw.uniform(0, seconds)
        plan.append(Fault(at_s=at_s, target=target, kind=Kind.POINT, points=passes))
    return sorted(plan, key=lambda fault: fault.at_s)


def _evenly(draw: random.Random, roles: list[str]) -> Iterator[str]:
    """Yield roles without end, each as often as the others, in random order."""
    while roles:
        yield from draw.sample(roles, len(roles))


def _random_fault(draw: random.Random, target: str, at_s: float) -> Fault:
    if draw.randrange(100) < _KILLS_PERCENT:
        return Fault(at_s=at_s, target=target, kind=Kind.KILL, for_s=draw.uniform(*_DOWN_S))
    return Fault(at_s=at_s, target=target, kind=Kind.PAUSE, for_s=draw.uniform(*_PAUSED_S))


class Nemesis:
    """Carries plans out on a stand."""

    def __init__(self, stand: Stand, tell: Callable[[str], None]) -> None:
        self._stand = stand
        self._tell = tell
        self.done = Done()

    def carry_out(self, plan: Sequence[Fault]) -> None:
        """Do what the plan says at its times, or as soon after as can be; everything is up again or coming up then."""
        began_s = time.monotonic()
        order = itertools.count()
        due: list[tuple[float, int, Fault | None, str]] = [(fault.at_s, next(order), fault, "") for fault in plan]
        heapq.heapify(due)
        while due:
            at_s, _, fault, back = heapq.heappop(due)
            self._wait_until(began_s + at_s)
            if fault is None:
                self._bring_back(back)
            elif fault.kind is Kind.POINT:
                self._tell(str(fault))
                self._at_points(fault)
            else:
                self._tell(str(fault))
                self._do(fault)
                heapq.heappush(due, (time.monotonic() - began_s + fault.for_s, next(order), None, fault.target))

    def _wait_until(self, instant_s: float) -> None:
        while (left_s := instant_s - time.monotonic()) > 0:
            time.sleep(min(left_s, _LOOK_S))
            self._stand.tend()

    def _do(self, fault: Fault) -> None:
        part = self._stand.parts[fault.target]
        if fault.kind is Kind.KILL:
            self._stand.kill(fault.target)
        else:
            part.process.freeze()
        self.done.count(part.role, fault.kind)

    def _bring_back(self, name: str) -> None:
        """Let a process run again; one that another fault brought back already goes on."""
        self._stand.parts[name].process.thaw()
        if self._stand.ended(name):
            self._stand.start(name)

    def _at_points(self, fault: Fault) -> None:
        """Have one process of a role, alone, end itself at each point; then bring all of them back."""
        role = self._stand.parts[fault.target].role
        names = self._stand.of(role)
        for name in names:
            if not self._stand.ended(name):
                self._stand.kill(name)
                self.done.count(role, Kind.KILL)
        # What it needs must be up, or it would never get there.
        for name, part in self._stand.parts.items():
            part.process.thaw()
            if part.role != role and self._stand.ended(name):
                self._stand.start(name)
        for point in fault.points:
            self._end_at(fault.target, point)
            self.done.count(role, Kind.POINT)
            self.done.points.append(point)
        for name in names:
            self._stand.start(name)

    def _end_at(self, name: str, point: str) -> None:
        """Start a process that ends itself at a point, and wait until it has."""
        process = self._stand.parts[name].process
        armed = {"A2P_FAILPOINT": point}
        self._stand.start(name, armed, wanted=False)
        deadline = time.monotonic() + _POINT_S
        while process.status != -signal.SIGKILL:
            if process.status is not None:  # Something that it needs was not up yet.
                self._stand.fell.append(name)
                self._stand.start(name, armed, wanted=False)
            if time.monotonic() > deadline:
                raise ChildError(f"{name} did not reach {point}: {process.last_words()}")
            time.sleep(_LOOK_S)
            self._stand.tend()
