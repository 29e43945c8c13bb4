import pytest

from compliance.codes import Code
from compliance.decision import NOTHING, flags
from compliance.rules.evasion import check
from tests.builders import a_text_case

FOUND = flags(Code.EVASION_SUSPECTED)


class TestEvasion:
    @pytest.mark.parametrize(
        "text",
        [
            "bit[.]ly/x",
            "bit(.)ly/x",
            "BIT[dot]ly",
            "bit(DOT)ly",
            "bit . ly",
            "bit\N{ZERO WIDTH SPACE}.ly",
            "b\N{CYRILLIC SMALL LETTER BYELORUSSIAN-UKRAINIAN I}t.ly",
            "t[.]co",
            # One shortener in the open does not excuse another one hidden.
            "t.co and bit[.]ly",
        ],
    )
    def test_a_hidden_shortener(self, text):
        """Found only after look-alikes and disguised dots are undone."""
        assert check(a_text_case(text)) == FOUND

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "See you",
            "bit.ly/x",
            # Case and width are no disguise.
            "BIT.LY/x",
            "ｂｉｔ．ｌｙ",
            # The same one in the open too.
            "bit.ly or bit[.]ly",
            # What is hidden is no shortener.
            "example[.]com",
        ],
    )
    def test_what_is_in_the_open(self, text):
        """Nothing was hidden."""
        assert check(a_text_case(text)) == NOTHING
