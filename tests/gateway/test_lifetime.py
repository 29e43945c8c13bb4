"""When a process ends: gracefully at the first signal or at the end of its input, at once at the second signal."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: Says what it does; told to stop, it drains until its input ends.
DRAINS = """
import asyncio, sys
from {package}.lifetime import stop_event
async def main():
    stop = stop_event(supervised={supervised}{options})
    print("up", flush=True)
    await stop.wait()
    print("stopping", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    print("drained", flush=True)
asyncio.run(main())
"""


@pytest.fixture
def start():
    """Start such a process; gone at the end."""
    started = []

    def begin(package="gateway", *, supervised=False, options=""):
        code = DRAINS.format(package=package, supervised=supervised, options=options)
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True
        )
        started.append(process)
        assert process.stdout.readline() == "up\n"
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


@pytest.mark.parametrize("package", ["gateway", "registry"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_signal_asks_and_a_second_does_not_wait(start, package, number):
    """Exit status 128 and the number, as shells tell a death by signal."""
    process = start(package)

    process.send_signal(number)
    assert process.stdout.readline() == "stopping\n"
    process.send_signal(number)

    assert process.wait(30) == 128 + number


@pytest.mark.parametrize("package", ["gateway", "registry"])
def test_after_one_signal_it_drains(start, package):
    """And ends as it wants to."""
    process = start(package)

    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate("\n", timeout=30)

    assert said == "stopping\ndrained\n"
    assert process.returncode == 0


@pytest.mark.parametrize("package", ["gateway", "registry"])
def test_the_end_of_input_is_no_signal(start, package):
    """A supervisor that goes closes the pipe and then sends one: that one is the first."""
    process = start(package, supervised=True)

    process.stdin.close()
    assert process.stdout.readline() == "stopping\n"

    assert process.stdout.readline() == "drained\n"
    assert process.wait(30) == 0


def test_who_must_see_its_child_out_is_patient(start):
    """The guard of a server would leave it behind."""
    process = start(options=", impatient=False")

    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "stopping\n"
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate("\n", timeout=30)

    assert said == "drained\n"
    assert process.returncode == 0
