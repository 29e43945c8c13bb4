"""A text to a landline is worth a look, not a refusal.

Source: rule 2.5 of tests/cases/README.md: look-up data ages, and many office lines take texts.
"""

from compliance.case import Case
from compliance.codes import Code
from compliance.decision import NOTHING, Finding, flags

_FOUND = flags(Code.DESTINATION_LANDLINE)


def check(case: Case) -> tuple[Finding, ...]:
    """Find a recipient whose line is not a mobile."""
    return _FOUND if case.facts.recipient.line == "landline" else NOTHING
