import unicodedata
from unicodedata import combining, decomposition

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.folding import nfkc

#: Marks of several combining classes; characters that come apart into marks (0344, and 0f73 which is none itself);
#: letters, composed and not; width, ligature, Hangul in parts.
CHARACTERS = "\u0300\u0315\u0323\u0345\u0327\u0591\u0344\u0f73\u0f81\u0f71e\u00e9\u1ec7ｂﬁ\u1100\u1161\u11a8 a"


class TestNfkc:
    @given(st.text(st.sampled_from(CHARACTERS), min_size=240, max_size=400))
    def test_a_long_text_has_the_same_form_as_the_standard_librarys(self, text):
        """Many marks are put in order first, which changes nothing but the time."""
        assert nfkc(text) == unicodedata.normalize("NFKC", text)

    @given(st.text(max_size=50))
    def test_a_short_text_too(self, text):
        """Any character."""
        assert nfkc(text) == unicodedata.normalize("NFKC", text)

    @pytest.mark.parametrize("marks", [249, 250, 251, 252, 1_000])
    @pytest.mark.parametrize("shape", ["\u0315", "\u0315\u0300", "\u0f73", "\u1ec7\u0315\u0327"])
    def test_around_the_border(self, shape, marks):
        """Up to 250 marks the standard library sorts by itself."""
        text = "a" + shape * marks + "\u00e9" + shape * marks

        assert nfkc(text) == unicodedata.normalize("NFKC", text)

    def test_every_mark_and_every_character_that_comes_apart(self):
        """Between marks in the wrong order, in long texts."""
        special = [mark for mark in map(chr, range(0x110000)) if combining(mark) or decomposition(mark)]
        for first in range(0, len(special), 500):
            text = "\u0315\u0300".join(["a", *special[first : first + 500]])
            assert nfkc(text) == unicodedata.normalize("NFKC", text), first
