"""How far one user's events were told: a place in the journal of their partition, and one in their inbox.

Both together are what clients know as seq. It names all that was told up to and including an event, so that whoever
resumes behind it misses nothing; a client does not look into it.

Not here: what is at those places (store.py).
"""

import re
from typing import Final, NamedTuple

#: Behind every line of an entry.
_WHOLE: Final = 2**31
_SEQ: Final = re.compile(
    r"([0-9]{1,15})-([0-9]{1,19})(?:-([0-9]{1,6}))?_([0-9]{1,15})-([0-9]{1,19})",
    re.ASCII,
)


class Place(NamedTuple):
    """Some lines of an entry in a stream, from its first one on, were told, and all entries before it."""

    ms: int = 0
    seq: int = 0
    #: How many of its lines.
    lines: int = _WHOLE

    @property
    def entry(self) -> str:
        """The entry, as the store has it."""
        return f"{self.ms}-{self.seq}"

    @property
    def told(self) -> tuple[int, int]:
        """The entry, to be compared."""
        return self.ms, self.seq

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the entry is left to be told."""
        return self.lines == _WHOLE


class Position(NamedTuple):
    """How far a user's events were told."""

    journal: Place
    inbox: Place

    @property
    def seq(self) -> str:
        """What clients know it as."""
        lines = "" if self.journal.is_whole else f"-{self.journal.lines}"
        return f"{self.journal.entry}{lines}_{self.inbox.entry}"


def place_of(entry: bytes | str) -> Place:
    """Read the name of an entry; ValueError when it is none."""
    ms, _, seq = (entry.decode() if isinstance(entry, bytes) else entry).partition("-")
    return Place(int(ms), int(seq))


def position_of(seq: str) -> Position | None:
    """Read what a client gave back; None if it was never ours."""
    match = _SEQ.fullmatch(seq)
    if match is None:
        return None
    ms, entry_seq, lines, inbox_ms, inbox_seq = match.groups()
    journal = Place(int(ms), int(entry_seq), _WHOLE if lines is None else int(lines))
    return Position(journal, Place(int(inbox_ms), int(inbox_seq)))
