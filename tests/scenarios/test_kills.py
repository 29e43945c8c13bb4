"""Any process may be killed or frozen at any moment: what was promised holds all the same, by ledgers kept outside."""

import os

import pytest

from loadtests.faults.nemesis import POINTS
from loadtests.faults.rolling import roll
from loadtests.faults.run import Options, run
from loadtests.faults.stand import ROLES

#: One after the other: each starts eight processes and keeps both cores busy.
pytestmark = [pytest.mark.xdist_group("up"), pytest.mark.timeout(900)]

SEED = 20_261_122
FAULTS_MIN = 40


def test_nothing_is_lost_doubled_or_blocked_in_vain_whatever_is_killed(tmp_path):
    """Every role is killed or frozen at random moments, and every named point is hit, under load."""
    outcome = run(Options(seed=SEED, faults=32, seconds=20, rate=30, out=tmp_path), os.environ, print)

    assert outcome.violations == [], f"seed {SEED}: {outcome.violations[:20]}; plan, ledgers and logs in {tmp_path}"
    assert outcome.done.total >= FAULTS_MIN
    assert {role for role, _ in outcome.done.counts} == set(ROLES)
    points = {point for points in POINTS.values() for point in points}
    assert {point.partition(":")[0] for point in outcome.done.points} == points
    # The load was there: texts arrived, and what may not leave was tried.
    taken = {arrival.reference for arrival in outcome.ledgers.arrivals if arrival.taken}
    assert len(taken) > 100
    assert any(attempt.status == 403 for attempt in outcome.ledgers.attempts)


def test_a_rolling_restart_loses_and_doubles_nothing(tmp_path):
    """Every process of ours is replaced under load by clients who do not repeat: hardly anybody notices."""
    rolled = roll(Options(seed=SEED, rate=40, gateways=1, workers=1, out=tmp_path), os.environ, print)

    assert rolled.violations == [], f"{rolled.violations[:20]}; ledgers and logs in {tmp_path}"
    assert set(rolled.statuses.values()) == {0}
    assert len(rolled.statuses) == 3
    taken = [arrival.reference for arrival in rolled.ledgers.arrivals if arrival.taken]
    assert len(taken) == len(set(taken)), "a rolling restart is no reason for a double"
    print(f"{rolled.errors} of {rolled.requests} requests had to be repeated")
    assert rolled.requests > 100
    assert rolled.errors <= max(2, rolled.requests // 100)
