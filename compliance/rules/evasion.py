"""A shortener that shows only after look-alikes and disguised dots are undone was hidden on purpose.

Source: rule 2.10 point 8 of tests/cases/README.md.
"""

from compliance.case import Case
from compliance.codes import Code
from compliance.content import plain, shorteners_in
from compliance.decision import NOTHING, Finding, flags

_FOUND = flags(Code.EVASION_SUSPECTED)


def check(case: Case) -> tuple[Finding, ...]:
    """Find a hidden shortener."""
    shorteners = case.content.shorteners
    if not shorteners or shorteners <= shorteners_in(plain(case.facts.message.text)):
        return NOTHING
    return _FOUND
