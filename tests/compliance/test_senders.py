import pytest

from compliance.senders import canonical_sender


class TestCanonicalSender:
    @pytest.mark.parametrize(
        "number",
        [
            "+12025550111",
            "12025550111",
            "2025550111",
            "202-555-0111",
            "202.555.0111",
            "(202) 555-0111",
            "+1 (202) 555 - 0111",
            "1\t202\t555\t0111",
            " 2025550111 ",
            "2)0(2.5-5 5.0111",
            # Dashes of every kind: en dash, em dash, minus sign, non-breaking hyphen, wave dash.
            "202\u2013555\u20140111",
            "202\u2212555\u20110111",
            "202\u301c5550111",
            # Width is undone.
            "＋１２０２５５５０１１１",
            "202\N{NO-BREAK SPACE}5550111",
        ],
    )
    def test_however_it_is_written(self, number):
        """The plus sign, one and ten digits."""
        assert canonical_sender(number) == "+12025550111"

    @pytest.mark.parametrize(
        ("number", "canonical"),
        [("2002000000", "+12002000000"), ("9999999999", "+19999999999"), ("+12112000000", "+12112000000")],
    )
    def test_area_code_and_exchange_begin_with_two_to_nine(self, number, canonical):
        """The pattern's edges; whose number it is, the inventory says."""
        assert canonical_sender(number) == canonical

    @pytest.mark.parametrize(
        "number",
        [
            "",
            "+",
            "+1",
            "202555011",
            "20255501111",
            "+22025550111",
            "+120255501111",
            "++12025550111",
            "+2025550111",
            "112025550111",
            "011 1 202 555 0111",
            "1025550111",
            "0025550111",
            "2021550111",
            "2020550111",
            "202/555/0111",
            "202,555,0111",
            "202_555_0111",
            "2025550111 x5",
            "202-555-CALL",
            "2O25550111",
            "+12025550111\n",
            "\n2025550111",
            "202\u200b5550111",
            # Digits of other scripts are not 0 to 9.
            "٢٠٢٥٥٥٠١١١",
            "+442079460958",
            "ACME",
            "tel:+12025550111",
        ],
    )
    def test_what_is_no_north_american_number(self, number):
        """Letters, line breaks, slashes, extensions and other countries are not translated away."""
        assert canonical_sender(number) is None
