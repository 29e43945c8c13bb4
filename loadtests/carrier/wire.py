"""Submissions as they stand on the wire, read strictly, and the plain answers to them.

A field that is wrong is named, because the one who reads the answer is debugging a connector. Unknown fields are
skipped, as carriers do. Not here: what becomes of a submission (desk.py), answers broken on purpose (answers.py).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

#: Most submissions in one request.
BATCH_MAX = 100
#: Longest body, 1 MiB.
BODY_BYTES_MAX = 1_048_576

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_REFERENCE_CHARACTERS_MAX = 200


class MalformedError(ValueError):
    """A submission, or a whole body, that is not what the wire says; the message names the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One message that somebody asks the carrier to deliver."""

    #: The submitter's own id; the carrier repeats it in answers and receipts.
    reference: str
    #: E.164.
    sender: str
    recipient: str
    text: str
    #: How many media parts come with it; 0 for an SMS.
    media_count: int
    #: Where receipts go; None: nobody wants them.
    receipt_url: str | None

    def digest(self) -> str:
        """Return 16 hex digits that stand for sender, recipient and text in the ledger, which holds none of them."""
        content = f"{self.sender}\n{self.recipient}\n{self.text}"
        return blake2b(content.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Malformed:
    """One element of a batch that could not be read."""

    detail: str
    #: Where it could be read.
    reference: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A request body as read: one submission, or a batch in its order."""

    batch: bool
    items: Sequence[Submission | Malformed]


def read_body(body: bytes) -> Body:
    """Read a request body.

    Raises:
        MalformedError: it is neither one submission nor a list of 1 to 100 elements. An element of a list that is wrong
            does not raise: it becomes a Malformed in its place.
    """
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedError("body: not JSON in UTF-8") from error
    if type(data) is not list:
        return Body(batch=False, items=(read_submission(data),))
    if not 1 <= len(data) <= BATCH_MAX:
        raise MalformedError(f"body: a batch holds 1 to {BATCH_MAX} messages")
    return Body(batch=True, items=[_read_element(element, index) for index, element in enumerate(data)])


def _read_element(element: Any, index: int) -> Submission | Malformed:
    try:
        return read_submission(element)
    except MalformedError as error:
        reference = element.get("reference") if type(element) is dict else None
        return Malformed(detail=f"[{index}].{error}", reference=reference if type(reference) is str else None)


def read_submission(data: Any) -> Submission:
    """Read one submission from decoded JSON.

    Raises:
        MalformedError: names the field.
    """
    if type(data) is not dict:
        raise MalformedError("message: must be an object")
    reference, text = data.get("reference"), data.get("text")
    if type(reference) is not str or not 1 <= len(reference) <= _REFERENCE_CHARACTERS_MAX:
        raise MalformedError(f"reference: must be a string of 1 to {_REFERENCE_CHARACTERS_MAX} characters")
    if type(text) is not str:
        raise MalformedError("text: must be a string")
    media_count = _media_count(data.get("media"))
    if not text and not media_count:
        raise MalformedError("text: must not be empty without media")
    if type(data.get("campaign_id")) not in {str, type(None)}:
        raise MalformedError("campaign_id: must be a string or null")
    return Submission(
        reference=reference,
        sender=_number(data.get("from"), "from"),
        recipient=_number(data.get("to"), "to"),
        text=text,
        media_count=media_count,
        receipt_url=_receipt_url(data.get("receipt_url")),
    )


def _number(value: Any, field: str) -> str:
    if type(value) is str and _E164.fullmatch(value):
        return value
    raise MalformedError(f"{field}: must be a phone number in E.164, such as +1 and ten digits")


def _media_count(value: Any) -> int:
    if value is None:
        return 0
    if type(value) is not list:
        raise MalformedError("media: must be a list")
    for index, part in enumerate(value):
        if type(part) is not dict or type(part.get("type")) is not str or type(part.get("bytes")) is not int:
            raise MalformedError(f"media[{index}]: must be an object with a type (string) and bytes (whole number)")
    return len(value)


def _receipt_url(value: Any) -> str | None:
    if value is None:
        return None
    if type(value) is str and value.startswith(("http://", "https://")):
        return value
    raise MalformedError("receipt_url: must be an http or https URL, or null")
