"""The bench's texts as each peer takes them: JSON with a key for us, a query for Kannel."""

import itertools
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote_plus

import orjson

from loadtests.bench.load_wire import Call
from loadtests.peers.kannel import PASSWORD, USER

_PATH: Final = f"/cgi-bin/sendsms?username={USER}&password={PASSWORD}"


def for_kannel(singles: Sequence[Call]) -> list[Call]:
    """Return the same texts as requests to sendsms."""
    texts = [orjson.loads(call.body) for call in singles]
    return [_call(text, [text["to"]]) for text in texts]


def lists_for_kannel(batches: Sequence[Call]) -> list[Call]:
    """Return batches as Kannel has them: one text, one sender, as many recipients.

    All recipients of a list are different: Kannel leaves out whoever is in it twice.
    """
    texts = [[orjson.loads(line) for line in call.body.splitlines()] for call in batches]
    everybody = itertools.cycle(dict.fromkeys(text["to"] for lines in texts for text in lines))
    return [_call(lines[0], [next(everybody) for _ in lines]) for lines in texts]


def _call(text: dict[str, str], recipients: Sequence[str]) -> Call:
    to = "+".join(map(quote_plus, recipients))
    target = f"{_PATH}&from={quote_plus(text['from'])}&to={to}&text={quote_plus(text['text'])}"
    return Call(key="", body="", target=target)
