"""The recipient's carrier must have approved the campaign.

Source: rule 2.9 point 5 of tests/cases/README.md; each mobile network operator (MNO) approves, reviews or suspends a
campaign by itself, and T-Mobile's state is read from the OSR bit mask where that is reported. With the carrier
unknown, one approval among the four is enough to try.
"""

from compliance.case import Case
from compliance.codes import Code
from compliance.decision import NOTHING, Finding, blocks, flags
from compliance.facts import Campaign

_SUSPENDED = blocks(Code.CAMPAIGN_SUSPENDED)
_NOT_APPROVED = blocks(Code.CAMPAIGN_MNO_NOT_APPROVED)
_NOT_EVERYWHERE = flags(Code.CAMPAIGN_MNO_NOT_APPROVED)

_OSR_TMOBILE = 4


def check(case: Case) -> tuple[Finding, ...]:
    """Find a carrier that does not take this campaign."""
    campaign = case.campaign
    if campaign is None or not case.is_us:
        return NOTHING
    state = _state_at(case.facts.recipient.carrier, campaign)
    if state is None:
        return _over_all([_state_at(carrier, campaign) for carrier in ("att", "tmobile", "verizon", "us_cellular")])
    if state == "approved":
        return NOTHING
    return _SUSPENDED if state == "suspended" else _NOT_APPROVED


def _state_at(carrier: str | None, campaign: Campaign) -> str | None:
    """Return the campaign's state at a carrier; None when the carrier is not known."""
    if carrier == "tmobile":
        if campaign.osr_status is None:
            return campaign.carriers.tmobile
        return "approved" if campaign.osr_status & _OSR_TMOBILE else "review"
    return getattr(campaign.carriers, carrier, None) if carrier else None


def _over_all(states: list[str | None]) -> tuple[Finding, ...]:
    approved = states.count("approved")
    if approved == len(states):
        return NOTHING
    if approved:
        return _NOT_EVERYWHERE
    return _SUSPENDED if states.count("suspended") == len(states) else _NOT_APPROVED
