"""Rules about how the carrier behaves, read from JSON or TOML: "5 % of answers are lost", "429 for two seconds".

A scenario is an ordered list; the first rule that applies is followed. Rules about a whole request (per = "request")
are asked once a request, before the rules about single messages. Not here: choosing at run time (director.py).
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from loadtests.carrier.behaviours import PER_MESSAGE, RECEIPT_CODES, Behaviour, Kind, Plans, ReceiptStep


class BadScenarioError(ValueError):
    """A scenario that cannot be followed; the message names the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When to behave how. A window is from (inclusive) until (exclusive); None: without end."""

    #: The number must begin so; "" fits every number.
    to: str = ""
    sender: str = ""
    #: Only every so-many-th of those that fit.
    every: int = 1
    #: And of these only so many, drawn with the seed.
    probability: float = 1.0
    #: Counted from 0 since the scenario was set: messages, or requests where per_request holds.
    submissions: tuple[float, float | None] = (0, None)
    #: Since the scenario was set.
    seconds: tuple[float, float | None] = (0, None)
    per_request: bool = False
    behaviour: Behaviour


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A named list of rules, asked in order."""

    name: str = "none"
    rules: tuple[Rule, ...] = ()
    #: As it was read, so that it can be shown, changed and set again.
    source: Mapping[str, Any] = field(default_factory=lambda: {"name": "none", "rules": []})


_DEFAULTS = {
    Kind.REJECT: (422, "blocked_content"),
    Kind.THROTTLE: (429, "throttled"),
    Kind.TEMPORARY: (503, "temporary"),
    Kind.UNAUTHENTICATED: (401, "unauthenticated"),
}
_TEMPORARY_CODES = (500, 502, 503, 504)


def load_scenario(path: Path, plans: Plans, *, slow_ms: int) -> Scenario:
    """Read a scenario file; a name that ends in .toml is TOML, any other JSON.

    Raises:
        BadScenarioError: the file cannot be read, or a field is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text) if path.suffix == ".toml" else orjson.loads(text)
    except (OSError, ValueError) as error:  # Both decoders raise a ValueError.
        raise BadScenarioError(f"{path}: {error}") from error
    return read_scenario(data, plans, slow_ms=slow_ms)


def read_scenario(data: Any, plans: Plans, *, slow_ms: int) -> Scenario:
    """Read a scenario from decoded JSON or TOML.

    Raises:
        BadScenarioError: names the field.
    """
    _known(data, {"name", "rules"}, "scenario")
    name, rules = data.get("name", "unnamed"), data.get("rules")
    if type(name) is not str or type(rules) is not list:
        raise BadScenarioError("scenario: needs rules (a list), and a name that is a string")
    return Scenario(
        name=name,
        rules=tuple(_rule(rule, f"rules[{index}]", plans, slow_ms) for index, rule in enumerate(rules)),
        source=data,
    )


def _rule(data: Any, where: str, plans: Plans, slow_ms: int) -> Rule:
    _known(data, {"match", "per", "behaviour", "receipts", *_BEHAVIOUR_FIELDS}, where)
    behaviour = _behaviour(data, where, plans, slow_ms)
    usual = "message" if behaviour.kind in PER_MESSAGE else "request"
    per = data.get("per", usual)
    if per not in {"message", "request"} or (per == "message" and usual == "request"):
        raise BadScenarioError(f'{where}.per: must be "request"' + (' or "message"' if usual == "message" else ""))
    match = data.get("match", {})
    inside = f"{where}.match"
    _known(match, {"to", "from", "every", "probability", "submissions", "seconds"}, inside)
    return Rule(
        to=_value(match, "to", inside, "", _is_text, "a string that numbers begin with"),
        sender=_value(match, "from", inside, "", _is_text, "a string that numbers begin with"),
        every=_value(match, "every", inside, 1, lambda v: type(v) is int and v >= 1, "a whole number, 1 or more"),
        probability=_value(match, "probability", inside, 1.0, lambda v: _is_number(v) and v <= 1, "from 0 to 1"),
        submissions=_window(match, "submissions", inside),
        seconds=_window(match, "seconds", inside),
        per_request=per == "request",
        behaviour=behaviour,
    )


#: Fields of a rule that tune its behaviour, and the behaviours each belongs to.
_BEHAVIOUR_FIELDS = {
    "code": {Kind.REJECT},
    "status_code": {Kind.TEMPORARY},
    "retry_after": {Kind.THROTTLE},
    "delay_ms": {Kind.SLOW},
    "times": set(Kind),
}


def _behaviour(data: dict[str, Any], where: str, plans: Plans, slow_ms: int) -> Behaviour:
    name = data.get("behaviour", "accept")
    if name not in set(Kind):
        raise BadScenarioError(f"{where}.behaviour: must be one of {', '.join(Kind)}")
    kind = Kind(name)
    for key, kinds in _BEHAVIOUR_FIELDS.items():
        if key in data and kind not in kinds:
            raise BadScenarioError(f"{where}.{key}: means nothing with {kind}")
    status_code, code = _DEFAULTS.get(kind, (202, ""))
    behaviour = Behaviour(
        kind=kind,
        status_code=_value(data, "status_code", where, status_code, _fits_temporary, "500, 502, 503 or 504"),
        code=_value(data, "code", where, code, _is_text, "a string"),
        retry_after_s=_value(data, "retry_after", where, None, _is_whole, "a whole number of seconds"),
        delay_ms=_value(data, "delay_ms", where, slow_ms if kind is Kind.SLOW else 0, _is_whole, "a whole number"),
        times=_value(data, "times", where, None, lambda v: type(v) is int and v >= 1, "a whole number, 1 or more"),
        receipts=_receipts(data.get("receipts", "delivered"), f"{where}.receipts", plans),
    )
    if not behaviour.taken and "receipts" in data:
        raise BadScenarioError(f"{where}.receipts: means nothing with {kind}, which takes no message")
    return behaviour


def _receipts(data: Any, where: str, plans: Plans) -> tuple[ReceiptStep, ...]:
    if type(data) is str and data in plans:
        return plans[data]
    if type(data) is not list:
        raise BadScenarioError(f"{where}: must be a list of receipts or one of {', '.join(plans)}")
    return tuple(_step(element, f"{where}[{index}]") for index, element in enumerate(data))


def _step(data: Any, where: str) -> ReceiptStep:
    _known(data, {"status", "code", "after_ms", "occurred_ms"}, where)
    status = data.get("status")
    if type(status) is not str or status not in RECEIPT_CODES:
        raise BadScenarioError(f"{where}.status: must be one of {', '.join(RECEIPT_CODES)}")
    after_ms: int = _value(data, "after_ms", where, 0, _is_whole, "a whole number")
    return ReceiptStep(
        status=status,
        code=_value(data, "code", where, RECEIPT_CODES[status], _is_text, "a string"),
        after_ms=after_ms,
        occurred_ms=_value(data, "occurred_ms", where, after_ms, _is_whole, "a whole number"),
    )


def _known(data: Any, fields: set[str], where: str) -> None:
    if type(data) is not dict:
        raise BadScenarioError(f"{where}: must be an object")
    if unknown := data.keys() - fields:
        raise BadScenarioError(f"{where}.{min(unknown)}: unknown field")


def _value(data: dict[str, Any], key: str, where: str, default: Any, fits: Callable[[Any], bool], what: str) -> Any:
    if key not in data:
        return default
    if not fits(data[key]):
        raise BadScenarioError(f"{where}.{key}: must be {what}")
    return data[key]


def _window(match: dict[str, Any], key: str, where: str) -> tuple[float, float | None]:
    window = match.get(key, [0, None])
    # TOML has no null, so a list of one is a window without end too.
    if type(window) is list and len(window) in {1, 2} and _is_number(window[0]):
        until = window[1] if len(window) == 2 else None  # noqa: PLR2004  from and until
        if until is None or (_is_number(until) and until > window[0]):
            return window[0], until
    raise BadScenarioError(f"{where}.{key}: must be [from, until], until above from, null or left out for no end")


def _is_text(value: Any) -> bool:
    return type(value) is str


def _is_whole(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_number(value: Any) -> bool:
    return type(value) in {int, float} and value >= 0


def _fits_temporary(value: Any) -> bool:
    return value in _TEMPORARY_CODES
