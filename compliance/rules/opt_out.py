"""Whoever said STOP to a company gets no more texts from it, from none of its numbers.

Source: rule 2.7 of tests/cases/README.md; 47 CFR 64.1200(a)(10) to (12). The outbound text is never read as an opt-
out word. Not here: which inbound words count (compliance/inbound.py).
"""

from compliance.case import Case
from compliance.codes import Code
from compliance.decision import NOTHING, Finding, blocks, flags
from compliance.facts import Facts, OptOut
from compliance.pacific import second_of

_OPTED_OUT = blocks(Code.RECIPIENT_OPTED_OUT)
_SUSPECTED = flags(Code.FLAG_FREE_TEXT_REVOCATION)


def check(case: Case) -> tuple[Finding, ...]:
    """Find a recipient who does not want to hear from this tenant, or may have said so in a phrase."""
    facts = case.facts
    recipient = facts.recipient
    if recipient.opted_out is None and not recipient.free_text_revocation:
        return NOTHING
    applies = recipient.opted_out is not None and _applies(recipient.opted_out, facts)
    return (_OPTED_OUT if applies else NOTHING) + (_SUSPECTED if recipient.free_text_revocation else NOTHING)


def _applies(out: OptOut, facts: Facts) -> bool:
    return out.tenant in {None, facts.sender.tenant} and second_of(out.at) <= second_of(facts.at)
