"""Judges recorded lines again and says where the outcome differs: acceptance cases, and what processes recorded.

Four kinds of lines, told apart by their fields: decision records, inbound texts, segment counts and destinations
(tests/cases/README.md). A decision record is judged under its own policy and options, or under another policy with the
options of that one: "what would the new policy have done".
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import orjson

from compliance import shapes
from compliance.decide import decide
from compliance.decision import Decision
from compliance.destinations import read_destination
from compliance.inbound import meaning_of
from compliance.policy import SHIPPED, Policy, PolicyError, shipped
from compliance.record import Expected, Options, Record, agrees, parse_record
from compliance.segments import count_segments
from compliance.shapes import ShapeError


class Replayed(NamedTuple):
    """What became of one line. A named tuple, always built by keyword: half the time, and there are many lines."""

    #: decision, inbound, segments or destination.
    kind: str
    id: str
    note: str
    #: None for the kinds that hold no decision.
    decision: Decision | None
    #: What the line says and what was found, as people read it; both empty where they agree.
    expected: str = ""
    found: str = ""
    #: The record was made under another version of the policy than it was judged under.
    other_version: bool = False

    @property
    def differs(self) -> bool:
        """The outcome is not the recorded one."""
        return self.expected != ""


class Replay:
    """Judges one line after the other."""

    def __init__(self, policy: Policy | None = None) -> None:
        """Take the policy to judge under; None: each record's own."""
        self._policy = policy
        self._own: dict[tuple[str, Options], Policy] = {}

    def line(self, raw: bytes) -> Replayed:
        """Judge a line again; ShapeError names the field that cannot be read."""
        try:
            data = orjson.loads(raw)
        except orjson.JSONDecodeError as broken:
            raise ShapeError(f"record: not JSON: {broken}") from None
        if type(data) is not dict:
            raise ShapeError("record: must be an object")
        if "facts" in data or "decision" in data or "v" in data:
            return self._decision(parse_record(data))
        for field, replay in _OTHER_KINDS.items():
            if field in data:
                return replay(data)
        raise ShapeError("record: is none of the four kinds: it has neither facts nor meaning, segments or class")

    def _decision(self, record: Record) -> Replayed:
        policy = self._policy_of(record)
        decision = decide(record.facts, policy)
        agreed = agrees(decision, record.expected)
        return Replayed(
            kind="decision",
            id=record.id,
            note=record.note,
            decision=decision,
            expected="" if agreed else _tell_expected(record.expected),
            found="" if agreed else _tell(decision),
            other_version=self._policy is None and record.policy_version not in {"", policy.version},
        )

    def _policy_of(self, record: Record) -> Policy:
        if self._policy is not None:
            return self._policy
        key = record.policy, record.options
        if key not in self._own:
            try:
                policy = shipped(record.policy)
            except PolicyError:
                raise ShapeError(
                    f"record.policy: is none of {', '.join(SHIPPED)}; name the file of this policy with --policy"
                ) from None
            options = record.options
            self._own[key] = policy.with_options(
                toll_free_allowed=options.toll_free_allowed,
                registry_fail_open=options.registry_fail_open,
                monitor=options.monitor,
            )
        return self._own[key]


def _tell(decision: Decision) -> str:
    return " ".join((decision.verdict, decision.reason, *(f"+{code}" for code in decision.other_codes)))


def _tell_expected(expected: Expected) -> str:
    others = sorted(expected.findings - {expected.reason})
    more = () if expected.exact else ("(and perhaps more)",)
    return " ".join((expected.verdict, expected.reason, *(f"+{code}" for code in others), *more))


def _compared(kind: str, data: dict[str, Any], expected: str, found: str) -> Replayed:
    differs = expected != found
    return Replayed(
        kind=kind,
        id=shapes.text(data, "id", kind),
        note=shapes.text(data, "note", kind, ""),
        decision=None,
        expected=expected if differs else "",
        found=found if differs else "",
    )


def _inbound(data: dict[str, Any]) -> Replayed:
    found = meaning_of(shapes.text(data, "text", "inbound"))
    return _compared("inbound", data, shapes.text(data, "meaning", "inbound"), found.value)


def _segments(data: dict[str, Any]) -> Replayed:
    found = count_segments(shapes.text(data, "text", "segments"))
    units, segments = shapes.whole(data, "units", "segments"), shapes.whole(data, "segments", "segments")
    return _compared(
        "segments",
        data,
        f"{shapes.text(data, 'encoding', 'segments')}, {units} units, {segments} segments",
        f"{found.encoding}, {found.units} units, {found.segments} segments",
    )


def _destination(data: dict[str, Any]) -> Replayed:
    found = read_destination(shapes.text(data, "to", "destination"))[0]
    return _compared("destination", data, shapes.text(data, "class", "destination"), found.value)


#: Field that only this kind has, to its judge.
_OTHER_KINDS: Final[dict[str, Callable[[dict[str, Any]], Replayed]]] = {
    "meaning": _inbound,
    "segments": _segments,
    "class": _destination,
}
