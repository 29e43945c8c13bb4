"""Sex, hate, alcohol, firearms, tobacco: what needs an age gate or is not carried at all.

Source: rule 2.10 point 5 of tests/cases/README.md; CTIA SHAFT categories.
"""

from compliance.case import Case
from compliance.codes import Code
from compliance.decision import NOTHING, Finding, flags

_FOUND = flags(Code.CONTENT_SHAFT)


def check(case: Case) -> tuple[Finding, ...]:
    """Find goods that carriers refuse, or alcohol advertised without an age gate."""
    content = case.content
    if "refused_goods" in content.words:
        return _FOUND
    if "alcohol" not in content.words or not content.is_promotional:
        return NOTHING
    campaign = case.campaign
    return NOTHING if campaign is not None and campaign.declares.age_gated else _FOUND
