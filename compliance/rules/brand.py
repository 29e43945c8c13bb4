"""The brand behind the campaign must be verified.

Source: rule 2.9 point 4 of tests/cases/README.md; TCR brand identity status. Sole proprietors declare themselves and
need no more; a status nobody has heard of counts as unverified.
"""

from compliance.case import Case
from compliance.codes import Code
from compliance.decision import NOTHING, Finding, blocks

_UNVERIFIED = blocks(Code.BRAND_UNVERIFIED)
_BY_STATUS = {
    "verified": NOTHING,
    "vetted_verified": NOTHING,
    "deleted": blocks(Code.BRAND_DELETED),
    "suspended": blocks(Code.BRAND_SUSPENDED),
}


def check(case: Case) -> tuple[Finding, ...]:
    """Find a brand that is not good."""
    brand = case.brand
    if brand is None:
        return NOTHING
    if brand.status == "self_declared" and case.campaign is not None and case.campaign.use_case == "sole_proprietor":
        return NOTHING
    return _BY_STATUS.get(brand.status, _UNVERIFIED)
