"""Forms that are in order, to change one thing of, and what is wrong with one."""

from registry.registration import brand_form, campaign_form, samples
from registry.registration.brand_form import BrandForm
from registry.registration.campaign_form import CampaignForm, Owner

BRAND = {
    "entity_type": "PRIVATE_PROFIT",
    "legal_name": "Acme LLC",
    "display_name": "Acme",
    "ein": "12-3456789",
    "ein_country": "US",
    "phone": "+12125550100",
    "street": "1 Main St",
    "city": "Springfield",
    "state": "CA",
    "postal_code": "90210",
    "country": "US",
    "email": "it@acme.example",
    "website": "https://acme.example",
    "vertical": "RETAIL",
}
SOLE = BRAND | {
    "entity_type": "SOLE_PROPRIETOR",
    "legal_name": "",
    "display_name": "Kim Repairs",
    "ein": "",
    "ein_country": "",
    "first_name": "Kim",
    "last_name": "Lee",
    "mobile_phone": "+12125550111",
}
CAMPAIGN = {
    "use_case": "LOW_VOLUME",
    "sub_use_cases": ["CUSTOMER_CARE"],
    "vertical": "RETAIL",
    "description": "People of Acme text customers about the orders that they placed.",
    "message_flow": "Customers give their number when they order, and tick a box that they want texts.",
    "samples": ["Acme: your order is on its way. Reply STOP to opt out.", "Acme: we are closed today, sorry."],
    "opt_in_keywords": ["START"],
    "opt_in_message": "Acme: you will receive texts about your orders.",
    "opt_out_keywords": ["STOP"],
    "opt_out_message": "Acme: you are opted out and get no more texts.",
    "help_keywords": ["HELP"],
    "help_message": "Acme: call +1 212 555 0100 for help.",
    "privacy_policy_link": "https://acme.example/privacy",
    "terms_link": "https://acme.example/terms",
    "terms_accepted": True,
    "embedded_link": False,
    "embedded_phone": False,
    "age_gated": False,
    "direct_lending": False,
    "affiliate_marketing": False,
}
ACME = Owner(names=("Acme LLC", "Acme"))


def brand_faults(base=BRAND, **given):
    """What is wrong with a brand's form: field and code."""
    return _said(brand_form.faults(BrandForm.model_validate(base | given)))


def campaign_faults(owner=ACME, **given):
    """What is wrong with a campaign's form, its samples included."""
    form = CampaignForm.model_validate(CAMPAIGN | given)
    return _said([*campaign_form.faults(form, owner), *samples.faults(form)])


def campaign_advice(**given):
    """What may not be liked: field and code."""
    return {(one.pointer.removeprefix("/fields/"), one.code) for one in samples.advice(a_campaign(**given))}


def a_campaign(**given):
    """A campaign's form."""
    return CampaignForm.model_validate(CAMPAIGN | given)


def _said(faults):
    assert all(one.fix for one in faults), "every fault says what to do"
    return {(one.pointer.removeprefix("/fields/"), one.code) for one in faults}
