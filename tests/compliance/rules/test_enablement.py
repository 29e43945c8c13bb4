import pytest

from compliance.codes import Code
from compliance.decision import NOTHING, blocks
from compliance.rules.enablement import check
from tests.builders import a_case, a_number, a_sender

NOT_ENABLED = blocks(Code.DID_NOT_SMS_ENABLED)
SUPERSEDED = blocks(Code.DID_SUPERSEDED)


class TestEnablement:
    @pytest.mark.parametrize(
        ("kind", "sms", "found"),
        [
            ("local", "enabled", NOTHING),
            ("toll_free", "enabled", NOTHING),
            ("local", "disabled", NOT_ENABLED),
            ("toll_free", "disabled", NOT_ENABLED),
            ("local", "superseded", SUPERSEDED),
            ("toll_free", "superseded", SUPERSEDED),
            ("personal", "enabled", NOT_ENABLED),
            ("service", "enabled", NOT_ENABLED),
            # What nobody has heard of is not switched on.
            ("satellite", "enabled", NOT_ENABLED),
            ("local", "paused", NOT_ENABLED),
            ("local", "", NOT_ENABLED),
            ("", "enabled", NOT_ENABLED),
        ],
    )
    def test_kind_and_switch(self, kind, sms, found):
        """Only a person's number that is switched on may text."""
        assert check(a_case(sender=a_sender(number=a_number(kind=kind, sms=sms)))) == found

    @pytest.mark.parametrize("kind", ["personal", "service"])
    def test_both_reasons_are_said(self, kind):
        """A service number that was superseded is both."""
        number = a_number(kind=kind, sms="superseded")

        assert check(a_case(sender=a_sender(number=number))) == NOT_ENABLED + SUPERSEDED

    def test_a_number_that_is_not_ours_is_another_rules_matter(self):
        """That one ends the matter before."""
        assert check(a_case(sender=a_sender(number=None))) == NOTHING
