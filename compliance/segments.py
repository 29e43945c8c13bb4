"""How many segments a text takes on the wire: GSM 03.38 (3GPP TS 23.038) or UCS-2, with 8-bit concatenation.

The text is counted as submitted. A two-septet character and a surrogate pair are never split, so the count can be
larger than units divided by the part size. No national shift tables.
"""

import re
from typing import Final, Literal, NamedTuple

_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: Two septets each: escape and a code.
_EXTENSION: Final = "\f^{}\\[~]|€"

_ALL_BASIC = re.compile(f"[{re.escape(_BASIC)}]*")
_ALL_GSM7 = re.compile(f"[{re.escape(_BASIC + _EXTENSION)}]*")
_ESCAPE: Final = "\x1b"

_SINGLE_SEPTETS: Final = 160
_PART_SEPTETS: Final = 153
_SINGLE_UNITS: Final = 70
_PART_UNITS: Final = 67


class Segments(NamedTuple):
    """What a text costs on the wire."""

    encoding: Literal["gsm7", "ucs2"]
    #: Septets, or UTF-16 code units.
    units: int
    #: At least 1: an empty message is still one message.
    segments: int


def count_segments(text: str) -> Segments:
    """Count the segments of a text."""
    if _ALL_BASIC.fullmatch(text):
        units = len(text)
        return Segments("gsm7", units, 1 if units <= _SINGLE_SEPTETS else -(-units // _PART_SEPTETS))
    if _ALL_GSM7.fullmatch(text):
        return _gsm7_with_escapes(text)
    return _ucs2(text)


def _gsm7_with_escapes(text: str) -> Segments:
    for mark in _EXTENSION:
        text = text.replace(mark, _ESCAPE + "*")
    if len(text) <= _SINGLE_SEPTETS:
        return Segments("gsm7", len(text), 1)
    parts, start = 1, 0
    while len(text) - start > _PART_SEPTETS:
        start += _PART_SEPTETS
        if text[start - 1] == _ESCAPE:
            start -= 1
        parts += 1
    return Segments("gsm7", len(text), parts)


def _ucs2(text: str) -> Segments:
    encoded = text.encode("utf-16-be", "surrogatepass")
    units = len(encoded) // 2
    if units <= _SINGLE_UNITS:
        return Segments("ucs2", units, 1)
    parts, start = 1, 0
    while units - start > _PART_UNITS:
        start += _PART_UNITS
        if _splits_a_pair(encoded, start):
            start -= 1
        parts += 1
    return Segments("ucs2", units, parts)


def _splits_a_pair(encoded: bytes, unit: int) -> bool:
    """Say whether a high surrogate stands just before this unit and its low half at it."""
    high, low = encoded[2 * unit - 2], encoded[2 * unit]
    return 0xD8 <= high <= 0xDB and 0xDC <= low <= 0xDF  # noqa: PLR2004 - the surrogate ranges of UTF-16
