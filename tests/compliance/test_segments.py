import pytest

from compliance.segments import Segments, count_segments

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = "\f^{}\\[~]|€"


class TestGsm7:
    def test_the_basic_table_has_127_characters_beside_escape(self):
        """One septet each."""
        assert len(set(BASIC)) == len(BASIC) == 127
        for mark in BASIC:
            assert count_segments(mark) == Segments("gsm7", 1, 1), mark

    @pytest.mark.parametrize("mark", EXTENSION)
    def test_the_extension_table_costs_two_septets(self, mark):
        """Escape and a code."""
        assert count_segments(mark) == Segments("gsm7", 2, 1)

    @pytest.mark.parametrize("mark", ["\x1b", "`", "\t", "\0", "ç", "’", "“", "α", "À", "\u00a0", "–", "…"])
    def test_what_is_in_neither_makes_the_whole_text_ucs2(self, mark):
        """The escape itself too, and the neighbours of the letters that are."""
        assert count_segments(f"a{mark}b") == Segments("ucs2", 3, 1)

    @pytest.mark.parametrize(
        ("length", "segments"),
        [
            (0, 1),
            (1, 1),
            (160, 1),
            (161, 2),
            (305, 2),
            (306, 2),
            (307, 3),
            (459, 3),
            (460, 4),
            (1_530, 10),
            (1_531, 11),
        ],
    )
    def test_160_alone_and_153_in_parts(self, length, segments):
        """An empty message is still one."""
        assert count_segments("a" * length) == Segments("gsm7", length, segments)

    @pytest.mark.parametrize(
        ("text", "units", "segments"),
        [
            ("€" * 80, 160, 1),
            ("€" * 80 + "a", 161, 2),
            # 153 is odd: each part of pairs holds 152, and one place is lost.
            ("€" * 152, 304, 2),
            ("€" * 153, 306, 3),
            ("€" * 228, 456, 3),
            ("€" * 229, 458, 4),
            # The pair at places 153 and 154 moves to the second part.
            ("a" * 152 + "€" + "a" * 151, 305, 2),
            ("a" * 152 + "€" + "a" * 152, 306, 3),
            ("a" * 151 + "€" + "a" * 153, 306, 2),
            ("a" * 153 + "€" + "a" * 151, 306, 2),
            # The one at 160 and 161 makes two parts, whichever it is.
            ("a" * 159 + "€", 161, 2),
            ("a" * 158 + "€", 160, 1),
        ],
    )
    def test_a_pair_is_never_split(self, text, units, segments):
        """When only one place is left, the part is closed."""
        assert count_segments(text) == Segments("gsm7", units, segments)


class TestUcs2:
    @pytest.mark.parametrize(
        ("length", "segments"),
        [(1, 1), (69, 1), (70, 1), (71, 2), (134, 2), (135, 3), (201, 3), (202, 4), (670, 10), (671, 11)],
    )
    def test_70_alone_and_67_in_parts(self, length, segments):
        """In UTF-16 code units."""
        assert count_segments("я" * length) == Segments("ucs2", length, segments)

    @pytest.mark.parametrize(
        ("text", "units", "segments"),
        [
            ("😀", 2, 1),
            ("😀" * 35, 70, 1),
            ("😀" * 36, 72, 2),
            # 67 is odd: each part of pairs holds 66.
            ("😀" * 66, 132, 2),
            ("😀" * 67, 134, 3),
            ("😀" * 100, 200, 4),
            ("я" * 66 + "😀" + "я" * 65, 133, 2),
            ("я" * 66 + "😀" + "я" * 66, 134, 3),
            ("я" * 65 + "😀" + "я" * 67, 134, 2),
            ("я" * 67 + "😀" + "я" * 65, 134, 2),
            # Halves that stand alone or in the wrong order are no pair.
            ("я" * 66 + "\udc00\ud800" + "я" * 66, 134, 2),
            ("я" * 66 + "\ud800я" + "я" * 66, 134, 2),
            ("я" * 66 + "я\udc00" + "я" * 66, 134, 2),
            # The edges of both ranges, and their neighbours.
            ("я" * 66 + "\U00010000" + "я" * 66, 134, 3),
            ("я" * 66 + "\U0010ffff" + "я" * 66, 134, 3),
            ("я" * 66 + "\ud7ff\udc00" + "я" * 66, 134, 2),
            ("я" * 66 + "\udc00\udc00" + "я" * 66, 134, 2),  # noqa: PT014 - these halves are different ones
            ("я" * 66 + "\ud800\udbff" + "я" * 66, 134, 2),  # noqa: PT014 - the same
            ("я" * 66 + "\ud800\ue000" + "я" * 66, 134, 2),
        ],
    )
    def test_a_surrogate_pair_is_never_split(self, text, units, segments):
        """When only one place is left, the part is closed."""
        assert count_segments(text) == Segments("ucs2", units, segments)

    @pytest.mark.parametrize(
        ("text", "units", "segments"),
        [("я" * 66 + "e\u0301" + "я" * 66, 134, 2), ("я" * 66 + "\u200d" * 68, 134, 2)],
    )
    def test_marks_and_joiners_may_be_split(self, text, units, segments):
        """Only what a receiver could not decode is kept together."""
        assert count_segments(text) == Segments("ucs2", units, segments)
