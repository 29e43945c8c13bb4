"""How requests go wrong on demand: rules in order, the first that fits is followed, and magic words in a form.

A fault with "after": true happens once the write is done: the caller is in doubt, and must not do it twice.
"""

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

BEHAVIOURS: Final = {
    "drop_request": "the connection closes; nothing was done",
    "drop_answer": "it is done, then the connection closes",
    "hang": "nothing was done, and no answer comes until the caller or --hang-seconds gives up",
    "slow": "it is done, and answered after delay_s",
    "error": "the answer is status (default 503); nothing was done",
    "error_after": "it is done, and the answer is status (default 503)",
    "throttle": "429, as if the rate limit were used up; nothing was done",
    "garbled": "it is done, and answered 200 with HTML",
    "redirect": "307 to another address; nothing was done",
}
#: Magic word in the form of a POST to the behaviour it gets, once for each reference id.
ONCE: Final = {"answer-lost": "drop_answer", "error-once": "error", "error-after-once": "error_after"}
_STATUSES: Final = (400, 401, 403, 500, 502, 503, 504)


class BadRuleError(ValueError):
    """A rule that cannot be followed; the message names the field."""


@dataclass(slots=True, kw_only=True)
class Rule:
    """When to misbehave how."""

    behaviour: str
    method: str = "*"
    #: A pattern as file names have them, such as /v2/brand/*.
    path: str = "*"
    #: How often yet; None: always.
    times: int | None = None
    status: int = 503
    delay_s: float = 2.0
    #: Seconds in the header Retry-After of throttle; None: no header.
    retry_after_s: int | None = None


class Faults:
    """The rules in force."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self._spent: set[tuple[str, str]] = set()

    def use(self, data: Any) -> None:
        """Follow other rules from now on. BadRuleError: names the field; the rules stay."""
        if type(data) is not list:
            raise BadRuleError("rules: must be a list")
        self.rules = [_rule(one, f"rules[{index}]") for index, one in enumerate(data)]

    def rule_for(self, method: str, path: str, form: Mapping[str, Any] | None) -> Rule | None:
        """Return what happens to a request; None: what should."""
        for rule in self.rules:
            if rule.times == 0 or rule.method not in {"*", method} or not fnmatch.fnmatchcase(path, rule.path):
                continue
            if rule.times is not None:
                rule.times -= 1
            return rule
        return None if form is None or method != "POST" else self._magic(form)

    def _magic(self, form: Mapping[str, Any]) -> Rule | None:
        text = " ".join(str(form.get(name, "")) for name in ("companyName", "displayName", "description"))
        for word, behaviour in ONCE.items():
            use = (word, str(form.get("referenceId", "")))
            if f"#{word}" in text.split() and use not in self._spent:
                self._spent.add(use)
                return Rule(behaviour=behaviour)
        return None


def _rule(data: Any, where: str) -> Rule:
    if type(data) is not dict or data.get("behaviour") not in BEHAVIOURS:
        raise BadRuleError(f"{where}.behaviour: must be one of {', '.join(BEHAVIOURS)}")
    unknown = sorted(set(data) - set(Rule.__slots__))
    if unknown:
        raise BadRuleError(f"{where}.{unknown[0]}: unknown")
    checks: Mapping[str, Any] = {
        "method": lambda value: type(value) is str,
        "path": lambda value: type(value) is str,
        "times": lambda value: value is None or (type(value) is int and value >= 0),
        "status": lambda value: value in _STATUSES,
        "delay_s": lambda value: type(value) in {int, float} and value >= 0,
        "retry_after_s": lambda value: value is None or (type(value) is int and value >= 0),
    }
    for name, fits in checks.items():
        if name in data and not fits(data[name]):
            raise BadRuleError(f"{where}.{name}: cannot be this")
    return Rule(**data)
