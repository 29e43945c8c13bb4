"""The command line: what it refuses, and what it says of ledgers that were kept."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.faults.__main__ import parse
from loadtests.faults.ledger import Arrival, Attempt, Change, Counted, Ledgers, Line, write_ledgers
from loadtests.faults.stand import ROLES

ROOT = Path(__file__).resolve().parents[3]
STATUSES = ("queued", "submitting", "submitted", "delivered")
GOOD = Ledgers(
    lines=(Line(key="k", conversation="a>b", digest="d"),),
    attempts=(Attempt(key="k", sent_ns=1, ended_ns=2, status=202, id="m"),),
    arrivals=(Arrival(at_ns=3, reference="m", digest="d", taken=True),),
    changes={
        "m": tuple(
            Change(id="m", seq=seq, status=status, terminal=status == "delivered")
            for seq, status in enumerate(STATUSES, 1)
        )
    },
    counted=Counted(accepted=1, terminal=1, open=0, difference=0),
)


def check(folder):
    """Check kept ledgers; exit status and what it said."""
    command = [sys.executable, "-m", "loadtests.faults", "--check", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    return done.returncode, done.stdout


def test_kept_ledgers_are_checked_again(tmp_path):
    """Exit status 0: all promises held."""
    write_ledgers(GOOD, tmp_path / "run")

    status, said = check(tmp_path / "run")

    assert status == 0
    assert "doubles_explained" in said


def test_a_broken_promise_is_named_with_its_message(tmp_path):
    """Exit status 1, for whoever runs it in a loop."""
    write_ledgers(replace(GOOD, arrivals=GOOD.arrivals * 2), tmp_path / "run")

    status, said = check(tmp_path / "run")

    assert status == 1
    assert "doubles_explained: m was taken 2 times with 0 doubts on record" in said


def test_everybody_may_be_hit_unless_told_otherwise():
    """Names are those of the roles."""
    assert parse([]).roles == ROLES
    assert parse(["--only", "worker,carrier"]).roles == ("worker", "carrier")


@pytest.mark.parametrize(
    "wrong",
    [
        ["--only", "worker,printer"],
        ["--kills", "-1"],
        ["--points", "-1"],
        ["--seconds", "0"],
        ["--rate", "0"],
        ["--seed", "x"],
    ],
)
def test_what_cannot_be_done_is_refused(wrong, capsys):
    """With exit status 2 and a sentence."""
    with pytest.raises(SystemExit) as refused:
        parse(wrong)

    assert refused.value.code == 2
    assert wrong[0] in capsys.readouterr().err
