"""Public link shorteners hide where a link leads; carriers refuse the well-known ones.

Source: rule 2.10 point 2 of tests/cases/README.md; CTIA Messaging Principles, shared and public URL shorteners.
"""

from compliance.case import Case
from compliance.codes import Code
from compliance.content import BLOCKED_SHORTENERS
from compliance.decision import NOTHING, Finding, blocks, flags

_REFUSED = blocks(Code.CONTENT_PUBLIC_URL_SHORTENER)
_DOUBTFUL = flags(Code.CONTENT_PUBLIC_URL_SHORTENER)


def check(case: Case) -> tuple[Finding, ...]:
    """Find a link through a public shortener."""
    shorteners = case.content.shorteners
    if not shorteners:
        return NOTHING
    return _DOUBTFUL if shorteners.isdisjoint(BLOCKED_SHORTENERS) else _REFUSED
