import pytest

from compliance.codes import Code
from compliance.decision import NOTHING, ends
from compliance.rules.emergency import check
from tests.builders import US, a_case, a_message


class TestEmergency:
    @pytest.mark.parametrize("to", ["911", "112", "933", "988", "+1911", "1 988", "9-1-1", "011 1 911"])
    def test_an_emergency_number_ends_the_matter(self, to):
        """Whoever tries must be told to call, before anything else is said."""
        assert check(a_case(message=a_message(to=to))) == ends(Code.DESTINATION_EMERGENCY)

    @pytest.mark.parametrize("to", [US, "211", "910", "912", "+911", "9111", "91911", "ext:911", "user:911", ""])
    def test_its_neighbours_do_not(self, to):
        """Other codes of three digits, short codes and extensions are not emergencies."""
        assert check(a_case(message=a_message(to=to))) == NOTHING
