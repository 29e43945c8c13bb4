"""Recipients that choose a behaviour by their number: +1 312 555 01xx, numbers kept for fiction, in Chicago.

They read as ordinary US mobiles, so that a gateway takes them as such. Every other number is accepted and delivered.
Not here: rules that apply to any number (scenario.py); where a rule applies, it goes before this table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from loadtests.carrier.behaviours import Behaviour, Kind, Plans, refusal

_BLOCK = "+131255501"


@dataclass(frozen=True, slots=True, kw_only=True)
class Magic:
    """One magic recipient."""

    number: str
    #: For people: what the submitter sees.
    meaning: str
    behaviour: Behaviour
    #: Name of its receipt plan.
    receipts: str


def _refusals() -> tuple[tuple[str, str, Behaviour], ...]:
    reject, throttle, temporary = Kind.REJECT, Kind.THROTTLE, Kind.TEMPORARY
    return (
        ("10", "422 invalid_number", refusal(reject, 422, "invalid_number")),
        ("11", "422 blocked_content", refusal(reject, 422, "blocked_content")),
        ("12", "422 unregistered_sender", refusal(reject, 422, "unregistered_sender")),
        ("13", "422 recipient_opted_out", refusal(reject, 422, "recipient_opted_out")),
        ("20", "429 with Retry-After: 1, always", refusal(throttle, 429, "throttled", retry_after_s=1)),
        ("21", "429 without Retry-After, always", refusal(throttle, 429, "throttled")),
        ("22", "429 once, then accepted", refusal(throttle, 429, "throttled", retry_after_s=1, times=1)),
        ("30", "503, always", refusal(temporary, 503, "temporary")),
        ("31", "503 once, then accepted", refusal(temporary, 503, "temporary", times=1)),
        ("32", "500, always", refusal(temporary, 500, "temporary")),
        ("33", "502, always", refusal(temporary, 502, "temporary")),
        ("34", "504, always", refusal(temporary, 504, "temporary")),
        ("35", "401, as if the token were wrong", refusal(Kind.UNAUTHENTICATED, 401, "unauthenticated")),
        ("40", "no answer; not taken", Behaviour(kind=Kind.HANG)),
        ("44", "connection closed at once; not taken", Behaviour(kind=Kind.DROP_REQUEST)),
    )


def _taken(slow_ms: int) -> tuple[tuple[str, str, Behaviour], ...]:
    return (
        ("00", "202, like any other number", Behaviour()),
        ("41", "202, slowly", Behaviour(kind=Kind.SLOW, delay_ms=slow_ms)),
        ("42", "taken, then the connection is closed without an answer", Behaviour(kind=Kind.DROP_ANSWER)),
        ("43", "like 42 once, then accepted", Behaviour(kind=Kind.DROP_ANSWER, times=1)),
        ("50", "taken, answered 200 with an HTML page", Behaviour(kind=Kind.GARBLED_HTML)),
        ("51", "taken, answered 202 without an id", Behaviour(kind=Kind.GARBLED_NO_ID)),
        ("52", "taken, answered 202 with JSON cut in half", Behaviour(kind=Kind.GARBLED_CUT)),
        ("53", "taken, answered 202 with an id of 10 KB", Behaviour(kind=Kind.GARBLED_LONG_ID)),
        ("54", "taken, answered 202 with a list for an id", Behaviour(kind=Kind.GARBLED_ID_TYPE)),
        ("55", "taken, answer cut within a chunk", Behaviour(kind=Kind.GARBLED_CHUNK)),
        ("56", "taken, answered 202 with 16 MiB of zeros, gzipped", Behaviour(kind=Kind.GARBLED_BOMB)),
        ("57", "taken, only the first half of a batch has results", Behaviour(kind=Kind.GARBLED_HALF)),
        ("58", "taken, the first of a batch has no result", Behaviour(kind=Kind.GARBLED_MISSING)),
        ("59", "taken, each of a batch has its result twice", Behaviour(kind=Kind.GARBLED_DOUBLED)),
    )


_RECEIPTS = (
    ("60", "enroute"),
    ("61", "undelivered"),
    ("62", "expired"),
    ("63", "rejected"),
    ("64", "none"),
    ("65", "early"),
    ("66", "late"),
    ("67", "doubled"),
    ("68", "out_of_order"),
    ("69", "contradictory"),
    ("70", "unknown"),
)


def magic_table(plans: Plans, *, slow_ms: int) -> Mapping[str, Magic]:
    """Return the magic recipients by number."""
    rows = [
        *((end, meaning, behaviour, "delivered") for end, meaning, behaviour in _taken(slow_ms)),
        *(
            (end, meaning, behaviour, "delivered" if behaviour.times else "none")
            for end, meaning, behaviour in _refusals()
        ),
        *((end, "202", Behaviour(), plan) for end, plan in _RECEIPTS),
    ]
    return {
        _BLOCK + end: Magic(
            number=_BLOCK + end,
            meaning=meaning,
            behaviour=replace(behaviour, receipts=plans[plan] if behaviour.taken else ()),
            receipts=plan,
        )
        for end, meaning, behaviour, plan in sorted(rows, key=lambda row: row[0])
    }
