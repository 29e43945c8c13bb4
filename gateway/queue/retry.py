"""What becomes of a message after a carrier answered, or did not: pure, no sleeping, no clock, no queue inside.

A carrier's answer has a next step of its own, after(). A lost answer has another, after_doubt(): the carrier may have
the message, so it is asked where it can be asked, for a while where it does not answer (asks_again()), and sent again
once at most. What the recheck puts off waits as long
as after_defer() says.

Not here: what a carrier's protocol means (connectors/), who does what is said here (dispatcher.py, doubts.py).
"""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias

from compliance.codes import Code
from compliance.pacific import date_of, start_of
from gateway.connectors import (
    CarrierAccepted,
    CarrierMisconfigured,
    CarrierRejected,
    CarrierTemporary,
    CarrierThrottled,
    InDoubt,
)
from gateway.connectors.offers import Answer, NotTaken, Silent
from gateway.envelope import TrafficClass
from gateway.queue import Event, Status

#: Why a message ended that could not go in time.
VALIDITY_EXPIRED: Final = "validity_expired"
_THROTTLED: Final = "carrier_throttled"
_MISCONFIGURED: Final = "carrier_misconfigured"
#: What a carrier said that is no failure of the message: it does not lengthen the message's own waits.
_BURNS_NOTHING: Final = frozenset({_THROTTLED, _MISCONFIGURED})
#: Codes of attempts whose answer was lost begin so; the store counts them by it.
_DOUBT: Final = "doubt_"
#: Doubling further would only make large numbers.
_DOUBLINGS_MAX: Final = 20


class DoubtPolicy(StrEnum):
    """What to do about a lost answer when the carrier cannot be asked."""

    #: Once: a person would rather read a text twice than never.
    RESEND = "resend"
    #: Never: a second one-time code confuses, a second newsletter costs.
    UNKNOWN = "unknown"


DOUBT_POLICIES: Final[Mapping[TrafficClass, DoubtPolicy]] = {
    TrafficClass.URGENT: DoubtPolicy.UNKNOWN,
    TrafficClass.P2P: DoubtPolicy.RESEND,
    TrafficClass.BULK: DoubtPolicy.UNKNOWN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How long to wait, in milliseconds."""

    #: After a temporary refusal: drawn from 0 to this, doubled for each failure, at most cap.
    base_ms: int = 5_000
    cap_ms: int = 900_000
    #: After "too fast" without a delay of the carrier's own, and the longest such delay that is believed.
    throttle_ms: int = 1_000
    throttle_cap_ms: int = 300_000
    #: After "who are you".
    misconfigured_ms: int = 30_000
    #: Before a message whose answer was lost is sent again; a receipt that comes meanwhile makes that unnecessary.
    resend_ms: int = 5_000
    #: So long a carrier that does not answer is asked about a message, with such a pause; then it cannot say.
    ask_for_ms: int = 30_000
    ask_again_ms: int = 2_000


USUAL: Final = Schedule()


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """The carrier has it, under this name."""

    reference: str
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """The message ends here."""

    status: Status
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryAt:
    """Again at due_ms, milliseconds since the epoch."""

    due_ms: int
    code: str


Step: TypeAlias = Submitted | GiveUp | RetryAt
#: Every outcome but a lost answer.
Said: TypeAlias = CarrierAccepted | CarrierRejected | CarrierThrottled | CarrierTemporary | CarrierMisconfigured


def after(
    said: Said, *, failures: int, now_ms: int, expires_ms: int, rng: random.Random, schedule: Schedule = USUAL
) -> Step:
    """Say what follows from a carrier's answer.

    failures: how often the carrier has refused this message for now, this time included; throttled and misconfigured
    attempts are none (failures_in() counts them).
    """
    match said:
        case CarrierAccepted(reference):
            return Submitted(reference=reference)
        case CarrierRejected(code):
            return GiveUp(status=Status.FAILED, code=f"carrier_{code}")
        case CarrierTemporary(code):
            doublings = min(max(failures, 1) - 1, _DOUBLINGS_MAX)
            delay_ms = int(rng.uniform(0, min(schedule.cap_ms, schedule.base_ms * 2**doublings)))
            retry = RetryAt(due_ms=now_ms + delay_ms, code=f"carrier_{code}")
        case CarrierThrottled(retry_after_s):
            asked_ms = int(min(max(retry_after_s or 0, 0) * 1000, schedule.throttle_cap_ms))
            retry = RetryAt(due_ms=now_ms + (asked_ms or schedule.throttle_ms), code=_THROTTLED)
        case CarrierMisconfigured():
            # Twice the lane's pause: whoever waited behind this message goes before it is tried again.
            retry = RetryAt(due_ms=now_ms + 2 * schedule.misconfigured_ms, code=_MISCONFIGURED)
    if retry.due_ms >= expires_ms:
        return GiveUp(status=Status.EXPIRED, code=VALIDITY_EXPIRED)
    return retry


def after_doubt(
    doubt: InDoubt,
    answer: Answer | None,
    *,
    policy: DoubtPolicy,
    resends: int,
    now_ms: int,
    expires_ms: int,
    rng: random.Random,
    schedule: Schedule = USUAL,
) -> Step:
    """Say what follows from a lost answer.

    answer: what the carrier said when it was last asked about the message; None: it cannot be asked. resends: how often
    the message was sent again because of a lost answer (resends_in() counts them). Too late to send again is UNKNOWN,
    not EXPIRED: the carrier may have it.
    """
    code = f"{_DOUBT}{doubt.code}"
    if isinstance(answer, CarrierAccepted):
        return Submitted(reference=answer.reference, code=code)
    may_resend = isinstance(answer, NotTaken) or policy is DoubtPolicy.RESEND
    due_ms = now_ms + int(schedule.resend_ms * rng.uniform(0.5, 1))
    if resends > 0 or not may_resend or due_ms >= expires_ms:
        return GiveUp(status=Status.UNKNOWN, code=code)
    return RetryAt(due_ms=due_ms, code=code)


def asks_again(
    answer: Answer | None, *, since_ms: int, now_ms: int, expires_ms: int, schedule: Schedule = USUAL
) -> bool:
    """Say whether a carrier is asked about a message once more, after schedule.ask_again_ms, before after_doubt().

    since_ms: when it was asked first.
    """
    again_ms = now_ms + schedule.ask_again_ms
    return isinstance(answer, Silent) and again_ms < min(since_ms + schedule.ask_for_ms, expires_ms)


def after_defer(reason: Code, *, now_ms: int, rng: random.Random) -> int:
    """Say until when a message waits that its sender, campaign or brand may not send now; milliseconds since the epoch.

    A little is added by chance, so that those that wait together do not all come back together.
    """
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    match reason:
        case Code.DAILY_CAP_TMO_BRAND:
            again = start_of(date_of(now) + timedelta(days=1))
            spread_ms = 60_000
        case Code.THROUGHPUT_ATT_CAMPAIGN:
            again = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
            spread_ms = 5_000
        case _:
            again = now + timedelta(seconds=1)
            spread_ms = 1_000
    return int(again.timestamp() * 1000) + rng.randrange(spread_ms)


def failures_in(events: Iterable[Event]) -> int:
    """Count how often a carrier refused this message for now."""
    return sum(
        event.status is Status.QUEUED and event.code.startswith("carrier_") and event.code not in _BURNS_NOTHING
        for event in events
    )


def resends_in(events: Iterable[Event]) -> int:
    """Count how often a lost answer led to another attempt."""
    return sum(event.status is Status.QUEUED and event.code.startswith(_DOUBT) for event in events)
