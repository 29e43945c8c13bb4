"""What an inbound text means: opt out, opt in, a call for help, a suspected revocation, or nothing special.

Sources: 47 CFR 64.1200(a)(10) for the words and for revocation "in any reasonable manner", the CTIA messaging
principles for START and HELP, French words for Canada. A phrase that only looks like a revocation is for a person to
settle, never ignored.
"""

import re
import unicodedata
from enum import StrEnum
from typing import Final

from compliance.folding import nfkc


class Meaning(StrEnum):
    """What an inbound text asks for."""

    STOP = "stop"
    START = "start"
    HELP = "help"
    REVOCATION_SUSPECTED = "revocation_suspected"
    NONE = "none"


_STOP: Final = frozenset(
    "stop|stopall|stop all|unsubscribe|cancel|end|quit|revoke|optout|opt out|remove|arret|arrete|arrett".split("|"),
)
_START: Final = frozenset(("start", "unstop", "yes"))
_HELP: Final = frozenset(("help", "info", "aide"))
_ONE_WORD_STOP: Final = frozenset(word for word in _STOP if " " not in word)
_FILLERS: Final = frozenset("please now it all this thanks thank you ok texts messages everything".split())
_PHRASES: Final = (
    "stop texting|stop messaging|stop sending|stop contacting|stop these|unsubscribe|opt out|opt me out|optout|"
    "remove me|take me off|do not text|dont text|do not contact|dont contact|do not message|dont message|no more texts|"
    "no more messages|quit texting|quit messaging|revoke my consent|withdraw my consent|lose my number|"
    "delete my number|leave me alone"
)
_REVOCATION = re.compile(rf"(?<![^\W_])(?:{_PHRASES})(?![^\W_])|(?<![^\W_])please stop\Z")
_WORD = re.compile(r"[^\W_]+")
_APOSTROPHES: Final = "'\u2019\u2018`"


def meaning_of(text: str) -> Meaning:
    """Read an inbound text as submitted."""
    whole = _normalise(text)
    if whole in _STOP:
        return Meaning.STOP
    if whole in _START:
        return Meaning.START
    if whole in _HELP:
        return Meaning.HELP
    if _REVOCATION.search(whole) or _opens_with_stop(text) or _is_stop_with_fillers(whole):
        return Meaning.REVOCATION_SUSPECTED
    return Meaning.NONE


def _opens_with_stop(text: str) -> bool:
    """Say whether the first of several lines is a stop word by itself, a signature below it for instance."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return _normalise(first) in _STOP


def _is_stop_with_fillers(whole: str) -> bool:
    words = set(_WORD.findall(whole))
    return words <= _ONE_WORD_STOP | _FILLERS and not words.isdisjoint(_ONE_WORD_STOP)


def _normalise(text: str) -> str:
    apart = unicodedata.normalize("NFD", nfkc(text).casefold())
    read = apart.translate({ord(character): _as_read(character) for character in set(apart)})
    return _strip_marks(" ".join(read.split()))


def _as_read(character: str) -> str | None:
    """Drop format characters, combining marks (variation selectors among them) and apostrophes; dashes are spaces."""
    category = unicodedata.category(character)
    if category == "Cf" or category.startswith("M") or character in _APOSTROPHES:
        return None
    return " " if category == "Pd" or character == "\u2212" else character


def _strip_marks(text: str) -> str:
    """Strip everything that is not a letter or digit from both ends."""
    start, end = 0, len(text)
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    return text[start:end]
