"""Cannabis, high-risk lending, get-rich-quick and gambling: content that carriers do not carry for anybody.

Source: rule 2.10 point 3 of tests/cases/README.md; CTIA and carrier codes of conduct. A single word is worth a look;
an advertisement for cannabis is refused.
"""

from compliance.case import Case
from compliance.codes import Code
from compliance.decision import NOTHING, Finding, blocks, flags

_REFUSED = blocks(Code.CONTENT_PROHIBITED)
_DOUBTFUL = flags(Code.CONTENT_PROHIBITED)


def check(case: Case) -> tuple[Finding, ...]:
    """Find prohibited content."""
    content = case.content
    if "cannabis" in content.words and content.is_promotional:
        return _REFUSED
    return NOTHING if content.words.isdisjoint({"cannabis", "prohibited"}) else _DOUBTFUL
