"""What a server asked of the kernel, and in which order: strace's record, read for one question.

How much of the append-only file had the disk promised, by fdatasync or fsync, when the server wrote an answer?

Not here: the server (tests/valkey.py), what is asked of it (test_on_disk.py).
"""

import re
from pathlib import Path
from typing import NamedTuple

#: One line: process, call, and the rest. A call during which another thread had its turn comes in two lines.
_LINE = re.compile(r"(?P<pid>\d+) +(?:<\.\.\. \w+ resumed>|(?P<call>\w+)\()(?P<rest>.*)")
_FILE = re.compile(r"\d+<(?P<path>.*?)>")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_RESULT = re.compile(r"\) += (-?\d+)")
_UNFINISHED = "<unfinished ...>"

_SYNCS = frozenset({"fsync", "fdatasync"})


def strace(record: Path) -> tuple[str, ...]:
    """Write the command under which a server's calls are recorded; the server does not outlive it."""
    calls = ",".join(("write", "writev", "pwrite64", "sendto", "sendmsg", *sorted(_SYNCS)))
    options = ("--follow-forks", "-y", "-xx", "-s", "1000000", "-e", f"trace={calls}", "-e", "signal=none")
    return ("strace", *options, "-o", str(record), "setpriv", "--pdeathsig", "KILL", "--")


class Said(NamedTuple):
    """Bytes that went to a client."""

    data: bytes
    #: How many bytes of the append-only file were surely on disk before they went.
    synced: int


class _Call(NamedTuple):
    """A call as it began."""

    name: str
    path: str
    data: bytes
    #: Length of the append-only file then.
    written: int


class Trace:
    """A server's calls: what it said, what it wrote, and what was on disk by then."""

    def __init__(self, record: Path, *, aof: str) -> None:
        """Read a record; aof: how the path of the append-only file ends."""
        self._aof_path = aof
        self._begun: dict[str, _Call] = {}
        #: The append-only file's bytes, as they were written.
        self.aof = b""
        #: How many of them were surely on disk at the end.
        self.synced = 0
        self.said: list[Said] = []
        for line in record.read_text(encoding="ascii").splitlines():
            self._read(line)

    def _read(self, line: str) -> None:
        parts = _LINE.match(line)
        if parts is None:
            return  # A process that came or went.
        if parts["call"]:
            self._begin(parts["pid"], parts["call"], parts["rest"])
        if not line.endswith(_UNFINISHED) and (result := _RESULT.search(parts["rest"])):
            self._end(self._begun.pop(parts["pid"]), int(result[1]))

    def _begin(self, pid: str, name: str, rest: str) -> None:
        file = _FILE.match(rest)
        path = _plain(file["path"]).decode() if file else ""
        data = b"".join(map(_plain, _TEXT.findall(rest)))
        self._begun[pid] = _Call(name, path, data, len(self.aof))
        if path.startswith("socket:"):
            self.said.append(Said(data, self.synced))  # However much of it goes, it goes after this moment.

    def _end(self, call: _Call, result: int) -> None:
        if not call.path.endswith(self._aof_path) or result < 0:
            return
        if call.name in _SYNCS:
            self.synced = max(self.synced, call.written)  # What was written while it ran may have come too late.
        else:
            self.aof += call.data[:result]


def _plain(shown: str) -> bytes:
    """Read what strace shows in hexadecimal."""
    return bytes.fromhex(shown.replace("\\x", "")) if shown.startswith("\\x") else shown.encode()
