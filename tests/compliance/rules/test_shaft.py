import pytest

from compliance.codes import Code
from compliance.decision import NOTHING, flags
from compliance.facts import Declarations
from compliance.rules.shaft import check
from tests.builders import a_case, a_message, a_sender, a_text_case

FOUND = flags(Code.CONTENT_SHAFT)
AGE_GATED = Declarations(age_gated=True)


class TestShaft:
    @pytest.mark.parametrize("word", ["vape", "cigars", "ammo", "handgun", "porn", "escorts"])
    def test_refused_goods_are_worth_a_look(self, word):
        """Advertised or not, with an age gate or without."""
        assert check(a_text_case(f"Got my {word} here")) == FOUND
        assert check(a_text_case(f"Got my {word} here", declares=AGE_GATED)) == FOUND

    @pytest.mark.parametrize(
        ("text", "found"),
        [("A beer after work?", NOTHING), ("Happy hour, 20% off", FOUND), ("20% off today", NOTHING)],
    )
    def test_alcohol_is_when_it_is_advertised(self, text, found):
        """A beer after work is nobody's business."""
        assert check(a_text_case(text)) == found

    def test_an_age_gate_allows_to_advertise_it(self):
        """By the campaign's own declaration."""
        assert check(a_text_case("Happy hour, 20% off", declares=AGE_GATED)) == NOTHING

    def test_without_a_campaign_nothing_declares_one(self):
        """So it is found."""
        case = a_case(message=a_message(text="Wine sale"), sender=a_sender(campaign=None))

        assert check(case) == FOUND
