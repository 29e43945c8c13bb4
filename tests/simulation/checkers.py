"""What must hold after any run, as pure functions: the rules of the real-process suite, and those that need exact time.

Not here: the shared rules (loadtests/faults/checkers.py).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from loadtests.faults.checkers import (
    RULES,
    Violation,
    conservation,
    every_key_answered,
    nothing_blocked_submitted,
    order_kept,
)
from loadtests.faults.ledger import Attempt, Ledgers, Line
from tests.simulation.carrier_model import Sent

#: From the judgement to the first byte.
CHECK_TO_WRITE_S: Final = 0.25
#: A text of a program leaves no later after a revocation, the way included; in strict mode no text at all.
STALE_API_S: Final = 5.0
STALE_STRICT_S: Final = 3.0 + CHECK_TO_WRITE_S
#: What was judged before an opt-out begins within this, however slow the store is.
OPT_OUT_S: Final = 0.5
#: What may be said of a sender whose registration was taken away, and of a recipient.
_MAY_BE_SAID: Final = frozenset(
    {"did_unassigned", "did_assignment_pending", "campaign_suspended", "recipient_opted_out"}
)
#: Within these the clocks of stores and processes round.
_ROUNDING_S: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Everything that was seen in one run."""

    ledgers: Ledgers
    sent: Sequence[Sent]
    #: Messages about which a worker got no answer from the carrier.
    doubted: frozenset[str]
    #: Keys of lines that were sent once, without an idempotency key.
    keyless: frozenset[str]
    #: By number: from when until when it might not send.
    revoked: Mapping[str, Sequence[tuple[float, float]]]
    #: By message id: typed in the app, or by a program.
    origins: Mapping[str, str]
    strict: bool
    #: (tenant, recipient): when an opt-out was acknowledged.
    opted_out: Mapping[str, float]
    #: By recipient: when it was first asked to take the opt-out back, and when that was acknowledged.
    restored: Mapping[str, tuple[float, float]]
    cancelled: frozenset[str]
    #: By inbox, what lies in it, in order.
    inboxes: Mapping[str, Sequence[str]]
    #: What was logged as an error, or came to a client as an exception.
    crashes: Sequence[str]
    #: When all was healed, and when nothing was open any more; None: that never came.
    healed_s: float
    settled_s: float | None


def violations(run: Run) -> list[Violation]:
    """Ask every rule, the shared ones first."""
    keyed = tuple(line for line in run.ledgers.lines if line.key not in run.keyless)
    found = every_key_answered(replace(run.ledgers, lines=keyed))
    in_doubt = replace(run.ledgers, attempts=_without_doubted_refusals(run.ledgers.attempts))
    # A receipt may answer a doubt before it is written down; the message was not without a hitch all the same.
    arrived = tuple(arrival for arrival in run.ledgers.arrivals if arrival.reference not in run.doubted)
    seen_by = {
        nothing_blocked_submitted: in_doubt,
        conservation: in_doubt,
        order_kept: replace(run.ledgers, arrivals=arrived),
    }
    for rule in RULES:
        if rule is not every_key_answered:
            found += rule(seen_by.get(rule, run.ledgers))
    for rule in (settles, revocations_hold, opt_outs_hold, no_wrong_block, cancelled_stay, nothing_crashed):
        found += rule(run)
    return found


def _without_doubted_refusals(attempts: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """Leave out refusals of a request that was asked before and not answered: it may have been accepted all the same.

    A gateway that stood still with it goes on when nobody waits any more; only the request that was refused is surely
    not in the queue.
    """
    doubted: set[str] = set()
    kept = []
    for attempt in attempts:
        if attempt.status is None or attempt.said == "outcome_unknown":
            doubted.add(attempt.key)
        if attempt.accepted or not attempt.final or attempt.key not in doubted:
            kept.append(attempt)
    return tuple(kept)


def settles(run: Run) -> Iterable[Violation]:
    """Once all faults are healed everything comes to its end, soon."""
    if run.settled_s is None:
        yield Violation(rule="settles", subject="", words="something is open long after all was healed")


def revocations_hold(run: Run) -> Iterable[Violation]:
    """A number stops within five seconds of its revocation for programs; in strict mode for all, and sooner."""
    for sent in run.sent:
        origin = run.origins.get(sent.submission.reference, "")
        if origin == "app" and not run.strict:
            continue
        limit_s = (STALE_STRICT_S if run.strict else STALE_API_S) + _ROUNDING_S
        for since_s, until_s in run.revoked.get(sent.submission.sender, ()):
            if since_s + limit_s < sent.at_s < until_s:
                words = f"left {sent.process} {sent.at_s - since_s:.3f} s after its number was revoked ({origin})"
                yield Violation(rule="revocations_hold", subject=sent.submission.reference, words=words)


def opt_outs_hold(run: Run) -> Iterable[Violation]:
    """STOP counts from the moment it is acknowledged; what is between the last look and the first byte may go.

    So does what is sent once somebody asks to take it back, heard or not.
    """
    for sent in run.sent:
        since_s = run.opted_out.get(sent.submission.recipient)
        until_s, _ = run.restored.get(sent.submission.recipient, (math.inf, math.inf))
        if since_s is not None and since_s + OPT_OUT_S + _ROUNDING_S < sent.at_s < until_s:
            words = f"left {sent.process} {sent.at_s - since_s:.3f} s after its recipient's opt-out"
            yield Violation(rule="opt_outs_hold", subject=sent.submission.reference, words=words)


def no_wrong_block(run: Run) -> Iterable[Violation]:
    """Nobody is refused for what never was, or is over: a number always ours, an opt-out taken back before."""
    senders = {line.key: line for line in run.ledgers.lines}
    refused = [one for one in run.ledgers.attempts if one.final and not one.accepted]
    said = [(one.key, one.said, one.ended_ns / 1e9) for one in refused]
    for one in refused:
        _, restored_s = run.restored.get(_recipient(senders[one.key]), (math.inf, math.inf))
        if one.said == "recipient_opted_out" and one.sent_ns / 1e9 > restored_s:
            words = f"was refused for an opt-out that was over for {one.sent_ns / 1e9 - restored_s:.3f} s"
            yield Violation(rule="no_wrong_block", subject=one.key, words=words)
    keys = {one.id: one.key for one in run.ledgers.attempts if one.accepted}
    for name, changes in run.ledgers.changes.items():
        if changes[-1].status == "blocked" and name in keys:
            said.append((keys[name], changes[-1].code, run.healed_s + 1e9))
    for key, code, at_s in said:
        line = senders[key]
        sender = line.digest.partition(":")[0].partition(">")[0]
        taken_away = any(since_s <= at_s for since_s, _ in run.revoked.get(sender, ()))
        justified = _recipient(line) in run.opted_out if code == "recipient_opted_out" else line.inside or taken_away
        if code not in _MAY_BE_SAID or not justified:
            yield Violation(rule="no_wrong_block", subject=key, words=f"was refused as {code}")


def _recipient(line: Line) -> str:
    return line.digest.partition(":")[0].partition(">")[2]


def cancelled_stay(run: Run) -> Iterable[Violation]:
    """What somebody was told is cancelled ends so."""
    for name in sorted(run.cancelled):
        changes = run.ledgers.changes.get(name, ())
        if not changes or changes[-1].status != "cancelled":
            yield Violation(rule="cancelled_stay", subject=name, words="was cancelled, and ended as something else")


def nothing_crashed(run: Run) -> Iterable[Violation]:
    """Whatever happens outside, nothing inside breaks."""
    return [Violation(rule="nothing_crashed", subject="", words=words) for words in run.crashes]
