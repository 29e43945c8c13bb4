"""The tables of bad input and of scenarios in tests/README.md are held against the tests.

Each row of bad input has one, with its status and code; each scenario that can be tried has one.
"""

import ast
import re
from pathlib import Path

import pytest

from compliance.catalogue import CATALOGUE
from gateway.problems import PROBLEMS
from registry.problems import PROBLEMS as REGISTRY_PROBLEMS

TESTS = Path(__file__).parents[1]
README = (TESTS / "README.md").read_text(encoding="utf-8")
BLOCK = README.split("<!-- rows -->\n")[1].split("<!-- /rows -->")[0]
ROWS = [tuple(part.strip() for part in line.strip("|\n ").split(" | ")) for line in BLOCK.splitlines()[2:]]

#: Groups of scenarios that are told of there, and what needs parts that do not exist yet.
GROUPS = ("Assignment", "Cache and registry", "Registry events", "Requests")
LATER = {"D10", "J17"}

#: Rows of size, encoding, JSON, shape, numbers, text, keys, tenants, idempotency, and of what admins ask.
WANTED = [
    25,
    26,
    28,
    29,
    31,
    32,
    34,
    35,
    37,
    38,
    40,
    41,
    43,
    44,
    46,
    47,
    49,
    50,
    52,
    53,
    55,
    56,
    58,
    59,
    61,
    62,
    64,
    65,
]
WANTED += [67, 68, 70, 71, 73, 74, 76, 77, 88, 89, 91, 92, 94, 95, 104, 106, 107, 109, 110]
WANTED += [121, 122, 124, 125]


def sources_of(places, folder):
    """The text of every test that is named, with its cases; a name that is no test's fails."""
    for file, names in re.findall(r"`([^`]+\.py)`((?:,? `test_[a-z0-9_]+`)+)", places):
        text = (folder / file).resolve().read_text(encoding="utf-8")
        defined = {
            node.name: ast.get_source_segment(text, node) + "".join(map(ast.unparse, node.decorator_list))
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        for name in re.findall(r"test_[a-z0-9_]+", names):
            assert name in defined, f"{file} has no {name}"
            yield defined[name]


def test_every_scenario_has_its_tests():
    """Those of the groups about the registry, in the order of the file."""
    told = (TESTS / "cases" / "flows-open.md").read_text(encoding="utf-8").split("\n## ")[1:]
    wanted = [name for group in told if group.startswith(GROUPS) for name in re.findall(r"(?m)^\*\*(\w+)\*\*", group)]
    block = README.split("<!-- scenarios -->\n")[1].split("<!-- /scenarios -->")[0]
    rows = [[part.strip() for part in line.strip("|\n ").split(" | ")] for line in block.splitlines()[2:]]

    assert [row[0] for row in rows] == [name for name in wanted if name not in LATER]
    assert all(list(sources_of(row[2], TESTS)) for row in rows)


def test_every_row_is_there():
    """Once, in order."""
    assert [int(row[0]) for row in ROWS] == WANTED


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"row {row[0]}")
def test_a_row_has_its_tests(row):
    """They exist, under these names, and say the status and the code, in their own text or in their cases."""
    _, _, answer, places = row
    said = "".join(sources_of(places, TESTS / "gateway"))
    status = answer.split()[0]
    assert status in said
    for code in re.findall(r"`([a-z_]+)`", answer):
        assert code in said


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"row {row[0]}")
def test_a_code_has_its_status(row):
    """As the tables of problems and reasons have it."""
    status, codes = int(row[2].split()[0]), re.findall(r"`([a-z_]+)`", row[2])
    for code in codes:
        kind = PROBLEMS.get(code) or REGISTRY_PROBLEMS.get(code)
        assert (CATALOGUE[code].http if kind is None else kind.status) == status
