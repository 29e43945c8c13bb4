from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from gateway.__main__ import app

runner = CliRunner()
CASES = sorted((Path(__file__).resolve().parents[2] / "cases").glob("*.jsonl"))


def replay(*arguments: object):
    """Run the command."""
    return runner.invoke(app, ["replay", *map(str, arguments)])


@pytest.fixture
def case(tmp_path):
    """A file with one inbound case, wrong."""
    file = tmp_path / "inbound-own.jsonl"
    file.write_bytes(b'\n{"id": "own-1", "note": "a stop word", "text": "Stop.", "meaning": "none"}\n')
    return file


def test_the_acceptance_cases_pass():
    """The kinds are counted, and the decisions by verdict and reason."""
    result = replay(*CASES)

    assert result.exit_code == 0
    assert "437 records (223 decision, 78 destination, 76 inbound, 60 segments)" in result.stdout
    assert "\n0 differ\n" in result.stdout
    assert "did_unassigned" in result.stdout


def test_a_difference_is_shown_with_its_place_and_fails(case):
    """Exit status 1; blank lines count as lines."""
    result = replay(case)

    assert result.exit_code == 1
    assert f"own-1  {case}:2  a stop word\n    expected  none\n    found     stop\n" in result.stdout
    assert result.stdout.endswith("\n1 differ\n")


def test_an_unreadable_line_is_named_and_the_rest_is_judged(case):
    """Exit status 2, whatever else differs."""
    with case.open("ab") as file:
        file.write(b'{"id": "own-2", "text": "Stop", "meaning": 7}\n')

    result = replay(case)

    assert result.exit_code == 2
    assert f"{case}:3: inbound.meaning: must be a string" in result.stderr
    assert "1 differ, 1 unreadable" in result.stdout


def test_another_policy_shows_what_it_would_have_done(tmp_path):
    """In a file of one's own too."""
    own = tmp_path / "own.toml"
    own.write_text('name = "own"\nversion = "1"\n[severity]\ncontent_shaft = "block"\n')
    decisions = next(path for path in CASES if path.name.startswith("decisions"))

    result = replay(decisions, "--policy", own)

    assert result.exit_code == 1
    assert "block content_shaft" in result.stdout


@pytest.mark.parametrize("policy", ["strict", "/nowhere/own.toml"])
def test_an_unknown_policy_is_refused(case, policy):
    """Before anything is judged."""
    result = replay(case, "--policy", policy)

    assert result.exit_code == 2
    assert "policy:" in result.stderr
    assert result.stdout == ""


def test_a_missing_file_is_refused(tmp_path):
    """By name."""
    assert replay(tmp_path / "missing.jsonl").exit_code == 2


def test_an_empty_file_has_no_records(tmp_path):
    """And nothing differs."""
    empty = tmp_path / "empty.jsonl"
    empty.write_bytes(b"")

    result = replay(empty)

    assert result.exit_code == 0
    assert "0 differ" in result.stdout


def test_records_of_another_version_are_counted(tmp_path):
    """A difference may then be the policy's."""
    decisions = next(path for path in CASES if path.name.startswith("decisions"))
    record = orjson.loads(decisions.read_bytes().splitlines()[0]) | {"policy": "current@0"}
    file = tmp_path / "old.jsonl"
    file.write_bytes(orjson.dumps(record))

    result = replay(file)

    assert result.exit_code == 0
    assert "1 were made under another version" in result.stdout
