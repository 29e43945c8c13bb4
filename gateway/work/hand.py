"""What a partition's owner has taken and not brought to an end: the bound on its memory, and what may leave the log.

Not here: what is done with the messages (dispatcher.py), the store (queue/).
"""

from collections import Counter


class Hand:
    """Ids of the messages in hand. Each came from a log entry, or from the lane of the store that it was parked in."""

    def __init__(self, most: int) -> None:
        self._most = most
        #: Message to (entry, lane), one of which is "".
        self._origins: dict[str, tuple[str, str]] = {}
        self._open: Counter[str] = Counter()
        self._of_lane: Counter[str] = Counter()
        self._through: list[str] = []

    def __len__(self) -> int:
        """Count the messages in hand."""
        return len(self._origins)

    def __contains__(self, message_id: str) -> bool:
        """Say whether a message is in hand."""
        return message_id in self._origins

    def ids(self) -> frozenset[str]:
        """Name the messages in hand at this moment."""
        return frozenset(self._origins)

    @property
    def room(self) -> int:
        """How many more may be taken; not positive when the hand is full."""
        return self._most - len(self._origins)

    def from_log(self, message_id: str) -> bool:
        """Say whether a message in hand came from the log, and not from a lane where it is parked still."""
        return bool(self._origins[message_id][0])

    def of_lane(self, lane: str) -> int:
        """Count what is in hand of what was parked in a lane."""
        return self._of_lane[lane]

    def take(self, message_id: str, *, entry: str = "", lane: str = "") -> None:
        """Take a message. All open messages of an entry are taken before the first of them is settled."""
        self._origins[message_id] = entry, lane
        if entry:
            self._open[entry] += 1
        else:
            self._of_lane[lane] += 1

    def settle(self, message_id: str) -> None:
        """Put away a message that ended or is parked in the store: its entry needs it no more."""
        entry = self._put_away(message_id)
        if not entry:
            return
        self._open[entry] -= 1
        if not self._open[entry]:
            del self._open[entry]
            self._through.append(entry)

    def forget(self, message_id: str) -> None:
        """Put away a message of which nothing was done: its entry stays in the log for the next owner."""
        self._put_away(message_id)

    def entries_through(self) -> list[str]:
        """Return, once each, the entries that are settled as a whole."""
        through, self._through = self._through, []
        return through

    def _put_away(self, message_id: str) -> str:
        entry, lane = self._origins.pop(message_id, ("", ""))
        if lane:
            self._of_lane[lane] -= 1
        return entry
