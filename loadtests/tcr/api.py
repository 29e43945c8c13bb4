"""The CSP API: brands, campaigns, enums, webhook subscriptions, in the shapes of TCR's v2.

Every handler works on the book without waiting in between, so that requests are one after the other.
"""

from collections.abc import Callable
from typing import Any, Final

import orjson
from aiohttp import web

from loadtests.tcr import words
from loadtests.tcr.book import Book, Brand, Campaign, renewed_on, rfc3339
from loadtests.tcr.forms import (
    BRAND_NOT_FOUND,
    CAMPAIGN_NOT_FOUND,
    DUPLICATE,
    INVALID,
    NOT_ALLOWED,
    Refusal,
    not_found,
    read_brand,
    read_campaign,
    read_campaign_update,
    read_object,
)
from loadtests.tcr.hooks import Hooks
from loadtests.tcr.reviews import Reviews, new_vetting

_RECORDS_MAX: Final = 500
_SENDABLE: Final = {"VERIFIED", "VETTED_VERIFIED"}
#: Query parameters of the searches.
_BRAND_FILTERS: Final = ("referenceId", "displayName", "entityType", "ein", "state", "country", "website")
_CAMPAIGN_FILTERS: Final = ("referenceId", "brandId", "status", "usecase", "vertical", "resellerId")


class Api:
    """The handlers."""

    def __init__(self, book: Book, reviews: Reviews, hooks: Hooks) -> None:
        self._book = book
        self._reviews = reviews
        self._hooks = hooks

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        brand, campaign, hook = "/v2/brand", "/v2/campaign", "/v2/webhook"
        get: Callable[..., web.RouteDef] = lambda path, handler: web.get(path, handler, allow_head=False)  # noqa: E731
        return [
            web.post(brand, self._add_brand),
            web.post(f"{brand}/nonBlocking", self._add_brand),
            get(brand, self._find_brands),
            get(f"{brand}/feedback/{{brand}}", self._feedback),
            get(f"{brand}/{{brand}}", self._get_brand),
            web.put(f"{brand}/{{brand}}", self._update_brand),
            web.delete(f"{brand}/{{brand}}", self._delete_brand),
            web.put(f"{brand}/{{brand}}/revet", self._revet),
            get(f"{brand}/{{brand}}/externalVetting", self._vettings),
            web.post(f"{brand}/{{brand}}/externalVetting", self._order_vetting),
            web.put(f"{brand}/{{brand}}/externalVetting", self._import_vetting),
            get("/v2/campaignBuilder/brand/{brand}", self._qualify),
            get("/v2/campaignBuilder/brand/{brand}/usecase/{usecase}", self._qualify),
            web.post("/v2/campaignBuilder", self._add_campaign),
            get(campaign, self._find_campaigns),
            get(f"{campaign}/{{campaign}}", self._get_campaign),
            web.put(f"{campaign}/{{campaign}}", self._update_campaign),
            web.delete(f"{campaign}/{{campaign}}", self._deactivate),
            get(f"{campaign}/{{campaign}}/mnoMetadata", self._metadata),
            get(f"{campaign}/{{campaign}}/operationStatus", self._operations),
            get(f"{campaign}/{{campaign}}/osr/attributes", self._osr),
            get(f"{campaign}/{{campaign}}/sharing", self._sharing),
            web.put(f"{campaign}/{{campaign}}/sharing/{{cnp}}", self._share),
            get("/v2/enum/{name}", self._enum),
            get(f"{hook}/eventCategory", self._categories),
            get(f"{hook}/eventType", self._types),
            get(f"{hook}/subscription", self._subscriptions),
            web.put(f"{hook}/subscription", self._subscribe),
            web.delete(f"{hook}/subscription/{{category}}", self._unsubscribe),
            get(f"{hook}/subscription/eventType/{{type}}/mock", self._mock_event),
            get("/v2/csp/profile", self._profile),
            get("/v2/version", self._version),
        ]

    # Brands.

    async def _add_brand(self, request: web.Request) -> web.Response:
        fields = read_brand(read_object(await request.read()))
        if self._book.reference_taken(fields.get("referenceId", ""), self._book.brands):
            raise Refusal((DUPLICATE, "referenceId", "referenceId is in use by another brand"))
        own = {
            "cspId": self._book.csp_id,
            "brandId": self._book.new_id("B"),
            "identityStatus": "UNVERIFIED",
            "mock": fields.get("mock", False),
            "createDate": rfc3339(self._book.now()),
        }
        brand = Brand(fields=fields | own)
        self._book.brands[brand.id] = brand
        self._reviews.tell_brand("BRAND_ADD", brand)
        self._reviews.brand_registered(brand)
        return _json(brand.fields)

    async def _find_brands(self, request: web.Request) -> web.Response:
        found = [one.fields | {"status": "DELETED" if one.deleted else "ACTIVE"} for one in self._book.brands.values()]
        return _page(request, [one for one in found if _fits(request, one, _BRAND_FILTERS)])

    async def _get_brand(self, request: web.Request) -> web.Response:
        return _json(self._brand(request).fields)

    async def _update_brand(self, request: web.Request) -> web.Response:
        brand = self._brand(request)
        given = read_object(await request.read())
        fields = read_brand(brand.fields | given)
        if given.get("referenceId", brand.fields.get("referenceId")) != brand.fields.get("referenceId"):
            raise Refusal((INVALID, "referenceId", "referenceId cannot be changed"))
        brand.fields |= fields
        self._reviews.tell_brand("BRAND_UPDATE", brand)
        return _json(brand.fields)

    async def _delete_brand(self, request: web.Request) -> web.Response:
        brand = self._brand(request)
        if self._book.active_campaigns(brand.id):
            raise Refusal((NOT_ALLOWED, "brandId", "Brand has active campaigns"))
        self._reviews.do(brand.id, "delete", {})
        return web.Response(status=204)

    async def _revet(self, request: web.Request) -> web.Response:
        brand = self._brand(request)
        self._reviews.forget(brand.id)
        brand.fields["identityStatus"] = "UNVERIFIED"
        brand.feedback = []
        self._reviews.tell_brand("BRAND_REVET", brand)
        self._reviews.brand_registered(brand)
        return _json(brand.fields)

    async def _feedback(self, request: web.Request) -> web.Response:
        brand = self._brand(request)
        return _json({"brandId": brand.id, "category": brand.feedback})

    async def _vettings(self, request: web.Request) -> web.Response:
        return _json(self._brand(request).vettings)

    async def _order_vetting(self, request: web.Request) -> web.Response:
        brand, data = self._brand(request), read_object(await request.read())
        if data.get("evpId") not in {"AEGIS", "WMC", "CV"}:
            raise Refusal((INVALID, "evpId", "evpId has an unknown value"))
        if brand.fields["entityType"] == "SOLE_PROPRIETOR":
            raise Refusal((NOT_ALLOWED, "brandId", "Sole proprietors are not vetted"))
        record = new_vetting(data["evpId"], str(data.get("vettingClass", "STANDARD")), self._book.now())
        brand.vettings.append(record)
        self._reviews.vetting_ordered(brand)
        return _json(record)

    async def _import_vetting(self, request: web.Request) -> web.Response:
        brand, data = self._brand(request), read_object(await request.read())
        if type(data.get("vettingId")) is not str:
            raise Refusal((INVALID, "vettingId", "vettingId is required"))
        record = new_vetting(str(data.get("evpId", "AEGIS")), "STANDARD", self._book.now())
        brand.vettings.append(record | {"vettingId": data["vettingId"]})
        self._reviews.vetting_ordered(brand)
        return _json(brand.vettings[-1])

    # Campaigns.

    async def _qualify(self, request: web.Request) -> web.Response:
        brand = self._brand(request)
        wanted = request.match_info.get("usecase")
        if wanted is not None and wanted not in words.USE_CASES:
            raise Refusal((INVALID, "usecase", "usecase has an unknown value"))
        shown = [_usecase(name) for name in ((wanted,) if wanted else words.USE_CASES) if _allowed(brand, name)]
        if wanted is None:
            return _json(shown)
        if not shown:
            raise Refusal((NOT_ALLOWED, "usecase", "Brand does not qualify for this usecase"))
        return _json(shown[0])

    async def _add_campaign(self, request: web.Request) -> web.Response:
        fields = read_campaign(read_object(await request.read()))
        brand = self._book.brand(fields["brandId"])
        if brand is None:
            raise not_found(BRAND_NOT_FOUND)
        if self._book.reference_taken(fields.get("referenceId", ""), self._book.campaigns):
            raise Refusal((DUPLICATE, "referenceId", "referenceId is in use by another campaign"))
        self._check_brand(brand, fields["usecase"])
        at = self._book.now()
        now = rfc3339(at)
        own = {
            "campaignId": self._book.new_id("C"),
            "cspId": self._book.csp_id,
            "status": "ACTIVE",
            "createDate": now,
            "billedDate": now,
            "mock": brand.fields["mock"],
            "autoRenewal": fields.get("autoRenewal", True),
            "nextRenewalOrExpirationDate": renewed_on(at),
            "subUsecases": fields.get("subUsecases", []),
        }
        campaign = Campaign(fields=fields | own)
        self._book.campaigns[campaign.id] = campaign
        self._reviews.tell_campaign("CAMPAIGN_ADD", campaign)
        return _json({"campaignId": campaign.id, "mnoMetadata": _metadata_of(campaign)})

    def _check_brand(self, brand: Brand, use_case: str) -> None:
        if not _allowed(brand, use_case):
            status = brand.fields["identityStatus"]
            raise Refusal((NOT_ALLOWED, "brandId", f"Brand is {status} and does not qualify for this usecase"))
        if use_case == "SOLE_PROPRIETOR" and self._book.active_campaigns(brand.id):
            raise Refusal((NOT_ALLOWED, "brandId", "A sole proprietor has one campaign"))

    async def _find_campaigns(self, request: web.Request) -> web.Response:
        found = [one.fields for one in self._book.campaigns.values()]
        return _page(request, [one for one in found if _fits(request, one, _CAMPAIGN_FILTERS)])

    async def _get_campaign(self, request: web.Request) -> web.Response:
        return _json(self._campaign(request).fields)

    async def _update_campaign(self, request: web.Request) -> web.Response:
        campaign = self._campaign(request)
        campaign.fields |= read_campaign_update(read_object(await request.read()))
        self._reviews.tell_campaign("CAMPAIGN_UPDATE", campaign)
        return _json(campaign.fields)

    async def _deactivate(self, request: web.Request) -> web.Response:
        campaign = self._campaign(request)
        if campaign.fields["status"] == "ACTIVE":  # Idempotent: the second time changes and tells nothing.
            self._reviews.do(campaign.id, "expire", {})
        return web.Response(status=204)

    async def _metadata(self, request: web.Request) -> web.Response:
        return _json(_metadata_of(self._campaign(request)))

    async def _operations(self, request: web.Request) -> web.Response:
        return _json(self._campaign(request).operations)

    async def _osr(self, request: web.Request) -> web.Response:
        campaign = self._campaign(request)
        bits = [words.CARRIERS[int(one)][1] for one, status in campaign.operations.items() if status == "APPROVED"]
        return _json({"campaignId": campaign.id, "status": sum(1 << bit for bit in bits)})

    async def _sharing(self, request: web.Request) -> web.Response:
        campaign = self._campaign(request)
        return _json({} if campaign.sharing is None else {"sharedByMe": campaign.sharing})

    async def _share(self, request: web.Request) -> web.Response:
        campaign, cnp = self._campaign(request), request.match_info["cnp"]
        if campaign.fields["mock"] or campaign.fields["status"] != "ACTIVE":
            raise Refusal((NOT_ALLOWED, "campaignId", "Campaign is a mock or is not active"))
        if cnp != words.UPSTREAM["cnpId"]:
            raise Refusal((INVALID, "upstreamCnpId", "upstreamCnpId is unknown"))
        if campaign.sharing is not None and campaign.sharing["sharingStatus"] != "DECLINED":
            if campaign.sharing["upstreamCnpId"] == cnp:
                return _json(campaign.sharing)
            raise Refusal((NOT_ALLOWED, "upstreamCnpId", "A shared campaign cannot be redirected"))
        now = rfc3339(self._book.now())
        campaign.sharing = {
            "downstreamCnpId": self._book.csp_id,
            "upstreamCnpId": cnp,
            "sharingStatus": "PENDING",
            "explanation": "",
            "sharedDate": now,
            "statusDate": now,
        }
        self._reviews.tell_campaign("CAMPAIGN_SHARE_ADD", campaign, cnpId=cnp)
        self._reviews.campaign_shared(campaign)
        return _json(campaign.sharing)

    # Enums, webhooks, the rest.

    async def _enum(self, request: web.Request) -> web.Response:
        found = words.enums().get(request.match_info["name"])
        if found is None:
            raise Refusal((INVALID, "enum", "There is no such enum"), status=404)
        return _json(found)

    async def _categories(self, _: web.Request) -> web.Response:
        return _json(list(words.CATEGORIES))

    async def _types(self, _: web.Request) -> web.Response:
        return _json([{"eventType": name, "eventCategory": of} for name, of in words.EVENT_TYPES.items()])

    async def _subscriptions(self, _: web.Request) -> web.Response:
        return _json([_subscription(one, url) for one, url in self._book.subscriptions.items()])

    async def _subscribe(self, request: web.Request) -> web.Response:
        data = read_object(await request.read())
        category, url = data.get("eventCategory"), data.get("webhookEndpoint")
        if category not in words.CATEGORIES:
            raise Refusal((INVALID, "eventCategory", "eventCategory has an unknown value"))
        if type(url) is not str or not url.startswith(("http://", "https://")):
            raise Refusal((INVALID, "webhookEndpoint", "webhookEndpoint must be an address"))
        self._book.subscriptions[category] = url
        return _json(_subscription(category, url))

    async def _unsubscribe(self, request: web.Request) -> web.Response:
        self._book.subscriptions.pop(request.match_info["category"], None)
        return web.Response(status=204)

    async def _mock_event(self, request: web.Request) -> web.Response:
        name = request.match_info["type"]
        url = self._book.subscriptions.get(words.EVENT_TYPES.get(name, ""))
        if url is None:
            raise Refusal((NOT_ALLOWED, "eventType", "Nobody subscribed to this"))
        body = {"eventType": name, "brandId": "BMOCK00", "campaignId": "CMOCK00", "mock": True}
        return _json({"status": await self._hooks.bring(body, url, None), "response": ""})

    async def _profile(self, _: web.Request) -> web.Response:
        return _json({"cspId": self._book.csp_id, "displayName": "Emulated provider"})

    async def _version(self, _: web.Request) -> web.Response:
        return _json({"version": "2.0-emulated"})

    def _brand(self, request: web.Request) -> Brand:
        found = self._book.brand(request.match_info["brand"])
        if found is None:
            raise not_found(BRAND_NOT_FOUND)
        return found

    def _campaign(self, request: web.Request) -> Campaign:
        found = self._book.campaigns.get(request.match_info["campaign"])
        if found is None:
            raise not_found(CAMPAIGN_NOT_FOUND)
        return found


def _allowed(brand: Brand, use_case: str) -> bool:
    if brand.fields["identityStatus"] == "SELF_DECLARED":
        return use_case == "SOLE_PROPRIETOR"
    return brand.fields["identityStatus"] in _SENDABLE and use_case != "SOLE_PROPRIETOR"


def _usecase(name: str) -> dict[str, Any]:
    least, most = words.USE_CASES[name]
    mnos = {str(one): {"qualify": True, "minMsgSamples": 1, "mnoReview": False} for one in words.CARRIERS}
    return {"usecase": name, "minSubUsecases": least, "maxSubUsecases": most, "mnoMetadata": mnos}


def _metadata_of(campaign: Campaign) -> dict[str, Any]:
    common = {"qualify": True, "mnoSupport": True, "mnoReview": False, "minMsgSamples": 1, "reqSubscriberOptout": True}
    found = {str(one): {"mno": name, **common} for one, (name, _) in words.CARRIERS.items()}
    low = campaign.fields["usecase"] in {"LOW_VOLUME", "UCAAS_LOW"}
    found["10017"] |= {"msgClass": "T" if low else "E", "tpm": 75 if low else 240}
    found["10035"] |= {"brandTier": "LOW"}
    return found


def _subscription(category: str, url: str) -> dict[str, str]:
    return {"eventCategory": category, "webhookEndpoint": url}


def _fits(request: web.Request, one: dict[str, Any], names: tuple[str, ...]) -> bool:
    return all(
        str(one.get(name, "")).casefold() == request.query[name].casefold() for name in names if name in request.query
    )


def _page(request: web.Request, found: list[dict[str, Any]]) -> web.Response:
    """Answer with one page of a search."""
    try:
        page, size = int(request.query.get("page", "1")), int(request.query.get("recordsPerPage", "10"))
    except ValueError:
        page, size = 0, 0
    if page < 1 or not 1 <= size <= _RECORDS_MAX:
        raise Refusal((INVALID, "page", f"page is from 1 on, recordsPerPage up to {_RECORDS_MAX}"))
    records = found[(page - 1) * size : page * size]
    return _json({"page": page, "recordsPerPage": size, "totalRecords": len(found), "records": records})


def _json(value: Any) -> web.Response:
    return web.Response(body=orjson.dumps(value), content_type="application/json")
