"""What registration is called for people: the words of TCR, the states of brands and campaigns, and what to do in each.

The closed sets themselves are in registry.registration.words, and what keeps numbers from texting in the catalogue of
reasons: here they only get labels.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from compliance.catalogue import CATALOGUE, admin_text
from compliance.codes import Code
from compliance.reason import Actor
from registry.preflight.look import policy_in_force

ENTITY_TYPES: Final[Mapping[str, str]] = {
    "PRIVATE_PROFIT": "Private company",
    "PUBLIC_PROFIT": "Company whose shares are traded on a stock exchange",
    "NON_PROFIT": "Non-profit organization",
    "GOVERNMENT": "Government body",
    "SOLE_PROPRIETOR": "Sole proprietor: a person in business without a tax number",
}
USE_CASES: Final[Mapping[str, str]] = {
    "UCAAS_LOW": "People text from their own numbers, few texts a day",
    "UCAAS_HIGH": "People text from their own numbers, many texts a day",
    "LOW_VOLUME": "Mixed purposes, few texts a day",
    "MIXED": "Mixed purposes, many texts a day",
    "2FA": "Codes to sign in with",
    "ACCOUNT_NOTIFICATION": "News about people's accounts",
    "CUSTOMER_CARE": "Customer care",
    "DELIVERY_NOTIFICATION": "News about deliveries",
    "FRAUD_ALERT": "Warnings of fraud",
    "HIGHER_EDUCATION": "Colleges and universities",
    "M2M": "Between machines",
    "MARKETING": "Marketing",
    "POLLING_VOTING": "Polls and votes",
    "PUBLIC_SERVICE_ANNOUNCEMENT": "Public service announcements",
    "SECURITY_ALERT": "Warnings about security",
    "SOLE_PROPRIETOR": "Sole proprietor",
    "AGENTS_FRANCHISES": "Agents and franchises",
    "CARRIER_EXEMPT": "Exempt by carriers",
    "CHARITY": "Charity of a 501(c)(3)",
    "CONVERSATIONAL": "Conversations between people",
    "EMERGENCY": "Emergencies",
    "K12_EDUCATION": "Schools",
    "POLITICAL": "Political",
    "PROXY": "Between people whose numbers stay hidden",
    "PUBLIC_SAFETY_RESTRICTED": "Public safety",
    "SOCIAL": "Social networks",
    "SWEEPSTAKE": "Sweepstakes",
    "TRIAL": "Free trial of a platform",
}
CARRIERS: Final[Mapping[str, str]] = {
    "att": "AT&T",
    "tmobile": "T-Mobile",
    "verizon": "Verizon",
    "us_cellular": "UScellular",
}
#: A campaign's state at a carrier, in a few words.
AT_CARRIER: Final[Mapping[str, str]] = {
    "review": "looks at it: up to 3 days",
    "approved": "takes its texts",
    "rejected": "does not take its texts",
    "suspended": "has stopped its texts",
}
FORM_STATES: Final[Mapping[str, str]] = {
    "draft": "Not submitted yet: fill it in and submit it.",
    "submitting": "On its way to TCR: a minute, at times a few.",
    "submitted": "TCR has it.",
    "refused": "TCR did not take it: read the reasons, correct it and submit it again.",
    "withdrawn": "It was withdrawn. Nothing comes of it.",
}


class Standing(NamedTuple):
    """How something stands, for people."""

    #: A few words for its badge.
    label: str
    #: good, waiting, bad or plain.
    tone: str
    #: What that means.
    means: str
    #: What to do, or what to wait for.
    todo: str


_BRANDS: Final[Mapping[str, Standing]] = {
    "pending": Standing(
        "Pending",
        "waiting",
        "TCR compares the company's facts with public records.",
        "Nothing has to be done. It takes minutes, at times a day; this page changes by itself.",
    ),
    "verified": Standing(
        "VERIFIED",
        "good",
        "TCR found the company in public records as it was described.",
        "Campaigns can be registered for it.",
    ),
    "vetted_verified": Standing(
        "VERIFIED and vetted",
        "good",
        "TCR confirmed the company, and a vetting provider looked at it as well, which can raise the carriers' limits.",
        "Campaigns can be registered for it.",
    ),
    "self_declared": Standing(
        "Self-declared",
        "good",
        "A sole proprietor: TCR believes what was said and does not verify it.",
        "One campaign of the use case sole proprietor can be registered for it.",
    ),
    "unverified": Standing(
        "UNVERIFIED",
        "bad",
        "TCR could not confirm the company. Mostly the tax number is wrong, or it does not belong to the legal name.",
        "Correct the facts so that they are as in the tax office's letter (in the US: CP 575), and submit them again.",
    ),
    "suspended": Standing(
        "Suspended",
        "bad",
        "The brand is suspended, and with it every campaign: no text goes out.",
        "Read the reasons and contact support. Do not move texts to another brand.",
    ),
    "deleted": Standing(
        "Deleted",
        "bad",
        "The brand was deleted at TCR for good, and with it every campaign.",
        "Register the company anew, and a campaign for it.",
    ),
}


def brand_standing(status: str) -> Standing:
    """Say how a brand stands; a state that nobody has heard of does not let text."""
    return _BRANDS.get(status) or Standing(
        status, "bad", "TCR gave a state that is not known here: it counts as not verified.", "Contact support."
    )


_NOT_YET: Final = {
    "shared": "It is being passed on to the aggregator who brings it to the carriers.",
    "pending": "The aggregator has it and looks at it: up to 3 days.",
    "accepted": "The aggregators review it by hand: 1 to 2 weeks. Carriers follow, within 3 days.",
}


def campaign_standing(campaign: Mapping[str, Any]) -> Standing:
    """Say how a campaign stands, by what it lacks (listCampaigns, or the campaign itself)."""
    lacks = campaign["lacks"]
    if lacks is None:
        return _verified(campaign)
    reason = CATALOGUE[Code(lacks)]
    todo = next((one.action for one in reason.remediation if one.actor is Actor.ADMIN), reason.remediation[0].action)
    is_waiting = lacks == Code.CAMPAIGN_PENDING and campaign["status"] in {"pending", "active"}
    if is_waiting:
        step = "shared" if not campaign["sharing"] else str(campaign["sharing"])
        return Standing("Pending", "waiting", _NOT_YET.get(step, _NOT_YET["pending"]), _WAIT)
    return Standing(reason.title, "bad", admin_text(Code(lacks)), todo)


_WAIT: Final = "Nothing has to be done; this page changes by itself."
_AGAINST: Final = frozenset({"rejected", "suspended"})


def _verified(campaign: Mapping[str, Any]) -> Standing:
    """Say of a campaign that is VERIFIED what is left: numbers to enable, or a carrier that does not take its texts."""
    states = campaign.get("carriers", campaign)
    against = [label for name, label in CARRIERS.items() if states[name] in _AGAINST]
    means = "Brand and campaign are VERIFIED: numbers of the campaign can text."
    if against:
        todo = f"Not taken by {' and '.join(against)}: read the reasons, and contact support."
        return Standing("VERIFIED, but not by all", "waiting", means, todo)
    if campaign["numbers"]:
        return Standing("VERIFIED", "good", means, "Nothing has to be done.")
    return Standing("VERIFIED", "good", means, "Enable SMS for the numbers of those who are to text.")


def use_case(word: str) -> str:
    """Return a use case as people read it, whatever case its word is in."""
    return USE_CASES.get(word.upper(), word.replace("_", " ").capitalize())


def money(fee: Mapping[str, Any]) -> str:
    """Return what registering costs: US$89, CA$121."""
    sign = {"USD": "US$", "CAD": "CA$"}.get(fee["currency"], f"{fee['currency']} ")
    whole, cents = divmod(fee["cents"], 100)
    return f"{sign}{whole}" + (f".{cents:02}" if cents else "")


def toll_free_standing(state: str | None) -> Standing:
    """Say how a toll-free number stands with its verification, and what the platform makes of it."""
    text = CATALOGUE[Code.TOLLFREE_SMS_NOT_SUPPORTED]
    todo = next(one.action for one in text.remediation if one.actor is Actor.ADMIN)
    if policy_in_force().toll_free_allowed:
        todo = _TOLL_FREE_TODO.get(state or "none", _TOLL_FREE_TODO["none"])
    return {
        "verified": Standing("Verified", "good", "Carriers know who sends from it.", todo),
        "pending": Standing("Pending", "waiting", "The verification is under way.", todo),
    }.get(state or "none", Standing("Not verified", "plain", "Nobody asked for its verification.", todo))


_TOLL_FREE_TODO: Final = {
    "verified": "Nothing has to be done.",
    "pending": "Wait: it takes days, at times weeks.",
    "none": "Contact support to have it verified.",
}
