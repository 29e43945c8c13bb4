"""The report of a file: a JSON line for each row that was bad or changed something, in the order of the file.

    {"row": 7, "line": 9, "is": "bad", "faults": [{"field": "user", "code": ..., "fault": ..., "fix": ...}]}
    {"row": 8, "line": 10, "is": "changed", "changed": ["enabled"]}

No number and no name is in it: a row is found by its place in the file. It holds no instant either, so that a run that
was cut off and one that went through leave the same.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import orjson

from registry.bulk.faults import told
from registry.bulk.judged import Outcome
from registry.bulk.reading import Row


def lines(first: int, rows: Iterable[Row], outcomes: Iterable[Outcome]) -> bytes:
    """Return the lines of the rows that there are outcomes of; the first is the first-th of the file, from 1."""
    found = []
    #: What a row changed is one of a few lists.
    ends: dict[tuple[str, ...], bytes] = {}
    for place, (row, outcome) in enumerate(zip(rows, outcomes, strict=False), first):
        if outcome.faults:
            line = {"row": place, "line": row.line, "is": "bad", "faults": [told(fault) for fault in outcome.faults]}
            found.append(orjson.dumps(line))
        elif outcome.changed:
            end = ends.get(outcome.changed)
            if end is None:
                end = ends[outcome.changed] = orjson.dumps(outcome.changed)
            found.append(b'{"row":%d,"line":%d,"is":"changed","changed":%b}' % (place, row.line, end))
    return b"".join(line + b"\n" for line in found)


class ReportFile:
    """The report beside a file. On disk before the batch that it is about is committed."""

    def __init__(self, path: Path, after: int) -> None:
        """Go on after a row; what there is about later ones was never committed, and is cut off."""
        self._file: BinaryIO = path.open("ab+")
        self._file.seek(0)
        keep = 0
        if after:
            for line in self._file:
                if not line.endswith(b"\n") or orjson.loads(line)["row"] > after:
                    break
                keep += len(line)
        self._file.truncate(keep)

    def add(self, written: bytes) -> None:
        """Write lines, and have them on the disk."""
        if written:
            self._file.write(written)
            self._file.flush()
            os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        """Give the report."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._file.close()
