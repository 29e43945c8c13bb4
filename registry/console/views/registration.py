"""Registration: where the company is, at a glance; and the pages of brands, campaigns and toll-free numbers.

Not here: the forms (registration_forms.py).
"""

from collections.abc import Mapping
from typing import Any, Final

from registry.console.pages import Again, Download, Fields, Form, Page, Went
from registry.console.views import registration_forms
from registry.console.views.leave import leave_of
from registry.console.views.registration_fields import STEPS
from registry.console.views.registration_words import (
    AT_CARRIER,
    CARRIERS,
    FORM_STATES,
    Standing,
    brand_standing,
    campaign_standing,
    money,
    toll_free_standing,
    use_case,
)
from registry.console.visit import Visit, path_of
from registry.lifecycle.registration import BRAND, CAMPAIGN
from registry.problems import Problem
from registry.registration.campaign_form import CampaignForm

_GOOD: Final = frozenset({"verified", "vetted_verified", "self_declared"})
_ENDED: Final = frozenset({"expired", "deactivated"})
_LIVE: Final = ("applications", "brands", "campaigns")
#: Of the page of one campaign: how many numbers it has changes with them.
_WITH_NUMBERS: Final = (*_LIVE, "assignments", "fees", "leave_requests")


async def _overview(visit: Visit) -> Mapping[str, Any]:
    brands = await visit.see("listBrands")
    campaigns = await visit.see("listCampaigns")
    forms = await visit.see("listApplications", state="open", limit=100)
    found_fees = await visit.see("getFees")
    fees = found_fees["registration"]
    has_good = any(one["status"] in _GOOD for one in brands["items"])
    return {
        "brands": _with(brands["items"]),
        "campaigns": [(one, campaign_standing(one)) for one in campaigns["items"]],
        "more": bool(brands["next"] or campaigns["next"]),
        "forms": [(one, FORM_STATES[one["state"]]) for one in forms["items"]],
        "fee": fees,
        "fee_words": money(fees),
        "adjustments": [(one, money(one)) for one in found_fees["items"]],
        "has_good": has_good,
        "use_case": use_case,
    }


def _with(brands: list[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], Standing]]:
    return [(one, brand_standing(one["status"])) for one in brands]


async def _brands(visit: Visit) -> Mapping[str, Any]:
    status = visit.query.get("status")
    found = await visit.see("listBrands", status=status, cursor=visit.query.get("cursor"))
    forms = await visit.see("listApplications", kind="brand", state="open", limit=100)
    return {
        "brands": _with(found["items"]),
        "next": found["next"],
        "forms": [(one, FORM_STATES[one["state"]]) for one in forms["items"] if not one["object_id"]],
        "use_case": use_case,
        "states": [(one, brand_standing(one).label) for one in sorted(BRAND.states - {""})],
        "status": status or "",
    }


async def _brand(visit: Visit) -> Mapping[str, Any]:
    brand = await visit.get("/v1/brands/{id}", visit.names["id"])
    campaigns = await visit.see("listCampaigns", brand=brand["id"], cursor=visit.query.get("cursor"))
    forms = (await visit.see("listApplications", object_id=brand["id"]))["items"]
    return {
        "title": brand["legal_name"],
        "brand": brand,
        "standing": brand_standing(brand["status"]),
        "campaigns": [(one, campaign_standing(one)) for one in campaigns["items"]],
        "next": campaigns["next"],
        "form": forms[-1] if forms else None,
        "first_step": STEPS["brand"][0].id,
        "is_good": brand["status"] in _GOOD,
        "use_case": use_case,
    }


async def _campaigns(visit: Visit) -> Mapping[str, Any]:
    status, brand = visit.query.get("status"), visit.query.get("brand")
    found = await visit.see("listCampaigns", status=status, brand=brand, cursor=visit.query.get("cursor"))
    forms = await visit.see("listApplications", kind="campaign", state="open", limit=100)
    return {
        "campaigns": [(one, campaign_standing(one)) for one in found["items"]],
        "next": found["next"],
        "forms": [(one, FORM_STATES[one["state"]]) for one in forms["items"] if not one["object_id"]],
        "states": [(one, one.capitalize()) for one in sorted(CAMPAIGN.states - {""})],
        "status": status or "",
        "of_brand": brand or "",
        "use_case": use_case,
        "carrier_names": CARRIERS,
    }


async def _campaign(visit: Visit) -> Mapping[str, Any]:
    campaign = await visit.get("/v1/campaigns/{id}", visit.names["id"])
    brand = await visit.get("/v1/brands/{id}", campaign["brand_id"])
    forms = (await visit.see("listApplications", object_id=campaign["id"]))["items"]
    form = await visit.see("getApplication", {"id": forms[-1]["id"]}) if forms else None
    return {
        "title": f"Campaign {campaign['id']}",
        "campaign": campaign,
        "brand": brand,
        "standing": campaign_standing(campaign),
        "brand_standing": brand_standing(brand["status"]),
        "form": form,
        "wish": await leave_of(visit, campaign["id"]),
        "described": form["fields"] if form else CampaignForm().model_dump(),
        "first_step": STEPS["campaign"][0].id,
        "can_correct": form is not None and "submit" in form["can"],
        "has_ended": campaign["status"] in _ENDED,
        "carrier_names": CARRIERS,
        "at_carrier": AT_CARRIER,
        "use_case": use_case,
    }


async def _deactivating(visit: Visit) -> Mapping[str, Any]:
    campaign = await visit.get("/v1/campaigns/{id}", visit.names["id"])
    return {
        "title": f"Deactivate {campaign['id']}",
        "campaign": campaign,
        "use_case": use_case,
        "has_ended": campaign["status"] in _ENDED,
        "typed": "",
        "error": "",
    }


async def _deactivate(visit: Visit, given: Fields) -> Went | Again:
    name, typed = visit.names["id"], given.text("confirm")
    try:
        await visit.do("deactivateCampaign", {"id": name}, {"confirm": typed})
    except Problem as problem:
        if problem.code not in {"wrong_confirmation", "missing_field"}:
            raise
        error = f"Type {name}, exactly as it stands here."
        return Again("registration_deactivate.html", {**await _deactivating(visit), "typed": typed, "error": error})
    return Went(path_of("registration", "campaigns", name), "The campaign is deactivated. SMS is off for its numbers.")


async def _ask_pool(visit: Visit, _: Fields) -> Went:
    await visit.do("askForNumberPool", {"id": visit.names["id"]})
    return Went(
        path_of("registration", "campaigns", visit.names["id"]),
        "Asked. Your provider asks the carriers, which can take weeks.",
    )


async def _settle_pool(visit: Visit, given: Fields) -> Went:
    approved = given.text("approved") == "yes"
    await visit.do("settleNumberPool", {"id": visit.names["id"]}, {"approved": approved})
    said = "Noted: the carriers approved the number pool." if approved else "Noted: there is no number pool."
    return Went(path_of("registration", "campaigns", visit.names["id"]), said)


async def _toll_free(visit: Visit) -> Mapping[str, Any]:
    found = await visit.see("listNumbers", kind="toll_free", cursor=visit.query.get("cursor"))
    return {
        "numbers": [(one, toll_free_standing(one["toll_free_verification"])) for one in found["items"]],
        "next": found["next"],
    }


_CAMPAIGN: Final = "/registration/campaigns/{id}"
PAGES: Final[tuple[Page, ...]] = (
    Page("/registration", "Registration", "registration.html", _overview, live=_WITH_NUMBERS),
    Page("/registration/brands", "Brands", "registration_brands.html", _brands, live=_LIVE),
    Page("/registration/brands/{id}", "Brand", "registration_brand.html", _brand, live=_LIVE),
    Page("/registration/campaigns", "Campaigns", "registration_campaigns.html", _campaigns, live=_WITH_NUMBERS),
    Page(_CAMPAIGN, "Campaign", "registration_campaign.html", _campaign, live=_WITH_NUMBERS),
    Page(_CAMPAIGN + "/deactivate", "Deactivate a campaign", "registration_deactivate.html", _deactivating),
    Page("/registration/toll-free", "Toll-free numbers", "registration_toll_free.html", _toll_free, live=("numbers",)),
    *registration_forms.PAGES,
)
FORMS: Final[tuple[Form, ...]] = (
    Form(_CAMPAIGN + "/deactivate", _deactivate),
    Form(_CAMPAIGN + "/ask-number-pool", _ask_pool, back=_CAMPAIGN),
    Form(_CAMPAIGN + "/settle-number-pool", _settle_pool, back=_CAMPAIGN),
    *registration_forms.FORMS,
)
DOWNLOADS: Final[tuple[Download, ...]] = ()
