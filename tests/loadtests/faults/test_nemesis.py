"""Plans: the same for the same seed, fair to every role, and complete."""

from collections import Counter
from types import SimpleNamespace

import pytest

from loadtests.faults.nemesis import POINTS, Fault, Kind, Nemesis, draw_plan

TARGETS = {"gateway": ["gateway-1", "gateway-2"], "worker": ["worker-1"], "carrier": ["carrier"]}
ALL_POINTS = [point for points in POINTS.values() for point in points]


def plan(seed=1, **options):
    """Draw a plan."""
    return draw_plan(seed, TARGETS, **({"faults": 30, "seconds": 10, "point_rounds": 1} | options))


def test_a_seed_is_a_plan():
    """A run that failed can be had again."""
    assert plan(7) == plan(7)
    assert plan(7) != plan(8)


def test_every_role_gets_its_share():
    """Random moments, but nobody is spared."""
    roles = Counter(fault.target.rstrip("-12") for fault in plan(point_rounds=0))

    assert roles == {"gateway": 10, "worker": 10, "carrier": 10}


def test_every_point_is_hit_by_who_passes_there():
    """And only where its role may be hit at all."""
    hits = [(point.partition(":")[0], fault.target) for fault in plan(point_rounds=2) for point in fault.points]
    spared = draw_plan(1, {"worker": ["worker-1"]}, faults=0, seconds=10, point_rounds=1)

    assert Counter(point for point, _ in hits) == dict.fromkeys(ALL_POINTS, 2)
    assert all(target.startswith(point.partition(".")[0]) for point, target in hits)
    assert {point.partition(":")[0] for fault in spared for point in fault.points} == set(POINTS["worker"])


def test_faults_are_in_order_within_their_time_and_of_both_kinds():
    """Kills are more frequent than pauses."""
    faults = plan(point_rounds=0, faults=300)
    kinds = Counter(fault.kind for fault in faults)

    assert [fault.at_s for fault in faults] == sorted(fault.at_s for fault in faults)
    assert all(0 <= fault.at_s <= 10 for fault in faults)
    assert kinds[Kind.KILL] > kinds[Kind.PAUSE] > 0


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(at_s=1, target="carrier", kind=Kind.PAUSE, for_s=0.5), "   1.00 s  pause carrier for 0.50 s"),
        (
            Fault(at_s=12.345, target="worker-1", kind=Kind.POINT, points=("worker.after_begin:3", "worker.x:1")),
            "  12.35 s  point worker-1 at worker.after_begin:3, worker.x:1",
        ),
    ],
)
def test_a_fault_says_what_it_does(fault, words):
    """A plan is printed line by line."""
    assert str(fault) == words


class FakeStand:
    """Notes what is done to its two processes."""

    def __init__(self):
        self.log = []
        self.down = set()
        self.parts = {name: self._part(name, role) for name, role in (("worker-1", "worker"), ("carrier", "carrier"))}

    def _part(self, name, role):
        process = SimpleNamespace(
            freeze=lambda: self.log.append(f"freeze {name}"), thaw=lambda: self.log.append(f"thaw {name}")
        )
        return SimpleNamespace(name=name, role=role, process=process)

    def kill(self, name):
        """End one."""
        self.log.append(f"kill {name}")
        self.down.add(name)

    def start(self, name):
        """Bring one back."""
        self.log.append(f"start {name}")
        self.down.discard(name)

    def ended(self, name):
        """Whether it is down."""
        return name in self.down

    def tend(self):
        """Nothing falls over here."""


def test_faults_overlap_and_all_are_ended():
    """What is killed comes back, what is frozen goes on, each in its own time; all are counted."""
    stand = FakeStand()
    nemesis = Nemesis(stand, lambda _: None)

    nemesis.carry_out(
        [
            Fault(at_s=0, target="carrier", kind=Kind.PAUSE, for_s=0.2),
            Fault(at_s=0.02, target="worker-1", kind=Kind.KILL, for_s=0.02),
        ]
    )

    assert stand.log == [
        "freeze carrier",
        "kill worker-1",
        "thaw worker-1",
        "start worker-1",
        "thaw carrier",
    ]
    assert nemesis.done.counts == {("carrier", "pause"): 1, ("worker", "kill"): 1}
    assert nemesis.done.total == 2
