"""The canary of the demonstration: revocations work from end to end, and it outlives what it watches."""

import os
import re
import signal
import time
import urllib.request
from pathlib import Path

import pytest

from tests.scenarios.databases import on_both
from tests.scenarios.instance import processes_of

#: One after the other: each starts nine processes.
pytestmark = [pytest.mark.xdist_group("up"), pytest.mark.timeout(500)]


def counts(demo):
    """What the canary counts: name and labels to value."""
    with urllib.request.urlopen(demo["urls"]["canary_admin"] + "/metrics", timeout=10) as answer:  # noqa: S310 - ours
        return {
            name: float(value)
            for name, value in re.findall(r"^(canary_\S+) (\S+)$", answer.read().decode(), re.MULTILINE)
        }


def flipped(demo, times):
    """Wait until the canary has flipped its number that often."""
    deadline = time.monotonic() + 120
    while counts(demo)["canary_effect_seconds_count"] < times:
        assert time.monotonic() < deadline, counts(demo)
        time.sleep(0.2)


@on_both
def test_verdicts_follow_the_registry_and_an_outage_is_counted(start):
    """There and back with nothing promised in vain; a registry that dies costs flips, and no more than that."""
    up = start("one")
    demo = up.ready()
    flipped(demo, 2)

    commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") for pid in processes_of(up.data_dir)}
    (registry,) = [pid for pid, command in commands.items() if b"registry" in command and b"serve" in command]
    os.kill(registry, signal.SIGKILL)
    flipped(demo, counts(demo)["canary_effect_seconds_count"] + 2)

    found = counts(demo)
    assert found['canary_failures_total{reason="broken_promise"}'] == 0
    assert found["canary_last_success_timestamp_seconds"] > 0
    up.stop()
