"""Decision record v1: one leg, all facts known about it, and what was decided, as one JSON object a line.

The format, field by field, is section 1 of tests/cases/README.md. Reading is strict (unknown fields are errors); what
may be left out has the default given there. Stored records add `findings_exact` and `meta` and name their policy
`name@version`; instants are cut to the second.

Not here: how records are written (recording.py).
"""

from dataclasses import dataclass
from typing import Any, Final

import orjson

from compliance import shapes
from compliance.decision import Decision
from compliance.facts import (
    LIVE,
    NO_RECIPIENT_FACTS,
    NO_USAGE,
    Brand,
    Campaign,
    Facts,
    Media,
    Message,
    OptOut,
    Owner,
    Recipient,
    RegistryState,
    Sender,
    SenderNumber,
    Usage,
)
from compliance.shapes import ShapeError

VERSION: Final = 1

_RECORD = frozenset({"v", "id", "note", "policy", "options", "facts", "decision", "meta"})
_OPTIONS = frozenset({"toll_free_allowed", "registry_fail_open", "monitor"})
_FACTS = frozenset({"at", "message", "sender", "recipient", "usage", "registry"})
_MESSAGE = frozenset({"from", "to", "text", "media", "origin", "participants", "in_reply_to_inbound_at"})
_MEDIA = frozenset({"type", "bytes"})
_SENDER = frozenset({"tenant", "user", "number", "campaign", "brand"})
_TENANT = frozenset({"id", "customer_since"})
_USER = frozenset({"id"})
_NUMBER = frozenset(shapes.number_to(SenderNumber()))
_OWNER = frozenset(Owner._fields)
_ASSIGNMENT = frozenset({"state", "campaign_id", "brand_id"})
_CAMPAIGN = frozenset(shapes.campaign_to(Campaign(id="", brand_id="", use_case="", status="")))
_CARRIERS = frozenset(shapes.CARRIERS)
_DECLARATIONS = frozenset(shapes.DECLARATIONS)
_BRAND = frozenset({"id", "status", "vetting_score", "government"})
_RECIPIENT = frozenset({"directory", "carrier", "line", "opted_out", "free_text_revocation"})
_OPTED_OUT = frozenset({"at", "keyword", "tenant", "number"})
_USAGE = frozenset(Usage._fields)
_REGISTRY = frozenset({"state", "age_s"})
_DECISION = frozenset({"verdict", "reason", "findings", "findings_exact"})
_ORIGINS = frozenset({"app", "api"})
_REGISTRY_STATES = frozenset({"live", "stale", "unavailable"})
_NOTHING: Final[dict[str, Any]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The decision that a record holds."""

    verdict: str
    reason: str
    findings: frozenset[str]
    #: The findings are all there were; otherwise there may have been more.
    exact: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The three switches of a record."""

    toll_free_allowed: bool = False
    registry_fail_open: bool = False
    monitor: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One decision record."""

    id: str
    note: str
    #: Name of the policy, without its version.
    policy: str
    #: "" where the record does not say (acceptance cases).
    policy_version: str
    options: Options
    facts: Facts
    expected: Expected


def load_record(line: bytes | str) -> Record:
    """Read one record; ShapeError names the field that is wrong."""
    try:
        data = orjson.loads(line)
    except orjson.JSONDecodeError as broken:
        raise ShapeError(f"record: not JSON: {broken}") from None
    return parse_record(data)


def parse_record(data: Any) -> Record:
    """Read a record that is JSON-decoded already."""
    shapes.known(data, _RECORD, "record")
    if data.get("v") != VERSION or data["v"] is True:
        raise ShapeError(f"record.v: must be {VERSION}")
    name, _, version = shapes.text(data, "policy", "record").partition("@")
    options = shapes.known(data.get("options", _NOTHING), _OPTIONS, "options")
    return Record(
        id=shapes.text(data, "id", "record"),
        note=shapes.text(data, "note", "record"),
        policy=name,
        policy_version=version,
        options=Options(
            toll_free_allowed=shapes.flag(options, "toll_free_allowed", "options", default=False),
            registry_fail_open=shapes.flag(options, "registry_fail_open", "options", default=False),
            monitor=shapes.flag(options, "monitor", "options", default=False),
        ),
        facts=parse_facts(shapes.required(data, "facts", "record")),
        expected=_expected(shapes.required(data, "decision", "record")),
    )


def parse_facts(data: Any) -> Facts:
    """Read the facts of a record."""
    shapes.known(data, _FACTS, "facts")
    return Facts(
        at=shapes.instant(data, "at", "facts"),
        message=_message(shapes.required(data, "message", "facts")),
        sender=_sender(shapes.required(data, "sender", "facts")),
        recipient=_recipient(data["recipient"]) if "recipient" in data else NO_RECIPIENT_FACTS,
        usage=_usage(data["usage"]) if "usage" in data else NO_USAGE,
        registry=_registry(data["registry"]) if "registry" in data else LIVE,
    )


def _message(data: Any) -> Message:
    shapes.known(data, _MESSAGE, "message")
    participants = shapes.whole(data, "participants", "message", 1)
    if participants < 1:
        raise ShapeError("message.participants: must be at least 1")
    media = data.get("media", [])
    if type(media) is not list:
        raise ShapeError("message.media: must be an array")
    return Message(
        to=shapes.text(data, "to", "message"),
        sender=shapes.text_or_none(data, "from", "message"),
        text=shapes.text(data, "text", "message", ""),
        media=tuple([_media(item) for item in media]),
        origin=shapes.one_of(data, "origin", "message", _ORIGINS, "app"),
        participants=participants,
        in_reply_to_inbound_at=shapes.instant_or_none(data, "in_reply_to_inbound_at", "message"),
    )


def _media(data: Any) -> Media:
    shapes.known(data, _MEDIA, "media")
    return Media(type=shapes.text(data, "type", "media"), bytes=shapes.whole(data, "bytes", "media"))


def _sender(data: Any) -> Sender:
    shapes.known(data, _SENDER, "sender")
    tenant = shapes.known(shapes.required(data, "tenant", "sender"), _TENANT, "sender.tenant")
    user = shapes.known(shapes.required(data, "user", "sender"), _USER, "sender.user")
    number, campaign, brand = data.get("number"), data.get("campaign"), data.get("brand")
    return Sender(
        tenant=shapes.text(tenant, "id", "sender.tenant"),
        customer_since=shapes.day(tenant, "customer_since", "sender.tenant"),
        user=shapes.text(user, "id", "sender.user"),
        number=None if number is None else _number(number),
        campaign=None if campaign is None else _campaign(campaign),
        brand=None if brand is None else _brand(brand),
    )


def _number(data: Any) -> SenderNumber:
    shapes.known(data, _NUMBER, "number")
    _known_or_null(data, "owner", _OWNER, "number")
    _known_or_null(data, "assignment", _ASSIGNMENT, "number")
    return shapes.number_from(data)


def _known_or_null(data: dict[str, Any], key: str, fields: frozenset[str], where: str) -> None:
    if data.get(key) is not None:
        shapes.known(data[key], fields, f"{where}.{key}")


def _campaign(data: Any) -> Campaign:
    shapes.known(data, _CAMPAIGN, "campaign")
    shapes.known(data.get("carriers", _NOTHING), _CARRIERS, "campaign.carriers")
    shapes.known(data.get("declares", _NOTHING), _DECLARATIONS, "campaign.declares")
    return shapes.campaign_from(data)


def _brand(data: Any) -> Brand:
    return shapes.brand_from(shapes.known(data, _BRAND, "brand"))


def _recipient(data: Any) -> Recipient:
    shapes.known(data, _RECIPIENT, "recipient")
    _known_or_null(data, "directory", _OWNER, "recipient")
    opted_out = data.get("opted_out")
    return Recipient(
        directory=shapes.owner_from(data, "directory", "recipient"),
        carrier=shapes.text_or_none(data, "carrier", "recipient"),
        line=shapes.text_or_none(data, "line", "recipient"),
        opted_out=None if opted_out is None else _opted_out(opted_out),
        free_text_revocation=shapes.flag(data, "free_text_revocation", "recipient", default=False),
    )


def _opted_out(data: Any) -> OptOut:
    shapes.known(data, _OPTED_OUT, "opted_out")
    return OptOut(
        at=shapes.instant(data, "at", "opted_out"),
        keyword=shapes.text(data, "keyword", "opted_out"),
        tenant=shapes.text_or_none(data, "tenant", "opted_out"),
        number=shapes.text_or_none(data, "number", "opted_out"),
    )


def _usage(data: Any) -> Usage:
    shapes.known(data, _USAGE, "usage")
    return Usage(
        att_campaign_minute=shapes.whole(data, "att_campaign_minute", "usage", 0),
        att_number_minute=shapes.whole(data, "att_number_minute", "usage", 0),
        tmobile_brand_day=shapes.whole(data, "tmobile_brand_day", "usage", 0),
        tmobile_brand_day_of=shapes.day_or_none(data, "tmobile_brand_day_of", "usage"),
        number_second=shapes.whole(data, "number_second", "usage", 0),
        toll_free_day=shapes.whole(data, "toll_free_day", "usage", 0),
        same_text_numbers_5min=shapes.whole(data, "same_text_numbers_5min", "usage", 0),
    )


def _registry(data: Any) -> RegistryState:
    shapes.known(data, _REGISTRY, "registry")
    return RegistryState(
        state=shapes.one_of(data, "state", "registry", _REGISTRY_STATES, "live"),
        age_s=shapes.whole(data, "age_s", "registry", 0),
    )


def _expected(data: Any) -> Expected:
    shapes.known(data, _DECISION, "decision")
    return Expected(
        verdict=shapes.text(data, "verdict", "decision"),
        reason=shapes.text(data, "reason", "decision"),
        findings=frozenset(shapes.texts(data, "findings", "decision")),
        exact=shapes.flag(data, "findings_exact", "decision", default=False),
    )


def agrees(decision: Decision, expected: Expected) -> bool:
    """Compare as section 1.3 says: verdict and reason equal; findings contained, or the same where exact."""
    if decision.verdict != expected.verdict or decision.reason != expected.reason:
        return False
    found = {finding.code.value for finding in decision.findings} - {expected.reason}
    wanted = expected.findings - {expected.reason}
    return found == wanted if expected.exact else wanted <= found
