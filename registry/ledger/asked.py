"""Reads what is asked of the ledger: which messages, which page, which counts, whose texts are to go.

Cursors are signed by the ledger and are for one tenant and one search only: one that was made up, changed, or comes
from elsewhere is refused.

Not here: the questions themselves (queries.py), HTTP (routes.py).
"""

import base64
import binascii
import hashlib
import hmac
import re
from datetime import UTC, datetime
from typing import Annotated, Final, Literal, NamedTuple

import orjson
from pydantic import AwareDatetime, BeforeValidator, Field

from compliance.destinations import read_destination
from compliance.senders import canonical_sender
from registry.action import PageQuery, Query
from registry.admin_patches import Patch
from registry.ledger.batch import clean
from registry.ledger.queries import Place, Search
from registry.problems import Problem, wrong_field

_LONGEST: Final = 200
_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
#: Hours and days that one answer counts at most, and so many where nobody says since when.
_HOURS: Final = 31 * 24
_DAYS: Final = 400
_HOURS_SHOWN: Final = 48
_DAYS_SHOWN: Final = 31
_SIGNATURE_BYTES: Final = 16
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:.]{5,18}([Zz]|[+ -][0-9]{2}:?[0-9]{2})", re.ASCII)


def _rfc_3339(value: object) -> object:
    """Let nothing pass but an instant with its offset; a plus sign in a query may have become a space."""
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise ValueError
    return f"{value[:-6]}+{value[-5:]}" if value[-6] == " " else value


Instant = Annotated[AwareDatetime, BeforeValidator(_rfc_3339)]
Text = Annotated[str | None, Field(max_length=_LONGEST)]
Channel = Literal["im", "sms", "mms"]
Verdict = Literal["allow", "flag", "defer", "block"]
Status = Literal[
    "queued",
    "scheduled",
    "submitting",
    "submitted",
    "delivered",
    "undelivered",
    "failed",
    "expired",
    "cancelled",
    "blocked",
    "unknown",
    "refused",
]


class MessagesQuery(PageQuery):
    """Which messages, and which page of them."""

    number: Text = Field(default=None, description="Your side's number.")
    counterpart: Text = Field(default=None, description="The other side's number; of an instant message a user id.")
    user: Text = Field(default=None, description="The user who sent it.")
    reason: Text = Field(default=None, description="A code of GET /v1/reasons of the gateway.")
    verdict: Verdict | None = Field(default=None, description="What was decided.")
    channel: Channel | None = Field(default=None, description="How it travels.")
    status: Status | None = Field(default=None, description="Where it stands; refused: it was not taken.")
    since: Instant | None = Field(default=None, description="Taken at this instant or later, RFC 3339.")
    until: Instant | None = Field(default=None, description="Taken before this instant, RFC 3339.")

    def search(self) -> Search:
        """Return the question; numbers are read as people write them, and what is none is taken as it stands."""
        number, counterpart = _said(self.number), _said(self.counterpart)
        return Search(
            number=number and (canonical_sender(number) or number),
            counterpart=counterpart and (read_destination(counterpart)[1] or counterpart),
            user=_said(self.user),
            reason=_said(self.reason),
            verdict=self.verdict,
            channel=self.channel,
            status=self.status,
            since_ms=_ms(self.since),
            until_ms=_ms(self.until),
        )


class CountsQuery(Query):
    """Which counts."""

    by: Literal["hour", "day"] = Field(default="day", description="Hours or days, in UTC.")
    channel: Channel | None = Field(default=None, description="How they travel; left out: all.")
    since: Instant | None = Field(default=None, description="From the hour or day that this instant is in.")
    until: Instant | None = Field(default=None, description="Up to the hour or day that this instant is in; now.")


class EraseBody(Patch):
    """Whose texts are to go; one of the three."""

    message: str | None = Field(default=None, description="A message's id.", min_length=1, max_length=_LONGEST)
    number: str | None = Field(default=None, description="A person's number.", min_length=1, max_length=_LONGEST)
    everything: Literal[True] | None = Field(default=None, description="All of the company's.")

    def subject(self) -> tuple[str, str]:
        """Return kind and subject of the erasure; Problem when it is not one, or no number."""
        given = self.model_fields_set
        if len(given) != 1:
            code = "invalid_value" if given else "missing_field"
            raise wrong_field("", code, "Name one of message, number and everything.")
        if all(getattr(self, name) is None for name in given):
            raise wrong_field(f"/{min(given)}", "invalid_type", "Give it a value.")
        if self.message is not None:
            return "message", self.message
        if self.number is None:
            return "tenant", ""
        found = read_destination(self.number)[1] or canonical_sender(self.number)
        if not found:
            raise wrong_field("/number", "invalid_value", "Give it a phone number.")
        return "number", found


class Span(NamedTuple):
    """Whole hours or days."""

    by_day: bool
    since_ms: int
    until_ms: int


def span_of(query: CountsQuery, now: datetime) -> Span:
    """Return what is to be counted; Problem when it is too much for one answer."""
    by_day = query.by == "day"
    step, most, shown = (_DAY_MS, _DAYS, _DAYS_SHOWN) if by_day else (_HOUR_MS, _HOURS, _HOURS_SHOWN)
    last = _ms(query.until or now) or 0
    until_ms = -(-(last + (query.until is None)) // step) * step
    since = _ms(query.since)
    since_ms = until_ms - shown * step if since is None else since - since % step
    if not 0 <= until_ms - since_ms <= most * step:
        raise wrong_field("/since", "invalid_value", f"Ask for {_DAYS} days or {_HOURS} hours at most.")
    return Span(by_day, since_ms, until_ms)


def _said(text: str | None) -> str | None:
    return None if text is None else clean(text)


def _ms(instant: datetime | None) -> int | None:
    return None if instant is None else int(instant.astimezone(UTC).timestamp() * 1000)


def write_cursor(key: bytes, tenant: str, search: Search, place: Place | None) -> str | None:
    """Return what a caller brings to be given the next page; None where there is none."""
    if place is None:
        return None
    raw = orjson.dumps([*place])
    return base64.urlsafe_b64encode(_signature(key, tenant, search, raw) + raw).decode().rstrip("=")


def read_cursor(key: bytes, tenant: str, search: Search, cursor: str | None) -> Place | None:
    """Return where a page begins; Problem when the cursor is none of ours for this tenant and search."""
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Problem("invalid_cursor") from None
    signature, place = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _signature(key, tenant, search, place)):
        raise Problem("invalid_cursor")
    return Place(*orjson.loads(place))


def _signature(key: bytes, tenant: str, search: Search, place: bytes) -> bytes:
    about = orjson.dumps([tenant, *search])
    return hmac.digest(key, hashlib.sha256(about).digest() + place, "sha256")[:_SIGNATURE_BYTES]
