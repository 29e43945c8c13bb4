"""The tally of decisions: one dictionary, shown as three families of series when it is scraped.

Why not three counters: a decision is counted more often than anything else here, and one addition costs an eighth of
three increments. Summed when somebody looks, the three also cannot disagree.

Not here: how long a decision took (gateway.py).
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import TypeVar

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from metrics.labels import closed_set, known

Labels = TypeVar("Labels", bound=tuple[str, ...])


class DecisionTally(Collector):
    """Decisions by channel, verdict and reason, since the process started."""

    def __init__(self, channels: Iterable[str], verdicts: Iterable[str], reasons: Iterable[str]) -> None:
        self._allowed = (closed_set(channels), closed_set(verdicts), closed_set(reasons))
        self._counts: dict[tuple[str, ...], int] = {}

    def add(self, channel: str, verdict: str, reason: str) -> None:
        """Count one leg's decision; a word outside its set stands as "other"."""
        words: tuple[str, ...] = (channel, verdict, reason)
        if words not in self._counts:
            words = known(words, self._allowed)
        self._counts[words] = self._counts.get(words, 0) + 1

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield what is scraped: the parts from zero, their combination from its first decision."""
        channels, verdicts, reasons = self._allowed
        by_verdict = dict.fromkeys(product(channels, verdicts), 0)
        by_reason = dict.fromkeys(reasons, 0)
        decisions = CounterMetricFamily(
            "gateway_decisions",
            "Decisions by channel, verdict and reason; a series appears with its first decision. A jump in one reason "
            "after a deploy is a wrong rule; after none, a misbehaving customer or a campaign gone bad.",
            labels=["channel", "verdict", "reason"],
        )
        for (channel, verdict, reason), count in self._counts.items():
            decisions.add_metric([channel, verdict, reason], count)
            by_verdict[channel, verdict] += count
            by_reason[reason] += count
        yield decisions
        yield _family(
            "gateway_verdicts",
            "Decisions by channel and verdict. A rise of block against allow silences customers: look at the reasons.",
            ("channel", "verdict"),
            by_verdict,
        )
        yield _family(
            "gateway_reasons",
            "Decisions by reason. A rise of other is a code that the catalogue lacks: a fault of ours.",
            ("reason",),
            {(reason,): count for reason, count in by_reason.items()},
        )


def _family(
    name: str, documentation: str, labels: tuple[str, ...], counts: Mapping[Labels, int]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, documentation, labels=labels)
    for words, count in counts.items():
        family.add_metric(words, count)
    return family
