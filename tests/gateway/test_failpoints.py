"""Failpoints: off unless named, known by name, and never where others would be hit."""

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway import failpoints
from gateway.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PASSES = """
from gateway import failpoints
failpoints.arm("{armed}")
for number in range(3):
    failpoints.passed("{point}")
    print(number)
"""


def passes(armed, point="worker.after_begin"):
    """Pass a point three times in a process of its own; its status and what it did."""
    code = PASSES.format(armed=armed, point=point)
    done = subprocess.run([sys.executable, "-u", "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    return done.returncode, done.stdout.split()[-1], done.stdout


@pytest.mark.parametrize(
    ("armed", "status", "last"),
    [
        pytest.param("worker.after_begin:2", -signal.SIGKILL, "0", id="at the second pass"),
        pytest.param("worker.after_begin:4", 0, "2", id="not that often"),
        pytest.param("worker.before_begin:1", 0, "2", id="another point"),
        pytest.param("", 0, "2", id="none"),
    ],
)
def test_the_process_is_killed_at_that_pass_and_at_no_other(armed, status, last):
    """As a crash would: nothing is flushed, nobody is told."""
    ended, said, _ = passes(armed)

    assert (ended, said) == (status, last)


def test_a_start_with_a_failpoint_says_so():
    """Nobody is to wonder why it dies."""
    _, _, out = passes("worker.after_begin:4")

    assert "failpoint_armed" in out
    assert "kill itself" in out


@pytest.mark.parametrize(
    "text", ["worker", "worker.after_begin", "worker.after_begin:0", "worker.after_begin:x", "x:1"]
)
def test_what_is_no_point_stops_the_start(text):
    """A typing error would otherwise be a test that tests nothing."""
    with pytest.raises(ValidationError, match="must be a point and the number of a pass"):
        Settings(failpoint=text)


@pytest.mark.parametrize(
    "url", ["redis://10.0.0.5:6379/0", "rediss://user:pw@store.example:6379", "redis://[2001:db8::1]"]
)
@pytest.mark.parametrize("store", ["queue_url", "registry_url"])
def test_it_is_refused_where_a_store_is_on_another_machine(store, url):
    """That is what production looks like."""
    with pytest.raises(ValidationError, match="refused unless both stores are on this machine"):
        Settings(**{store: url}, failpoint="worker.after_begin:1")

    assert getattr(Settings(**{store: url}), store) == url


@pytest.mark.parametrize("url", ["unix:///tmp/s", "redis://127.0.0.1:6379/0", "redis://localhost/0", "redis://[::1]/0"])
def test_it_is_taken_where_both_stores_are_here(url):
    """By whatever name."""
    assert Settings(queue_url=url, registry_url=url, failpoint="worker.after_begin:1").failpoint


def test_every_point_is_passed_somewhere_and_every_pass_is_a_point():
    """A list of points that nobody passes would be a list of tests that test nothing."""
    passed = [
        node.args[0].value
        for path in (ROOT / "gateway").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "failpoints.passed"
    ]

    assert sorted(passed) == sorted(failpoints.POINTS)


def test_nothing_is_armed_here():
    """Tests of the product run without."""
    failpoints.passed("worker.after_begin")

    assert os.getpid()
