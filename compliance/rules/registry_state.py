"""Without registration facts that we may believe, nothing unproven goes out.

Source: rule 2.9 point 1 of tests/cases/README.md. Last known good facts serve for a short while (flagged); after that
the answer is "cannot say", a refusal unless an operator chose to fail open. Not here: how old facts may be
(compliance/case.py).
"""

from compliance.case import Case
from compliance.codes import Code
from compliance.decision import NOTHING, Finding, blocks, flags

_UNAVAILABLE = blocks(Code.REGISTRY_UNAVAILABLE)
_STALE = flags(Code.FLAG_REGISTRATION_STALE)


def check(case: Case) -> tuple[Finding, ...]:
    """Find registration facts that are old or missing."""
    if not case.registration_checked or case.facts.registry.state == "live":
        return NOTHING
    if case.registry_usable or case.policy.registry_fail_open:
        return _STALE
    return _UNAVAILABLE
