"""Judges a gathered message leg by leg and says what becomes of each: pure, between gather.py and pipeline.py.

External legs of one message go all or none: the strictest verdict is every external leg's, and the answer names the
leg that caused it. Colleagues' legs go anyway.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from compliance.case import is_internal
from compliance.codes import Code
from compliance.decide import decide
from compliance.decision import Decision, Verdict, blocks
from compliance.facts import Facts
from compliance.pacific import date_of, start_of
from compliance.policy import Policy
from compliance.segments import Segments, count_segments
from gateway.envelope import Channel, TrafficClass
from gateway.send.gather import Gathered, Leg

#: What a person who typed waits for at the most before "later" becomes "no".
LONGEST_WAIT_TYPED: Final = timedelta(minutes=10)
VALIDITY: Final = timedelta(hours=4)
VALIDITY_2FA: Final = timedelta(minutes=10)

_STRICTNESS: Final = {Verdict.ALLOW: 0, Verdict.FLAG: 1, Verdict.DEFER: 2, Verdict.BLOCK: 3}
_URGENT_USE_CASES: Final = frozenset({"2fa", "fraud_alert", "security_alert"})
_NOT_SWITCHED_ON: Final = Decision(Verdict.BLOCK, Code.DID_NOT_SMS_ENABLED, blocks(Code.DID_NOT_SMS_ENABLED))
_CRASHED: Final = Decision(Verdict.BLOCK, Code.REGISTRY_UNAVAILABLE, blocks(Code.REGISTRY_UNAVAILABLE))


class JudgedLeg(NamedTuple):
    """One leg and what becomes of it."""

    leg: Leg
    channel: Channel
    #: What the rules say of this leg alone: the record's decision.
    own: Decision
    #: What counts: for an external leg the strictest of all external ones.
    decision: Decision
    #: Place of the leg whose decision counts.
    caused_by: int
    #: It goes into the queue.
    accepted: bool
    #: Not to be sent before; None: at once.
    send_after: datetime | None
    expires_at: datetime
    traffic_class: TrafficClass


class Judged(NamedTuple):
    """A whole message, judged."""

    gathered: Gathered
    legs: tuple[JudgedLeg, ...]
    segments: Segments

    @property
    def accepted(self) -> bool:
        """At least one leg goes."""
        return any(leg.accepted for leg in self.legs)

    @property
    def partial(self) -> bool:
        """Some legs go and some do not."""
        return self.accepted and not all(leg.accepted for leg in self.legs)


def judge(
    gathered: Gathered,
    policy: Policy,
    *,
    send_at: datetime | None,
    expires_at: datetime | None,
    crashed: Callable[[Exception], None],
) -> Judged:
    """Judge every leg. A rule that crashes is a chosen outcome, registry_unavailable (503), told to crashed."""
    own = [_decide(leg, policy, crashed) for leg in gathered.legs]
    external = [not is_internal(leg.facts) for leg in gathered.legs]
    strictest = _strictest(own, external)
    legs = []
    for place, leg in enumerate(gathered.legs):
        cause = strictest if external[place] else place
        legs.append(
            _judged_leg(
                leg,
                own[place],
                _NOT_SWITCHED_ON if _lacks_a_number(gathered, own[cause]) else own[cause],
                cause,
                channel=_channel(leg.facts, is_external=external[place]),
                send_at=send_at,
                expires_at=expires_at,
            ),
        )
    text = gathered.legs[0].facts.message.text
    return Judged(gathered=gathered, legs=tuple(legs), segments=count_segments(text))


def _strictest(own: list[Decision], external: list[bool]) -> int:
    """Return the place of the strictest external decision, the first of several; -1 when all are internal."""
    strictest = -1
    for place, decision in enumerate(own):
        if external[place] and (strictest < 0 or _STRICTNESS[decision.verdict] > _STRICTNESS[own[strictest].verdict]):
            strictest = place
    return strictest


def _decide(leg: Leg, policy: Policy, crashed: Callable[[Exception], None]) -> Decision:
    try:
        return decide(leg.facts, policy)
    except Exception as failure:  # noqa: BLE001 - a crashed rule must never be a pass
        crashed(failure)
        return _CRASHED


def _lacks_a_number(gathered: Gathered, decision: Decision) -> bool:
    """Say whether a message without `from` failed because its user has no number that may text.

    The rules, and so the record, see a message without a sender; what its user hears is that SMS is not switched on.
    """
    return gathered.sender is None and gathered.user is not None and decision.reason is Code.INVALID_SENDER


def _channel(facts: Facts, *, is_external: bool) -> Channel:
    if not is_external:
        return Channel.IM
    return Channel.MMS if facts.message.media or facts.message.participants > 1 else Channel.SMS


def _judged_leg(
    leg: Leg,
    own: Decision,
    decision: Decision,
    caused_by: int,
    *,
    channel: Channel,
    send_at: datetime | None,
    expires_at: datetime | None,
) -> JudgedLeg:
    facts = leg.facts
    campaign = facts.sender.campaign
    use_case = "" if campaign is None else campaign.use_case
    start = facts.at if send_at is None else send_at
    until = expires_at or start + (VALIDITY_2FA if use_case == "2fa" else VALIDITY)
    send_after = send_at
    accepted = decision.verdict is not Verdict.BLOCK
    if decision.verdict is Verdict.DEFER:
        send_after = max(release_at(decision.reason, facts.at), start)
        too_late = send_after >= until
        too_long = facts.message.origin == "app" and send_after - start > LONGEST_WAIT_TYPED
        accepted = not (too_late or too_long)
    return JudgedLeg(
        leg=leg,
        channel=channel,
        own=own,
        decision=decision,
        caused_by=caused_by,
        accepted=accepted,
        send_after=send_after,
        expires_at=until,
        traffic_class=_traffic_class(facts.message.origin, use_case),
    )


def _traffic_class(origin: str, use_case: str) -> TrafficClass:
    if origin == "app":
        return TrafficClass.P2P
    return TrafficClass.URGENT if use_case in _URGENT_USE_CASES else TrafficClass.BULK


def release_at(code: Code, at: datetime) -> datetime:
    """Say when what is deferred for a reason may be tried: a second, a minute, or the next Pacific day later."""
    if code is Code.THROUGHPUT_DID:
        return at + timedelta(seconds=1)
    if code is Code.DAILY_CAP_TMO_BRAND:
        return start_of(date_of(at) + timedelta(days=1))
    return at.replace(second=0) + timedelta(minutes=1)


def strictest_leg(legs: Sequence[JudgedLeg]) -> JudgedLeg:
    """Return the leg whose decision is the strictest, the first of several."""
    return max(legs, key=lambda leg: _STRICTNESS[leg.decision.verdict])
