"""Rows out of bytes: every format, every fault of a row, and bounded memory."""

import csv
import itertools
from typing import ClassVar

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.bulk.cells import plain
from registry.bulk.columns import KINDS
from registry.bulk.reading import CELL_MAX, ROW_MAX, FileFaultError, Rows

NUMBERS = KINDS["numbers"]
HEADER = b"did,user,enabled\n"


def read(data, *, portion=None, kind=NUMBERS):
    """All rows of a file that comes in portions."""
    rows, found = Rows(kind), []
    for start in range(0, len(data), portion or len(data) or 1):
        found += rows.feed(data[start : start + (portion or len(data))])
    return [*found, *rows.end()]


def faults(row):
    """What is wrong with a row."""
    return [(fault.field, fault.code) for fault in row.faults]


class TestFormats:
    CELLS: ClassVar = {"did": "+12025550101", "user": 'O"N,e\nil', "enabled": "yes"}
    FILES: ClassVar = {
        "csv": b'did,user,enabled\r\n+12025550101,"O""N,e\nil",yes\r\n',
        "csv with a BOM": b'\xef\xbb\xbf DID ,"user",enabled\n\'+12025550101,"O""N,e\nil",yes',
        "json lines": orjson.dumps({"did": "+12025550101", "user": 'O"N,e\nil', "enabled": True}),
        "json lines with a BOM": b"\xef\xbb\xbf"
        + orjson.dumps({"did": "+12025550101", "user": 'O"N,e\nil', "enabled": "yes"}),
        "json": orjson.dumps(
            [{"did": "+12025550101", "user": 'O"N,e\nil', "enabled": True}], option=orjson.OPT_INDENT_2
        ),
    }

    @pytest.mark.parametrize("portion", [1, 7, None])
    @pytest.mark.parametrize("name", FILES)
    def test_all_say_the_same(self, name, portion):
        """However the bytes come."""
        (row,) = read(self.FILES[name], portion=portion)
        assert (row.cells, row.faults) == (self.CELLS, ())

    def test_an_empty_cell_is_nothing_and_a_missing_column_is_not_there(self):
        """The first takes a user away, the second leaves them."""
        assert read(b"did,user\n1,\n")[0].cells == {"did": "1", "user": None}
        assert read(b'{"did":"1","user":null}')[0].cells == {"did": "1", "user": None}

    @pytest.mark.parametrize("portion", [1, 3, None])
    def test_lines_are_counted_as_an_editor_does(self, portion):
        """Blank ones and those within quotes included."""
        data = HEADER + b'\n1,"a\nb",\n\n2,,\n'
        assert [(row.line, row.cells["did"]) for row in read(data, portion=portion)] == [(3, "1"), (6, "2")]
        array = b'[\n {"did":"1"},\n\n {"did":\n"2"}\n]\n'
        assert [(row.line, row.cells["did"]) for row in read(array, portion=portion)] == [(2, "1"), (4, "2")]

    def test_an_empty_array_has_no_rows(self):
        """It is a file all the same."""
        assert read(b" [ ] ") == []


class TestRows:
    CASES: ClassVar = [
        # the row                                what is wrong
        (b"1,\xff,\n", [("", "not_utf8")]),
        (b"1,a\x00b,\n", [("user", "nul")]),
        (b"1," + b"x" * (CELL_MAX + 1) + b",\n", [("user", "too_long")]),
        (b"1," + b"x" * ROW_MAX + b",\n", [("", "too_long")]),
        (b"1,a\n", [("", "column_count")]),
        (b"1,a,b,c\n", [("", "column_count")]),
        (b'1,a"b,\n', [("", "open_quote")]),
        (b'1,"a"b,\n', [("", "bad_csv")]),
    ]
    JSON: ClassVar = [
        (b"nonsense", [("", "not_json")]),
        (b"[1]", [("", "not_json")]),
        (b'{"did":NaN}', [("", "not_json")]),
        (b'{"did":"\\ud800"}', [("", "not_json")]),
        (b'{"did":"1","did":"2"}', [("", "duplicate_key")]),
        (b'{"did":"1","colour":"2"}', [("colour", "unknown_column")]),
        (b'{"did":1}', [("did", "wrong_type")]),
        (b'{"did":["1"]}', [("did", "wrong_type")]),
        (b'{"did":"\xff"}', [("", "not_utf8")]),
        (b'{"did":"' + b"x" * ROW_MAX + b'"}', [("", "too_long")]),
        (b'{"did":"' + b"x" * (CELL_MAX + 1) + b'"}', [("did", "too_long")]),
        (b"[" * 5_000, [("", "not_json")]),
    ]

    @pytest.mark.parametrize("portion", [5, None])
    @pytest.mark.parametrize(("raw", "wrong"), CASES)
    def test_a_bad_row_takes_none_with_it(self, raw, wrong, portion):
        """The rows before and behind it are read."""
        before, bad, behind = read(HEADER + b"1,a,\n" + raw + b'2,"b",\n', portion=portion)
        assert faults(bad) == wrong
        assert (before.faults, behind.faults, behind.cells["user"]) == ((), (), "b")

    @pytest.mark.parametrize(("raw", "wrong"), JSON)
    def test_a_bad_line_of_json_neither(self, raw, wrong):
        """The same for lines."""
        before, bad, behind = read(b'{"did":"1"}\n' + raw + b'\n{"did":"2"}')
        assert (faults(bad), before.faults, behind.faults) == (wrong, (), ())

    def test_a_quote_that_stays_open_takes_one_line(self):
        """Not the rest of the file."""
        rows = read(HEADER + b'1,"a,\n' + b"".join(b"%d,a,\n" % place for place in range(2, 99)))
        assert [row.line for row in rows if row.faults] == [2]
        assert len(rows) == 98

    @pytest.mark.parametrize(
        "cut", [b'[{"did":"1"},', b'[{"did":"1"},{"did":"2"}', b'[{"did":"1"},{"di', b'[{"did":"1"}] x']
    )
    def test_a_file_that_is_cut_says_so(self, cut):
        """What came before is read."""
        rows = read(cut)
        assert (rows[0].cells["did"], faults(rows[-1])) == ("1", [("", "file_cut")])


class TestFiles:
    CASES: ClassVar = [
        (b"", "empty"),
        (b"\xef\xbb\xbf \n", "empty"),
        ("did,user\n".encode("utf-16"), "not UTF-8"),
        ("did,user\n".encode("utf-16-le"), "not UTF-8"),
        (b"did,us\xe9r\n", "not UTF-8"),
        (b"did;user\n1;2\n", "commas"),
        (b"did,colour,size\n", "no column 'colour', 'size'"),
        (b"did,user,did\n", "did twice"),
        (b"user\n", "no column did"),
        (b'did,"user\n', "never closed"),
        (b"d" * (ROW_MAX + 1), "too long"),
    ]

    @pytest.mark.parametrize(("data", "said"), CASES)
    def test_one_that_cannot_be_read_is_refused(self, data, said):
        """In a sentence that says what to do."""
        with pytest.raises(FileFaultError, match=said):
            read(data)


class TestMemory:
    @pytest.mark.parametrize("endless", [b"x", b'"', b'"\n', b'1,"\n', b"[", b'{"a":'])
    @pytest.mark.parametrize("begin", [HEADER, b"[", b"{}\n"])
    def test_what_is_held_is_bounded(self, begin, endless):
        """Whatever comes, and however long."""
        rows = Rows(NUMBERS)
        list(rows.feed(begin))
        for _ in itertools.repeat(None, 25):
            list(rows.feed(endless * 4_000))
            held = len(rows._lines.held) + len(rows._held)
            assert held <= 2 * ROW_MAX + 4_000 * len(endless)


@given(st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"])), min_size=3, max_size=3))
def test_rows_without_quotes_are_what_csv_says(cells):
    """They are split without the csv module, which is slower; it would say the same."""
    line = ",".join(cells)
    if not line.strip() or '"' in line:
        return
    try:
        (expected,) = csv.reader([line.removesuffix("\r")], strict=True)
    except csv.Error:
        expected = []
    *_, row = read(HEADER + line.encode() + b"\n" + b"+12025550199,,\n")[:-1] or [None]
    if row is None:  # (blank, as bytes see it)
        assert not line.encode().strip()
    elif len(expected) == 3 and not row.faults:
        assert list(row.cells.values()) == [plain(cell) or None for cell in expected]
    else:
        bad = len(expected) != 3 or any(len(cell) > CELL_MAX or "\0" in cell for cell in expected)
        assert bad
