"""What a webhook of TCR says: a flat JSON object becomes an event, and an event what it says about a brand or campaign.

Families of events are told by how their names begin, because spellings differ between sources (APPROVE, APPROVED). A
type that nobody knows says nothing, and has TCR asked. A status that nobody knows is kept as it is: it is not good, so
nothing is sent on its strength.

Source: TCR CSP API, webhooks: mandatory eventType, optional brandId, campaignId, mnoId, brandIdentityStatus, mock ...

Not here: what follows for the rows (applying.py).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import orjson

from registry.tcr import signature, values

#: The aspects of a brand and of a campaign that TCR tells us about; those of carriers have their names.
IDENTITY: Final = "identity"
STATUS: Final = "status"
SHARING: Final = "sharing"
DCA: Final = "dca"
CARRIERS: Final = ("att", "tmobile", "verizon", "us_cellular")
#: The words of each aspect that let texts out; every other word does not.
GOOD: Final[Mapping[str, frozenset[str]]] = {
    IDENTITY: frozenset({"verified", "vetted_verified", "self_declared"}),
    STATUS: frozenset({"active"}),
    SHARING: frozenset({"accepted"}),
    DCA: frozenset({"complete"}),
    **dict.fromkeys(CARRIERS, frozenset({"approved"})),
}
#: Beyond this a number of seconds is one of milliseconds.
_MILLISECONDS: Final = 10**11
_TEXT_MAX: Final = 128
_REASON_MAX: Final = 2_000


class MalformedError(ValueError):
    """The body is no flat JSON object with an event type; code is a word of problems.py."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Observation(NamedTuple):
    """One thing that TCR says about a brand or a campaign."""

    #: brand or campaign, and its id.
    kind: str
    id: str
    aspect: str
    #: In our words; for dca complete or incomplete.
    value: str
    #: Why, for people.
    reasons: tuple[str, ...] = ()

    @property
    def is_adverse(self) -> bool:
        """Whether it keeps texts from going out."""
        return self.value not in GOOD[self.aspect]

    @property
    def object(self) -> str:
        """Name what it is about, such as campaign:CAAAAA1."""
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A webhook, read."""

    type: str
    brand_id: str | None
    campaign_id: str | None
    #: When it happened; None where TCR does not say.
    occurred_at: datetime | None
    is_mock: bool
    body: Mapping[str, Any]

    @property
    def object(self) -> str | None:
        """Name what it is about, such as campaign:CAAAAA1; None where it is about neither."""
        if self.campaign_id is not None:
            return f"campaign:{self.campaign_id}"
        return None if self.brand_id is None else f"brand:{self.brand_id}"

    @property
    def id(self) -> str:
        """Return what makes it the same event when it comes again."""
        given = _text(self.body.get("eventId"))
        if given is not None:
            return f"id:{given}"
        names = ("mnoId", "mnoName", "time", "brandIdentityStatus", "campaignStatus", "status")
        parts = [self.type, self.brand_id, self.campaign_id, *(self.body.get(name) for name in names)]
        return hashlib.sha256(orjson.dumps(parts)).hexdigest()


def read_object(raw: bytes) -> dict[str, Any]:
    """Return a flat JSON object; MalformedError when it is none, repeats a key, or has no canonical form."""
    try:
        orjson.loads(raw)  # Strict: UTF-8, no lone surrogates, no endless nesting.
        data = json.loads(raw, object_pairs_hook=_without_twins)
    except (orjson.JSONDecodeError, json.JSONDecodeError, RecursionError):
        raise MalformedError("invalid_json") from None
    if type(data) is not dict or any(type(value) in {dict, list} for value in data.values()):
        raise MalformedError("invalid_type")
    try:
        signature.canonical(data)
    except ValueError:
        raise MalformedError("invalid_value") from None
    return data


def read_event(body: Mapping[str, Any]) -> Event:
    """Read a flat object as an event; MalformedError when it has no event type."""
    event_type = _text(body.get("eventType"))
    if event_type is None:
        raise MalformedError("missing_field")
    return Event(
        type=event_type.upper(),
        brand_id=_text(body.get("brandId")),
        campaign_id=_text(body.get("campaignId")),
        occurred_at=_instant(body.get("time")),
        is_mock=body.get("mock", False) is not False,
        body=body,
    )


def is_known(event: Event) -> bool:
    """Say whether this type means something to us, if only that nothing changes."""
    return event.type.startswith(_KNOWN)


def observations(event: Event) -> tuple[Observation, ...]:
    """Return what an event says; nothing for one that changes no state."""
    if event.campaign_id is not None and event.type.startswith("MNO_CAMPAIGN_OPERATION_"):
        return _of_carrier(event, event.campaign_id)
    if event.campaign_id is not None and event.type.startswith("CAMPAIGN_"):
        return _of_campaign(event, event.campaign_id)
    if event.brand_id is not None and event.type.startswith("BRAND_"):
        return _of_brand(event, event.brand_id)
    return ()


def has_to_be_asked(event: Event) -> bool:
    """Say whether TCR knows more than the event tells: a new score, why a brand is not verified, which carrier.

    And so it is with a type that nobody knows.
    """
    is_of_whom = event.type.startswith("MNO_CAMPAIGN_OPERATION_") and not observations(event)
    return not is_known(event) or is_of_whom or event.type.startswith(_ASK)


def _of_brand(event: Event, brand_id: str) -> tuple[Observation, ...]:
    if event.type.startswith("BRAND_DELETE"):
        return (Observation("brand", brand_id, IDENTITY, "deleted"),)
    if event.type.startswith("BRAND_SUSPEND"):
        return (Observation("brand", brand_id, IDENTITY, "suspended", _reasons(event)),)
    if not event.type.startswith("BRAND_IDENTITY_STATUS"):
        return ()
    status = values.word(event.body.get("brandIdentityStatus"))
    return (Observation("brand", brand_id, IDENTITY, status, _reasons(event)),) if status else ()


def _of_campaign(event: Event, campaign_id: str) -> tuple[Observation, ...]:
    def seen(aspect: str, value: str, reasons: tuple[str, ...] = ()) -> Observation:
        return Observation("campaign", campaign_id, aspect, value, reasons)

    name = event.type.removeprefix("CAMPAIGN_")
    for begins, found in (
        ("SHARE_ADD", (seen(SHARING, "pending"),)),
        ("SHARE_ACCEPT", (seen(SHARING, "accepted"),)),
        (("SHARE_DELETE", "SHARE_DECLINE"), (seen(SHARING, "declined", _reasons(event)),)),
        ("DCA_COMPLETE", (seen(DCA, "complete"),)),
        # Everybody looks at it again: until they are done it is as if it were new.
        ("RESUBMISSION", (seen(SHARING, "pending"), seen(DCA, "incomplete"))),
        ("EXPIRE", (seen(STATUS, "expired"),)),
        (("DEACTIVATE", "DELETE"), (seen(STATUS, "expired"),)),
        ("SUSPEND", (seen(STATUS, "suspended", _reasons(event)),)),
        ("REJECT", (seen(STATUS, "rejected", _reasons(event)),)),
        ("UNSUSPEND", (seen(STATUS, "active"),)),
    ):
        if name.startswith(begins):
            return found
    status = values.word(event.body.get("campaignStatus", event.body.get("status")))
    return (seen(STATUS, status, _reasons(event)),) if status else ()


def _of_carrier(event: Event, campaign_id: str) -> tuple[Observation, ...]:
    carrier = values.CARRIER_IDS.get(str(event.body.get("mnoId"))) or values.carrier_named(event.body.get("mnoName"))
    if carrier is None:
        return ()
    name = event.type.removeprefix("MNO_CAMPAIGN_OPERATION_")
    for begins, value in (
        ("APPROVE", "approved"),
        ("REJECT", "rejected"),
        ("REVIEW", "review"),
        ("SUSPEND", "suspended"),
        ("UNSUSPEND", "approved"),
    ):
        if name.startswith(begins):
            return (Observation("campaign", campaign_id, carrier, value, _reasons(event)),)
    return (Observation("campaign", campaign_id, carrier, values.word(name) or "unknown", _reasons(event)),)


def _reasons(event: Event) -> tuple[str, ...]:
    said = event.body.get("description")
    return (said.strip()[:_REASON_MAX],) if type(said) is str and said.strip() else ()


#: Types that we know to change nothing, or that observations() reads.
_KNOWN: Final = (
    "BRAND_ADD",
    "BRAND_UPDATE",
    "BRAND_DELETE",
    "BRAND_SUSPEND",
    "BRAND_SCORE_UPDATE",
    "BRAND_IDENTITY_",
    "BRAND_REVET",
    "BRAND_APPEAL_",
    "BRAND_FEEDBACK",
    "BRAND_AUTHPLUS_",
    "BRAND_EMAIL_2FA_",
    "CAMPAIGN_ADD",
    "CAMPAIGN_UPDATE",
    "CAMPAIGN_BILLED",
    "CAMPAIGN_EXPIRE",
    "CAMPAIGN_RESUBMISSION",
    "CAMPAIGN_NUDGE",
    "CAMPAIGN_SHARE_ADD",
    "CAMPAIGN_SHARE_ACCEPT",
    "CAMPAIGN_SHARE_DELETE",
    "CAMPAIGN_SHARE_DECLINE",
    "CAMPAIGN_DCA_COMPLETE",
    "CAMPAIGN_DEACTIVATE",
    "CAMPAIGN_DELETE",
    "CAMPAIGN_SUSPEND",
    "CAMPAIGN_UNSUSPEND",
    "CAMPAIGN_REJECT",
    "CAMPAIGN_STATUS",
    "MNO_CAMPAIGN_OPERATION_",
    "MNO_COMPLAINT",
    "EVP_REPORT_",
    "CSP_ACTIVE",
    "CSP_APPROVE",
    "CSP_SUSPEND",
)
_ASK: Final = ("BRAND_SCORE_UPDATE", "BRAND_IDENTITY_STATUS", "BRAND_FEEDBACK", "BRAND_APPEAL_COMPLETE", "EVP_REPORT_")


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedError("duplicate_key")
    return found


def _text(value: Any) -> str | None:
    """Return a word that may be stored and looked for; None for anything else."""
    fits = type(value) is str and value and len(value) <= _TEXT_MAX and value.isprintable()
    return value if fits else None


def _instant(value: Any) -> datetime | None:
    """Read an instant: RFC 3339, or seconds or milliseconds since 1970. None for what is none: an adverse event counts.

    One without an offset is UTC.
    """
    try:
        if type(value) in {int, float}:
            return datetime.fromtimestamp(value / 1000 if abs(value) >= _MILLISECONDS else value, UTC)
        if type(value) is not str:
            return None
        found = datetime.fromisoformat(value)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
