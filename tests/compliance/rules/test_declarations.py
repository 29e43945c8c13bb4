import pytest

from compliance.codes import Code
from compliance.decision import NOTHING, flags
from compliance.facts import Declarations
from compliance.rules.declarations import check
from tests.builders import ALL_DECLARED, a_case, a_message, a_sender, a_text_case

FOUND = flags(Code.FLAG_CONTENT_DECLARATION_MISMATCH)

SPECIFIC = (
    "2fa account_notification customer_care delivery_notification fraud_alert higher_education marketing "
    "polling_voting public_service_announcement security_alert m2m low_volume mixed"
).split()
OPEN = ["ucaas_low", "ucaas_high", "sole_proprietor", "proxy", "agents_franchises", "bogus", ""]

PROMOTION = "Summer sale at our shop"
CODE = "Your verification code is 483920"


class TestContentAttributes:
    @pytest.mark.parametrize(
        ("text", "attribute"),
        [
            ("See https://a.test/x", "embedded_link"),
            ("Call 202-555-0187", "embedded_phone"),
            ("Ask about our mortgages", "direct_lending"),
        ],
    )
    def test_what_the_text_carries_must_be_declared(self, text, attribute):
        """Each by its own attribute; the others do not help."""
        only = Declarations(**{attribute: True})
        others = ALL_DECLARED._replace(**{attribute: False})

        assert check(a_text_case(text)) == FOUND
        assert check(a_text_case(text, declares=only)) == NOTHING
        assert check(a_text_case(text, declares=others)) == FOUND

    @pytest.mark.parametrize("use_case", [*SPECIFIC, *OPEN])
    def test_under_every_use_case(self, use_case):
        """What a text is for does not matter here."""
        assert check(a_text_case("See https://a.test/x", use_case=use_case)) == FOUND

    def test_it_is_said_once(self):
        """However much is missing."""
        text = f"{PROMOTION}: mortgages, https://a.test/x, call 202-555-0187. {CODE}"

        assert check(a_text_case(text, use_case="customer_care")) == FOUND

    def test_an_ordinary_text_needs_no_declaration(self):
        """Neither one without text."""
        assert check(a_text_case("See you at 3")) == NOTHING
        assert check(a_text_case("")) == NOTHING


class TestUseCase:
    @pytest.mark.parametrize("use_case", SPECIFIC)
    @pytest.mark.parametrize(("text", "purpose"), [(PROMOTION, "marketing"), (CODE, "2fa")])
    def test_what_the_text_is_for_must_be_declared(self, use_case, text, purpose):
        """By the use case itself or by one of the sub-use-cases."""
        other = "2fa" if purpose == "marketing" else "marketing"

        assert check(a_text_case(text, use_case=use_case)) == (NOTHING if use_case == purpose else FOUND)
        assert check(a_text_case(text, use_case=use_case, sub_use_cases=("m2m", purpose))) == NOTHING
        assert check(a_text_case(text, use_case=use_case, sub_use_cases=(other,))) == (
            NOTHING if use_case == purpose else FOUND
        )

    @pytest.mark.parametrize("use_case", OPEN)
    @pytest.mark.parametrize("text", [PROMOTION, CODE])
    def test_some_use_cases_leave_it_open(self, use_case, text):
        """People who type write anything."""
        assert check(a_text_case(text, use_case=use_case)) == NOTHING


class TestWithoutCampaign:
    def test_there_is_nothing_to_compare_with(self):
        """No campaign, no declaration, no finding."""
        case = a_case(message=a_message(text="See https://a.test/x"), sender=a_sender(campaign=None))

        assert check(case) == NOTHING
