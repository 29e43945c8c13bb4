"""The same text from many numbers of one brand is a campaign in disguise (snowshoe spreading).

Source: rule 2.10 point 7 of tests/cases/README.md; CTIA prohibits spreading traffic over numbers. Short remarks and
replies do not count: thirty colleagues who write "Ok, thanks" are not a campaign.
"""

from compliance.case import Case
from compliance.codes import Code
from compliance.decision import NOTHING, Finding, blocks, flags

_SUSPECT_NUMBERS = 10
_REFUSED_NUMBERS = 30
_SHORTEST_TEXT = 40

_REFUSED = blocks(Code.SNOWSHOE_SUSPECTED)
_DOUBTFUL = flags(Code.SNOWSHOE_SUSPECTED)


def check(case: Case) -> tuple[Finding, ...]:
    """Find one text sent from many numbers within five minutes."""
    numbers = case.facts.usage.same_text_numbers_5min
    if numbers < _SUSPECT_NUMBERS or case.is_reply:
        return NOTHING
    content = case.content
    if len(content.normalised) < _SHORTEST_TEXT and not content.has_url and not content.has_phone_number:
        return NOTHING
    return _REFUSED if numbers >= _REFUSED_NUMBERS and case.facts.message.origin != "app" else _DOUBTFUL
