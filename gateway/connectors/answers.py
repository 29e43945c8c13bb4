"""What the answers of a JSON carrier mean: to one message, and to a batch, in which each message has its own.

Nothing is guessed. A yes must name the message it is about; of a batch a line that is missing, doubled with another
content, or unreadable puts its own message in doubt and no other.

Not here: how an answer is fetched, and what it means that none came (http_carrier.py).
"""

import re
import time
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

import orjson

from gateway.connectors import (
    CarrierAccepted,
    CarrierMisconfigured,
    CarrierRejected,
    CarrierTemporary,
    CarrierThrottled,
    InDoubt,
    Outcome,
)

#: What a carrier may call a message or an error; a long run of digits could be somebody's number.
_ID: Final = re.compile(r"[!-~]{1,128}")
_CODE: Final = re.compile(r"(?!.*[0-9]{7})[A-Za-z0-9_.-]{1,40}")
#: Says that the address is wrong, unless the answer has a code of the carrier's own.
_WRONG_ADDRESS: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})
_WRONG_TOKEN: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_UNREADABLE: Final = InDoubt("answer_unreadable")


def read_object(body: bytes) -> Mapping[str, Any] | None:
    """Read a JSON object; None for anything else."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return answer if isinstance(answer, dict) else None


def accepted(answer: Mapping[str, Any] | None, reference: str) -> CarrierAccepted | InDoubt:
    """Read a yes: it must name the message, and not say that it is about another."""
    if answer is None:
        return _UNREADABLE
    name = answer.get("id")
    if not isinstance(name, str) or _ID.fullmatch(name) is None:
        return InDoubt("answer_without_id")
    if answer.get("reference", reference) != reference:
        return InDoubt("answer_about_another")
    return CarrierAccepted(name)


def batch_outcomes(answer: Mapping[str, Any] | None, references: Sequence[str]) -> list[Outcome]:
    """Read the results of a batch, one outcome for each of our references, in their order.

    A result belongs to the message that it names. One that names none counts by its place, and only where there are as
    many results as messages. Results about strangers say nothing about ours.
    """
    results = None if answer is None else answer.get("results")
    if not isinstance(results, list):
        return [_UNREADABLE] * len(references)
    said: dict[str, Outcome] = {}
    by_place = len(results) == len(references)
    for place, result in enumerate(results):
        named = result.get("reference") if isinstance(result, dict) else None
        reference = named if isinstance(named, str) else references[place] if by_place and named is None else None
        if reference is None:
            continue
        outcome = _item_outcome(result, reference)
        said[reference] = outcome if said.get(reference, outcome) == outcome else InDoubt("answer_contradicts_itself")
    return [said.get(reference) or InDoubt("answer_incomplete") for reference in references]


def _item_outcome(result: object, reference: str) -> Outcome:
    if not isinstance(result, dict) or type(status := result.get("status_code")) is not int:
        return _UNREADABLE
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return accepted(result, reference)
    retry_after = result.get("retry_after")
    return refusal(status, result, None if retry_after is None else str(retry_after))


def refusal(status: int, answer: Mapping[str, Any] | None, retry_after: str | None) -> Outcome:
    """Say what a status that is no yes means."""
    said = None if answer is None else answer.get("code")
    code = said if isinstance(said, str) and _CODE.fullmatch(said) else None
    word = code or f"http_{status}"
    if status in _WRONG_TOKEN or (status in _WRONG_ADDRESS and code is None):
        return CarrierMisconfigured(word)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return CarrierThrottled(_seconds(retry_after))
    if status == HTTPStatus.REQUEST_TIMEOUT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return CarrierTemporary(word)
    if status >= HTTPStatus.BAD_REQUEST:
        return CarrierRejected(word)
    return CarrierMisconfigured(word)  # A redirect: the address is wrong, and following it could send a text twice.


def _seconds(retry_after: str | None) -> float | None:
    """Read Retry-After: seconds, or an HTTP date; None when it says nothing usable."""
    if retry_after is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", retry_after):
        return float(retry_after)
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
