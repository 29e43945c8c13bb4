"""A running `a2p-gateway up`, and what it leaves behind."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import orjson

from loadtests.ports import free_port_base

START_S = 240
STOP_S = 60


def free_base() -> int:
    """Find a port above which all that it takes are free."""
    return free_port_base((0, 1, 2, 3, 4, 10, 11, 12, 13))


class Up:
    """A running `a2p-gateway up`."""

    def __init__(
        self, data_dir: Path, port_base: int, *options: str, registry: Mapping[str, str] | None = None
    ) -> None:
        """Start it; registry: settings of the registry, beside those that it gets."""
        self.data_dir, self.port_base, self.registry = data_dir, port_base, dict(registry or {})
        where = ("--data-dir", str(data_dir), "--port-base", str(port_base))
        program = ["tests.scenarios.up_elsewhere", json.dumps(self.registry)] if self.registry else ["gateway"]
        command = [sys.executable, "-m", *program, "up", *where, *options]
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
