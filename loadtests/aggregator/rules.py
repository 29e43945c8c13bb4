"""How the aggregator misbehaves: rules in order, as values. The first rule that fits a call says what becomes of it.

Not here: what is done about a rule (calls.py answers, book.py ties numbers, hooks.py tells of it).
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

#: What a caller asks for.
OPERATIONS = ("add", "remove", "read", "list", "osr")
#: How a call is answered instead of properly. cut_after: done, and the connection closed without an answer.
ANSWERS = ("throttle", "unavailable", "cut_before", "cut_after", "hang", "garbled")
#: What becomes of an operation that was accepted. never: it stays PENDING until a control call ends it.
OUTCOMES = ("done", "failed", "never")
#: What becomes of its events. reordered: each is sent after the number's next one.
WEBHOOKS = ("sent", "lost", "twice", "reordered")

#: Why an operation fails, and what a person reads about it.
REASONS: Mapping[str, str] = {
    "CARRIER_REJECTED": "A carrier did not take the number into the campaign.",
    "NUMBER_HELD_BY_OTHER_PROVIDER": "The number is still tied to a campaign of the provider it was ported from.",
    "NUMBER_NOT_SMS_CAPABLE": "The number is not enabled for messaging at NetNumber.",
    "CAMPAIGN_NOT_ACTIVE": "The campaign expired or was deactivated meanwhile.",
    "INVALID_NNID": "The NetNumber id of the provider is not valid for the campaign.",
    "INTERNAL": "The aggregator could not do it; try again later.",
}


class BadRuleError(ValueError):
    """A rule that cannot be read; the message names the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Which calls, and what about them."""

    #: Numbers that begin so; "" is every number, and calls about no number.
    prefix: str = ""
    #: A word of OPERATIONS, or any.
    operation: str = "any"
    #: Only the first so many calls that fit; None: all.
    times: int | None = None
    #: Of the calls that fit, at random.
    probability: float = 1.0
    #: A word of ANSWERS; "" answers properly.
    answer: str = ""
    #: Seconds in Retry-After of throttle and unavailable; None leaves the header out. Not scaled.
    retry_after: int | None = None
    outcome: str = "done"
    #: Of an operation that fails: a word of REASONS.
    reason: str = "CARRIER_REJECTED"
    #: Until the outcome, in seconds, scaled; None: as the settings say.
    after_s: float | None = None
    #: False: the number is shown as ADDED, and OSR does not know it.
    effective: bool = True
    #: Of an addition that is not effective: does removing and adding the number cure it?
    curable: bool = True
    webhook: str = "sent"


USUAL = Rule()
_WORDS = {"operation": (*OPERATIONS, "any"), "answer": ("", *ANSWERS), "outcome": OUTCOMES, "webhook": WEBHOOKS}
_WORDS["reason"] = tuple(REASONS)
_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "prefix": lambda value: type(value) is str,
    "times": lambda value: type(value) is int and value >= 1,
    "probability": lambda value: type(value) in {int, float} and 0 <= value <= 1,
    "retry_after": lambda value: type(value) is int and value >= 0,
    "after_s": lambda value: type(value) in {int, float} and value >= 0,
    "effective": lambda value: type(value) is bool,
    "curable": lambda value: type(value) is bool,
}


def read_rules(data: Any) -> tuple[Rule, ...]:
    """Read rules from decoded JSON: an object with a list ``rules``.

    Raises:
        BadRuleError: names the field.
    """
    if type(data) is not dict or type(data.get("rules")) is not list:
        raise BadRuleError("rules: must be a list of objects")
    return tuple(_read(rule, f"rules[{index}]") for index, rule in enumerate(data["rules"]))


def _read(data: Any, place: str) -> Rule:
    if type(data) is not dict:
        raise BadRuleError(f"{place}: must be an object")
    known = {field.name for field in fields(Rule)}
    for name, value in data.items():
        if name not in known:
            raise BadRuleError(f"{place}.{name}: no such field")
        if name in _WORDS:
            if value not in _WORDS[name]:
                raise BadRuleError(f"{place}.{name}: must be one of {', '.join(filter(None, _WORDS[name]))}")
        elif not _TYPES[name](value):
            raise BadRuleError(f"{place}.{name}: has a wrong type, or is out of range")
    return Rule(**data)


class Rules:
    """The rules in force, and how often each was used."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.use(())

    def use(self, rules: Sequence[Rule]) -> None:
        """Follow these rules from now on; counts and draws begin here."""
        self.rules = tuple(rules)
        self._used = [0] * len(self.rules)
        self._draws = random.Random(self._seed)

    def pick(self, operation: str, tn: str = "") -> Rule:
        """Return the rule for a call, and count its use; USUAL when none fits."""
        for index, rule in enumerate(self.rules):
            if rule.operation not in {operation, "any"} or not tn.startswith(rule.prefix):
                continue
            if rule.times is not None and self._used[index] >= rule.times:
                continue
            if rule.probability < 1 and self._draws.random() >= rule.probability:
                continue
            self._used[index] += 1
            return rule
        return USUAL
