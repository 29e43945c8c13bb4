"""A campaign's texts must be what the campaign declared: links, phone numbers, lending, marketing, one-time codes.

Source: rule 2.10 point 6 of tests/cases/README.md; TCR content attributes and sub-use-cases.
"""

from compliance.case import Case
from compliance.codes import Code
from compliance.content import Content
from compliance.decision import NOTHING, Finding, flags
from compliance.facts import Campaign

_FOUND = flags(Code.FLAG_CONTENT_DECLARATION_MISMATCH)

#: Use cases that say what a text is for; the others (UCaaS, sole proprietor, proxy ...) leave it open.
_SPECIFIC = frozenset(
    "2fa account_notification customer_care delivery_notification fraud_alert higher_education marketing "
    "polling_voting public_service_announcement security_alert m2m low_volume mixed".split(),
)


def check(case: Case) -> tuple[Finding, ...]:
    """Find content that the campaign did not declare."""
    campaign = case.campaign
    if campaign is None:
        return NOTHING
    content = case.content
    return _FOUND if _carries_undeclared(content, campaign) or _serves_undeclared(content, campaign) else NOTHING


def _carries_undeclared(content: Content, campaign: Campaign) -> bool:
    declares = campaign.declares
    return (
        (content.has_url and not declares.embedded_link)
        or (content.has_phone_number and not declares.embedded_phone)
        or ("lending" in content.words and not declares.direct_lending)
    )


def _serves_undeclared(content: Content, campaign: Campaign) -> bool:
    if campaign.use_case not in _SPECIFIC:
        return False
    declared = {campaign.use_case, *campaign.sub_use_cases}
    return (content.is_promotional and "marketing" not in declared) or (content.is_code_text and "2fa" not in declared)
