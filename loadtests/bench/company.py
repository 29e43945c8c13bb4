"""A company made for measuring (a2p-company/1): one tenant, everybody registered, so that every text is allowed.

Numbers are of the kind kept for fiction (area code, 555, 01xx); Chicago is left out, where the carrier emulator has its
magic recipients.
"""

from dataclasses import dataclass
from typing import Any, Final

import orjson

TENANT: Final = "bench"
#: A hundred users each.
_SENDER_AREAS: Final = "212 415 646".split()
#: A hundred contacts each.
_CONTACT_AREAS: Final = (
    "202 203 205 206 207 208 209 210 213 214 215 216 217 218 219 224 225 228 229 231 234 239 240 248 251 252 253 254"
).split()
_CARRIERS: Final = ("att", "tmobile", "verizon", "us_cellular")
_BRAND: Final = "BBENCH1"
_CAMPAIGN: Final = "CBENCH1"
_ENABLED_AT: Final = "2026-03-02T12:00:00-05:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Who sends, and to whom."""

    #: User id to the number that the user sends from, E.164.
    senders: dict[str, str]
    #: E.164.
    contacts: tuple[str, ...]

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
                    for index, user in enumerate(self.senders)
                ],
                "brands": [_brand()],
                "campaigns": [_campaign()],
                "numbers": [_number(user, did) for user, did in self.senders.items()],
                "contacts": [
                    {"number": number, "carrier": _CARRIERS[index % len(_CARRIERS)], "line": "mobile"}
                    for index, number in enumerate(self.contacts)
                ],
                "opt_outs": [],
            },
        )


def make_company() -> Company:
    """Make the company, the same each time."""
    senders = _fictional(_SENDER_AREAS)
    return Company(
        senders={f"{TENANT}-{index:03}": did for index, did in enumerate(senders)},
        contacts=tuple(_fictional(_CONTACT_AREAS)),
    )


def _fictional(areas: list[str]) -> list[str]:
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
        "id": _CAMPAIGN,
        "brand_id": _BRAND,
        "use_case": "customer_care",
        "status": "active",
        "sharing": "accepted",
        "dca_complete": True,
        "carriers": dict.fromkeys(_CARRIERS, "approved"),
        "declares": {"embedded_link": True, "embedded_phone": True},
        "att_class": "S",
    }


def _number(user: str, did: str) -> dict[str, Any]:
    return {
        "did": did,
        "tenant": TENANT,
        "user": user,
        "kind": "local",
        "sms": "enabled",
        "sms_enabled_at": _ENABLED_AT,
        "assignment": {"state": "assigned", "campaign_id": _CAMPAIGN, "brand_id": _BRAND},
    }
