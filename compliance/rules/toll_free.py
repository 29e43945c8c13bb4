"""A toll-free number texts only where the platform supports it and the number is verified.

Source: rule 2.8 of tests/cases/README.md. Carriers closed in steps: free until 2023-04-01, then small daily
allowances that ended for unverified numbers on 2023-11-08 and for pending ones on 2024-01-31 (Pacific).
"""

from datetime import date

from compliance.case import Case
from compliance.codes import Code
from compliance.decision import NOTHING, Finding, blocks
from compliance.pacific import start_of

_NOT_SUPPORTED = blocks(Code.TOLLFREE_SMS_NOT_SUPPORTED)
_NOT_VERIFIED = blocks(Code.TOLLFREE_NOT_VERIFIED)

_FREE_UNTIL = start_of(date(2023, 4, 1))
#: Verification state to (units a Pacific day, until when).
_ALLOWANCE = {
    "none": (500, start_of(date(2023, 11, 8))),
    "pending": (2_000, start_of(date(2024, 1, 31))),
}


def check(case: Case) -> tuple[Finding, ...]:
    """Find a toll-free sender that may not text."""
    facts = case.facts
    number = facts.sender.number
    if number is None or number.kind != "toll_free":
        return NOTHING
    if not case.policy.toll_free_allowed:
        return _NOT_SUPPORTED
    if number.toll_free_verification == "verified" or facts.at < _FREE_UNTIL:
        return NOTHING
    units_a_day, until = _ALLOWANCE.get(number.toll_free_verification or "none", _ALLOWANCE["none"])
    if facts.at < until and facts.usage.toll_free_day + case.units <= units_a_day:
        return NOTHING
    return _NOT_VERIFIED
