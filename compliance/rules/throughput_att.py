"""AT&T gives every campaign so many segments a minute by its message class.

Source: rule 2.12 point 2 of tests/cases/README.md; AT&T code of conduct, messages per minute by class. An unknown
class gets the smallest ordinary share.
"""

from compliance.case import Case
from compliance.codes import Code
from compliance.decision import NOTHING, Finding, defers

_FOUND = defers(Code.THROUGHPUT_ATT_CAMPAIGN)

#: Classes to (SMS segments a minute, MMS a minute).
_LIMITS = {
    att_class: limits
    for classes, limits in {
        "ABKX": (4_500, 2_400),
        "CDP": (2_400, 1_200),
        "EF": (240, 150),
        "S": (9_000, 2_400),
        "T": (75, 50),
        "W": (15, 50),
        "GN": (60, 50),
    }.items()
    for att_class in classes
}
#: Not AT&T for certain; a carrier that is not known, or that nobody has heard of, may be.
_OTHER_CARRIERS = frozenset({"tmobile", "verizon", "us_cellular"})
#: Counted by sender number, not by campaign.
_PER_NUMBER = frozenset("GN")


def check(case: Case) -> tuple[Finding, ...]:
    """Find a campaign whose minute at AT&T is full."""
    campaign = case.campaign
    facts = case.facts
    if campaign is None or not case.is_us or facts.recipient.carrier in _OTHER_CARRIERS:
        return NOTHING
    usage = facts.usage
    used = usage.att_number_minute if campaign.att_class in _PER_NUMBER else usage.att_campaign_minute
    sms, mms = _LIMITS.get(campaign.att_class or "", _LIMITS["T"])
    return _FOUND if used + case.units > (mms if case.is_mms else sms) else NOTHING
