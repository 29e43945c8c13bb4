"""What callers are told: the JSON of an accepted message, of a refusal, of a stored message. Values in, plain data out.

An answer is made before the store has given ids, for it is remembered with the idempotency key; with_ids() puts them
in, the first time and at every replay.
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from compliance.catalogue import reason
from compliance.codes import Code
from compliance.masking import mask
from compliance.policy import Policy
from compliance.shapes import render_instant
from gateway.send.gather import Gathered
from gateway.send.judgement import Judged, JudgedLeg

Answer = dict[str, Any]

_REFUSED: Final = "blocked"
_GROUP_ID = re.compile(r"g-([0-9]+-[0-9]+-[0-9]+)-([0-9]{1,6})-([0-9]{1,2})", re.ASCII)


#: The field of a request that a reason is about, where it is about one: what the sender can correct.
FIELDS: Final[Mapping[Code, str]] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                Code.INVALID_SENDER,
                Code.DID_NOT_OWNED_BY_SENDER,
                Code.DID_NOT_SMS_ENABLED,
                Code.DID_SUPERSEDED,
                Code.DID_UNASSIGNED,
                Code.DID_ASSIGNMENT_PENDING,
                Code.DID_ASSIGNMENT_FAILED,
                Code.TOLLFREE_SMS_NOT_SUPPORTED,
                Code.TOLLFREE_NOT_VERIFIED,
            ),
            "/from",
        ),
        **dict.fromkeys(
            (
                Code.INVALID_DESTINATION,
                Code.DESTINATION_EMERGENCY,
                Code.DESTINATION_SHORT_CODE,
                Code.DESTINATION_PREMIUM,
                Code.DESTINATION_COUNTRY_NOT_ALLOWED,
                Code.DESTINATION_LANDLINE,
                Code.RECIPIENT_OPTED_OUT,
                Code.TOO_MANY_RECIPIENTS,
            ),
            "/to",
        ),
        **dict.fromkeys(
            (
                Code.MESSAGE_TOO_LONG,
                Code.CONTENT_PHISHING,
                Code.CONTENT_SHAFT,
                Code.CONTENT_PUBLIC_URL_SHORTENER,
                Code.CONTENT_PROHIBITED,
            ),
            "/text",
        ),
        **dict.fromkeys((Code.MEDIA_TYPE, Code.MEDIA_TOO_LARGE), "/media"),
    },
)
#: About one recipient of a list, which the pointer then names.
_OF_ONE: Final = frozenset(code for code, field in FIELDS.items() if field == "/to") - {Code.TOO_MANY_RECIPIENTS}


def accepted_answer(judged: Judged, policy: Policy, *, is_group: bool) -> Answer:
    """Describe an accepted message, ids left out."""
    if not is_group:
        return decision_answer(judged, judged.legs[0], policy)
    return {"partial": judged.partial, "legs": [_leg_answer(place, leg) for place, leg in enumerate(judged.legs)]}


def decision_answer(judged: Judged, leg: JudgedLeg, policy: Policy) -> Answer:
    """Describe what was decided about a message with one destination."""
    answer: Answer = {
        "channel": leg.channel,
        "verdict": leg.decision.verdict,
        "reason": _reason(leg.decision.reason),
        "findings": leg.decision.other_codes,
        "segments": judged.segments.segments,
        "encoding": judged.segments.encoding,
        "policy": {"name": policy.name, "version": policy.version, "mode": policy.mode},
        "facts": _facts(judged.gathered),
    }
    if leg.send_after is not None:
        answer["send_after"] = render_instant(leg.send_after)
    return answer


def question_answer(judged: Judged, policy: Policy, *, is_group: bool) -> Answer:
    """Describe a judgement without sending, whatever it is."""
    if not is_group:
        return decision_answer(judged, judged.legs[0], policy)
    return {"legs": [decision_answer(judged, leg, policy) | {"to": leg.leg.to} for leg in judged.legs]}


def refusal_answer(judged: Judged, leg: JudgedLeg, policy: Policy, *, is_group: bool) -> tuple[int, Answer]:
    """Describe a message that nothing goes of: the status, and the problem without its id."""
    why = reason(leg.decision.reason)
    answer: Answer = {
        "type": f"/v1/reasons#{why.code}",
        "title": why.title,
        "status": why.http,
        "code": why.code,
        "detail": why.user,
        **_errors(why.code, leg, is_group=is_group),
        **decision_answer(judged, leg, policy),
        "remediation": [remedy.plain() for remedy in why.remediation],
    }
    if is_group:
        answer["legs"] = [
            _leg_answer(place, one) | {"to": mask(one.leg.number)} for place, one in enumerate(judged.legs)
        ]
    return why.http, answer


def _errors(code: Code, leg: JudgedLeg, *, is_group: bool) -> Answer:
    """Name the field that a refusal is about, of a list the recipient by its place."""
    field = FIELDS.get(code)
    if field is None:
        return {}
    if is_group and code in _OF_ONE:
        field = f"{field}/{leg.caused_by}"
    return {"errors": [{"pointer": field, "code": code}]}


def with_ids(answer: Answer, message_ids: tuple[str, ...], refusal_ids: tuple[str, ...]) -> Answer:
    """Put the store's ids in their places: the message's own, or each leg's and one for the group."""
    if "legs" not in answer:
        return {"id": (message_ids or refusal_ids or ("",))[0], **answer}
    accepted, refused = iter(message_ids), iter(refusal_ids)
    legs = [{"id": _next_id(leg, accepted, refused), **leg} for leg in answer["legs"]]
    return {"id": group_id(message_ids) if message_ids else refusal_ids[0], **answer, "legs": legs}


def _next_id(leg: Answer, accepted: Iterator[str], refused: Iterator[str]) -> str:
    return next(refused if leg["status"] == _REFUSED else accepted)


def group_id(message_ids: tuple[str, ...]) -> str:
    """Name a group message: its first accepted leg and how many there are; legs of one message lie side by side."""
    return f"g-{message_ids[0]}-{len(message_ids)}"


def ids_of_group(name: str) -> list[str]:
    """Return the leg ids that a group's id stands for; empty when it is none."""
    match = _GROUP_ID.fullmatch(name)
    if match is None:
        return []
    entry, place, count = match[1], int(match[2]), int(match[3])
    return [f"{entry}-{place + offset}" for offset in range(count)]


def _leg_answer(place: int, leg: JudgedLeg) -> Answer:
    answer: Answer = {
        "to": leg.leg.to,
        "channel": leg.channel,
        "verdict": leg.decision.verdict,
        "reason": _reason(leg.decision.reason),
        "status": _status(leg),
    }
    if leg.caused_by != place and leg.own != leg.decision:
        answer["caused_by"] = leg.caused_by
    return answer


def _status(leg: JudgedLeg) -> str:
    if not leg.accepted:
        return _REFUSED
    return "queued" if leg.send_after is None else "scheduled"


def _reason(code: Code) -> Answer:
    return {"code": code, "text": reason(code).user}


def _facts(gathered: Gathered) -> Answer:
    return {"registry_seq": gathered.reading.seq, "age_ms": gathered.reading.age_ms}
