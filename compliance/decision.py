"""What a judgement is made of: findings with a severity, and the decision that they add up to."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

from compliance.codes import Code


class Severity(IntEnum):
    """How much a finding weighs. Ordered, so that max() is the strictest; INFO never decides."""

    INFO = 0
    FLAG = 1
    DEFER = 2
    BLOCK = 3


class Verdict(StrEnum):
    """What to do with a message."""

    ALLOW = "allow"
    #: Send it, and report it.
    FLAG = "flag"
    #: Not now; it may be tried again.
    DEFER = "defer"
    #: Do not send it, and say why.
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's complaint about one message. Codes carry no data: details come from the facts beside them."""

    code: Code
    severity: Severity
    #: No later rule is asked.
    ends: bool = False


#: What a rule returns when it has nothing to say.
NOTHING: Final[tuple[Finding, ...]] = ()


def blocks(code: Code) -> tuple[Finding]:
    """Say that a message must not go."""
    return (Finding(code, Severity.BLOCK),)


def ends(code: Code) -> tuple[Finding]:
    """Say that a message must not go, and that nothing else matters any more."""
    return (Finding(code, Severity.BLOCK, ends=True),)


def defers(code: Code) -> tuple[Finding]:
    """Say that a message must wait."""
    return (Finding(code, Severity.DEFER),)


def flags(code: Code) -> tuple[Finding]:
    """Say that a message may go and somebody should look."""
    return (Finding(code, Severity.FLAG),)


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict on one leg, its primary reason, and all that was found, the reason's own finding included."""

    verdict: Verdict
    reason: Code
    #: In the order of the checks; a code stands once.
    findings: tuple[Finding, ...] = ()

    @property
    def other_codes(self) -> list[str]:
        """Codes found beside the reason, as records and answers show them."""
        return [finding.code.value for finding in self.findings if finding.code != self.reason]
