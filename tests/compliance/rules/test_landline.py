import pytest

from compliance.codes import Code
from compliance.decision import NOTHING, flags
from compliance.rules.landline import check
from tests.builders import a_case, a_recipient


class TestLandline:
    def test_a_landline_is_worth_a_look(self):
        """Not a refusal: look-up data ages."""
        assert check(a_case(recipient=a_recipient(line="landline"))) == flags(Code.DESTINATION_LANDLINE)

    @pytest.mark.parametrize("line", [None, "mobile", "voip"])
    def test_any_other_line_has_no_finding(self, line):
        """A line that nobody looked up is the usual case."""
        assert check(a_case(recipient=a_recipient(line=line))) == NOTHING
