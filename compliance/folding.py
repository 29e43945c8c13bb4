"""Unicode's compatibility form (NFKC) in linear time.

unicodedata.normalize sorts the marks that stand on one letter by insertion: a text of some ten thousand marks in the
wrong order takes it seconds. Where there are many, they are put in order here first; the result is the same.
"""

import unicodedata
from itertools import groupby

#: Up to so many marks in one text any order is sorted in no time.
_FEW = 250


def nfkc(text: str) -> str:
    """Return the NFKC form of a text."""
    if text.isascii():
        return text
    if len(text) > _FEW and sum(text.count(mark) for mark in set(text) if _opens_with_mark(mark)) > _FEW:
        text = _in_canonical_order(text)
    return unicodedata.normalize("NFKC", text)


def _opens_with_mark(character: str) -> bool:
    """Say whether a character, taken apart, stands on the one before it; a few do that are no marks themselves."""
    return character > "\x7f" and unicodedata.combining(unicodedata.normalize("NFKD", character)[0]) != 0


def _in_canonical_order(text: str) -> str:
    apart = text.translate({ord(character): unicodedata.normalize("NFKD", character) for character in set(text)})
    return "".join(
        "".join(sorted(run, key=unicodedata.combining) if are_marks else run)
        for are_marks, run in groupby(apart, key=lambda character: unicodedata.combining(character) != 0)
    )
