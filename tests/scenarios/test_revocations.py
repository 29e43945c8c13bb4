"""A number whose registration is taken away stops sending in time, whatever is broken meanwhile, by outside ledgers."""

import os
from collections import Counter

import pytest

from loadtests.faults.revocation.rounds import Kind
from loadtests.faults.revocation.run import Options, run

#: One after the other with all that keeps both cores busy.
pytestmark = [pytest.mark.xdist_group("up"), pytest.mark.timeout(900)]

SEED = 20_261_123


def test_a_revoked_number_stops_within_its_bound(tmp_path, registry_databases):
    """Usually within a second; never after five: everybody in strict mode, programs always."""
    rounds = {"strict": tuple(Kind), "enforce": (Kind.REGISTRY_KILLED, Kind.LINE_SLOW)}
    options = Options(
        seed=SEED, flips=500, rounds=rounds, senders=120, rate=60, out=tmp_path, registry=registry_databases
    )

    outcome = run(options, os.environ, print)

    assert outcome.violations() == [], f"seed {SEED}: ledgers and logs in {tmp_path}; lags {outcome.lags}"
    assert len(outcome.lates) >= 500
    done = Counter((late.flip.mode, late.flip.round) for late in outcome.lates)
    assert set(done) == {(mode, kind) for mode, kinds in rounds.items() for kind in kinds}
    # The load was there: nearly all of them were sending, and where facts may grow old, texts went on for a while.
    assert outcome.busy > 0.8 * len(outcome.lates)
    stale = [late for late in outcome.lates if late.flip.round == Kind.LINE_SLOW]
    assert all(any(late.worst_s(origin) > 1 for late in stale) for origin in ("app", "api"))
    assert any(late.worst_s("app") > 5 for late in stale if late.flip.mode == "enforce"), "people go on, flagged"
