"""How the carrier can behave towards one submission, and which receipts it can send afterwards: values, no doing.

Selected by recipient (magic.py) or by rule (scenario.py), carried out by desk.py, answers.py and receipts.py.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class Kind(enum.StrEnum):
    """What the submitter gets to see."""

    ACCEPT = "accept"
    REJECT = "reject"
    THROTTLE = "throttle"
    TEMPORARY = "temporary"
    UNAUTHENTICATED = "unauthenticated"
    SLOW = "slow"
    HANG = "hang"
    DROP_ANSWER = "drop_answer"
    DROP_REQUEST = "drop_request"
    GARBLED_HTML = "garbled_html"
    GARBLED_NO_ID = "garbled_no_id"
    GARBLED_ID_TYPE = "garbled_id_type"
    GARBLED_LONG_ID = "garbled_long_id"
    GARBLED_CUT = "garbled_cut"
    GARBLED_CHUNK = "garbled_chunk"
    GARBLED_BOMB = "garbled_bomb"
    GARBLED_HALF = "garbled_half"
    GARBLED_MISSING = "garbled_missing"
    GARBLED_DOUBLED = "garbled_doubled"
    GARBLED_CONTRADICTING = "garbled_contradicting"
    GARBLED_SHUFFLED = "garbled_shuffled"


#: The carrier does not take the message: no id, no delivery, no receipts.
NOT_TAKEN = frozenset(
    {Kind.REJECT, Kind.THROTTLE, Kind.TEMPORARY, Kind.UNAUTHENTICATED, Kind.HANG, Kind.DROP_REQUEST},
)
#: Possible for one message of a batch; every other kind concerns the whole request.
PER_MESSAGE = frozenset({Kind.ACCEPT, Kind.REJECT, Kind.THROTTLE, Kind.TEMPORARY})
#: Why, in the answer to a refusal.
ON_DEMAND = "asked for by a magic number or a scenario"
#: The submitter gets no answer at all.
UNANSWERED = frozenset({Kind.HANG, Kind.DROP_ANSWER, Kind.DROP_REQUEST})

#: Statuses a receipt may carry, and the usual code of each.
RECEIPT_CODES: Mapping[str, str] = {
    "enroute": "0",
    "delivered": "0",
    "undelivered": "201",  # The handset could not be reached.
    "expired": "202",  # It stayed out of reach until the carrier gave up.
    "rejected": "203",  # The carrier's filter, after it had said yes.
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptStep:
    """One receipt of a plan."""

    #: A key of RECEIPT_CODES.
    status: str
    code: str
    #: From the message's arrival to the sending of this receipt.
    after_ms: int
    #: From the message's arrival to what the receipt tells of; not always the order in which they are sent.
    occurred_ms: int
    #: Send it, and wait for its answer, before the submission is answered.
    before_answer: bool = False
    #: It speaks of a message that nobody has submitted.
    unknown_message: bool = False


#: Name of a plan to its receipts.
Plans = Mapping[str, tuple[ReceiptStep, ...]]


def step(status: str, after_ms: int, *, occurred_ms: int | None = None, before_answer: bool = False) -> ReceiptStep:
    """Return a receipt with the usual code of its status."""
    return ReceiptStep(
        status=status,
        code=RECEIPT_CODES[status],
        after_ms=after_ms,
        occurred_ms=after_ms if occurred_ms is None else occurred_ms,
        before_answer=before_answer,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What becomes of a submission."""

    kind: Kind = Kind.ACCEPT
    #: Of a refusal: 401, 422, 429 or 5xx. Anything the carrier takes is answered with 202.
    status_code: int = 202
    #: Of a refusal, in the answer's body.
    code: str = ""
    #: Seconds for Retry-After of a 429; None leaves the header out.
    retry_after_s: int | None = None
    #: Before the answer; only for ``slow``.
    delay_ms: int = 0
    #: Only the first so many submissions of a reference meet it, later ones are accepted; None: all.
    times: int | None = None
    receipts: tuple[ReceiptStep, ...] = ()

    @property
    def taken(self) -> bool:
        """Say whether the carrier delivers the message."""
        return self.kind not in NOT_TAKEN


def receipt_plans(*, delay_ms: int, late_ms: int) -> Plans:
    """Return the named receipt plans for a usual delay and a late one."""
    delivered = step("delivered", delay_ms)
    ghost = ReceiptStep(status="delivered", code="0", after_ms=delay_ms, occurred_ms=delay_ms, unknown_message=True)
    return {
        "delivered": (delivered,),
        "enroute": (step("enroute", delay_ms), step("delivered", 2 * delay_ms)),
        "undelivered": (step("undelivered", delay_ms),),
        "expired": (step("expired", delay_ms),),
        "rejected": (step("rejected", delay_ms),),
        "none": (),
        "early": (step("delivered", 0, before_answer=True),),
        "late": (step("delivered", late_ms),),
        "doubled": (delivered, step("delivered", 2 * delay_ms, occurred_ms=delay_ms)),
        "out_of_order": (
            step("delivered", delay_ms, occurred_ms=delay_ms),
            step("enroute", 2 * delay_ms, occurred_ms=0),
        ),
        "contradictory": (delivered, step("undelivered", 2 * delay_ms)),
        "unknown": (delivered, ghost),
    }


def refusal(
    kind: Kind, status_code: int, code: str, *, retry_after_s: int | None = None, times: int | None = None
) -> Behaviour:
    """Return a behaviour that takes nothing and answers with a status and a code."""
    return Behaviour(kind=kind, status_code=status_code, code=code, retry_after_s=retry_after_s, times=times)
