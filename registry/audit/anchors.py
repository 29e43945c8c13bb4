"""Where the audit's chain ended, noted outside of the database: the file audit.anchor, one JSON object a line.

The chain alone cannot show that it was written anew from some row on, or cut off with its count. Against an anchor both
show, for all rows up to it. It protects as far as the file is out of reach of whoever can write the database: copy it
to another machine or to storage that only grows, and verify with that copy. It does not protect what was written after
the last anchor, nor against somebody who changes both, nor does it tell what never got into the audit.

`serve` appends to it while the chain grows; `a2p-registry audit verify` does after it found nothing.
"""

import asyncio
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson
import structlog
from sqlalchemy.exc import InterfaceError, OperationalError

from registry.audit.chain import Head, read_head
from registry.database import Database

FILE_NAME: Final = "audit.anchor"
#: How often `serve` looks whether the chain has grown.
_PERIOD_S: Final = 60.0

_log = structlog.get_logger()


class AnchorError(Exception):
    """A file that holds something else than anchors."""


def read_anchors(path: Path) -> Mapping[int, str]:
    """Return the hashes by the length that the chain had; none where there is no file.

    A line that was cut off, by a full disk, counts for nothing. AnchorError when it is not a file of anchors.
    """
    if not path.exists():
        return {}
    found: dict[int, str] = {}
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if not line.endswith(b"}"):
            continue
        length, last = _read_line(path, number, line)
        if found.setdefault(length, last) != last:
            raise AnchorError(f"{path}, line {number}: two anchors contradict each other.")
    return found


def append_anchor(path: Path, head: Head) -> None:
    """Note where the chain ends; on disk when this returns."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    line = {"rows": head.length, "hash": head.hash, "at": datetime.now(UTC)}
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        # (on a line of its own, whatever became of the one before)
        os.write(file, b"\n" + orjson.dumps(line, option=orjson.OPT_UTC_Z) + b"\n")
        os.fsync(file)
    finally:
        os.close(file)


async def keep_anchors(database: Database, path: Path) -> None:
    """Append where the chain ends whenever it has grown, until cancelled; waits out a database or disk that is gone.

    A chain that is shorter than its last anchor, or of the same length and another, is told in the log and not noted:
    `audit verify` says what is missing.
    """
    while True:
        try:
            await anchor(database, path)
        except (AnchorError, OSError, OperationalError, InterfaceError) as error:
            _log.warning("audit_not_anchored", error=type(error).__name__)
        await asyncio.sleep(_PERIOD_S)


async def anchor(database: Database, path: Path) -> bool:
    """Append where the chain ends if it has grown; returns whether it did, or raises what read_anchors() does."""
    async with database.reading() as connection:
        head = await read_head(connection)
    anchors = await asyncio.to_thread(read_anchors, path)
    longest = max(anchors, default=0)
    if head.length > longest:
        await asyncio.to_thread(append_anchor, path, head)
        return True
    if head.length < longest or anchors.get(longest, head.hash) != head.hash:
        _log.error("audit_contradicts_anchor", rows=head.length)
    return False


def _read_line(path: Path, number: int, line: bytes) -> tuple[int, str]:
    try:
        found: Any = orjson.loads(line)
        length, last = found["rows"], found["hash"]
    except (ValueError, TypeError, KeyError):
        length = last = None
    if type(length) is not int or type(last) is not str:
        raise AnchorError(f"{path}, line {number}: this is no anchor of an audit.")
    return length, last
