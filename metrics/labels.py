"""Label values from closed sets, each bound to its metric once.

Why bound: incrementing a child that is at hand costs a sixth of looking it up through labels(), and the send path
counts several times a message.

Why "other" and not an exception: the caller has usually done the thing it counts (the text is on disk, the carrier has
it), and a miscount must not turn that into an error. It is loud all the same: other stands at 0 from the start, so one
alert rule on it finds every word that somebody forgot to declare. What is decided at start-up, the sets themselves, is
refused loudly.

Not here: which metrics there are (gateway.py, decisions.py, worker.py, registry.py).
"""

import re
from collections.abc import Iterable
from itertools import product
from typing import Final, Generic, Self, TypeVar

from prometheus_client.metrics import MetricWrapperBase

OTHER: Final = "other"
#: A word, a name or a route, such as /v1/messages/{id}.
_WORD: Final = re.compile(r"[A-Za-z0-9_/][A-Za-z0-9_./:{}-]{0,63}")
#: Five digits in a row are a phone number or an id, never a word.
_NUMBER: Final = re.compile(r"[0-9]{5}")

Metric = TypeVar("Metric", bound=MetricWrapperBase)


def closed_set(words: Iterable[str]) -> tuple[str, ...]:
    """Sort a label's values and add "other"; ValueError for one that is no word of a closed set."""
    allowed = sorted({str(word) for word in words} | {OTHER})
    for word in allowed:
        if _WORD.fullmatch(word) is None or _NUMBER.search(word) is not None:
            raise ValueError(f"not a label value of a closed set: {word!r}")
    return tuple(allowed)


def known(words: tuple[str, ...], allowed: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    """Put "other" in the place of every word outside its set, so that what comes in cannot make new series."""
    return tuple(word if word in words_allowed else OTHER for word, words_allowed in zip(words, allowed, strict=True))


class Children(Generic[Metric]):
    """The children of one metric, by its label values in the order of its label names."""

    def __init__(self, metric: Metric, *allowed: Iterable[str]) -> None:
        self._metric = metric
        self._allowed = tuple(closed_set(words) for words in allowed)
        self._bound: dict[tuple[str, ...], Metric] = {}

    def at_zero(self) -> Self:
        """Bind the whole product of the sets now, so that every series is visible."""
        for words in product(*self._allowed):
            self._bind(words)
        return self

    def of(self, *words: str) -> Metric:
        """Return the child for these values; a value outside its set stands as "other"."""
        child = self._bound.get(words)
        return self._bind(words) if child is None else child

    def _bind(self, words: tuple[str, ...]) -> Metric:
        bindable = known(words, self._allowed)
        child = self._bound[bindable] = self._metric.labels(*bindable)
        return child
