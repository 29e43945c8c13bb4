"""Reliefs: where and when "not registered yet" does not block, because carriers did not ask for registration.

Source: rule 2.9 of tests/cases/README.md. Only codes that say "not registered yet" are ever relieved; suspended,
deleted, expired, failed, mock and an unavailable registry still block. Relieved codes stay visible as information.
"""

from dataclasses import replace
from datetime import date, datetime

from compliance.case import Case
from compliance.codes import Code
from compliance.decision import Finding, Severity
from compliance.destinations import DestinationClass
from compliance.pacific import start_of
from compliance.policy import Phases

_PROGRAMME_START_DAY = date(2023, 2, 15)
_PROGRAMME_START = start_of(_PROGRAMME_START_DAY)

_NOT_YET_ABROAD = frozenset(
    {Code.DID_UNASSIGNED, Code.DID_ASSIGNMENT_PENDING, Code.CAMPAIGN_PENDING, Code.BRAND_UNVERIFIED},
)
_NOT_YET_EARLY = frozenset({Code.DID_UNASSIGNED, Code.DID_ASSIGNMENT_PENDING})


def relieve(findings: list[Finding], case: Case) -> list[Finding]:
    """Turn blocks that a relief covers into information, and put the relief's own flag in the place of the first."""
    if case.destination is DestinationClass.CANADA:
        return _with_flag(findings, _NOT_YET_ABROAD, _flag(Code.OK_NON_US_DESTINATION, case))
    phases = case.policy.phases
    if phases is None or not (case.is_us or case.destination is DestinationClass.TOLL_FREE):
        return findings
    if case.facts.at < phases.enforced_from:
        return _with_flag(findings, _NOT_YET_EARLY, _flag(Code.FLAG_UNREGISTERED_PRE_ENFORCEMENT, case))
    if _is_grandfathered(case) and case.facts.at < _grandfathered_until(case, phases):
        return _with_flag(findings, _NOT_YET_EARLY, _flag(Code.FLAG_GRANDFATHERED_UNREGISTERED, case))
    return findings


def _flag(code: Code, case: Case) -> Finding:
    """Make a relief's own flag; the policy may weigh it otherwise, like any finding."""
    return case.policy.adjust(Finding(code, Severity.FLAG), case.facts.sender.tenant, case.facts.at)


def _with_flag(findings: list[Finding], covered: frozenset[Code], flag: Finding) -> list[Finding]:
    relieved: list[Finding] = []
    for finding in findings:
        if finding.code in covered and finding.severity is Severity.BLOCK:
            relieved += (flag, replace(finding, severity=Severity.INFO))
        else:
            relieved.append(finding)
    return relieved  # The flag may stand here several times; the decision keeps the first.


def _grandfathered_until(case: Case, phases: Phases) -> datetime:
    closed_early = case.is_mms and case.facts.recipient.carrier in phases.grandfathered_mms_carriers
    return phases.grandfathered_mms_until if closed_early else phases.grandfathered_until


def _is_grandfathered(case: Case) -> bool:
    """Customer and number were texting before the programme began, and nothing changed since."""
    sender = case.facts.sender
    number = sender.number
    if number is None or sender.customer_since >= _PROGRAMME_START_DAY:
        return False
    if number.sms != "enabled" or number.sms_enabled_at is None or number.sms_enabled_at >= _PROGRAMME_START:
        return False
    changes = (number.number_changed_at, number.licence_changed_at)
    return all(change is None or change < _PROGRAMME_START for change in changes)
