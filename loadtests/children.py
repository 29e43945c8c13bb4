"""Child processes that never outlive the run: started, killed, frozen, started again, stopped however the run ends.

Not here: which processes there are (parts.py, and the stands of the benchmark and of the faults).
"""

import contextlib
import http.client
import importlib.util
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: The folder of the packages, where children find them.
ROOT: Final = Path(__file__).parent.parent

#: Seconds to come up, to end gracefully, and between looks.
_START_S: Final = 30.0
_STOP_S: Final = 10.0
_LOOK_S: Final = 0.02
#: So much of what it said last is quoted when its process fails.
_QUOTED_CHARACTERS: Final = 1_500


class ChildError(Exception):
    """A child did not come up, failed, or did not end; the message says which, and what it said last."""


class Process:
    """One child: a command that can be started any number of times, one after the other, with one log for all."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self._command = command
        self._environment = environment
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id; ChildError while it has none."""
        if self._process is None:
            raise ChildError(f"{self.name} was not started")
        return self._process.pid

    @property
    def status(self) -> int | None:
        """How it ended, negative for a signal; None while it runs, or before it was started."""
        return None if self._process is None else self._process.poll()

    def start(self, settings: Mapping[str, str] | None = None) -> None:
        """Start it, with some settings beside those that it always has; whatever ran before must have ended."""
        self._close_input()  # Of whatever ran before.
        with self._log.open("ab") as out, _uninterrupted():
            self._process = subprocess.Popen(  # noqa: S603  our own commands
                [*_dies_with_us(), *self._command],
                stdin=subprocess.PIPE,  # Its end tells the child that we are gone.
                stdout=out,
                stderr=out,
                env={**self._environment, **(settings or {})},
                cwd=ROOT,
                start_new_session=True,  # Ctrl-C is for us; we stop the children in order.
            )

    def wait_ready(self, ready: Callable[[], bool], seconds: float = _START_S) -> None:
        """Wait until it does its work; ChildError, with its last words, when it does not come up."""
        deadline = time.monotonic() + seconds
        while not ready():
            ended = self.status is not None
            if ended or time.monotonic() > deadline:
                how = "ended while starting" if ended else f"was not ready within {seconds:.0f} s"
                raise ChildError(f"{self.name} {how}: {self.last_words()}")
            time.sleep(_LOOK_S)

    def wait(self, seconds: float = _STOP_S) -> int:
        """Wait until it has ended; its status. ChildError when it does not."""
        if self._process is None:
            raise ChildError(f"{self.name} was not started")
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise ChildError(f"{self.name} did not end within {seconds:.0f} s: {self.last_words()}") from None
        self._close_input()
        return status

    def kill(self) -> None:
        """End it as a crash would, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
            self._close_input()

    def freeze(self) -> None:
        """Stop it where it stands; it keeps its connections and answers nothing."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.signal(signal.SIGCONT)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; nothing happens when it has ended."""
        if self._process is not None:
            self._process.send_signal(number)

    def end(self) -> None:
        """Close its input, ask, and at last insist."""
        if self._process is None:
            return
        self._close_input()
        self.signal(signal.SIGTERM)
        self.thaw()  # One that is frozen hears nothing.
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def last_words(self) -> str:
        """Quote the end of its log."""
        return self._log.read_text(errors="replace")[-_QUOTED_CHARACTERS:].strip()

    def _close_input(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()


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
        """Run a process while the block runs; yields its id once it is ready. ChildError when it does not come up."""
        process = Process(name, command, self.environment, self.new_folder(name) / "log")
        try:
            process.start(settings)
            process.wait_ready(ready)
            yield process.pid
        finally:
            process.end()

    def run(
        self,
        name: str,
        command: Sequence[str],
        *,
        settings: Mapping[str, str] | None = None,
        given: bytes = b"",
        timeout_s: float = 60.0,
    ) -> bytes:
        """Run a process to its end and return what it said; ChildError, with its last words, when it fails."""
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
            raise ChildError(f"{name} did not end within {timeout_s:.0f} s") from None
        if done.returncode != 0:
            said = (done.stderr or done.stdout).decode(errors="replace")[-_QUOTED_CHARACTERS:].strip()
            raise ChildError(f"{name} failed: {said}")
        return done.stdout


@contextlib.contextmanager
def ground(environment: Mapping[str, str], data_dir: Path | None) -> Iterator[Ground]:
    """Make a place for children below data_dir (None: where temporary files go), and remove it in the end.

    environment is what they inherit; settings of another instance of the product are left out.
    """
    if data_dir is not None:
        data_dir.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="a2p-", dir=data_dir)).absolute()
    sockets = Path(tempfile.mkdtemp(prefix="a2ps-"))
    inherited = {name: value for name, value in environment.items() if not name.startswith("A2P_")}
    try:
        yield Ground(folder=folder, sockets=sockets, environment=inherited)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(sockets, ignore_errors=True)


def checkout() -> Path:
    """Return the folder of the sources and their tests: ROOT, but where this is a compiled copy of it."""
    spec = importlib.util.find_spec("tests")
    folders = [] if spec is None else list(spec.submodule_search_locations or ())
    return Path(folders[0]).parent if folders else ROOT


def python(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module with this interpreter."""
    return [sys.executable, "-m", module, *arguments]


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

    Not by a signal mask, which the child would inherit. Only the main thread is ever interrupted.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
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
