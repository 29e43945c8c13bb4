"""What TCR takes: the fields of a brand and of a campaign, checked as TCR would, and how it says what is wrong.

A refusal is a list of {code, field, description}. Code 502 is TCR's own "Brand not found"; the other codes are ours.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
from aiohttp import web

from loadtests.tcr import words

INVALID: Final = 501
BRAND_NOT_FOUND: Final = 502
CAMPAIGN_NOT_FOUND: Final = 503
DUPLICATE: Final = 504
NOT_ALLOWED: Final = 505
NOT_FOUND: Final = {BRAND_NOT_FOUND: "Brand not found", CAMPAIGN_NOT_FOUND: "Campaign not found"}

_BRAND_TEXTS: Final = {
    "displayName": 255,
    "companyName": 255,
    "ein": 21,
    "einIssuingCountry": 2,
    "firstName": 100,
    "lastName": 100,
    "phone": 20,
    "mobilePhone": 20,
    "street": 100,
    "city": 100,
    "state": 20,
    "postalCode": 10,
    "country": 2,
    "email": 100,
    "stockSymbol": 10,
    "stockExchange": 20,
    "ipAddress": 50,
    "website": 100,
    "altBusinessId": 50,
    "altBusinessIdType": 10,
    "referenceId": 50,
}
_EVERY_BRAND: Final = (
    "entityType",
    "displayName",
    "phone",
    "email",
    "country",
    "street",
    "city",
    "state",
    "postalCode",
)
_COMPANY: Final = (*_EVERY_BRAND, "companyName", "ein", "vertical", "brandRelationship")
_WANTED: Final[Mapping[str, tuple[str, ...]]] = {
    "SOLE_PROPRIETOR": (*_EVERY_BRAND, "firstName", "lastName", "referenceId"),
    "PUBLIC_PROFIT": (*_COMPANY, "stockSymbol", "stockExchange"),
}
_CAMPAIGN_TEXTS: Final = {
    "brandId": 20,
    "description": 4096,
    "messageFlow": 2048,
    "helpMessage": 320,
    "optinMessage": 320,
    "optoutMessage": 320,
    "helpKeywords": 255,
    "optinKeywords": 255,
    "optoutKeywords": 255,
    "privacyPolicyLink": 255,
    "termsAndConditionsLink": 255,
    "resellerId": 20,
    "referenceId": 50,
    **{f"sample{number}": 1024 for number in range(1, 6)},
}
_CAMPAIGN_FLAGS: Final = (
    "embeddedLink",
    "embeddedPhone",
    "numberPool",
    "ageGated",
    "directLending",
    "affiliateMarketing",
    "subscriberOptin",
    "subscriberOptout",
    "subscriberHelp",
    "termsAndConditions",
)
#: What can be changed of a campaign; its use case, brand and declarations never.
_EDITABLE: Final = frozenset(_CAMPAIGN_TEXTS) - {"brandId", "referenceId"} | {"autoRenewal"}


class Refusal(Exception):  # noqa: N818  it is an answer, not a fault
    """TCR says no: an HTTP status and what is wrong, one entry a fault."""

    def __init__(self, *faults: tuple[int, str, str], status: int = 400) -> None:
        super().__init__(status)
        self.status = status
        self.faults = faults

    def response(self) -> web.Response:
        """Return it as an answer."""
        body = [{"code": code, "field": field, "description": said} for code, field, said in self.faults]
        return web.Response(status=self.status, body=orjson.dumps(body), content_type="application/json")


def not_found(code: int) -> Refusal:
    """Return the refusal of an id that TCR does not know."""
    field = "brandId" if code == BRAND_NOT_FOUND else "campaignId"
    return Refusal((code, field, NOT_FOUND[code]), status=404)


def read_object(raw: bytes) -> dict[str, Any]:
    """Decode a body. Refusal: it is no JSON object."""
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError:
        data = None
    if type(data) is not dict:
        raise Refusal((INVALID, "", "Body must be a JSON object"))
    return data


def read_brand(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a brand. Refusal: names everything that is wrong."""
    form = _Form(data)
    entity = form.one_of("entityType", words.ENTITY_TYPES)
    for name, longest in _BRAND_TEXTS.items():
        form.text(name, longest)
    form.one_of("vertical", words.VERTICALS)
    form.one_of("brandRelationship", words.RELATIONSHIPS)
    form.flag("mock")
    form.keep("optionalAttributes", lambda value: type(value) is dict, "must be an object")
    form.wanted(_WANTED.get(entity, _COMPANY))
    phone = form.kept.get("phone", "+1")
    if not (phone.startswith("+") and phone[1:].isdigit()):
        form.refuse("phone", "must be in e.164 international format")
    return form.done()


def read_campaign(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a campaign. Refusal: names everything that is wrong."""
    form = _Form(data)
    use_case = form.one_of("usecase", words.USE_CASES)
    form.one_of("vertical", words.VERTICALS)
    for name, longest in _CAMPAIGN_TEXTS.items():
        form.text(name, longest)
    for name in (*_CAMPAIGN_FLAGS, "autoRenewal"):
        form.flag(name)
    subs = form.keep(
        "subUsecases",
        lambda value: type(value) is list and all(one in words.DEDICATED for one in value),
        "must be a list of sub-usecases",
    )
    form.keep(
        "mnoIds",
        lambda value: type(value) is list and all(one in words.CARRIERS for one in value),
        "must be network ids of MNOs",
    )
    least, most = words.USE_CASES.get(use_case, (0, 5))
    if not least <= len(subs or ()) <= most:
        form.refuse("subUsecases", f"{use_case} takes {least} to {most} sub-usecases")
    form.wanted(("brandId", "usecase", "description", "sample1", "messageFlow"))
    return form.done()


def read_campaign_update(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is to change of a campaign. Refusal: it cannot be changed, or is wrong."""
    form = _Form(data)
    for name in data:
        if name not in _EDITABLE:
            form.refuse(name, "cannot be changed after registration")
    for name, longest in _CAMPAIGN_TEXTS.items():
        form.text(name, longest)
    form.flag("autoRenewal")
    return form.done()


class _Form:
    """Reads fields one by one, and gathers what is wrong with them."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data
        self._faults: list[tuple[int, str, str]] = []
        self.kept: dict[str, Any] = {}

    def refuse(self, name: str, said: str) -> None:
        self._faults.append((INVALID, name, f"{name} {said}"))

    def keep(self, name: str, fits: Callable[[Any], bool], said: str) -> Any:
        value = self._data.get(name)
        if value is None:
            return None
        if not fits(value):
            self.refuse(name, said)
            return None
        self.kept[name] = value
        return value

    def text(self, name: str, longest: int) -> None:
        self.keep(name, lambda value: type(value) is str and len(value) <= longest, f"must be text of up to {longest}")

    def flag(self, name: str) -> None:
        self.keep(name, lambda value: type(value) is bool, "must be true or false")

    def one_of(self, name: str, known: Any) -> str:
        return self.keep(name, lambda value: type(value) is str and value in known, "has an unknown value") or ""

    def wanted(self, names: tuple[str, ...]) -> None:
        for name in names:
            if not self._data.get(name):
                self.refuse(name, "is required")

    def done(self) -> dict[str, Any]:
        if self._faults:
            raise Refusal(*self._faults)
        return self.kept
