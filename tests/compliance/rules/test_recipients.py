import pytest

from compliance.codes import Code
from compliance.decision import NOTHING, blocks
from compliance.rules.recipients import check
from tests.builders import a_case, a_message


class TestRecipients:
    @pytest.mark.parametrize("participants", [1, 2, 9, 10])
    def test_up_to_ten_may_be_reached_at_once(self, participants):
        """Ten is what carriers take in a group."""
        assert check(a_case(message=a_message(participants=participants))) == NOTHING

    @pytest.mark.parametrize("participants", [11, 12, 1_000])
    def test_more_are_too_many(self, participants):
        """It does not end the matter: the rest is said too."""
        assert check(a_case(message=a_message(participants=participants))) == blocks(Code.TOO_MANY_RECIPIENTS)
