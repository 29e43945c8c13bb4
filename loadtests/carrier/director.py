"""Chooses how to behave: the scenario's rules first, then the magic numbers, else accept and deliver.

Counts and draws are kept here and begin anew whenever a scenario is set. Does no I/O; the clock is handed in.
"""

import random
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from loadtests.carrier.behaviours import PER_MESSAGE, Behaviour
from loadtests.carrier.magic import Magic
from loadtests.carrier.scenario import Rule, Scenario
from loadtests.carrier.wire import Submission

#: References whose submissions are counted for behaviours with ``times``; beyond, the oldest is forgotten.
_REFERENCES_MAX = 100_000


class _Choice:
    """The rules of one scope, messages or requests, with what they have seen so far."""

    def __init__(self, rules: Sequence[Rule], draws: random.Random) -> None:
        self._rules = rules
        self._draws = draws
        self._fitting = [0] * len(rules)
        self._seen = 0

    def first(self, submissions: Sequence[Submission], elapsed_s: float) -> Behaviour | None:
        """Return the behaviour of the first rule that applies to any of the submissions."""
        number = self._seen
        self._seen += 1
        for index, rule in enumerate(self._rules):
            if not (_within(rule.submissions, number) and _within(rule.seconds, elapsed_s)):
                continue
            if not any(s.recipient.startswith(rule.to) and s.sender.startswith(rule.sender) for s in submissions):
                continue
            self._fitting[index] += 1
            if self._fitting[index] % rule.every:
                continue
            if rule.probability >= 1 or self._draws.random() < rule.probability:
                return rule.behaviour
        return None


class Director:
    """Says what becomes of each request and each message."""

    def __init__(
        self,
        *,
        magic: Mapping[str, Magic],
        usual: Behaviour,
        seed: int,
        clock: Callable[[], float],
    ) -> None:
        self._per_message = {row.number: row.behaviour for row in magic.values() if row.behaviour.kind in PER_MESSAGE}
        self._per_request = {number: row.behaviour for number, row in magic.items() if number not in self._per_message}
        self._usual = usual
        self._seed = seed
        self._clock = clock
        self._times: OrderedDict[str, int] = OrderedDict()
        self.use(Scenario())

    def use(self, scenario: Scenario) -> None:
        """Follow a scenario from now on; its counts, its seconds and its draws begin here."""
        draws = random.Random(self._seed)
        self.scenario = scenario
        self._messages = _Choice([rule for rule in scenario.rules if not rule.per_request], draws)
        self._requests = _Choice([rule for rule in scenario.rules if rule.per_request], draws)
        self._began = self._clock()

    def for_request(self, submissions: Sequence[Submission]) -> Behaviour | None:
        """Return what happens to a request as a whole; None: each of its messages has its own fate."""
        if not submissions:
            return None
        found = self._requests.first(submissions, self._clock() - self._began) if self.scenario.rules else None
        if found is not None and not self._spent(found, submissions[0].reference):
            return found
        for submission in submissions:
            found = self._per_request.get(submission.recipient)
            if found is not None and not self._spent(found, submission.reference):
                return found
        return None

    def for_message(self, submission: Submission, whole: Behaviour | None) -> Behaviour:
        """Return what happens to one message of a request that meets whole."""
        found = self._messages.first((submission,), self._clock() - self._began) if self.scenario.rules else None
        found = found or self._per_message.get(submission.recipient)
        if found is not None and not self._spent(found, submission.reference):
            return found
        return whole or self._usual

    def _spent(self, behaviour: Behaviour, reference: str) -> bool:
        """Count one use of a behaviour that is limited by times, and say whether it was one too many."""
        if behaviour.times is None:
            return False
        uses = self._times.pop(reference, 0) + 1
        self._times[reference] = uses
        if len(self._times) > _REFERENCES_MAX:
            self._times.popitem(last=False)
        return uses > behaviour.times


def _within(window: tuple[float, float | None], value: float) -> bool:
    start, end = window
    return value >= start and (end is None or value < end)
