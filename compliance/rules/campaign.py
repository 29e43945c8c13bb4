"""A number may send only while its campaign is active, shared with the upstream and approved by all parties.

Source: rule 2.9 point 3 of tests/cases/README.md; TCR campaign life cycle and the event CAMPAIGN_DCA_COMPLETE. A status
nobody has heard of counts as pending.
"""

from compliance.case import Case
from compliance.codes import Code
from compliance.decision import NOTHING, Finding, blocks

_MOCK = blocks(Code.MOCK_CAMPAIGN)
_PENDING = blocks(Code.CAMPAIGN_PENDING)
_DECLINED = blocks(Code.CAMPAIGN_DECLINED)
_BY_STATUS = {
    "active": NOTHING,
    "rejected": blocks(Code.CAMPAIGN_REJECTED),
    "suspended": blocks(Code.CAMPAIGN_SUSPENDED),
    "expired": blocks(Code.CAMPAIGN_EXPIRED),
    "deactivated": blocks(Code.CAMPAIGN_DEACTIVATED),
}
_BY_SHARING = {"accepted": NOTHING, "declined": _DECLINED}


def check(case: Case) -> tuple[Finding, ...]:
    """Find everything that keeps the campaign from sending."""
    campaign = case.campaign
    if campaign is None:
        return NOTHING
    if campaign.status == "active" and campaign.sharing == "accepted" and campaign.dca_complete and not campaign.mock:
        return NOTHING
    return (
        (_MOCK if campaign.mock else NOTHING)
        + _BY_STATUS.get(campaign.status, _PENDING)
        + _BY_SHARING.get(campaign.sharing, _PENDING)
        + (NOTHING if campaign.dca_complete else _PENDING)
    )
