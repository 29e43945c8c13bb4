"""The acceptance cases: every line of tests/cases/*-open.jsonl is one test, named by its id."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from compliance import decide, shipped
from compliance.destinations import read_destination
from compliance.inbound import meaning_of
from compliance.record import agrees, parse_record
from compliance.segments import Segments, count_segments

CASES = Path(__file__).resolve().parent.parent / "cases"


def cases(kind: str) -> list[Any]:
    """Read the cases of one kind, each under its id."""
    lines = (CASES / f"{kind}-open.jsonl").read_bytes().splitlines()
    return [pytest.param(data, id=data["id"]) for data in map(orjson.loads, lines)]


@pytest.mark.parametrize("case", cases("decisions"))
def test_decision(case):
    """The decision agrees with the record: verdict, reason and findings."""
    record = parse_record(case)
    policy = shipped(record.policy).with_options(
        toll_free_allowed=record.options.toll_free_allowed,
        registry_fail_open=record.options.registry_fail_open,
        monitor=record.options.monitor,
    )

    decision = decide(record.facts, policy)

    assert agrees(decision, record.expected), (decision, record.expected)


@pytest.mark.parametrize("case", cases("destinations"))
def test_destination(case):
    """What a person typed falls into this class."""
    assert read_destination(case["to"])[0] == case["class"]


@pytest.mark.parametrize("case", cases("segments"))
def test_segments(case):
    """The text takes this much on the wire."""
    assert count_segments(case["text"]) == Segments(case["encoding"], case["units"], case["segments"])


@pytest.mark.parametrize("case", cases("inbound"))
def test_inbound(case):
    """The inbound text means this."""
    assert meaning_of(case["text"]) == case["meaning"]
