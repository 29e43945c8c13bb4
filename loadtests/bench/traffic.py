"""Texts of the bench company as requests: about 140 characters each, all different, from everybody to everybody."""

import random
from collections.abc import Iterator, Mapping
from typing import Final

import orjson

from loadtests.bench.load_wire import Call
from loadtests.company import Company, in_letters

#: Texts before they repeat.
TEXTS: Final = 6_000
BATCH_LINES: Final = 100

_TEXT_CHARACTERS: Final = 140
_SEED: Final = 20_261_120
_OPENINGS: Final = (
    "Hi, this is the front desk.",
    "Good morning from the workshop.",
    "Hello, a short note about your visit.",
    "Thanks for calling us today.",
)
_WORDS: Final = (
    "we our team you your order garden window roof door kitchen paint table morning afternoon Monday Tuesday Friday"
    " ready soon late early and then with for about after before come bring check finish measure repair please thanks"
).split()


def singles(company: Company, keys: Mapping[str, str]) -> list[Call]:
    """Return requests of one text each, with the keys of the users who send; keys by user id."""
    return [
        Call(key=keys[user], body=_json({"from": did, "to": to, "text": text}))
        for (user, did, to, text), _ in zip(_texts(company), range(TEXTS), strict=False)
    ]


def batches(company: Company, tenant_key: str) -> list[Call]:
    """Return requests of a hundred lines each, with the tenant's key; each line names the user who sends."""
    texts = _texts(company)
    calls = []
    for _ in range(TEXTS // BATCH_LINES):
        lines = [next(texts) for _ in range(BATCH_LINES)]
        body = "\n".join(_json({"user": user, "from": did, "to": to, "text": text}) for user, did, to, text in lines)
        calls.append(Call(key=tenant_key, body=body))
    return calls


def _texts(company: Company) -> Iterator[tuple[str, str, str, str]]:
    """Yield user, sender, recipient and text without end; no conversation comes twice before all senders have sent."""
    draw = random.Random(_SEED)
    senders = list(company.senders.items())
    number = 0
    while True:
        user, did = senders[number % len(senders)]
        yield user, did, draw.choice(company.contacts), _text(draw, number)
        number += 1


def _text(draw: random.Random, number: int) -> str:
    words = [draw.choice(_OPENINGS)]
    length = len(words[0])
    while length < _TEXT_CHARACTERS - 12:
        words.append(draw.choice(_WORDS))
        length += len(words[-1]) + 1
    return f"{' '.join(words)} {in_letters(number)}."


def _json(message: Mapping[str, str]) -> str:
    return orjson.dumps(message).decode()
