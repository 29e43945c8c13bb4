"""Texts to emergency numbers are refused at once, so that the person is told to call.

Source: rule 2.4 of tests/cases/README.md. Text-to-911 ends at the public safety answering point of a wireless
carrier; a business number cannot reach it, and whoever tries must not wait for an answer.
"""

from compliance.case import Case
from compliance.codes import Code
from compliance.decision import NOTHING, Finding, ends
from compliance.destinations import DestinationClass

_FOUND = ends(Code.DESTINATION_EMERGENCY)


def check(case: Case) -> tuple[Finding, ...]:
    """Find an emergency destination."""
    return _FOUND if case.destination is DestinationClass.EMERGENCY else NOTHING
