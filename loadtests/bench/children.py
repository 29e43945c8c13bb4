"""Child processes that never outlive the run: started, waited for until ready, stopped however the run ends.

Not here: which processes there are (stand.py).
"""

import contextlib
import http.client
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from loadtests.bench.results import BenchError

#: The folder of the packages, where children find them.
ROOT: Final = Path(__file__).parent.parent.parent
#: Seconds to come up, to end gracefully, and between looks.
_START_S: Final = 30.0
_STOP_S: Final = 10.0
_LOOK_S: Final = 0.02
#: So much of what it said last is quoted when its process fails.
_QUOTED_CHARACTERS: Final = 1_500


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where children live. Use ground(), which removes it all in the end."""

    #: Data and logs.
    folder: Path
    #: Unix sockets; apart, because their paths must be short.
    sockets: Path
    #: What children inherit, without settings of the product.
    environment: Mapping[str, str]

    def new_folder(self, name: str) -> Path:
        """Make an empty folder."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))

    @contextlib.contextmanager
    def running(
        self,
        name: str,
        command: Sequence[str],
        ready: Callable[[], bool],
        settings: Mapping[str, str] | None = None,
    ) -> Iterator[int]:
        """Run a process while the block runs; yields its id once it is ready. BenchError when it does not come up."""
        log = self.new_folder(name) / "log"
        process = None
        try:
            with log.open("wb") as out, _uninterrupted():
                process = subprocess.Popen(  # noqa: S603  our own commands
                    [*_dies_with_us(), *command],
                    stdin=subprocess.PIPE,  # Its end tells the child that we are gone.
                    stdout=out,
                    stderr=out,
                    env={**self.environment, **(settings or {})},
                    cwd=ROOT,
                    start_new_session=True,  # Ctrl-C is for us; we stop the children in order.
                )
            _wait_ready(name, process, ready, log)
            yield process.pid
        finally:
            if process is not None:
                _end(process)

    def run(
        self,
        name: str,
        command: Sequence[str],
        *,
        settings: Mapping[str, str] | None = None,
        given: bytes = b"",
        timeout_s: float = 60.0,
    ) -> bytes:
        """Run a process to its end and return what it said; BenchError, with its last words, when it fails."""
        try:
            done = subprocess.run(  # noqa: S603  our own commands
                [*_dies_with_us(), *command],
                input=given,
                capture_output=True,
                env={**self.environment, **(settings or {})},
                cwd=ROOT,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise BenchError(f"{name} did not end within {timeout_s:.0f} s") from None
        if done.returncode != 0:
            said = (done.stderr or done.stdout).decode(errors="replace")[-_QUOTED_CHARACTERS:].strip()
            raise BenchError(f"{name} failed: {said}")
        return done.stdout


@contextlib.contextmanager
def ground(environment: Mapping[str, str], data_dir: Path | None) -> Iterator[Ground]:
    """Make a place for children below data_dir (None: where temporary files go), and remove it in the end."""
    if data_dir is not None:
        data_dir.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="a2p-bench-", dir=data_dir)).absolute()
    sockets = Path(tempfile.mkdtemp(prefix="a2pb-"))
    try:
        yield Ground(folder=folder, sockets=sockets, environment=environment)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(sockets, ignore_errors=True)


def python(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module with this interpreter."""
    return [sys.executable, "-m", module, *arguments]


def free_port() -> int:
    """Find a TCP port on loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetch(port: int, path: str) -> bytes | None:
    """GET from a child; None unless it answers 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return body if answer.status == http.HTTPStatus.OK else None


def answers(port: int, path: str) -> Callable[[], bool]:
    """Return a question: does it answer 200 there?"""
    return lambda: fetch(port, path) is not None


def pings(path: Path) -> Callable[[], bool]:
    """Return a question: does a store answer at this unix socket?"""

    def is_ready() -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1)
            try:
                probe.connect(str(path))
                probe.sendall(b"PING\r\n")
                return probe.recv(16).startswith(b"+PONG")
            except OSError:
                return False

    return is_ready


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold back Ctrl-C and SIGTERM until the block has run: a process that is born meanwhile would have no owner.

    Not by a signal mask, which the child would inherit.
    """
    held: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda caught, _frame: held.append(caught))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for caught in held:
        signal.raise_signal(caught)


def _dies_with_us() -> list[str]:
    """Return what makes the kernel end a child whose parent was killed, where the system has it; it keeps the id."""
    setpriv = shutil.which("setpriv")
    return [] if setpriv is None else [setpriv, "--pdeathsig", "KILL", "--"]


def _wait_ready(name: str, process: "subprocess.Popen[bytes]", ready: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while not ready():
        ended = process.poll() is not None
        if ended or time.monotonic() > deadline:
            said = log.read_text(errors="replace")[-_QUOTED_CHARACTERS:].strip()
            how = "ended while starting" if ended else f"was not ready within {_START_S:.0f} s"
            raise BenchError(f"{name} {how}: {said}")
        time.sleep(_LOOK_S)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Close its input, ask, and at last insist."""
    if process.stdin is not None:
        process.stdin.close()
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
