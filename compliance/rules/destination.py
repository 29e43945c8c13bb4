"""Texts go to the United States, its territories, Canada and toll-free numbers, and nowhere else.

Source: rule 2.5 of tests/cases/README.md. Short codes and premium numbers do not take texts from local numbers; the
Caribbean shares the country code +1 and is abroad all the same.
"""

from compliance.case import Case
from compliance.codes import Code
from compliance.decision import NOTHING, Finding, ends
from compliance.destinations import DestinationClass

_FOUND = {
    DestinationClass.INVALID: ends(Code.INVALID_DESTINATION),
    DestinationClass.SHORT_CODE: ends(Code.DESTINATION_SHORT_CODE),
    DestinationClass.PREMIUM: ends(Code.DESTINATION_PREMIUM),
    DestinationClass.CARIBBEAN_FOREIGN: ends(Code.DESTINATION_COUNTRY_NOT_ALLOWED),
    DestinationClass.INTERNATIONAL: ends(Code.DESTINATION_COUNTRY_NOT_ALLOWED),
}


def check(case: Case) -> tuple[Finding, ...]:
    """Find a destination that nobody may text."""
    return _FOUND.get(case.destination, NOTHING)
