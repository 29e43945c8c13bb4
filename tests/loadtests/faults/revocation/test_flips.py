"""The bound on revocations: each rule is shown a ledger that breaks it."""

from dataclasses import replace

import pytest

from loadtests.faults.client import Conversation
from loadtests.faults.ledger import Arrival, Line
from loadtests.faults.revocation.flips import Flip, Text, broken, figures, late_submissions, rank, texts_of

S = 1_000_000_000
COMMIT = 100 * S
DID = "+12125550101"
FLIP = Flip(
    did=DID,
    mode="strict",
    round="registry-killed",
    sent_ns=COMMIT - S // 100,
    committed_ns=COMMIT,
    answered_ns=COMMIT + 3 * S,
    by="processes",
    restored_ns=COMMIT + 7 * S,
)
TEXTS = {"app": Text(DID, "app"), "api": Text(DID, "api"), "other": Text("+12125550102", "app")}


def arrival(after_s, digest="app", *, taken=True):
    """One submission, so long after the commit."""
    return Arrival(at_ns=COMMIT + round(after_s * S), reference="m", digest=digest, taken=taken)


def late(flip, *arrivals):
    """What is found of one flip."""
    (found,) = late_submissions([flip], arrivals, TEXTS)
    return found


def rules(*lates, lag_s=0.0):
    """The rules that are broken."""
    lags = {(late.flip.mode, late.flip.round): lag_s for late in lates}
    return sorted({violation.rule for violation in broken(lates, lags)})


def test_late_is_what_arrives_between_commit_and_give_back():
    """By origin, from the commit on; what others send, or nobody knows, is not this number's."""
    found = late(
        FLIP,
        arrival(0.5),
        arrival(-0.001),
        arrival(0.2),
        arrival(0.3, "api"),
        arrival(0.4, "other"),
        arrival(0.6, "strange"),
        arrival(7.0),
    )

    assert found.after_s == {"app": (0.2, 0.5), "api": (0.3,)}
    assert (found.worst_s("app"), found.worst_s("api")) == (0.5, 0.3)


def test_what_the_carrier_refused_was_submitted_all_the_same():
    """The carrier's ledger counts, not its answer."""
    assert late(FLIP, arrival(2, taken=False)).worst_s("app") == 2


def test_nothing_late_is_no_lateness():
    """The usual case."""
    found = late(FLIP, arrival(-1), arrival(8))

    assert found.worst_s("app") == 0
    assert rules(found) == []


@pytest.mark.parametrize(
    ("mode", "round_name", "origin", "found"),
    [
        ("strict", "registry-killed", "app", ["never_after_5_s"]),
        ("strict", "registry-killed", "api", ["never_after_5_s"]),
        ("enforce", "registry-killed", "api", ["never_after_5_s"]),
        ("enforce", "registry-killed", "app", []),
        ("enforce", "none", "app", ["never_after_5_s", "usually_within_1_s"]),
    ],
)
def test_five_seconds_are_the_end(mode, round_name, origin, found):
    """For everybody in strict mode, for programs always; for people whose facts are stale it is no promise."""
    flip = replace(FLIP, mode=mode, round=round_name, answered_ns=COMMIT + 6 * S, by="leases")

    assert rules(late(flip, arrival(5.01, origin))) == found
    assert rules(late(flip, arrival(5.0, origin))) == (["usually_within_1_s"] if round_name == "none" else [])


def test_no_lag_of_the_machine_makes_five_seconds_longer():
    """Only what is usual is allowed for."""
    flip = replace(FLIP, answered_ns=COMMIT + 6 * S)

    assert rules(late(flip, arrival(5.01)), lag_s=1) == ["never_after_5_s"]


def test_after_effective_there_is_only_the_check_to_write():
    """A quarter of a second after the answer, and what the machine lagged."""
    assert rules(late(FLIP, arrival(3.25))) == []
    assert rules(late(FLIP, arrival(3.26))) == ["effective_is_the_end"]
    assert rules(late(FLIP, arrival(3.26)), lag_s=0.4) == []
    assert rules(late(FLIP, arrival(3.66, "api")), lag_s=0.4) == ["effective_is_the_end"]


def test_an_answer_by_leases_says_nothing_of_people_unless_strict():
    """Their texts may go on, flagged; a process that read the change lets nothing through."""
    leases = replace(FLIP, mode="enforce", by="leases")

    assert rules(late(leases, arrival(4))) == []
    assert rules(late(leases, arrival(4, "api"))) == ["effective_is_the_end"]
    assert rules(late(replace(leases, by="processes"), arrival(4))) == ["effective_is_the_end"]
    assert rules(late(replace(leases, mode="strict"), arrival(4))) == ["effective_is_the_end"]


def test_in_the_quiet_case_99_of_100_are_within_a_second():
    """And only there: with something broken it may take longer."""
    quiet = replace(FLIP, round="none", answered_ns=COMMIT + 6 * S)
    quick, slow = late(quiet, arrival(0.1)), late(quiet, arrival(1.2))
    hit = replace(FLIP, answered_ns=COMMIT + 6 * S)

    assert rules(*[quick] * 99, slow) == []
    assert rules(*[quick] * 98, slow, slow) == ["usually_within_1_s"]
    assert rules(*[quick] * 98, slow, slow, lag_s=0.4) == []
    assert rules(*[late(hit, arrival(4.9))] * 10) == []


def test_words_do_not_tell_the_number():
    """Reports are shown around."""
    (violation,) = broken([late(replace(FLIP, answered_ns=COMMIT + 6 * S), arrival(5.5))], {})

    assert violation.subject == "...0101"
    assert "5.500 s after the commit (app; strict, registry-killed)" in violation.words
    assert DID not in str(violation)


def test_figures_are_nearest_ranks():
    """Of nothing they are 0."""
    values = [number / 100 for number in range(100, 0, -1)]

    assert figures(values) == (0.5, 0.99, 1.0)
    assert figures([]) == (0, 0, 0)
    assert rank([3, 1, 2], 1.0) == 3


def test_whose_a_text_is_comes_from_its_conversation():
    """What goes with the tenant's key is a program's."""
    person = Conversation(user="ann", key="key-ann", sender=DID, recipient="+12025550101")
    program = Conversation(user="ann", key="tenant-key", sender=DID, recipient="+12025550102")
    lines = [
        Line(key="1", conversation=person.name, digest="a"),
        Line(key="2", conversation=program.name, digest="b"),
    ]

    assert texts_of(lines, [person, program], "tenant-key") == {"a": Text(DID, "app"), "b": Text(DID, "api")}
