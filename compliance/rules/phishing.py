"""Asking to confirm an account behind a link is how people are robbed, whatever the use case.

Source: rule 2.10 point 4 of tests/cases/README.md.
"""

from compliance.case import Case
from compliance.codes import Code
from compliance.decision import NOTHING, Finding, flags

_FOUND = flags(Code.CONTENT_PHISHING)


def check(case: Case) -> tuple[Finding, ...]:
    """Find a request for credentials together with a link."""
    content = case.content
    return _FOUND if content.has_url and "ask" in content.words else NOTHING
