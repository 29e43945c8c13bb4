"""What kind of destination a person typed, and its E.164 form.

The rule is the project's own table (README, "Destinations"): NANP numbers by pattern and area-code table (npa.tsv),
everything else by country code. No finer test per exchange is made, and our own directory is never asked here.
Differences from the phonenumbers library are on purpose and listed in tests/compliance/test_destinations_library.py.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from typing import Final

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from compliance.folding import nfkc


class DestinationClass(StrEnum):
    """What a destination is, as far as permission to text it goes."""

    #: Enum's own hash is a Python function; these are looked up for every message.
    __hash__ = str.__hash__

    US = "us"
    US_TERRITORY = "us_territory"
    CANADA = "canada"
    CARIBBEAN_FOREIGN = "caribbean_foreign"
    INTERNATIONAL = "international"
    TOLL_FREE = "toll_free"
    PREMIUM = "premium"
    EMERGENCY = "emergency"
    SHORT_CODE = "short_code"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class AreaCode:
    """One row of npa.tsv."""

    destination: DestinationClass
    #: US state, DC or territory; for Canada CA.
    region: str
    #: Every time zone that the area code may lie in, as IANA names; empty where quiet hours do not apply.
    zones: tuple[str, ...]


def _read_area_codes() -> dict[str, AreaCode]:
    table = resources.files("compliance").joinpath("npa.tsv").read_text(encoding="utf-8")
    codes = {}
    for line in table.splitlines()[1:]:
        npa, name, region, zones = line.split("\t")
        codes[npa] = AreaCode(DestinationClass(name), region, () if zones == "-" else tuple(zones.split(",")))
    return codes


AREA_CODES: Final = _read_area_codes()

_NANP_CLASS: Final = {
    npa: row.destination for npa, row in AREA_CODES.items() if row.destination is not DestinationClass.INVALID
}
_NANP = re.compile(r"(?:\+?1)?[2-9][0-9]{2}[2-9][0-9]{6}", re.ASCII)
_EMERGENCY = re.compile(r"(?:\+?1)?(?:911|112|933|988)", re.ASCII)
_SHORT_CODE = re.compile(r"[0-9]{5,6}", re.ASCII)
_DIALLED_ABROAD = re.compile(r"011([0-9]+)", re.ASCII)
_INTERNATIONAL = re.compile(r"\+([0-9]{7,15})", re.ASCII)
_DIGITS = re.compile(r"\+?[0-9]+", re.ASCII)
#: Assigned by ITU-T E.164; the library leaves out the two without subscribers (379 Vatican, 991 trial service).
_COUNTRY_CODES: Final = frozenset(str(code) for code in COUNTRY_CODE_TO_REGION_CODE if code != 1) | {
    "379",
    "991",
}
_EXTENSION = re.compile(r"(?<![^\W\d_])(?ai:;ext=|extension|ext\.?|x)[ \t]*[0-9]+\Z")
_LETTER = re.compile(r"[A-Za-z]")
_DIGIT = re.compile(r"[0-9]")
_FEWEST_DIGITS_BESIDE_LETTERS: Final = 3

_KEYPAD: Final = str.maketrans(
    {
        letter: key
        for key, letters in zip("23456789", ("abc", "def", "ghi", "jkl", "mno", "pqrs", "tuv", "wxyz"), strict=True)
        for letter in letters + letters.upper()
    },
)


def _dashes() -> str:
    return "\u2212" + "".join(mark for mark in map(chr, range(0x11000)) if unicodedata.category(mark) == "Pd")


#: Characters that people write between digits: spaces, tabs, hyphens and dashes (category Pd and U+2212), dots,
#: parentheses.
SEPARATORS: Final = " \t.()" + _dashes()
_REMOVE_SEPARATORS: Final = str.maketrans("", "", SEPARATORS + "/")

_INVALID: Final = (DestinationClass.INVALID, "")


def read_destination(to: str) -> tuple[DestinationClass, str]:
    """Return the class of a destination and its E.164 form, "" where it has none (emergency, short code, invalid)."""
    return _nanp(to) if _NANP.fullmatch(to) else _read_as_typed(to)


def _nanp(digits: str) -> tuple[DestinationClass, str]:
    number = digits[-10:]
    kind = _NANP_CLASS.get(number[:3])
    return _INVALID if kind is None else (kind, "+1" + number)


def _read_as_typed(to: str) -> tuple[DestinationClass, str]:
    """Undo how people write numbers; what user: and ext: name is none, for a colon stays."""
    text = _without_extension(nfkc(to).strip())
    if _LETTER.search(text):
        if len(_DIGIT.findall(text)) < _FEWEST_DIGITS_BESIDE_LETTERS:
            return _INVALID
        text = text.translate(_KEYPAD)
    return _read_digits(text.translate(_REMOVE_SEPARATORS))


def _without_extension(text: str) -> str:
    mark = _EXTENSION.search(text)
    return text[: mark.start()].rstrip(" \t").removesuffix(",").rstrip(" \t") if mark else text


def _read_digits(digits: str) -> tuple[DestinationClass, str]:
    """Apply the table of classes, first matching row first."""
    if not _DIGITS.fullmatch(digits):
        return _INVALID
    if _EMERGENCY.fullmatch(digits):
        return DestinationClass.EMERGENCY, ""
    if _SHORT_CODE.fullmatch(digits):
        return DestinationClass.SHORT_CODE, ""
    if abroad := _DIALLED_ABROAD.fullmatch(digits):
        return _read_digits("+" + abroad[1])
    if _NANP.fullmatch(digits):
        return _nanp(digits)
    if (number := _INTERNATIONAL.fullmatch(digits)) and any(number[1][:n] in _COUNTRY_CODES for n in (1, 2, 3)):
        return DestinationClass.INTERNATIONAL, digits
    return _INVALID
