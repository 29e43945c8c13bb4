"""What should have been said to each message, as `judge --out` wrote it, against what was said."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from compliance import shapes
from compliance.shapes import ShapeError
from gateway.client.sending import Outcome

_NOTHING: Final = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A message that was not answered as expected."""

    n: int
    expected: str
    got: str


def read_expected(lines: Iterable[bytes]) -> dict[int, str]:
    """Read decision records: number of the message to "verdict reason". ShapeError names the line that is none."""
    expected: dict[int, str] = {}
    for number, raw in enumerate(lines, 1):
        try:
            n, said = _read(orjson.loads(raw))
        except (orjson.JSONDecodeError, ShapeError, ValueError) as wrong:
            raise ShapeError(f"line {number}: not a decision record of a day: {wrong}") from None
        expected[n] = said
    return expected


def _read(data: Any) -> tuple[int, str]:
    if type(data) is not dict:
        raise ShapeError("must be an object")
    decision = shapes.part(data, "decision", "record")
    said = f"{shapes.text(decision, 'verdict', 'decision')} {shapes.text(decision, 'reason', 'decision')}"
    return int(shapes.text(data, "id", "record")), said


def differences(expected: Mapping[int, str], outcomes: Iterable[Outcome]) -> list[Difference]:
    """Compare verdict and reason of every message that either side knows, by number."""
    got = {outcome.outgoing.line.n: _said(outcome) for outcome in outcomes}
    return [
        Difference(n=n, expected=expected.get(n, _NOTHING), got=got.get(n, _NOTHING))
        for n in sorted(expected.keys() | got.keys())
        if expected.get(n) != got.get(n)
    ]


def _said(outcome: Outcome) -> str:
    if outcome.verdict is not None:
        return f"{outcome.verdict} {outcome.reason}"
    return outcome.reason if outcome.status is None else f"HTTP {outcome.status} {outcome.reason}"
