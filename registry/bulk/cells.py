"""Cells of a CSV file that a spreadsheet must not run.

A spreadsheet takes a cell that begins with = + - or @ for a formula, and our own numbers begin with +. So a cell that
could be one gets an apostrophe in front, which makes it a text everywhere, and loses it again when it is read. A cell
that has apostrophes in front of such a sign already gets one more, so that no two values are written alike. A cell that
a person typed without one is taken as it stands.

Source: OWASP, CSV Injection: = + - @, tab and carriage return; their full-width forms, which some spreadsheets read as
the same, and blanks before them, which some drop.
"""

import csv
import io
import re
from collections.abc import Iterable
from typing import Final

_SIGN: Final = r"(?:\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])"
_RISKY: Final = re.compile(rf"'*{_SIGN}")
_NEUTRAL: Final = re.compile(rf"'+{_SIGN}")


def neutral(value: str) -> str:
    """Return a value as a cell that is never a formula."""
    return f"'{value}" if _RISKY.match(value) else value


def plain(cell: str) -> str:
    """Return the value that a cell was written from."""
    return cell[1:] if cell[:1] == "'" and _NEUTRAL.match(cell) else cell


def csv_line(cells: Iterable[object]) -> bytes:
    """Return a line of a CSV file; cells are quoted where they have to be, not made harmless (see neutral)."""
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()
