"""Cells that a spreadsheet must not run, and must not change."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.bulk.cells import neutral, plain

RISKY = ("=1+1", "+12025550101", "-2", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "＋1", "－1", "＠x", "'=1", "''=1")


class TestCells:
    @pytest.mark.parametrize("value", RISKY)
    def test_none_begins_as_a_formula_does(self, value):
        """An apostrophe in front makes it a text."""
        assert neutral(value) == f"'{value}"

    @pytest.mark.parametrize("value", ["", "12025550101", "Ben", "'tis", "''", "a=1", "O'Neil"])
    def test_what_is_no_formula_stays(self, value):
        """Nothing is in front that a person would have to explain."""
        assert (neutral(value), plain(value)) == (value, value)

    @given(st.text(alphabet=st.sampled_from("'=+-@ \t\r\n\"a,;＝") | st.characters(codec="utf-8"), max_size=12))
    def test_reading_gives_back_what_was_written(self, value):
        """Whatever it was, through a CSV file."""
        file = io.StringIO()
        csv.writer(file, quoting=csv.QUOTE_ALL).writerow([neutral(value)])
        ((cell,),) = csv.reader(io.StringIO(file.getvalue(), newline=""))
        assert plain(cell) == value
        assert not neutral(value).lstrip().startswith(("=", "+", "-", "@", "＝"))

    @pytest.mark.parametrize("typed", ["+12025550101", "=1+1", "12025550101"])
    def test_a_cell_without_an_apostrophe_is_as_a_person_typed_it(self, typed):
        """Files are made by hand, too."""
        assert plain(typed) == typed
