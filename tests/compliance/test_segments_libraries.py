"""The count of segments against two libraries that share nothing with it.

gsm0338 is an encoder: it knows the tables. smsutil splits texts into parts. They agree with us everywhere but on one
character.
"""

import random

import gsm0338
import pytest
import smsutil
from smsutil.codecs import is_valid_gsm

from compliance.segments import count_segments

GSM = gsm0338.Codec()
ALPHABETS = {
    "letters": "abc xyz.",
    "basic": "@£$¥èéùìòÇ\nØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./019:;<=>?¡AZÄÖÑÜ§¿azäöñüà",
    "extension": "a^{}\\[~]|€\f",
    "cyrillic": "абв я.a",
    "emoji": "a😀👍🏽я",
    "any": "aé€^你😀\u200d\u0301`ç",
}


def texts(alphabet, seed):
    """Draw texts around the borders of one to five parts."""
    draw = random.Random(seed)
    for border in (0, 33, 35, 67, 70, 76, 80, 134, 153, 160, 201, 306, 459, 612):
        for length in range(max(border - 2, 0), border + 3):
            yield "".join(draw.choices(alphabet, k=length))


def is_gsm7(text):
    """Ask gsm0338 whether the two tables hold the text."""
    try:
        GSM.encode(text)
    except UnicodeEncodeError:
        return False
    return "\x1b" not in text


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", ALPHABETS)
def test_encoding_and_units(name, seed):
    """The encoder gives a byte a septet; otherwise UTF-16 counts."""
    for text in texts(ALPHABETS[name], seed):
        counted = count_segments(text)
        if is_gsm7(text):
            assert (counted.encoding, counted.units) == ("gsm7", len(GSM.encode(text)[0])), text
        else:
            assert (counted.encoding, counted.units) == ("ucs2", len(text.encode("utf-16-be")) // 2), text


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", ALPHABETS)
def test_parts(name, seed):
    """The other one closes a part before a pair that does not fit, as we do."""
    for text in texts(ALPHABETS[name], seed):
        assert count_segments(text).segments == max(1, len(smsutil.split(text).parts)), text


def test_the_tables():
    """Every character up to the symbols, one by one; smsutil takes the escape itself for a character."""
    characters = list(map(chr, range(0x2E00)))
    ours = {character for character in characters if count_segments(character).encoding == "gsm7"}

    assert ours == set(filter(is_gsm7, characters))
    assert ours | {"\x1b"} == set(filter(is_valid_gsm, characters))
