"""A checker that cannot fail proves nothing: each is shown a ledger that was doctored."""

from dataclasses import replace

import pytest

from loadtests.faults import checkers
from loadtests.faults.checkers import check
from loadtests.faults.ledger import Arrival, Attempt, Change, Counted, Ledgers, Line, read_ledgers, write_ledgers

SMOOTH = ("queued", "submitting", "submitted", "delivered")
DOUBT = ("queued", "submitting", "queued doubt_taken_over", "submitting", "submitted", "delivered")


def history(name, *statuses):
    """The changes of a message; "queued doubt_x" is a status and its code."""
    parts = [[*status.split(), ""][:2] for status in statuses]
    ends = {"delivered", "undelivered", "blocked", "cancelled", "unknown"}
    return tuple(
        Change(id=name, seq=seq, status=status, terminal=status in ends, code=code)
        for seq, (status, code) in enumerate(parts, 1)
    )


def attempt(key, name="", status=202, said="ok_registered", at=0):
    """One answer to the client, a moment after it asked."""
    return Attempt(key=key, sent_ns=at, ended_ns=at + 1, status=status, id=name, said=said)


def arrival(name, digest, *, taken=True):
    """One submission."""
    return Arrival(at_ns=0, reference=name, digest=digest, taken=taken)


#: Two texts of one conversation, delivered; an instant message; a refused text.
LINES = (
    Line(key="k1", conversation="a>b", digest="d1"),
    Line(key="k2", conversation="a>b", digest="d2"),
    Line(key="im", conversation="a>c", digest="", inside=True),
    Line(key="no", conversation="x>b", digest="dx", inside=True),
)
GOOD = Ledgers(
    lines=LINES,
    attempts=(
        attempt("k1", status=None, said="ServerDisconnectedError", at=10),
        attempt("k1", "m1", at=20),
        attempt("k2", "m2", at=30),
        attempt("k2", "m2", at=40),
        attempt("im", "m3", said="ok_internal_im"),
        attempt("no", "r-1", status=403, said="did_unassigned"),
    ),
    arrivals=(arrival("m1", "d1"), arrival("m2", "d2")),
    changes={
        "m1": history("m1", *SMOOTH),
        "m2": history("m2", *SMOOTH),
        "m3": history("m3", "queued", "delivered"),
    },
    counted=Counted(accepted=3, terminal=3, open=0, difference=0),
)


def with_changes(**changes):
    """The good run with other histories."""
    return replace(GOOD, changes=GOOD.changes | {name: history(name, *of) for name, of in changes.items()})


def with_arrivals(*arrivals):
    """The good run with further submissions."""
    return replace(GOOD, arrivals=GOOD.arrivals + arrivals)


def with_attempts(*attempts):
    """The good run with further answers."""
    return replace(GOOD, attempts=GOOD.attempts + attempts)


def without(key):
    """The good run in which one key was never answered."""
    return replace(GOOD, attempts=tuple(one for one in GOOD.attempts if one.key != key or one.status is None))


def with_counted(**counted):
    """The good run with other counters."""
    return replace(GOOD, counted=replace(GOOD.counted, **counted))


EARLY = (Line(key="k0", conversation="a>b", digest="d0"), *LINES)
DOCTORED = [
    # rule, what is wrong, ledgers, subject
    ("every_key_answered", "no answer", replace(without("no"), attempts=GOOD.attempts[:-1]), "no"),
    ("every_key_answered", "503 only", replace(GOOD, attempts=(*GOOD.attempts[:-1], attempt("no", "", 503))), "no"),
    ("every_key_answered", "429 only", replace(GOOD, attempts=(*GOOD.attempts[:-1], attempt("no", "", 429))), "no"),
    ("one_id_per_key", "two ids", with_attempts(attempt("k1", "m9")), "k1"),
    ("one_id_per_key", "one id for two", with_attempts(attempt("k9", "m1")), "m1"),
    ("one_id_per_key", "refused after 202", with_attempts(attempt("k1", "r-9", 403)), "k1"),
    ("no_lost", "unknown", replace(GOOD, changes=GOOD.changes | {"m2": ()}), "m2"),
    ("no_lost", "not asked for", replace(GOOD, changes={"m1": GOOD.changes["m1"], "m3": GOOD.changes["m3"]}), "m2"),
    ("no_lost", "never taken", replace(GOOD, arrivals=GOOD.arrivals[:1]), "m2"),
    ("no_lost", "only refused", replace(GOOD, arrivals=(GOOD.arrivals[0], arrival("m2", "d2", taken=False))), "m2"),
    ("no_lost", "another text", replace(GOOD, arrivals=(GOOD.arrivals[0], arrival("m2", "d9"))), "m2"),
    ("one_terminal", "open", with_changes(m1=SMOOTH[:3]), "m1"),
    ("one_terminal", "two ends", with_changes(m1=(*SMOOTH, "unknown")), "m1"),
    ("one_terminal", "after the end", with_changes(m1=(*SMOOTH, "submitted")), "m1"),
    ("one_terminal", "a gap", replace(GOOD, changes=GOOD.changes | {"m1": history("m1", *SMOOTH)[::2]}), "m1"),
    ("nothing_blocked_submitted", "refused", with_arrivals(arrival("r-1", "dx")), "r-1"),
    ("nothing_blocked_submitted", "refused, not taken", with_arrivals(arrival("m8", "dx", taken=False)), "m8"),
    ("nothing_blocked_submitted", "an instant message", with_arrivals(arrival("m3", "d3")), "m3"),
    ("nothing_blocked_submitted", "nobody's", with_arrivals(arrival("m7", "d7")), "m7"),
    ("nothing_blocked_submitted", "its key has an id", with_arrivals(arrival("m7", "d1")), "m7"),
    ("nothing_blocked_submitted", "blocked late", with_changes(m1=("queued", "blocked")), "m1"),
    ("nothing_blocked_submitted", "cancelled", with_changes(m1=("queued", "cancelled")), "m1"),
    ("doubles_explained", "twice", with_arrivals(arrival("m1", "d1")), "m1"),
    (
        "doubles_explained",
        "thrice",
        replace(with_changes(m1=DOUBT), arrivals=GOOD.arrivals + GOOD.arrivals[:1] * 2),
        "m1",
    ),
    ("doubles_explained", "resent twice", with_changes(m1=(*DOUBT[:4], *DOUBT[2:])), "m1"),
    ("order_kept", "overtaken", replace(GOOD, arrivals=GOOD.arrivals[::-1]), "m2"),
    (
        "order_kept",
        "overtaken by the next but one",
        replace(
            with_changes(m0=SMOOTH, m1=DOUBT),
            lines=EARLY,
            attempts=(attempt("k0", "m0"), *GOOD.attempts),
            arrivals=(arrival("m2", "d2"), arrival("m0", "d0"), arrival("m1", "d1")),
        ),
        "m2",
    ),
    ("conservation", "a difference", with_counted(accepted=4, difference=1), ""),
    ("conservation", "open", with_counted(terminal=2, open=1), ""),
    ("conservation", "more than clients know", with_counted(accepted=5, terminal=5), ""),
    ("conservation", "fewer than clients know", with_counted(accepted=2, terminal=2), ""),
    ("conservation", "not told", replace(GOOD, counted=None), ""),
]


def test_a_run_as_it_should_be_breaks_nothing():
    """Lost answers, repeated requests and refusals are allowed."""
    assert check(GOOD) == []


@pytest.mark.parametrize(("rule", "ledgers", "subject"), [(row[0], row[2], row[3]) for row in DOCTORED])
def test_what_is_doctored_is_found_by_its_rule(rule, ledgers, subject):
    """And names the message."""
    assert (rule, subject) in {(one.rule, one.subject) for one in check(ledgers)}


def test_every_rule_has_been_shown_something_doctored():
    """A rule that is added brings a ledger that it fails."""
    assert {rule.__name__ for rule in checkers.RULES} == {row[0] for row in DOCTORED}


@pytest.mark.parametrize(
    "ledgers",
    [
        pytest.param(replace(with_changes(m1=DOUBT), arrivals=(*GOOD.arrivals, arrival("m1", "d1"))), id="one double"),
        pytest.param(with_changes(m1=DOUBT), id="a doubt and no double"),
        pytest.param(
            replace(with_changes(m1=DOUBT), arrivals=GOOD.arrivals[::-1]), id="one that was resent may be overtaken"
        ),
        pytest.param(
            replace(with_changes(m1=("queued", "submitting", "unknown doubt_x")), arrivals=GOOD.arrivals[::-1]),
            id="so may one that ended in doubt",
        ),
        pytest.param(
            replace(with_changes(m2=("queued", "submitting", "unknown doubt_x")), arrivals=GOOD.arrivals[:1]),
            id="unknown may or may not have arrived",
        ),
        pytest.param(
            with_changes(m1=("queued", "submitting", "queued carrier_temporary", "blocked")),
            id="blocked after an attempt that was made rightly",
        ),
        pytest.param(
            replace(GOOD, arrivals=(arrival("m1", "d1", taken=False), *GOOD.arrivals)), id="a refused attempt is none"
        ),
        pytest.param(
            replace(
                GOOD,
                arrivals=GOOD.arrivals[::-1],
                attempts=tuple(replace(one, ended_ns=99) if one.id == "m1" else one for one in GOOD.attempts),
            ),
            id="who sends the next before the answer has asked for no order",
        ),
    ],
)
def test_what_a_fault_may_leave_behind_is_no_violation(ledgers):
    """The nearest thing that is allowed."""
    assert check(ledgers) == []


def test_a_key_without_an_answer_may_have_been_accepted():
    """Neither its message at the carrier nor its count is held against the product; that nobody was told is."""
    ledgers = without("k2")

    assert {(one.rule, one.subject) for one in check(ledgers)} == {("every_key_answered", "k2")}


def test_a_run_is_written_and_read_back(tmp_path):
    """A run that failed can be checked again."""
    write_ledgers(GOOD, tmp_path / "run")

    assert read_ledgers(tmp_path / "run") == GOOD
