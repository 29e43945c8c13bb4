import pytest

from compliance.codes import Code
from compliance.decision import NOTHING, blocks, flags
from compliance.rules.prohibited import check
from tests.builders import a_text_case

REFUSED = blocks(Code.CONTENT_PROHIBITED)
DOUBTFUL = flags(Code.CONTENT_PROHIBITED)


class TestProhibited:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("Lunch at noon?", NOTHING),
            ("Big sale today", NOTHING),
            ("My cbd oil arrived", DOUBTFUL),
            ("cbd sale today", REFUSED),
            ("Got a payday loan once", DOUBTFUL),
            # Only cannabis is refused outright.
            ("Payday loan, limited time", DOUBTFUL),
            ("Casino night, 20% off", DOUBTFUL),
            # Both sets: one finding, the higher severity.
            ("Casino and cbd sale", REFUSED),
            ("Casino and cbd", DOUBTFUL),
        ],
    )
    def test_a_word_is_worth_a_look_and_cannabis_advertised_is_refused(self, text, found):
        """Whatever the campaign declared."""
        assert check(a_text_case(text)) == found
