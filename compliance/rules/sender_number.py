"""A message needs a sender number, and it must be the sender's own.

Source: rule 2.4 of tests/cases/README.md; spoofing a neighbour's number is the worst that a provider can let through.
Not here: whether the number may text (enablement.py).
"""

from compliance.case import Case
from compliance.codes import Code
from compliance.decision import NOTHING, Finding, ends
from compliance.senders import canonical_sender

_INVALID = ends(Code.INVALID_SENDER)
_NOT_OWNED = ends(Code.DID_NOT_OWNED_BY_SENDER)


def check(case: Case) -> tuple[Finding, ...]:
    """Find a sender number that is none, or somebody else's."""
    facts = case.facts
    if facts.message.sender is None or canonical_sender(facts.message.sender) is None:
        return _INVALID
    sender = facts.sender
    owner = None if sender.number is None else sender.number.owner
    if owner is None or owner.tenant != sender.tenant or owner.user != sender.user:
        return _NOT_OWNED
    return NOTHING
