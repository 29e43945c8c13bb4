"""The sender number must be assigned to a campaign, and the assignment must agree with campaign and brand.

Source: rule 2.9 point 2 of tests/cases/README.md; carriers block US-bound texts from numbers outside a campaign. An
inconsistent or unknown assignment counts as failed and is never repaired silently.
"""

from compliance.case import Case
from compliance.codes import Code
from compliance.decision import NOTHING, Finding, blocks
from compliance.facts import Assignment, Sender

_UNASSIGNED = blocks(Code.DID_UNASSIGNED)
_PENDING = blocks(Code.DID_ASSIGNMENT_PENDING)
_FAILED = blocks(Code.DID_ASSIGNMENT_FAILED)


def check(case: Case) -> tuple[Finding, ...]:
    """Find a number without a good assignment."""
    sender = case.facts.sender
    if not case.registration_checked or not case.registry_usable or sender.number is None:
        return NOTHING
    assignment = sender.number.assignment
    if assignment is None or assignment.state == "removing":
        return _UNASSIGNED
    if assignment.state == "pending":
        return _PENDING
    if assignment.state == "assigned" and _is_consistent(assignment, sender):
        return NOTHING
    return _FAILED


def _is_consistent(assignment: Assignment, sender: Sender) -> bool:
    campaign, brand = sender.campaign, sender.brand
    return (
        assignment.campaign_id is not None
        and campaign is not None
        and brand is not None
        and assignment.campaign_id == campaign.id
        and assignment.brand_id == campaign.brand_id == brand.id
    )
