"""One number sends a few messages a second and no more.

Source: rule 2.12 point 1 of tests/cases/README.md.
"""

from compliance.case import Case
from compliance.codes import Code
from compliance.decision import NOTHING, Finding, defers

_A_SECOND = 4
_A_SECOND_TOLL_FREE = 20

_FOUND = defers(Code.THROUGHPUT_DID)


def check(case: Case) -> tuple[Finding, ...]:
    """Find a number that is sending too fast."""
    number = case.facts.sender.number
    limit = _A_SECOND_TOLL_FREE if number is not None and number.kind == "toll_free" else _A_SECOND
    return _FOUND if case.facts.usage.number_second >= limit else NOTHING
