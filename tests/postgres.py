"""A real PostgreSQL for tests: one server a test process, and quickly made databases in it.

Nothing is needed but the binaries of Debian's package, $PG_BINDIR or the newest of /usr/lib/postgresql. A server runs
on a folder of its own, in memory if there is room, on a Unix socket, without syncing. It may not run as root, so root
runs it as the user of the package. It dies with the process that started it, where the system has setpriv.

Not here: the fixtures (tests/registry/conftest.py).
"""

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import asyncpg

T = TypeVar("T")

#: What makes it quick, and useless for data that anybody wants to keep.
_SETTINGS = (
    *("fsync=off", "full_page_writes=off", "synchronous_commit=off", "wal_level=minimal", "max_wal_senders=0"),
    *("autovacuum=off", "jit=off", "listen_addresses=", "max_connections=200", "logging_collector=off"),
)
_NEEDED = ("initdb", "postgres")
#: A file system in memory: there a database is copied ten times quicker than on a disk that others use, too.
_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder in it is made by mkdtemp
_ENOUGH_BYTES = 2 << 30
#: Before the process id of whose folder it is.
_PREFIX = "a2p-pg-"


def find_binaries() -> Path | None:
    """Return the folder with a server's binaries, or None."""
    packaged = Path("/usr/lib/postgresql").glob("*/bin")
    newest_first = sorted(packaged, key=lambda path: float(path.parent.name), reverse=True)
    named = os.environ.get("PG_BINDIR")
    for folder in [Path(named)] if named else newest_first:
        if all((folder / name).is_file() for name in _NEEDED):
            return folder
    return None


def _remove_left_behind(parent: Path) -> None:
    """Remove the folders of tests that were killed: their servers have ended, and memory is not for ever."""
    for folder in parent.glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        try:
            os.kill(int(owner), 0)
        except ProcessLookupError:
            shutil.rmtree(folder, ignore_errors=True)
        except (OSError, ValueError):
            continue  # Somebody else's.


class Postgres:
    """One server. As a context manager it is started, and at the end stopped and its folder removed."""

    def __init__(self, binaries: Path, *, durable: bool = False) -> None:
        """Make the folder; short, for it holds the socket. durable: on a disk and synced, to measure it."""
        self._settings = ("listen_addresses=", "max_wal_size=4GB", "logging_collector=off") if durable else _SETTINGS
        in_memory = not durable and _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _ENOUGH_BYTES
        parent = _MEMORY if in_memory else Path(tempfile.gettempdir())
        _remove_left_behind(parent)
        self.folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))
        self._binaries = binaries
        self._process: subprocess.Popen[bytes] | None = None
        self._loop = asyncio.new_event_loop()
        #: Its loop runs in a thread of its own: the tests' loops run in theirs.
        self._thread = ThreadPoolExecutor(1)
        self._connection: asyncpg.Connection | None = None
        self._copying = ""
        self._made = 0

    def url(self, database: str, *, user: str = "postgres") -> str:
        """Where SQLAlchemy finds a database of it."""
        return f"postgresql+asyncpg://{user}@/{database}?host={self.folder}"

    def start(self) -> None:
        """Make a cluster, start it and wait until it answers."""
        as_whom: dict[str, Any] = {"cwd": "/", "stdin": subprocess.DEVNULL}
        if os.geteuid() == 0:
            whom = pwd.getpwnam("postgres")
            os.chown(self.folder, whom.pw_uid, whom.pw_gid)
            as_whom |= {"user": whom.pw_uid, "group": whom.pw_gid, "extra_groups": []}
        data, log_file = self.folder / "data", self.folder / "server.log"
        initdb = [self._binaries / "initdb", "--pgdata", data, "--username=postgres", "--auth=trust", "--no-sync"]
        command: list[str | Path] = [self._binaries / "postgres", "-D", data, "-k", self.folder]
        for setting in self._settings:
            command += ["-c", setting]
        if setpriv := shutil.which("setpriv"):
            # Not KILL: it has shared memory to give back, and children to end.
            command = [setpriv, "--pdeathsig", "QUIT", "--", *command]
        with log_file.open("ab") as log:
            initdb += ["--no-instructions", "--locale=C.UTF-8", "--encoding=UTF8"]
            subprocess.run(initdb, stdout=log, stderr=log, check=True, **as_whom)
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **as_whom)
        self._connection = self._run(self._connected(log_file))
        if self._connection.get_server_version() >= (15,):
            self._copying = "STRATEGY file_copy"  # Twice as quick where nothing is synced; older ones know no other.

    def close(self) -> None:
        """Stop it at once and remove its data."""
        if self._connection is not None:
            self._run(self._connection.close(timeout=10))
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
        self._thread.shutdown()
        self._loop.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, statement: str) -> list[asyncpg.Record]:
        """Run a statement as the superuser, outside of all databases of tests; gives the rows."""
        if self._connection is None:
            raise RuntimeError("postgres is not running")
        return self._run(self._connection.fetch(statement))

    @contextlib.contextmanager
    def database(self, template: str = "template0", *, owner: str = "postgres") -> Iterator[str]:
        """Give the name of a new database, a copy of the template; gone at the end, whoever is still connected."""
        self._made += 1
        name = f"test{self._made}"
        self.run(f"CREATE DATABASE {name} OWNER {owner} TEMPLATE {template} {self._copying}")
        try:
            yield name
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")

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

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._thread.submit(self._loop.run_until_complete, work).result()

    async def _connected(self, log_file: Path) -> asyncpg.Connection:
        """Connect as soon as it answers."""
        deadline = time.monotonic() + 60
        while self._process is not None and self._process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError, asyncpg.CannotConnectNowError):
                return await asyncpg.connect(host=str(self.folder), user="postgres", database="postgres")
            await asyncio.sleep(0.01)
        raise RuntimeError(f"postgres did not start: {log_file.read_text()[-2000:]}")  # noqa: ASYNC240 - the end of it
