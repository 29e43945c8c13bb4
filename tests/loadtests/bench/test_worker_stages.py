"""What a profile says about a worker: every second counts once, to the stage whose code spent it."""

import pstats
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.bench.summary import summarize
from loadtests.bench.worker_stages import LOOP, STAGES, shares_of

ROOT = Path(__file__).parent.parent.parent.parent
JUDGING, CARRIER, STORE, READING, STEPS, COUNTING = STAGES


def function(file, name="f", line=1):
    """A function as pstats names it."""
    return file, line, name


def entry(seconds, callers=None):
    """Own time, and of it what it took for each caller."""
    return 1, 1, seconds, seconds, {caller: (1, 1, own, own) for caller, own in (callers or {}).items()}


RULE = function("/x/compliance/rules/brand.py")
SUBMIT = function("/x/gateway/connectors/http_carrier.py")
STEP = function("/x/gateway/work/dispatcher.py")
LIBRARY = function("/usr/lib/python3.11/enum.py")
BUILTIN = function("~", "<method 'get' of 'dict' objects>", 0)
COMPILED = function("~", "<built-in method gateway.envelope.load>", 0)


def test_own_code_counts_to_its_stage():
    """By the file it is in; the shares make one."""
    shares = shares_of({RULE: entry(3.0), SUBMIT: entry(1.0), function("/x/nowhere.py"): entry(1.0)})

    assert shares == pytest.approx(dict.fromkeys(STAGES, 0.0) | {JUDGING: 0.6, CARRIER: 0.2, LOOP: 0.2})


def test_what_is_nobodys_counts_to_those_who_called_it():
    """In the parts that it took for each, also where only a caller's caller is ours."""
    stats = {
        RULE: entry(0.0),
        STEP: entry(0.0),
        LIBRARY: entry(0.0, {STEP: 1.0}),
        BUILTIN: entry(4.0, {RULE: 1.0, LIBRARY: 3.0}),
    }

    assert shares_of(stats) == pytest.approx(
        dict.fromkeys((*STAGES, LOOP), 0.0) | {JUDGING: 0.25, STEPS: 0.75}, abs=1e-6
    )


def test_compiled_code_is_known_by_its_module():
    """It has no file."""
    assert shares_of({COMPILED: entry(1.0, {STEP: 1.0})})[READING] == 1.0


def test_callers_in_a_circle_come_to_an_end():
    """Recursion of a library costs no recursion of ours."""
    other = function("/usr/lib/python3.11/re.py")
    stats = {LIBRARY: entry(1.0, {other: 1.0, LIBRARY: 1.0}), other: entry(1.0, {LIBRARY: 1.0})}

    assert shares_of(stats)[LOOP] == 1.0


def test_the_shares_are_of_the_worker_that_nobody_profiled(build):
    """The profiler's own cost is in neither figure; without both measures there is nothing to say."""
    both = build.round(
        drain_50=build.sample(cpu_us={"worker": 100.0}), worker_stages=build.sample(details={JUDGING: 0.4, LOOP: 0.6})
    )
    alone = build.round(drain_50=build.sample(cpu_us={"worker": 100.0}))

    stages = {stage.title: stage.took.median for stage in summarize(build.run(both)).worker_stages}
    assert stages == {JUDGING: 40.0, LOOP: 60.0, "worker, whole": 100.0}
    assert [stage.title for stage in summarize(build.run(alone)).worker_stages] == ["worker, whole"]


def test_a_profiled_program_is_the_program(tmp_path):
    """Its arguments are its own; it counts from one signal to the other, and the file is there whole."""
    file = tmp_path / "prof"
    child = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "loadtests.bench.profiled",
            str(file),
            "timeit",
            "-n",
            "1",
            "-r",
            "100000",
            "sorted([])",
        ],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    try:
        while child.poll() is None and not file.exists():
            child.send_signal(signal.SIGUSR1) if _ready(child.pid) else None
            child.send_signal(signal.SIGUSR2) if _ready(child.pid) else None
    finally:
        child.kill()
        child.wait()

    assert pstats.Stats(str(file)).stats != {}


def _ready(pid):
    """Whether a process catches both signals: before, they would end it."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = int(next(line for line in status.splitlines() if line.startswith("SigCgt")).split()[1], 16)
    return caught >> (signal.SIGUSR1 - 1) & 1 and caught >> (signal.SIGUSR2 - 1) & 1
