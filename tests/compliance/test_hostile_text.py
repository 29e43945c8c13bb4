"""Hostile text costs no more than its length: eight times the text, about eight times the work.

The pieces that walk over text are timed by the processor time of this process, the best of several runs of a short
and a long text. What is quadratic takes 64 times as long; what is linear, about eight times, but on a busy machine not
at every try.
"""

import re
import time

import pytest

from compliance.content import plain, read_content, shorteners_in
from compliance.destinations import read_destination
from compliance.inbound import meaning_of
from compliance.segments import count_segments
from compliance.senders import canonical_sender

SHAPES = {
    "letters": "a",
    "capitals": "A",
    "digits": "1",
    "dots": ".",
    "labels": "a.",
    "hosts that end in digits": "aa.1.",
    "dots in white space": " .",
    "dots and much white space": "    .",
    "hyphens": "-",
    "hyphenated": "a-",
    "brackets": "[",
    "half a disguised dot": "[dot",
    "disguised dots": "[.]",
    "nested disguises": "[(.)]",
    "schemes": "http://",
    "URLs": "http://a.test/",
    "URLs with a shortener": "http://a.test/?u=bit.ly ",
    "shorteners": "bit.ly",
    "shorteners apart": "bit.ly ",
    "mail addresses": "a@b.com",
    "numbers": "+1 ",
    "area codes": "(202) ",
    "phone numbers": "202-555-0187 ",
    "nearly phone numbers": "202-555-018 ",
    "runs of four": "1234 ",
    "percentages": "20% ",
    "percentages off": "20% of ",
    "words": "verify your payday one-time ",
    "nearly opt-outs": "please sto ",
    "stop words": "stop ",
    "lines": "a\n",
    "blank lines": "\n",
    "spaces": " ",
    "tabs": "\t ",
    "extensions": "x1",
    "extension marks": "ext ",
    "extensions in white space": "x    ",
    "plus signs": "+",
    "pairs of two septets": "€",
    "braces": "{a",
    "emoji": "😀",
    "cyrillic": "ш",
    "look-alikes": "а",
    "width": "ａ",
    "accents": "e\u0301",
    "marks in order": "\u0300",
    "marks out of order": "\u0315\u0300",
    "marks that come apart": "\u0f73",
    "marks on letters that come apart": "\u1ec7\u0315\u0327",
    "invisible characters": "\u200b",
    "variation selectors": "\ufe0f",
    "ligatures that grow": "\ufdfa",
    "letters that grow": "ß",
    "Hangul in parts": "\u1100\u1161\u11a8",
    "apostrophes": "'",
    "dashes": "\u2014",
    "halves of pairs": "\ud800\udc00",
}
READERS = [read_content, plain, shorteners_in, count_segments, meaning_of, read_destination, canonical_sender]

SHORT = 2_000
TIMES = 8
#: Some room for sorting and for caches that no longer fit.
MOST = 12
#: Below this many seconds for the long text nothing is measured well, and nothing hurts.
HARMLESS_S = 0.001
ROUNDS = 4
TRIES = 8


def cost_s(reader, text):
    """Measure the processor time of one run."""
    start = time.process_time()
    reader(text)
    return time.process_time() - start


def is_linear(reader, short, long):
    """Say whether the long text costs little, or not much more than it is longer; measured in turns."""
    short_s = long_s = float("inf")
    for _ in range(ROUNDS):
        short_s, long_s = min(short_s, cost_s(reader, short)), min(long_s, cost_s(reader, long))
        if long_s < HARMLESS_S or long_s / short_s < MOST:
            return True
    return False


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_cost_grows_like_the_text(reader, shape):
    """Whatever it is made of; also behind a word and before a letter, so that what was begun must be given up."""
    unit = SHAPES[shape]
    for before, after in (("", ""), ("see x", "z")):
        short = before + (unit * (SHORT // len(unit))) + after
        long = before + (unit * (TIMES * SHORT // len(unit))) + after
        assert any(is_linear(reader, short, long) for _ in range(TRIES))


def test_what_is_quadratic_is_found():
    """Or the test above would say little: this pattern tries anew at every letter."""
    quadratic = re.compile("a+b").search

    assert not is_linear(quadratic, "a" * (SHORT // 2), "a" * (TIMES * SHORT // 2))
