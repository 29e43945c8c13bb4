"""Who plays which part in the demonstration: numbers and recipients of the demo company, found by judging, not by name.

So whatever company file is used, "registered" is a number that may text a US mobile, "unassigned" one that is refused
for did_unassigned, and so on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from compliance import Code, shipped
from compliance.decide import decide
from compliance.destinations import DestinationClass, read_destination
from compliance.facts import Message
from gateway.offline.company import Company
from gateway.offline.day import DayLine, facts_of

#: Part to the reason that a text from that number to a US mobile gets.
_PARTS: Final = {
    "registered": Code.OK_REGISTERED,
    "unassigned": Code.DID_UNASSIGNED,
    "pending": Code.DID_ASSIGNMENT_PENDING,
    "suspended": Code.CAMPAIGN_SUSPENDED,
    "disabled": Code.DID_NOT_SMS_ENABLED,
    "superseded": Code.DID_SUPERSEDED,
}


#: What a user's id ends in whose number may flip all day, because nobody texts with it.
_CANARY: Final = "-canary"


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryPart:
    """A number whose registration comes and goes, and the campaign that it comes back to."""

    number: str
    campaign_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """The parts, by their names in demo.json; all numbers in E.164."""

    numbers: dict[str, str]
    recipients: dict[str, str]
    #: User who owns the registered number.
    sender: str
    #: None where the company has no user for it: nobody's own number is taken.
    canary: CanaryPart | None


def cast_of(company: Company, tenant: str) -> Cast:
    """Find the parts in a company; a part that nobody can play is left out."""
    recipients = _recipients(company, tenant)
    numbers: dict[str, str] = {}
    for did, number in company.numbers.items():
        if number.owner is None or number.kind != "local" or number.owner.user.endswith(_CANARY):
            continue
        if number.owner.tenant != tenant:
            numbers.setdefault("other_tenant", did)
            continue
        reason = _reason(company, number.owner.user, did, recipients["mobile"])
        for part, wanted in _PARTS.items():
            if reason is wanted:
                numbers.setdefault(part, did)
    sender = company.numbers[numbers["registered"]].owner
    if sender is None:
        raise ValueError("the demo company has no registered number")
    for did, number in company.numbers.items():
        if number.owner and number.owner.tenant == tenant and number.owner != sender and number.kind == "local":
            numbers.setdefault("colleague", did)
    return Cast(
        numbers=numbers,
        recipients=recipients,
        sender=sender.user,
        canary=_canary(company, tenant, recipients["mobile"]),
    )


def _canary(company: Company, tenant: str, to: str) -> CanaryPart | None:
    """Find the number that is there for this: it can text a US mobile, and its owner's id says what it is for."""
    for did, number in company.numbers.items():
        if number.owner is None or number.owner.tenant != tenant or not number.owner.user.endswith(_CANARY):
            continue
        link = number.assignment
        if link and link.campaign_id and _reason(company, number.owner.user, did, to) is Code.OK_REGISTERED:
            return CanaryPart(number=did, campaign_id=link.campaign_id)
    return None


def _reason(company: Company, user: str, did: str, to: str) -> Code:
    message = Message(to=to, sender=did, text="Hello")
    line = DayLine(n=0, at=datetime.now(UTC).replace(microsecond=0), user=user, message=message)
    return decide(facts_of(line, company), shipped("current")).reason


def _recipients(company: Company, tenant: str) -> dict[str, str]:
    recipients: dict[str, str] = {}
    for part, number in _candidates(company, tenant):
        recipients.setdefault(part, number)
    return recipients


def _candidates(company: Company, tenant: str) -> Iterator[tuple[str, str]]:
    for number, line in company.lines.items():
        kind, _ = read_destination(number)
        opted_out = (tenant, number) in company.opt_outs
        if kind is DestinationClass.CANADA:
            yield "canada", number
        elif kind is DestinationClass.US and line.line == "landline":
            yield "landline", number
        elif kind is DestinationClass.US and line.line == "mobile" and line.carrier and not opted_out:
            yield "mobile", number
    for opted_out_of, number in company.opt_outs:
        if opted_out_of == tenant:
            yield "opted_out", number
