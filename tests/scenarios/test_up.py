"""The demonstration as a stranger meets it: real processes, real ports, one command."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

START_S = 150
STOP_S = 60

#: One after the other: each starts eight processes.
pytestmark = [pytest.mark.xdist_group("up"), pytest.mark.timeout(500)]


def free_port_base() -> int:
    """Find a base whose ports nobody has."""
    for base in range(20_000 + os.getpid() % 4_000 * 5, 60_000, 40):
        with contextlib.ExitStack() as stack:
            try:
                for offset in (0, 1, 2, 10, 11, 12):
                    probe = stack.enter_context(socket.socket())
                    probe.bind(("127.0.0.1", base + offset))
            except OSError:
                continue
            return base
    raise RuntimeError("no free ports")


class Up:
    """A running `a2p-gateway up`."""

    def __init__(self, data_dir: Path, port_base: int) -> None:
        self.data_dir, self.port_base = data_dir, port_base
        command = [sys.executable, "-m", "gateway", "up", "--data-dir", str(data_dir), "--port-base", str(port_base)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def ready(self) -> dict[str, object]:
        """Wait for demo.json."""
        file = self.data_dir / "demo.json"
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.process.stdout.read().decode()
            if file.exists():
                return orjson.loads(file.read_bytes())
            time.sleep(0.1)
        raise AssertionError("up was not ready in time")

    def stop(self, number: int = signal.SIGINT) -> str:
        """End it, and return what it said."""
        self.process.send_signal(number)
        said, _ = self.process.communicate(timeout=STOP_S)
        return said.decode()


def processes_of(data_dir: Path) -> list[int]:
    """Find processes that have the data directory, by their command or their environment."""
    wanted, found = str(data_dir).encode(), []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal() or int(folder.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if wanted in (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes():
                found.append(int(folder.name))
    return found


def wait_until_gone(data_dir: Path) -> list[int]:
    """Return who is still there after a while."""
    deadline = time.monotonic() + STOP_S
    while (left := processes_of(data_dir)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return left


@pytest.fixture
def start(tmp_path: Path) -> Iterator[object]:
    """Start instances that are gone at the end, whatever happens."""
    started: list[Up] = []

    def begin(name: str, port_base: int | None = None) -> Up:
        started.append(Up(tmp_path / name, port_base or free_port_base()))
        return started[-1]

    yield begin
    for up in started:
        if up.process.poll() is None:
            up.process.kill()
            up.process.communicate()
        wait_until_gone(up.data_dir)


def test_a_start_shows_every_verdict_stops_cleanly_and_finds_its_data_again(start):
    """The first messages show an IM, an allowed, a flagged and blocked ones; Ctrl-C ends all; keys stay valid."""
    up = start("one")
    demo = up.ready()
    said = up.stop()

    for expected in (
        "ok_internal_im",
        "ok_registered",
        "destination_landline",
        "did_unassigned",
        "recipient_opted_out",
    ):
        assert expected in said
    assert up.process.returncode == 0
    assert wait_until_gone(up.data_dir) == []
    assert set(demo["urls"]) == {
        "gateway",
        "gateway_admin",
        "worker_admin",
        "registry",
        "registry_admin",
        "carrier",
    }
    assert set(demo["numbers"]) == {
        "registered",
        "unassigned",
        "pending",
        "suspended",
        "disabled",
        "superseded",
        "colleague",
        "other_tenant",
    }
    assert set(demo["recipients"]) == {"mobile", "opted_out", "landline", "canada"}
    assert (up.data_dir / "demo.json").stat().st_mode & 0o777 == 0o600

    (up.data_dir / "demo.json").unlink()
    again = start("one", up.port_base)
    assert demo["user_keys"] == again.ready()["user_keys"]
    again.stop()


def test_two_instances_run_side_by_side_and_a_third_on_the_same_data_is_refused(start):
    """Data and ports move together; one data directory has one master."""
    first, second = start("one"), start("two", free_port_base() + 400)
    first.ready()
    second.ready()

    third = start("one", second.port_base + 800)
    said, _ = third.process.communicate(timeout=STOP_S)

    assert third.process.returncode == 1
    assert b"in use by another instance" in said


def test_nothing_outlives_a_supervisor_that_is_killed(start):
    """Kill -9 gives it no chance to stop its children: they see the end of their pipe."""
    up = start("one")
    up.ready()
    assert len(processes_of(up.data_dir)) > 6

    up.process.kill()
    up.process.communicate()

    assert wait_until_gone(up.data_dir) == []


def test_a_taken_port_is_named(start, tmp_path):
    """Somebody else's port is their right; we say which and what to do."""
    base = free_port_base()
    with socket.socket() as other:
        other.bind(("127.0.0.1", base + 2))
        other.listen()
        up = start("one", base)
        said, _ = up.process.communicate(timeout=STOP_S)

    assert up.process.returncode == 1
    assert f"port {base + 2}" in said.decode()
    assert "--port-base" in said.decode()
