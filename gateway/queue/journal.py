"""The journal read backwards: what changed last, newest first.

Not here: writing it (functions/), what its bytes say (compliance/journal.py), what becomes of it in SQL.
"""

from collections.abc import AsyncGenerator
from typing import Final, NamedTuple

from compliance.journal import DOUBT, LINES, lines_of, read_line
from gateway.queue import keys
from gateway.queue.wire import Wire

_PIECE: Final = 500


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
        return self.kind == DOUBT or self.code.startswith(DOUBT)


async def read_back(wire: Wire, partition: int) -> AsyncGenerator[JournalLine]:
    """Read a partition's journal from its end to its beginning. Raises QueueError."""
    last = "+"
    while True:
        entries = await wire.one(("XREVRANGE", keys.journal(partition), last, "-", "COUNT", _PIECE))
        for _, fields in entries:
            if fields[0] == LINES:
                for line in reversed(lines_of(fields[1])):
                    yield _line(line)
        if len(entries) < _PIECE:
            return
        last = f"({entries[-1][0].decode()}"


def _line(raw: str) -> JournalLine:
    line = read_line(raw)
    return JournalLine(line.kind, line.message_id, line.status, line.at_ms, line.attempt, line.carrier, line.code)
