"""What TCR says, as values: brands, campaigns, sharing, and what each carrier decided.

Every value knows when it was true. TCR read it somewhere between two instants of its own clock; which of the two counts
depends on whether an error would let texts out (applying.py).

Words are in lower case, as everywhere in the registry; a word that nobody knows is kept.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from registry.tcr.errors import TcrUnavailableError

#: Network ids of the carriers; TCR's list of MNOs by name (GET /enum/mno) wins.
CARRIER_IDS: Final[Mapping[str, str]] = {"10017": "att", "10035": "tmobile"}
#: How the names of carriers begin, letters and digits only, in lower case.
_CARRIER_NAMES: Final = {"att": "att", "tmobile": "tmobile", "verizon": "verizon", "uscellular": "us_cellular"}
#: Operation statuses that are ours under another name.
_OPERATIONS: Final = {"active": "approved", "registered": "approved", "pending": "review"}
_WORD_MAX: Final = 64


class AsOf(NamedTuple):
    """Between which two instants TCR read what it said, by its own clock."""

    earliest: datetime
    latest: datetime


class TcrBrand(NamedTuple):
    """A brand."""

    id: str
    #: verified, unverified ...
    identity: str
    is_mock: bool
    reference: str
    as_of: AsOf


class TcrCampaign(NamedTuple):
    """A campaign."""

    id: str
    brand_id: str
    #: active or expired.
    status: str
    is_mock: bool
    reference: str
    as_of: AsOf
    #: On which day it ends; None: it is renewed, or nobody can read when not.
    ends_on: date | None = None


class Sharing(NamedTuple):
    """With whom a campaign is shared, and what they said."""

    #: pending, accepted, declined; "" when it is shared with nobody.
    status: str
    #: Why it was declined.
    explanation: str
    as_of: AsOf


class Operations(NamedTuple):
    """A campaign's state at each carrier that TCR reports."""

    #: Our name of the carrier to review, approved, rejected, suspended.
    by_carrier: Mapping[str, str]
    as_of: AsOf


def word(value: Any) -> str:
    """Return a status as our word for it; "" for what is no word at all."""
    return value.strip().lower()[:_WORD_MAX] if type(value) is str else ""


def operation(value: Any) -> str:
    """Return an operation status as our word for it."""
    found = word(value)
    return _OPERATIONS.get(found, found)


def carrier_named(name: Any) -> str | None:
    """Return our word for a carrier by its name, however it is spelled."""
    if type(name) is not str:
        return None
    letters = "".join(char for char in name.lower() if char.isalnum())
    return next((ours for begins, ours in _CARRIER_NAMES.items() if letters.startswith(begins)), None)


def read_brand(data: Any, as_of: AsOf) -> TcrBrand:
    """Read a brand; TcrUnavailableError when it is none."""
    fields = _fields(data)
    return TcrBrand(
        id=_id(fields, "brandId"),
        identity=word(fields.get("identityStatus")),
        is_mock=fields.get("mock") is not False,  # Not said to be real: not usable.
        reference=_text(fields, "referenceId"),
        as_of=as_of,
    )


def read_campaign(data: Any, as_of: AsOf) -> TcrCampaign:
    """Read a campaign; TcrUnavailableError when it is none."""
    fields = _fields(data)
    return TcrCampaign(
        id=_id(fields, "campaignId"),
        brand_id=_text(fields, "brandId"),
        status=word(fields.get("status")),
        is_mock=fields.get("mock") is not False,
        reference=_text(fields, "referenceId"),
        as_of=as_of,
        ends_on=None if fields.get("autoRenewal") is not False else _day(fields.get("nextRenewalOrExpirationDate")),
    )


def _day(said: Any) -> date | None:
    """Return the day of a date or an instant; None for what is neither."""
    try:
        return date.fromisoformat(said[:10]) if type(said) is str else None
    except ValueError:
        return None


def read_sharing(data: Any, as_of: AsOf) -> Sharing:
    """Read how a campaign is shared; TcrUnavailableError when that is not what it is."""
    shared = _fields(data).get("sharedByMe", data)
    fields = _fields(shared) if shared is not None else {}
    return Sharing(status=word(fields.get("sharingStatus")), explanation=_text(fields, "explanation"), as_of=as_of)


def read_operations(data: Any, carriers: Mapping[str, str], as_of: AsOf) -> Operations:
    """Read what carriers decided; one that we have no name for is left out."""
    found = {carriers[number]: operation(status) for number, status in _fields(data).items() if number in carriers}
    return Operations(by_carrier=found, as_of=as_of)


def read_feedback(data: Any) -> tuple[str, ...]:
    """Read why a brand is not verified, one sentence a reason."""
    categories = _fields(data).get("category")
    found = [_fields(one) for one in categories] if type(categories) is list else []
    return tuple(said for one in found if (said := _text(one, "description") or _text(one, "displayName")))


def read_score(data: Any) -> int | None:
    """Read the best score of the vettings that are in force; None when there is none."""
    records = [_fields(one) for one in data] if type(data) is list else []
    scores = [one.get("vettingScore") for one in records if word(one.get("vettingStatus")) == "active"]
    return max((score for score in scores if type(score) is int and 0 <= score <= 100), default=None)  # noqa: PLR2004 - a score


def _fields(data: Any) -> Mapping[str, Any]:
    if type(data) is not dict:
        raise TcrUnavailableError("unreadable")
    return data


def _id(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if type(value) is not str or not value:
        raise TcrUnavailableError("unreadable")
    return value


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if type(value) is str else ""
