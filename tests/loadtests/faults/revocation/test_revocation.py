"""Runs of flips: what a seed draws, what a command line asks for, when a change was committed, and how late we run."""

import random
import sqlite3
import threading
import time

import pytest

from loadtests.company import TENANT, make_company
from loadtests.faults.lag import LagWatch
from loadtests.faults.revocation.__main__ import parse, table_of
from loadtests.faults.revocation.admin import read_commit
from loadtests.faults.revocation.flips import Flip, Late
from loadtests.faults.revocation.rounds import LASTS_S, Kind, draw_round
from loadtests.faults.revocation.run import USUAL_ROUNDS, Outcome, conversations
from loadtests.parts import Keys

DIDS = [f"+1212555{number:04}" for number in range(100)]


def plan(kind, seed=1):
    """Draw one round of ten seconds."""
    return draw_round(random.Random(seed), kind, DIDS, seconds=10)


class TestRounds:
    def test_a_seed_is_a_plan(self):
        """A run that failed can be had again."""
        assert plan(Kind.FEED_GAP) == plan(Kind.FEED_GAP)
        assert plan(Kind.FEED_GAP) != plan(Kind.FEED_GAP, seed=2)

    @pytest.mark.parametrize("kind", Kind)
    def test_every_number_is_flipped_once(self, kind):
        """In order of time, within the round."""
        flips = plan(kind).flips

        assert sorted(did for _, did in flips) == DIDS
        assert list(flips) == sorted(flips)
        assert all(0 <= at_s <= 10 for at_s, _ in flips)

    @pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.NONE])
    def test_half_of_the_flips_come_when_it_breaks(self, kind):
        """That is when a change is on its way; a killed registry has them all before it."""
        drawn = plan(kind)
        near = [at_s for at_s, _ in drawn.flips if -0.1 <= at_s - drawn.breaks_s <= 0.3]

        assert len(near) >= len(DIDS) / 2
        if kind is Kind.REGISTRY_KILLED:
            assert sum(at_s <= drawn.breaks_s for at_s in near) >= len(DIDS) / 2

    def test_what_lets_facts_grow_old_lasts_longer_than_the_bound(self):
        """Otherwise nothing would be seen."""
        for kind in (Kind.REGISTRY_KILLED, Kind.REGISTRY_FROZEN, Kind.REGISTRY_CUT_OFF, Kind.QUEUE_FROZEN):
            assert LASTS_S[kind] > 6


class TestConversations:
    def test_everybody_writes_as_a_person_and_through_a_program(self):
        """To different people, so that the texts of a sender can be told apart."""
        company = make_company(senders=5, contacts=10)
        talks = conversations(company, Keys(tenants={TENANT: "tenant"}, users={user: user for user in company.senders}))

        assert len({talk.name for talk in talks}) == len(talks) == 10
        for user, did in company.senders.items():
            assert {talk.key for talk in talks if talk.sender == did} == {user, "tenant"}


class TestCommit:
    def test_it_is_the_last_removal_of_that_number(self, tmp_path):
        """Not the give-back, not another number's."""
        rows = [
            ("2026-11-22 10:00:00.000001", "removed", "assignments", '["+12125550101"]'),
            ("2026-11-22 10:00:01.250000", "removed", "assignments", '["+12125550101"]'),
            ("2026-11-22 10:00:02.000000", "created", "assignments", '["+12125550101"]'),
            ("2026-11-22 10:00:03.000000", "changed", "numbers", '["+12125550101"]'),
            ("2026-11-22 10:00:04.000000", "removed", "assignments", '["+12125550102"]'),
        ]
        with sqlite3.connect(tmp_path / "registry.db") as database:
            database.execute("CREATE TABLE audit (id INTEGER PRIMARY KEY, at, action, kind, row_key)")
            database.executemany("INSERT INTO audit (at, action, kind, row_key) VALUES (?, ?, ?, ?)", rows)
        database.close()

        assert read_commit(tmp_path / "registry.db", "+12125550101") == 1_795_341_601_250_000_000
        assert read_commit(tmp_path / "registry.db", "+12125550103") is None


class TestOptions:
    def test_without_options_every_kind_is_run_strictly(self):
        """And the main ones in enforce mode, five hundred flips in all."""
        options = parse([])

        assert options.rounds == USUAL_ROUNDS
        assert set(options.rounds["strict"]) == set(Kind)
        assert options.flips == 500
        counts = [options.count(kind) for kinds in options.rounds.values() for kind in kinds]
        assert sum(counts) >= 500
        assert options.count(Kind.NONE) == max(counts) <= options.senders

    def test_rounds_and_modes_can_be_chosen(self):
        """To look at one thing."""
        options = parse(["--rounds", "none,feed-gap", "--modes", "enforce", "--flips", "20", "--seed", "7"])

        assert options.rounds == {"enforce": (Kind.NONE, Kind.FEED_GAP)}
        assert options.out.name == "seed-7"

    @pytest.mark.parametrize(
        "wrong",
        [["--rounds", "flood"], ["--modes", "lax"], ["--flips", "0"], ["--flips", "300", "--senders", "9"]],
    )
    def test_wrong_options_are_named(self, wrong, capsys):
        """With exit status 2."""
        with pytest.raises(SystemExit, match="2"):
            parse(wrong)
        assert wrong[0] in capsys.readouterr().err


class TestOutcome:
    FLIP = Flip(
        did=DIDS[0],
        mode="strict",
        round="none",
        sent_ns=0,
        committed_ns=0,
        answered_ns=0,
        by="processes",
        restored_ns=1,
    )

    def outcome(self, after_s, lag_s, failed=()):
        """One flip and what came of it."""
        late = Late(self.FLIP, {"app": (after_s,), "api": ()}, {"app": (), "api": ()})
        return Outcome(lates=(late,), busy=1, failed=failed, lags={("strict", "none"): lag_s})

    def test_a_machine_that_lags_is_allowed_for(self):
        """Beyond 0.3 s, by as much as it lagged."""
        assert [one.rule for one in self.outcome(1.25, 0.29).violations()] == ["usually_within_1_s"]
        assert self.outcome(1.25, 0.31).violations() == []
        assert [one.rule for one in self.outcome(1.35, 0.31).violations()] == ["usually_within_1_s"]

    def test_a_flip_that_was_not_done_is_told(self):
        """A registry that never answers has not kept the bound, it was not asked."""
        assert [one.rule for one in self.outcome(0, 0, failed=("said nothing",)).violations()] == ["every_flip_done"]

    def test_the_table_has_a_line_per_round_and_origin(self):
        """People and programs apart."""
        table = table_of(self.outcome(0.5, 0.1))

        assert table.row_count == 2
        assert list(table.columns[7].cells) == ["0.500", "0.000"]


def test_a_lag_is_seen():
    """Whoever holds the interpreter makes the watch late, as any other program would."""
    waiting = threading.Event()
    with LagWatch() as lag:
        waiting.wait(0.05)
        lag.take()
        deadline = time.monotonic() + 30
        while (seen_s := lag.take()) < 0.001 and time.monotonic() < deadline:
            sum(range(2_000_000))

    assert seen_s >= 0.001
