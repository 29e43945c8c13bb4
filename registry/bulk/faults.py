"""What can be wrong with a row, and what to do about it: a closed table, in words that quote nothing of the row.

Codes that the admin API refuses the same thing with are the API's own (registry/problems.py).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from registry.problems import PROBLEMS


class Fault(NamedTuple):
    """One thing wrong with one row."""

    #: The column; "" is the row as a whole.
    field: str
    code: str
    #: A sentence that says more than the code does; "" where there is none.
    fix: str = ""


#: Code to what it is and what to do.
FAULTS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "not_utf8": ("The row is not UTF-8", "Save the file as CSV UTF-8."),
        "nul": ("A cell holds the character NUL", "Remove the character, or export the file again."),
        "too_long": ("A cell or the row is too long", "Cells hold up to 1,000 characters, rows up to 64 KiB."),
        "column_count": ("The row has more or fewer cells than the header", "Give each column one cell."),
        "open_quote": ("A quote is never closed", "Close the quote, or double it if it is part of the text."),
        "bad_csv": ("The row is not CSV", "Quote cells that hold quotes, commas or line ends, and double the quotes."),
        "not_json": ("The row is not a JSON object", "Write an object of texts, true, false and null."),
        "duplicate_key": ("A key stands twice", "Give every key of a row once."),
        "file_cut": ("The file ends in the middle, or goes on after its end", "Export the file again."),
        "unknown_column": ("There is no such column", "Leave it out, or correct its name."),
        "wrong_type": ("Not a text", 'Write texts in quotes, "enabled" as true or false, and nothing as null.'),
        "missing": ("The cell is empty", "Fill it in."),
        "bad_number": (
            "Not a US or Canadian number",
            "Write it as +12025550123; a spreadsheet may have rounded it: make the column a text.",
        ),
        "bad_word": ("Not a word that can stand there", "The command's help lists the words of each column."),
        "bad_value": ("Not a value that can stand there", "The command's help says what each column holds."),
        "kind_differs": ("A number's kind stays", "Leave it as it is, or have the number taken out and in again."),
        "last_admin": ("Nobody else is an administrator", "Make somebody else one first, in a row before this one."),
        "id_taken": ("Somebody else has the id", "Take another one: ids are unique over all companies."),
        "has_left": ("The person or the number has left", "Take it in again first."),
    }
)


def told(fault: Fault) -> dict[str, str]:
    """Return a fault as the report has it."""
    if fault.code in FAULTS:
        title, fix = FAULTS[fault.code]
    else:
        kind = PROBLEMS[fault.code]
        title, fix = kind.title, kind.fix
    return {"field": fault.field, "code": fault.code, "fault": title, "fix": fault.fix or fix}
