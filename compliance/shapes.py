"""JSON shapes of the facts, shared by stored records and by the documents of the registry store.

Each from_... takes a decoded JSON object and raises ShapeError naming the field; each to_... gives the JSON object
back, every field written out in the fixed order. Strict readers (records) refuse unknown fields; lenient ones
(documents) skip them, so that a newer writer may add fields at the end.
"""

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final

from compliance.facts import Assignment, Brand, Campaign, CarrierStates, Declarations, Owner, SenderNumber


class ShapeError(ValueError):
    """Bytes that are not what they should be; the message names the field and what is wrong with it."""


def known(data: Any, fields: frozenset[str], where: str) -> dict[str, Any]:
    """Return data if it is an object without unknown fields."""
    if type(data) is not dict:
        raise ShapeError(f"{where}: must be an object")
    if not data.keys() <= fields:
        raise ShapeError(f"{where}.{min(data.keys() - fields)}: unknown field")
    return data


_MISSING: Final = object()
_NO_FIELDS: Final[dict[str, Any]] = {}
#: Outside these an instant may have no local time in some zone.
_FIRST_YEAR: Final = 1900
_LAST_YEAR: Final = 9998


def _wrong(data: dict[str, Any], key: str, where: str, must: str) -> ShapeError:
    return ShapeError(f"{where}.{key}: {must if key in data else 'missing'}")


def required(data: dict[str, Any], key: str, where: str) -> Any:
    """Return data[key], whatever it is."""
    if key in data:
        return data[key]
    raise _wrong(data, key, where, "")


def part(data: dict[str, Any], key: str, where: str) -> dict[str, Any]:
    """Return an object, empty where it is null or left out."""
    value = data.get(key)
    if value is None:
        return _NO_FIELDS
    if type(value) is dict:
        return value
    raise _wrong(data, key, where, "must be an object")


def text(data: dict[str, Any], key: str, where: str, default: Any = _MISSING) -> str:
    """Return a string."""
    value = data.get(key, default)
    if type(value) is str:
        return value
    raise _wrong(data, key, where, "must be a string")


def text_or_none(data: dict[str, Any], key: str, where: str) -> str | None:
    """Return a string, or None where it is null or left out."""
    value = data.get(key)
    if value is None or type(value) is str:
        return value
    raise _wrong(data, key, where, "must be a string or null")


def texts(data: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    """Return an array of strings, empty where it is null or left out."""
    value = data.get(key)
    if value is None:
        return ()
    if type(value) is list and all(type(item) is str for item in value):
        return tuple(value)
    raise _wrong(data, key, where, "must be an array of strings")


def whole(data: dict[str, Any], key: str, where: str, default: Any = _MISSING) -> int:
    """Return a whole number, zero or more."""
    value = data.get(key, default)
    if type(value) is int and value >= 0:
        return value
    raise _wrong(data, key, where, "must be a whole number, zero or more")


def whole_or_none(data: dict[str, Any], key: str, where: str) -> int | None:
    """Return a whole number, zero or more, or None where it is null or left out."""
    return None if data.get(key) is None else whole(data, key, where)


def flag(data: dict[str, Any], key: str, where: str, *, default: Any = _MISSING) -> bool:
    """Return true or false."""
    value = data.get(key, default)
    if value is True or value is False:
        return bool(value)
    raise _wrong(data, key, where, "must be true or false")


def one_of(data: dict[str, Any], key: str, where: str, allowed: frozenset[str], default: str) -> str:
    """Return one of the allowed words."""
    value = data.get(key, default)
    if type(value) is str and value in allowed:
        return value
    raise _wrong(data, key, where, f"must be one of {', '.join(sorted(allowed))}")


def instant(data: dict[str, Any], key: str, where: str) -> datetime:
    """Return an RFC 3339 instant; one without an offset is refused, for it names no instant."""
    try:
        parsed = datetime.fromisoformat(data[key])
    except (KeyError, TypeError, ValueError):
        raise _wrong(data, key, where, "must be an RFC 3339 instant such as 2026-11-20T13:00:00Z") from None
    if parsed.tzinfo is None:
        raise _wrong(data, key, where, "has no offset; write Z or +hh:mm")
    if not _FIRST_YEAR <= parsed.year <= _LAST_YEAR:
        raise _wrong(data, key, where, f"must be in the years {_FIRST_YEAR} to {_LAST_YEAR}")
    return parsed


def instant_or_none(data: dict[str, Any], key: str, where: str) -> datetime | None:
    """Return an instant, or None where it is null or left out."""
    return None if data.get(key) is None else instant(data, key, where)


def day(data: dict[str, Any], key: str, where: str) -> date:
    """Return a date."""
    try:
        return date.fromisoformat(data[key])
    except (KeyError, TypeError, ValueError):
        raise _wrong(data, key, where, "must be a date such as 2026-11-20") from None


def day_or_none(data: dict[str, Any], key: str, where: str) -> date | None:
    """Return a date, or None where it is null or left out."""
    return None if data.get(key) is None else day(data, key, where)


def render_instant(value: datetime | None) -> str | None:
    """Write an instant cut to the second, with Z for UTC."""
    if value is None:
        return None
    if value.tzinfo is UTC:
        return _render_utc(value)
    written = value.isoformat(timespec="seconds")
    return written[:-6] + "Z" if written.endswith("+00:00") else written


@lru_cache(maxsize=64)
def _render_utc(value: datetime) -> str:
    """Write it once for all messages of a second. For UTC alone, where equal instants are written alike."""
    return value.isoformat(timespec="seconds")[:-6] + "Z"


def owner_from(data: dict[str, Any], key: str, where: str) -> Owner | None:
    """Read an owner, or None where it is null or left out."""
    if data.get(key) is None:
        return None
    value, inside = part(data, key, where), f"{where}.{key}"
    return Owner(tenant=text(value, "tenant", inside), user=text(value, "user", inside))


def owner_to(owner: Owner | None) -> dict[str, str] | None:
    """Write an owner or null."""
    return None if owner is None else {"tenant": owner.tenant, "user": owner.user}


def _assignment_from(data: dict[str, Any]) -> Assignment | None:
    """Read a number's assignment, or None where it is null or left out."""
    if data.get("assignment") is None:
        return None
    link, inside = part(data, "assignment", "number"), "number.assignment"
    return Assignment(
        state=text(link, "state", inside),
        campaign_id=text_or_none(link, "campaign_id", inside),
        brand_id=text_or_none(link, "brand_id", inside),
    )


def number_from(data: dict[str, Any]) -> SenderNumber:
    """Read what the inventory knows about a number."""
    return SenderNumber(
        owner=owner_from(data, "owner", "number"),
        kind=text(data, "kind", "number", "local"),
        sms=text(data, "sms", "number", "disabled"),
        sms_enabled_at=instant_or_none(data, "sms_enabled_at", "number"),
        number_changed_at=instant_or_none(data, "number_changed_at", "number"),
        licence_changed_at=instant_or_none(data, "licence_changed_at", "number"),
        toll_free_verification=text_or_none(data, "toll_free_verification", "number"),
        assignment=_assignment_from(data),
    )


def number_to(number: SenderNumber) -> dict[str, Any]:
    """Write what the inventory knows about a number."""
    link = number.assignment
    return {
        "owner": owner_to(number.owner),
        "kind": number.kind,
        "sms": number.sms,
        "sms_enabled_at": render_instant(number.sms_enabled_at),
        "number_changed_at": render_instant(number.number_changed_at),
        "licence_changed_at": render_instant(number.licence_changed_at),
        "toll_free_verification": number.toll_free_verification,
        "assignment": None
        if link is None
        else {"state": link.state, "campaign_id": link.campaign_id, "brand_id": link.brand_id},
    }


CARRIERS = ("att", "tmobile", "verizon", "us_cellular")
DECLARATIONS = ("embedded_link", "embedded_phone", "age_gated", "direct_lending")


def campaign_from(data: dict[str, Any]) -> Campaign:
    """Read a campaign."""
    return Campaign(
        id=text(data, "id", "campaign"),
        brand_id=text(data, "brand_id", "campaign"),
        use_case=text(data, "use_case", "campaign"),
        status=text(data, "status", "campaign"),
        sub_use_cases=texts(data, "sub_use_cases", "campaign"),
        sharing=text(data, "sharing", "campaign", "pending"),
        dca_complete=flag(data, "dca_complete", "campaign", default=False),
        mock=flag(data, "mock", "campaign", default=False),
        carriers=_carriers_from(part(data, "carriers", "campaign")),
        osr_status=whole_or_none(data, "osr_status", "campaign"),
        declares=_declares_from(part(data, "declares", "campaign")),
        att_class=text_or_none(data, "att_class", "campaign"),
    )


def _carriers_from(data: dict[str, Any]) -> CarrierStates:
    return CarrierStates(
        att=_carrier_state(data, "att"),
        tmobile=_carrier_state(data, "tmobile"),
        verizon=_carrier_state(data, "verizon"),
        us_cellular=_carrier_state(data, "us_cellular"),
    )


def _carrier_state(data: dict[str, Any], carrier: str) -> str:
    """Return a carrier's state; whatever is none counts as review, by the format."""
    state = data.get(carrier)
    return state if type(state) is str else "review"


def _declares_from(data: dict[str, Any]) -> Declarations:
    where = "campaign.declares"
    return Declarations(
        embedded_link=flag(data, "embedded_link", where, default=False),
        embedded_phone=flag(data, "embedded_phone", where, default=False),
        age_gated=flag(data, "age_gated", where, default=False),
        direct_lending=flag(data, "direct_lending", where, default=False),
    )


def campaign_to(campaign: Campaign) -> dict[str, Any]:
    """Write a campaign."""
    return {
        "id": campaign.id,
        "brand_id": campaign.brand_id,
        "use_case": campaign.use_case,
        "sub_use_cases": list(campaign.sub_use_cases),
        "status": campaign.status,
        "sharing": campaign.sharing,
        "dca_complete": campaign.dca_complete,
        "mock": campaign.mock,
        "carriers": {name: getattr(campaign.carriers, name) for name in CARRIERS},
        "osr_status": campaign.osr_status,
        "declares": {name: getattr(campaign.declares, name) for name in DECLARATIONS},
        "att_class": campaign.att_class,
    }


def brand_from(data: dict[str, Any]) -> Brand:
    """Read a brand."""
    return Brand(
        id=text(data, "id", "brand"),
        status=text(data, "status", "brand"),
        vetting_score=whole_or_none(data, "vetting_score", "brand"),
        government=flag(data, "government", "brand", default=False),
    )


def brand_to(brand: Brand) -> dict[str, Any]:
    """Write a brand."""
    return {
        "id": brand.id,
        "status": brand.status,
        "vetting_score": brand.vetting_score,
        "government": brand.government,
    }
