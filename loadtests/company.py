"""A company made for load (a2p-company/1): one tenant, everybody registered but for whom a run wants refused.

Numbers are of the kind kept for fiction (area code, 555, 01xx); Chicago is left out, where the carrier emulator has its
magic recipients.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

TENANT: Final = "bench"
#: The one that every registered number sends for.
CAMPAIGN: Final = "CBENCH1"
#: A hundred users each.
_SENDER_AREAS: Final = "212 415 646".split()
#: Users whose numbers are in no campaign: whatever they send to outsiders is refused.
_UNREGISTERED_AREAS: Final = ["917"]
#: A hundred contacts each.
_CONTACT_AREAS: Final = (
    "202 203 205 206 207 208 209 210 213 214 215 216 217 218 219 224 225 228 229 231 234 239 240 248 251 252 253 254"
).split()
_CARRIERS: Final = ("att", "tmobile", "verizon", "us_cellular")
_BRAND: Final = "BBENCH1"
_ENABLED_AT: Final = "2026-03-02T12:00:00-05:00"
_ASSIGNED: Final = {"state": "assigned", "campaign_id": CAMPAIGN, "brand_id": _BRAND}
_LETTERS: Final = "ghjkmpqvwx"


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Who sends, and to whom."""

    #: User id to the number that the user sends from, E.164.
    senders: dict[str, str]
    #: E.164.
    contacts: tuple[str, ...]
    #: The same for users who may not send texts.
    unregistered: dict[str, str] = field(default_factory=dict)

    def dump(self) -> bytes:
        """Write the company file."""
        return orjson.dumps(
            {
                "format": "a2p-company/1",
                "tenants": [
                    {
                        "id": TENANT,
                        "name": "Bench Home Services",
                        "country": "US",
                        "time_zone": "America/New_York",
                        "currency": "USD",
                        "customer_since": "2019-04-01",
                    },
                ],
                "users": [
                    {"id": user, "tenant": TENANT, "name": f"User {index}", "extension": str(1_000 + index)}
                    for index, user in enumerate([*self.senders, *self.unregistered])
                ],
                "brands": [_brand()],
                "campaigns": [_campaign()],
                "numbers": [
                    *(_number(user, did, _ASSIGNED) for user, did in self.senders.items()),
                    *(_number(user, did, None) for user, did in self.unregistered.items()),
                ],
                "contacts": [
                    {"number": number, "carrier": _CARRIERS[index % len(_CARRIERS)], "line": "mobile"}
                    for index, number in enumerate(self.contacts)
                ],
                "opt_outs": [],
            },
        )


def make_company(*, senders: int = 300, contacts: int = 2_800, unregistered: int = 0) -> Company:
    """Make the company, the same each time; by default of the largest size, with everybody registered."""
    registered, others = _fictional(_SENDER_AREAS)[:senders], _fictional(_UNREGISTERED_AREAS)[:unregistered]
    return Company(
        senders={f"{TENANT}-{index:03}": did for index, did in enumerate(registered)},
        contacts=tuple(_fictional(_CONTACT_AREAS)[:contacts]),
        unregistered={f"{TENANT}-x{index:02}": did for index, did in enumerate(others)},
    )


def in_letters(number: int) -> str:
    """Write a number as no rule minds: digits read as a one-time code, letters with vowels sooner or later as a word.

    It makes texts different.
    """
    return "".join(_LETTERS[int(digit)] for digit in str(number))


def _fictional(areas: Iterable[str]) -> list[str]:
    return [f"+1{area}55501{line:02}" for area in areas for line in range(100)]


def _brand() -> dict[str, Any]:
    return {
        "id": _BRAND,
        "tenant": TENANT,
        "legal_name": "Bench Home Services LLC",
        "status": "vetted_verified",
        "vetting_score": 78,
        "government": True,  # No daily cap at T-Mobile: a cap would turn a long run into deferrals.
    }


def _campaign() -> dict[str, Any]:
    return {
        "id": CAMPAIGN,
        "brand_id": _BRAND,
        "use_case": "customer_care",
        "status": "active",
        "sharing": "accepted",
        "dca_complete": True,
        "carriers": dict.fromkeys(_CARRIERS, "approved"),
        "declares": {"embedded_link": True, "embedded_phone": True},
        "att_class": "S",
    }


def _number(user: str, did: str, assignment: Mapping[str, str] | None) -> dict[str, Any]:
    return {
        "did": did,
        "tenant": TENANT,
        "user": user,
        "kind": "local",
        "sms": "enabled",
        "sms_enabled_at": _ENABLED_AT,
        "assignment": assignment,
    }
