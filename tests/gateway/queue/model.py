"""The queue as a few lines of plain Python: what the store must agree with after every step.

No batches, no lost answers, no disk; the rules alone, written from the port's words and not from the functions.
"""

from dataclasses import dataclass, field

from gateway.queue import TERMINAL, Folded, Status

FORWARD = [Status.QUEUED, Status.SCHEDULED, Status.SUBMITTING, Status.SUBMITTED]


def is_later(status: Status, than: Status) -> bool:
    """Whether a status is further on; terminal is further than all that is open."""
    if than in TERMINAL:
        return False
    return status in TERMINAL or FORWARD.index(status) > FORWARD.index(than)


@dataclass
class Message:
    """One accepted message."""

    payload: bytes
    status: Status = Status.QUEUED
    attempts: int = 0
    lane: str = ""
    #: Older attempts that said yes too late: each is one doubt.
    late: set[int] = field(default_factory=set)
    #: An owner read it from the log.
    taken: bool = False
    #: Some call touched it: the store has a hash for it.
    touched: bool = False
    history: list[Status] = field(default_factory=lambda: [Status.QUEUED])


class Model:
    """All messages of one partition, and the counters."""

    def __init__(self) -> None:
        self.messages: dict[str, Message] = {}
        self.keys: dict[str, tuple[str, tuple[str, ...]]] = {}
        self.doubts = 0
        self.refused = 0

    def _move(self, message: Message, status: Status) -> None:
        message.status = status
        message.history.append(status)
        if status in TERMINAL:
            message.lane = ""

    def cancel(self, message_id: str) -> Status:
        """Queued and scheduled can be cancelled."""
        message = self.messages[message_id]
        message.touched = True
        if message.status in {Status.QUEUED, Status.SCHEDULED}:
            self._move(message, Status.CANCELLED)
        return message.status

    def begin(self, message_id: str) -> int | None:
        """Only what waits can be begun."""
        message = self.messages[message_id]
        message.touched = True
        if message.status not in {Status.QUEUED, Status.SCHEDULED}:
            return None
        message.attempts += 1
        self._move(message, Status.SUBMITTING)
        return message.attempts

    def finish(self, message_id: str, status: Status, attempt: int, code: str) -> Status:
        """The last attempt speaks, or nobody's (0) while none is open."""
        message = self.messages[message_id]
        message.touched = True
        if 0 < attempt < message.attempts:
            if status is Status.SUBMITTED and attempt not in message.late:
                message.late.add(attempt)
                self.doubts += 1
        elif attempt == message.attempts or (attempt == 0 and message.status is not Status.SUBMITTING):
            if is_later(status, message.status):
                self._move(message, status)
                self.doubts += attempt > 0 and code.startswith("doubt")
            if message.status is status is Status.SUBMITTED:
                message.lane = "receipt"
        return message.status

    def park(self, message_id: str, lane: str, status: Status, attempt: int, code: str) -> None:
        """An open attempt by its number, or what waits."""
        message = self.messages[message_id]
        message.touched = True
        if message.status is Status.SUBMITTING:
            if attempt == message.attempts:
                self._move(message, Status.QUEUED)
                self.doubts += code.startswith("doubt")
                message.lane = lane
        elif message.status in {Status.QUEUED, Status.SCHEDULED}:
            if is_later(status, message.status):
                self._move(message, status)
            message.lane = lane

    def receipt(self, message_id: str, status: Status) -> Folded:
        """The first terminal word wins; without an attempt no carrier knows the message."""
        message = self.messages[message_id]
        if message.attempts == 0:
            return Folded.UNKNOWN_MESSAGE
        if is_later(status, message.status):
            self._move(message, status)
            if status is Status.SUBMITTED:
                message.lane = "receipt"
            return Folded.APPLIED
        if status is message.status or status is Status.SUBMITTED:
            return Folded.REPEATED
        return Folded.CONTRADICTED

    def open_ids(self) -> set[str]:
        """All that must still be found by whoever owns the partition next."""
        return {message_id for message_id, message in self.messages.items() if message.status not in TERMINAL}
