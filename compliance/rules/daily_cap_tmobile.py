"""T-Mobile gives every brand so many segments a Pacific day, by how well it was vetted.

Source: rule 2.12 point 3 of tests/cases/README.md; T-Mobile code of conduct, brand tiers. Government brands have no
cap.
"""

from compliance.case import Case
from compliance.codes import Code
from compliance.decision import NOTHING, Finding, defers
from compliance.facts import Brand, Campaign, Facts
from compliance.pacific import date_of

_FOUND = defers(Code.DAILY_CAP_TMO_BRAND)

_SELF_DECLARED = 1_000
#: Lowest vetting score to units a day; below the last, or never vetted: _LOWEST.
_TIERS = ((75, 200_000), (50, 40_000), (25, 10_000))
_LOWEST = 2_000


def check(case: Case) -> tuple[Finding, ...]:
    """Find a brand whose day at T-Mobile is full."""
    campaign, brand = case.campaign, case.brand
    if case.facts.recipient.carrier != "tmobile" or not case.is_us:
        return NOTHING
    if campaign is None or brand is None or brand.government:
        return NOTHING
    return _FOUND if _used_today(case.facts) + case.units > _cap(campaign, brand) else NOTHING


def _cap(campaign: Campaign, brand: Brand) -> int:
    if campaign.use_case == "sole_proprietor" or brand.status == "self_declared":
        return _SELF_DECLARED
    score = brand.vetting_score or 0
    return next((units for lowest, units in _TIERS if score >= lowest), _LOWEST)


def _used_today(facts: Facts) -> int:
    """Return the counter, or 0 when it belongs to an earlier day; a later one means that a clock was set back."""
    day = facts.usage.tmobile_brand_day_of
    if day is not None and day < date_of(facts.at):
        return 0
    return facts.usage.tmobile_brand_day
