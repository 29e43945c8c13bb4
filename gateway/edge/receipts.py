"""What a carrier says about messages it was given, read into what the queue understands. Pure.

A receipt that we cannot use is counted and let go: the carrier could only send the same again.

Not here: the HTTP route (receipts_route.py), signatures (webhooks.py), what a receipt does to a message (queue/).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import orjson

from gateway.queue import Folded, Receipt, Status

#: Most receipts in one delivery.
RECEIPTS_MAX: Final = 100

STATUSES: Final[Mapping[str, Status]] = {
    "enroute": Status.SUBMITTED,  # The carrier has handed it on.
    "delivered": Status.DELIVERED,
    "undelivered": Status.UNDELIVERED,  # The handset, or its carrier, did not take it.
    "expired": Status.EXPIRED,
    "rejected": Status.FAILED,  # Refused after all.
}


class Unusable(StrEnum):
    """Why a receipt was let go."""

    #: A status that we do not know.
    UNKNOWN_STATUS = "unknown_status"
    #: No object, or none of our ids in it.
    MALFORMED = "malformed"


#: Everything that a receipt can be counted as.
RECEIPT_WORDS: Final = (*Folded, *Unusable)

#: What a carrier may call a message or an error; a long run of digits could be somebody's number.
_REFERENCE: Final = re.compile(r"[!-~]{1,128}")
_CODE: Final = re.compile(r"(?!.*[0-9]{7})[A-Za-z0-9_.-]{1,40}")
#: Codes that say that nothing is wrong.
_NO_ERROR: Final = frozenset({"", "0", "000"})


class MalformedReceipts(ValueError):  # noqa: N818 - says what it is
    """The body as a whole cannot be read; the message says why, without repeating any of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One request's receipts."""

    receipts: tuple[Receipt, ...]
    #: Those that were let go.
    unusable: tuple[Unusable, ...]


def read_delivery(body: bytes, *, carrier: str) -> Delivery:
    """Read one receipt, or a list of them; raises MalformedReceipts."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise MalformedReceipts("body: is not JSON") from None
    items = data if isinstance(data, list) else [data]
    if not items or not all(isinstance(item, dict) for item in items):
        raise MalformedReceipts("body: must be a receipt or a list of receipts")
    if len(items) > RECEIPTS_MAX:
        raise MalformedReceipts(f"body: at most {RECEIPTS_MAX} receipts")
    read = [_read(item, carrier) for item in items]
    return Delivery(
        receipts=tuple(one for one in read if isinstance(one, Receipt)),
        unusable=tuple(one for one in read if isinstance(one, Unusable)),
    )


def _read(item: Mapping[str, Any], carrier: str) -> Receipt | Unusable:
    reference, word = item.get("reference"), item.get("status")
    if not isinstance(reference, str) or not isinstance(word, str):
        return Unusable.MALFORMED
    status = STATUSES.get(word.lower())
    if status is None:
        return Unusable.UNKNOWN_STATUS
    return Receipt(
        id=reference,
        status=status,
        carrier=carrier,
        carrier_reference=_matching(_REFERENCE, item.get("id")),
        code=_code(item.get("code")),
        at_ms=_instant_ms(item.get("occurred_at")),
    )


def _code(value: object) -> str:
    """Read an error code, which some carriers write as a number; "" when there is none that could be shown."""
    code = _matching(_CODE, str(value) if type(value) is int else value)
    return "" if code in _NO_ERROR else f"carrier_{code}"


def _matching(pattern: re.Pattern[str], value: object) -> str:
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""


def _instant_ms(value: object) -> int:
    """Read an RFC 3339 instant; 0 when it is none."""
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else None
        return 0 if instant is None or instant.tzinfo is None else max(0, int(instant.timestamp() * 1000))
    except (ValueError, OverflowError):
        return 0
