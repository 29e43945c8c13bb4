"""A number texts only while SMS is switched on for it, and only numbers of people can be switched on.

Source: rule 2.8 of tests/cases/README.md; one SMS number a user at a time, switching another on supersedes it (seed
page R10). A kind or state nobody has heard of is not switched on.
"""

from compliance.case import Case
from compliance.codes import Code
from compliance.decision import NOTHING, Finding, blocks

_NOT_ENABLED = blocks(Code.DID_NOT_SMS_ENABLED)
_SUPERSEDED = blocks(Code.DID_SUPERSEDED)


def check(case: Case) -> tuple[Finding, ...]:
    """Find a sender number that is not switched on."""
    number = case.facts.sender.number
    if number is None:
        return NOTHING
    of_a_person = number.kind in {"local", "toll_free"}
    if number.sms == "enabled":
        return NOTHING if of_a_person else _NOT_ENABLED
    switched = _SUPERSEDED if number.sms == "superseded" else _NOT_ENABLED
    return switched if of_a_person else _NOT_ENABLED + switched
