"""The truth about what reached the carrier: one JSON line for each thing that happened, in a file that only grows.

What was received is handed to the system before it is answered, so that killing this process loses no line of what a
submitter has seen. The ledger holds no number and no text, only a digest of them. README.md lists the events.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import orjson

_READ_BYTES = 65_536

Event = Mapping[str, Any]


class Ledger:
    """An append-only file of events. Close it with close()."""

    def __init__(self, path: Path | None) -> None:
        """Open the file at path for appending, or one without a name.

        Raises:
            OSError: the file cannot be opened.
        """
        # Unbuffered: each append is one write, whole lines only, which O_APPEND keeps whole.
        self._file: BinaryIO = (
            tempfile.TemporaryFile("a+b", buffering=0)  # noqa: SIM115  open for the ledger's life, see close()
            if path is None
            else path.open("a+b", buffering=0)
        )

    def append(self, events: Sequence[Event]) -> None:
        """Write events, one line each.

        Raises:
            OSError: the disk did not take them, so what they tell of must not be answered.
        """
        lines = memoryview(b"".join([orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE) for event in events]))
        while lines:
            lines = lines[self._file.write(lines) :]

    def read(self, offset: int) -> Iterator[bytes]:
        """Yield what the file holds now from a byte offset on, in pieces; it ends with a whole line."""
        end = self.size()
        while offset < end:
            piece = os.pread(self._file.fileno(), min(_READ_BYTES, end - offset), offset)
            offset += len(piece)
            yield piece

    def size(self) -> int:
        """Return the length of the file in bytes: the offset for the next read."""
        return os.fstat(self._file.fileno()).st_size

    def close(self) -> None:
        """Bring everything to the disk and close."""
        os.fsync(self._file.fileno())
        self._file.close()
