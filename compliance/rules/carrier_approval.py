"""The recipient's carrier must have approved the campaign.

Source: rule 2.9 point 5 of tests/cases/README.md; each mobile network operator (MNO) approves, reviews or suspends a
campaign by itself, and T-Mobile's state is read from the OSR bit mask where that is reported. With the carrier
unknown, or none that we have heard of, one approval among the four is enough to try.
"""

from compliance.case import Case
from compliance.codes import Code
from compliance.decision import NOTHING, Finding, blocks, flags
from compliance.facts import Campaign, CarrierStates

_SUSPENDED = blocks(Code.CAMPAIGN_SUSPENDED)
_NOT_APPROVED = blocks(Code.CAMPAIGN_MNO_NOT_APPROVED)
_NOT_EVERYWHERE = flags(Code.CAMPAIGN_MNO_NOT_APPROVED)

_CARRIERS = CarrierStates._fields
_OSR_TMOBILE = 4


def check(case: Case) -> tuple[Finding, ...]:
    """Find a carrier that does not take this campaign."""
    campaign = case.campaign
    if campaign is None or not case.is_us:
        return NOTHING
    carrier = case.facts.recipient.carrier
    if carrier is None or carrier not in _CARRIERS:
        return _over_all([_state_at(each, campaign) for each in _CARRIERS])
    state = _state_at(carrier, campaign)
    if state == "approved":
        return NOTHING
    return _SUSPENDED if state == "suspended" else _NOT_APPROVED


def _state_at(carrier: str, campaign: Campaign) -> str:
    if carrier == "tmobile" and campaign.osr_status is not None:
        return "approved" if campaign.osr_status & _OSR_TMOBILE else "review"
    state: str = getattr(campaign.carriers, carrier)
    return state


def _over_all(states: list[str]) -> tuple[Finding, ...]:
    approved = states.count("approved")
    if approved == len(states):
        return NOTHING
    if approved:
        return _NOT_EVERYWHERE
    return _SUSPENDED if states.count("suspended") == len(states) else _NOT_APPROVED
