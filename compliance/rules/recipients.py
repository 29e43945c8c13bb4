"""A group message has at most ten external recipients.

Source: rule 2.5 of tests/cases/README.md; carriers take ten participants in a group MMS.
"""

from compliance.case import Case
from compliance.codes import Code
from compliance.decision import NOTHING, Finding, blocks

MOST_RECIPIENTS = 10

_FOUND = blocks(Code.TOO_MANY_RECIPIENTS)


def check(case: Case) -> tuple[Finding, ...]:
    """Find a message to too many outsiders."""
    return _FOUND if case.facts.message.participants > MOST_RECIPIENTS else NOTHING
