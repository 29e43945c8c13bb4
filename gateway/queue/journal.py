"""The journal read backwards: what changed last, newest first.

Not here: writing it (functions/), what becomes of it in SQL.
"""

from collections.abc import AsyncGenerator
from typing import Final, NamedTuple

from gateway.queue import keys
from gateway.queue.wire import Wire

_PIECE: Final = 500
#: Columns of a line that are looked at; the payload is behind them.
_COLUMNS: Final = 10
_DOUBT: Final = "doubt"


class JournalLine(NamedTuple):
    """One change of a message."""

    #: status, doubt (a second yes of the carrier's) or contradicted.
    kind: str
    message_id: str
    status: str
    at_ms: int
    #: Number of the attempt that it is about; 0: none.
    attempt: int
    carrier: str
    code: str

    @property
    def is_doubt(self) -> bool:
        """It is about an attempt whose answer was lost."""
        return self.kind == _DOUBT or self.code.startswith(_DOUBT)


async def read_back(wire: Wire, partition: int) -> AsyncGenerator[JournalLine]:
    """Read a partition's journal from its end to its beginning. Raises QueueError."""
    last = "+"
    while True:
        entries = await wire.one(("XREVRANGE", keys.journal(partition), last, "-", "COUNT", _PIECE))
        for _, fields in entries:
            if fields[0] == b"lines":
                for line in reversed(fields[1].split(b"\n")):
                    yield _line(line)
        if len(entries) < _PIECE:
            return
        last = f"({entries[-1][0].decode()}"


def _line(raw: bytes) -> JournalLine:
    columns = [column.decode() for column in raw.split(b"\t", _COLUMNS)[:_COLUMNS]]
    kind, message_id, _seq, status, at_ms, attempt, carrier, _reference, code, _detail = columns
    return JournalLine(kind, message_id, status, int(at_ms), int(attempt or 0), carrier, code)
