"""What TCR gets of a form, in its own words, and what the registry keeps once TCR has given it an id.

Source: TCR CSP API, POST /brand and POST /campaignBuilder; PUT takes no more of a campaign than can be changed.

Not here: the calls (registry.tcr); the reference id is the application's, and theirs to add.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from registry.records import Application, Brand, Campaign
from registry.registration.brand_form import BrandForm, name_of, tax_number
from registry.registration.campaign_form import CampaignForm
from registry.registration.fields import e164
from registry.registration.words import SOLE_PROPRIETOR

#: What TCR takes no change of, in its words.
_FIXED: Final = frozenset(
    """brandId usecase subUsecases vertical embeddedLink embeddedPhone ageGated directLending affiliateMarketing
    numberPool termsAndConditions subscriberOptin subscriberOptout subscriberHelp""".split()
)


def brand_form(application: Application) -> BrandForm:
    """Read the form of a brand as it was saved."""
    return BrandForm.model_validate(_saved(application))


def campaign_form(application: Application) -> CampaignForm:
    """Read the form of a campaign as it was saved."""
    return CampaignForm.model_validate(_saved(application))


def _saved(application: Application) -> dict[str, Any]:
    saved = orjson.loads(application.fields)
    return {name: value for name, value in saved.items() if name != LEAVE}


#: Beside the form's fields: the use case that the provider noted the carriers' leave for.
LEAVE: Final = "leave"


def leave_of(application: Application) -> str:
    """Return the use case that there is leave for; "" for none."""
    return str(orjson.loads(application.fields).get(LEAVE, ""))


def to_tcr(application: Application) -> dict[str, Any]:
    """Return the body of the call: to create it, or, once it has an id, to change what can be changed. Pure."""
    if application.kind == "brand":
        return _brand(brand_form(application))
    body = _campaign(campaign_form(application), application.brand_id or "")
    if application.object_id is None:
        return body
    return {name: value for name, value in body.items() if name not in _FIXED}


def _brand(form: BrandForm) -> dict[str, Any]:
    alone = form.entity_type == SOLE_PROPRIETOR
    body = {
        "entityType": form.entity_type,
        "displayName": form.display_name.strip(),
        "companyName": form.legal_name.strip(),
        "ein": "" if alone else tax_number(form.ein),
        "einIssuingCountry": "" if alone else form.ein_country,
        "firstName": form.first_name.strip(),
        "lastName": form.last_name.strip(),
        "phone": e164(form.phone),
        "mobilePhone": e164(form.mobile_phone) if form.mobile_phone else "",
        "street": form.street.strip(),
        "city": form.city.strip(),
        "state": form.state,
        "postalCode": form.postal_code,
        "country": form.country,
        "email": form.email,
        "stockSymbol": form.stock_symbol,
        "stockExchange": form.stock_exchange,
        "website": form.website,
        "brandRelationship": form.brand_relationship,
        "vertical": form.vertical,
        "altBusinessId": form.alt_business_id,
        "altBusinessIdType": form.alt_business_id_type if form.alt_business_id else "",
    }
    attributes = {"optionalAttributes": {"taxExemptStatus": "501c3"}} if form.is_501c3 else {}
    return {name: value for name, value in body.items() if value} | {"mock": False} | attributes


def _campaign(form: CampaignForm, brand_id: str) -> dict[str, Any]:
    texts = {
        "vertical": form.vertical,
        "description": form.description.strip(),
        "messageFlow": form.message_flow.strip(),
        "optinKeywords": _joined(form.opt_in_keywords),
        "optinMessage": form.opt_in_message.strip(),
        "optoutKeywords": _joined(form.opt_out_keywords),
        "optoutMessage": form.opt_out_message.strip(),
        "helpKeywords": _joined(form.help_keywords),
        "helpMessage": form.help_message.strip(),
        "privacyPolicyLink": form.privacy_policy_link,
        "termsAndConditionsLink": form.terms_link,
        **{f"sample{place}": sample.strip() for place, sample in enumerate(form.samples, start=1)},
    }
    return {
        "brandId": brand_id,
        "usecase": form.use_case,
        "subUsecases": list(form.sub_use_cases),
        **{name: value for name, value in texts.items() if value},
        "subscriberOptin": True,
        "subscriberOptout": True,
        "subscriberHelp": True,
        "embeddedLink": bool(form.embedded_link),
        "embeddedPhone": bool(form.embedded_phone),
        "ageGated": bool(form.age_gated),
        "directLending": bool(form.direct_lending),
        "affiliateMarketing": bool(form.affiliate_marketing),
        "numberPool": form.number_pool,
        "termsAndConditions": form.terms_accepted,
        "autoRenewal": form.auto_renewal,
    }


def _joined(keywords: list[str]) -> str:
    return ",".join(word.upper() for word in keywords)


def brand_of(application: Application, brand_id: str, status: str = "pending") -> Brand:
    """Return the brand that came of a form. Pure."""
    form = brand_form(application)
    return Brand(
        id=brand_id,
        tenant=application.tenant,
        legal_name=name_of(form),
        status=status,
        vetting_score=None,
        government=form.entity_type == "GOVERNMENT",
    )


def campaign_fields(application: Application) -> Mapping[str, Any]:
    """Return what a form says of a campaign, as fields of records.Campaign: also for one that was corrected. Pure."""
    form = campaign_form(application)
    return {
        "use_case": form.use_case.lower(),
        "sub_use_cases": tuple(one.lower() for one in form.sub_use_cases),
        "embedded_link": bool(form.embedded_link),
        "embedded_phone": bool(form.embedded_phone),
        "age_gated": bool(form.age_gated),
        "direct_lending": bool(form.direct_lending),
        "description": form.description.strip(),
        "samples": tuple(sample.strip() for sample in form.samples),
        "opt_out_keywords": tuple(word.upper() for word in form.opt_out_keywords),
        "help_message": form.help_message.strip(),
    }


def campaign_of(application: Application, campaign_id: str, status: str = "pending") -> Campaign:
    """Return the campaign that came of a form: with nobody yet, and not looked at by any carrier. Pure."""
    return Campaign(
        id=campaign_id,
        brand_id=application.brand_id or "",
        status=status,
        sharing="",
        dca_complete=False,
        mock=False,
        att="review",
        tmobile="review",
        verizon="review",
        us_cellular="review",
        osr_status=None,
        att_class=None,
        created_at=application.submitted_at,
        **campaign_fields(application),
    )
