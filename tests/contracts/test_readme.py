"""What the README says of the APIs is held against their descriptions: calls, statuses, codes."""

import re
from pathlib import Path

import pytest

from compliance.codes import Code
from gateway.edge.openapi import openapi
from gateway.problems import PROBLEMS
from registry.problems import PROBLEMS as REGISTRY_PROBLEMS

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")

CALL = re.compile(r"`(?:(GET|POST|PUT|PATCH|DELETE) )?(/[^`?]+|…/[a-z]+)(?:\?[^`]*)?`")
STATUS = re.compile(r"(?<![\d,.:+-])([2-5]\d\d)(?![\d,.]\d|\d| MB| h\b| s\b| ms| bytes| characters| messages)")


def section(title):
    """A chapter of the README."""
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def calls(row):
    """The calls that a row of the table is about; `…/x` is beside the one before it."""
    last = ""
    for method, path in CALL.findall(row.split("|")[1]):
        last = last if path.startswith("…") else path
        yield method or "GET", path.replace("…", last)


def rows():
    """The rows of the table of calls."""
    return [line for line in section("Send").splitlines() if line.startswith("| `")]


def described():
    """Every operation, by method and path."""
    return {
        (method.upper(), path): operation
        for path, methods in openapi()["paths"].items()
        for method, operation in methods.items()
    }


def test_every_call_is_in_the_table_and_no_other():
    """Once each."""
    listed = [call for row in rows() for call in calls(row) if call[1].startswith(("/v1", "/carriers"))]

    assert sorted(listed) == sorted(described())


@pytest.mark.parametrize("row", rows())
def test_a_status_in_the_table_is_one_that_the_call_answers(row):
    """Those that are named; the description has all of them."""
    for status in STATUS.findall(row.partition("|")[2]):
        for call in calls(row):
            if call in described():
                assert status in described()[call]["responses"], (call, status)


@pytest.mark.parametrize(
    ("status", "code"), re.findall(r"([2-5]\d\d)(?: and| or|:)? `([a-z]+_[a-z_]+)`", README), ids=lambda value: value
)
def test_a_code_stands_with_its_status(status, code):
    """Wherever the README names both."""
    known = {found[code].status for found in (PROBLEMS, REGISTRY_PROBLEMS) if code in found}
    if known:
        assert int(status) in known
    else:
        assert code in set(Code)


def test_every_problem_is_listed():
    """By status, in the order of the table of problems."""
    by_status = {}
    for code, kind in PROBLEMS.items():
        by_status.setdefault(kind.status, []).append(f"`{code}`")
    wanted = [f"| {status} | {', '.join(codes)} |" for status, codes in sorted(by_status.items())]

    block = README.split("<!-- problems -->\n")[1].split("<!-- /problems -->")[0]
    assert block.splitlines()[2:] == wanted, "\n".join(wanted)
