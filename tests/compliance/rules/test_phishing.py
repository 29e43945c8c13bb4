import pytest

from compliance.codes import Code
from compliance.decision import NOTHING, flags
from compliance.rules.phishing import check
from tests.builders import a_text_case

FOUND = flags(Code.CONTENT_PHISHING)


class TestPhishing:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("Please verify your account at https://a.test/x", FOUND),
            ("https://a.test/x confirm your bank", FOUND),
            ("Please verify your account by phone", NOTHING),
            ("Details at https://a.test/x", NOTHING),
            # Inside the URL it is no phrase, and across it neither.
            ("https://a.test/verify your account", NOTHING),
            ("verify https://a.test/x your account", NOTHING),
        ],
    )
    def test_asking_for_credentials_behind_a_link(self, text, found):
        """Both are needed."""
        assert check(a_text_case(text)) == found

    @pytest.mark.parametrize("use_case", ["2fa", "fraud_alert", "security_alert"])
    def test_whatever_the_use_case(self, use_case):
        """A bank that warns of fraud does not ask so either."""
        assert check(a_text_case("Update your card: www.a.test", use_case=use_case)) == FOUND
