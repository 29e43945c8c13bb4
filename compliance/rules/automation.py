"""A UCaaS campaign is for people who type; a program that sends through it is worth a look.

Source: rule 2.9 point 6 of tests/cases/README.md; TCR use cases UCAAS_LOW and UCAAS_HIGH.
"""

from compliance.case import Case
from compliance.codes import Code
from compliance.decision import NOTHING, Finding, flags

_FOUND = flags(Code.UCAAS_CAMPAIGN_AUTOMATION)


def check(case: Case) -> tuple[Finding, ...]:
    """Find automated traffic on a campaign for people."""
    campaign = case.campaign
    if campaign is None or campaign.use_case not in {"ucaas_low", "ucaas_high"}:
        return NOTHING
    return NOTHING if case.facts.message.origin == "app" else _FOUND
