"""What the gateway would make of a campaign's samples: the same judge, with the campaign as the form has it.

A sample that the gateway would refuse, or that holds what the form does not declare, is a fault: nothing of it can be
changed after registration. What it would flag is said and no more.

Not here: the rules themselves (compliance.rules).
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final, NamedTuple

from compliance import facts
from compliance.catalogue import CATALOGUE
from compliance.codes import Code
from compliance.content import Content, read_content
from compliance.decide import decide
from compliance.decision import Severity
from compliance.policy import Policy, shipped
from compliance.rules import CONTENT, checks_of
from registry.problems import Fault
from registry.registration import fields
from registry.registration.campaign_form import CampaignForm

_CHECKS: Final = checks_of(CONTENT)
#: Content rules look at no clock; an instant has to be somewhere.
_AT: Final = datetime(2026, 1, 1, 20, tzinfo=UTC)
_SINCE: Final = date(2026, 1, 1)
_FROM: Final = "+12025550100"
_TO: Final = "+12025550101"
_MISMATCH: Final = Code.FLAG_CONTENT_DECLARATION_MISMATCH


class Advice(NamedTuple):
    """Something that reviewers or carriers may not like; it keeps nobody from submitting."""

    #: JSON pointer of the field.
    pointer: str
    #: A reason's code (compliance), or declared_not_shown.
    code: str
    #: What the matter is, and what to do.
    text: str


def faults(form: CampaignForm) -> Iterator[Fault]:
    """Yield what keeps the samples from being registered."""
    read = [read_content(sample) for sample in form.samples]
    yield from _undeclared(form, read)
    for index, sample in enumerate(form.samples):
        for code, severity in _found(form, sample):
            if severity is Severity.BLOCK:
                reason = CATALOGUE[code]
                fix = f"{reason.title}: the gateway would refuse it. {reason.remediation[0].action}"
                yield fields.fault(f"samples/{index}", "content_refused", fix)


def advice(form: CampaignForm) -> Iterator[Advice]:
    """Yield what the gateway would flag, and what is declared without being shown."""
    mismatched = {one.pointer for one in _undeclared(form, [read_content(sample) for sample in form.samples])}
    for index, sample in enumerate(form.samples):
        for code, severity in _found(form, sample):
            if severity is Severity.FLAG and not (code is _MISMATCH and mismatched):
                reason = CATALOGUE[code]
                text = f"{reason.title}: the gateway would flag it. {reason.remediation[0].action}"
                yield Advice(f"/fields/samples/{index}", str(code), text)
    shown = [read_content(sample) for sample in form.samples]
    for name, what, holds in (
        ("embedded_link", "a link", [one.has_url for one in shown]),
        ("embedded_phone", "a phone number", [one.has_phone_number for one in shown]),
    ):
        if getattr(form, name) and not any(holds):
            text = f"It says that texts hold {what}, and no sample does: reviewers ask for one that shows it."
            yield Advice(f"/fields/{name}", "declared_not_shown", text)


def _undeclared(form: CampaignForm, read: list[Content]) -> Iterator[Fault]:
    """Compare the declarations with what the samples hold; what is not said yet is missing already."""
    held = (
        ("embedded_link", "a link", [one.has_url for one in read]),
        ("embedded_phone", "a phone number", [one.has_phone_number for one in read]),
        ("direct_lending", "an offer to lend", ["lending" in one.words for one in read]),
        ("age_gated", "an offer of alcohol", ["alcohol" in one.words and one.is_promotional for one in read]),
    )
    for name, what, holds in held:
        if getattr(form, name) is False and any(holds):
            place = ", ".join(str(index + 1) for index, one in enumerate(holds) if one)
            fix = f"Declare it, or take {what} out of sample {place}: it cannot be changed after registration."
            yield fields.fault(name, "declaration_mismatch", fix)


def _found(form: CampaignForm, sample: str) -> Iterator[tuple[Code, Severity]]:
    """Judge one sample as the text of a number in this campaign."""
    for one in decide(_facts(form, sample), _policy(), _CHECKS).findings:
        yield one.code, one.severity


@lru_cache(maxsize=1)
def _policy() -> Policy:
    return shipped("current")


def _facts(form: CampaignForm, sample: str) -> facts.Facts:
    declares = facts.Declarations(
        embedded_link=bool(form.embedded_link),
        embedded_phone=bool(form.embedded_phone),
        age_gated=bool(form.age_gated),
        direct_lending=bool(form.direct_lending),
    )
    campaign = facts.Campaign(
        id="C",
        brand_id="B",
        use_case=form.use_case.lower(),
        sub_use_cases=tuple(one.lower() for one in form.sub_use_cases),
        status="active",
        sharing="accepted",
        dca_complete=True,
        declares=declares,
    )
    number = facts.SenderNumber(
        owner=facts.Owner(tenant="t", user="u"),
        sms="enabled",
        assignment=facts.Assignment(state="assigned", campaign_id="C", brand_id="B"),
    )
    return facts.Facts(
        at=_AT,
        message=facts.Message(to=_TO, sender=_FROM, text=sample),
        sender=facts.Sender(
            tenant="t",
            customer_since=_SINCE,
            user="u",
            number=number,
            campaign=campaign,
            brand=facts.Brand(id="B", status="verified"),
        ),
    )
