"""The judgement: facts and a policy in, a decision out. No I/O, no clock, no state: same facts, same decision.

Every rule is asked and every finding kept, so that a person sees all that is wrong at once; only a finding that ends
the matter stops it. The strictest severity wins, the first finding of it is the reason.
"""

from typing import Final

from compliance.case import Case, is_internal
from compliance.codes import HARD_CODES, Code
from compliance.decision import Decision, Finding, Severity, Verdict
from compliance.facts import Facts
from compliance.policy import Policy
from compliance.reliefs import relieve
from compliance.rules import ALL_CHECKS, Check

INTERNAL: Final = Decision(Verdict.ALLOW, Code.OK_INTERNAL_IM)
REGISTERED: Final = Decision(Verdict.ALLOW, Code.OK_REGISTERED)

_VERDICTS: Final = {
    Severity.FLAG: Verdict.FLAG,
    Severity.DEFER: Verdict.DEFER,
    Severity.BLOCK: Verdict.BLOCK,
}


def decide(facts: Facts, policy: Policy, checks: tuple[Check, ...] = ALL_CHECKS) -> Decision:
    """Judge one leg of a message."""
    if is_internal(facts):
        return INTERNAL
    case = Case(facts, policy)
    found: list[Finding] = []
    for check in checks:
        findings = check(case)
        if findings:
            found += findings
            if findings[-1].ends:
                break
    return _conclude(found, case) if found else REGISTERED


def _conclude(found: list[Finding], case: Case) -> Decision:
    policy = case.policy
    if policy.adjustments:
        tenant, at = case.facts.sender.tenant, case.facts.at
        found = [policy.adjust(finding, tenant, at) for finding in found]
    findings = _each_code_once(relieve(found, case))
    severity = max(finding.severity for finding in findings)
    if severity is Severity.INFO:
        return Decision(Verdict.ALLOW, Code.OK_REGISTERED, findings)
    reason = next(finding.code for finding in findings if finding.severity is severity)
    if severity is Severity.BLOCK and policy.mode == "monitor":
        return _monitored(reason, findings)
    return Decision(_VERDICTS[severity], reason, findings)


def _each_code_once(found: list[Finding]) -> tuple[Finding, ...]:
    """Keep the first place of a code and its highest severity."""
    kept: dict[Code, Finding] = {}
    for finding in found:
        earlier = kept.get(finding.code)
        if earlier is None or finding.severity > earlier.severity:
            kept[finding.code] = finding
    return tuple(kept.values())


def _monitored(reason: Code, findings: tuple[Finding, ...]) -> Decision:
    """Report a block as a flag, unless something that is never softened blocks too."""
    for finding in findings:
        if finding.severity is Severity.BLOCK and finding.code in HARD_CODES:
            return Decision(Verdict.BLOCK, finding.code, findings)
    return Decision(Verdict.FLAG, reason, findings)
