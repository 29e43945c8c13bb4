"""The queue store in memory: what the functions of gateway/queue/functions do, in Python, call by call.

Each method is one server-side function: it happens as a whole, on the partition that it names. Two things are left
out, because no run lasts that long: keys and ended messages are never forgotten.

Not here: the way from a process to the store (queue_port.py). test_conformance.py holds this and the real functions
together.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from gateway.queue import (
    TERMINAL,
    Accept,
    Accepted,
    Begin,
    Begun,
    Counts,
    Event,
    Fenced,
    Finish,
    Folded,
    Idempotency,
    Mismatch,
    OutcomeUnknown,
    Park,
    Receipt,
    Replayed,
    Status,
    Stored,
    Taken,
    keys,
)

_RANK: Final = {Status.QUEUED: 1, Status.SCHEDULED: 2, Status.SUBMITTING: 3, Status.SUBMITTED: 4}
_TERMINAL_RANK: Final = 5
_RECEIPT_WINDOW_MS: Final = 72 * 3_600_000
_DOUBT: Final = "doubt"

Stamp = tuple[int, int]


def rank(status: Status) -> int:
    """Say how far on a status is; a message only ever moves on."""
    return _RANK.get(status, _TERMINAL_RANK)


class Line(NamedTuple):
    """One line of the journal."""

    #: status, doubt or contradicted.
    kind: str
    id: str
    seq: int
    status: Status
    code: str


@dataclass(slots=True)
class Kept:
    """A message that something happened to since it was accepted."""

    id: str
    payload: bytes
    status: Status = Status.QUEUED
    attempts: int = 0
    lane: str = ""
    reference: str = ""
    events: list[Event] = field(default_factory=list)
    #: Older attempts that said yes too late.
    late: set[int] = field(default_factory=set)

    @property
    def settled(self) -> bool:
        """Nobody needs the log to find it again."""
        return self.status in TERMINAL or self.lane != ""


class _Known(NamedTuple):
    """A request whose key is remembered."""

    key: Idempotency
    message_ids: tuple[str, ...]
    refusal_ids: tuple[str, ...]

    def answer(self, again: Idempotency) -> Replayed | Mismatch:
        if again.fingerprint != self.key.fingerprint:
            return Mismatch()
        return Replayed(self.message_ids, self.refusal_ids, self.key.answer)


class Partition:
    """Everything in one slot {q:k}."""

    def __init__(self, number: int, now_ms: Callable[[], int]) -> None:
        self.number = number
        #: The store's clock.
        self.now_ms = now_ms
        self.log: dict[Stamp, tuple[bytes, ...]] = {}
        self.kept: dict[str, Kept] = {}
        self.counters: Counter[str] = Counter()
        self.journal: list[Line] = []
        self.lanes: dict[str, dict[str, int]] = {}
        self.refusals: dict[str, bytes] = {}
        self.epoch = 0
        self._holder: str | None = None
        self._until_ms = 0
        self._known: dict[bytes, _Known] = {}
        self._pending: dict[Stamp, None] = {}
        self._begun: dict[str, None] = {}
        self._last_taken: Stamp = (0, 0)
        self._last_stamp: Stamp = (0, 0)
        self._last_refusal: Stamp = (0, 0)
        self._group = False

    # What the edge asks.

    def accept(self, requests: Sequence[Accept]) -> list[Accepted | Replayed | Mismatch]:
        """Keep the requests of one flush: their messages share one log entry."""
        known = {key.digest: self._known.get(key.digest) for key in (one.idempotency for one in requests) if key}
        fresh = [one for one in requests if one.idempotency is None or known[one.idempotency.digest] is None]
        firsts: dict[bytes, _Known] = {}
        answers: list[Accepted | Replayed | Mismatch] = []
        payloads: list[bytes] = []
        stamp = self._next_stamp() if any(one.messages for one in fresh) else (0, 0)
        for one in requests:
            key = one.idempotency
            first = None if key is None else known[key.digest] or firsts.get(key.digest)
            if key is not None and first is not None:
                answers.append(first.answer(key))
                continue
            ids = tuple(self._id(stamp, len(payloads) + place) for place in range(len(one.messages)))
            refused = tuple(self._refuse(refusal) for refusal in one.refusals)
            payloads += one.messages
            answers.append(Accepted(ids, refused))
            if key is not None and one.messages:
                firsts[key.digest] = self._known[key.digest] = _Known(key, ids, refused)
        if payloads:
            self.log[stamp] = tuple(payloads)
            self.counters["accepted"] += len(payloads)
            self.counters[f"s:{Status.QUEUED}"] += len(payloads)
        return answers

    def look(self, message_id: str) -> Stored | None:
        """Read one message."""
        message = self.kept.get(message_id)
        if message is not None:
            events = tuple(message.events)
            return Stored(
                id=message_id,
                payload=message.payload,
                status=message.status,
                attempts=message.attempts,
                carrier_reference=message.reference,
                events=events,
            )
        payload = self._payload_in_log(message_id)
        if payload is None:
            return None
        event = Event(seq=1, status=Status.QUEUED, at_ms=_stamp_of(message_id)[0])
        return Stored(
            id=message_id, payload=payload, status=Status.QUEUED, attempts=0, carrier_reference="", events=(event,)
        )

    def cancel(self, message_id: str, payload: bytes) -> Status:
        """Cancel what is queued or scheduled."""
        message = self.kept.get(message_id)
        if message is None:
            if self._payload_in_log(message_id) is None:
                return Status.UNKNOWN
            message = self._create(message_id, payload)
        if message.status in {Status.QUEUED, Status.SCHEDULED}:
            self._move(message, Status.CANCELLED)
        return message.status

    def receipt(self, receipt: Receipt) -> Folded:
        """Fold one receipt."""
        message = self.kept.get(receipt.id)
        if message is None or message.attempts == 0:
            return Folded.UNKNOWN_MESSAGE
        before = message.status
        if self._advance(message, receipt.status, receipt.code):
            if receipt.status is Status.SUBMITTED:
                self._enter(message, keys.RECEIPT_LANE, self.now_ms() + _RECEIPT_WINDOW_MS)
            if not message.reference:
                message.reference = receipt.carrier_reference
            return Folded.APPLIED
        if before is receipt.status or receipt.status not in TERMINAL:
            return Folded.REPEATED
        self.counters["contradicted"] += 1
        self._tell("contradicted", message, receipt.status, receipt.code)
        return Folded.CONTRADICTED

    def counts(self) -> Counts:
        """Read the counters."""
        oldest_ms = max(0, self.now_ms() - min(self.log)[0]) if self.log else 0
        return Counts(
            partition=self.number,
            accepted=self.counters["accepted"],
            refused=self.counters["refused"],
            doubts=self.counters["doubts"],
            by_status={status: self.counters[f"s:{status}"] for status in Status},
            log_entries=len(self.log),
            parked={lane: len(due) for lane, due in self.lanes.items()},
            oldest_ms=oldest_ms,
        )

    # What the owner asks.

    def own(self, holder: str, lease_ms: int) -> int | None:
        """Take or renew the lease."""
        now_ms = self.now_ms()
        if self._holder != holder:
            if self._holder is not None and self._until_ms > now_ms:
                return None
            self.epoch += 1
            self._group = True
            for message_id in self._begun:
                message = self.kept.get(message_id)
                if message is not None and message.lane:
                    self.lanes[message.lane][message_id] = now_ms
            self._begun.clear()
        self._holder, self._until_ms = holder, now_ms + lease_ms
        return self.epoch

    def release(self, epoch: int) -> None:
        """Give the lease back."""
        if epoch == self.epoch:
            self.epoch += 1
            self._holder = None

    def take(
        self, epoch: int, *, count: int, pending_after: str | None, received: str = ""
    ) -> tuple[list[Taken], str | None]:
        """Read log entries, pending or new."""
        self._fence(epoch)
        cursor = None
        if pending_after is not None:
            stamps = self._pending_after(pending_after, count)
            if len(stamps) == count:
                cursor = _write_stamp(stamps[-1])
        elif not received or not (stamps := self._pending_after(received, count)):
            stamps = [stamp for stamp in self.log if stamp > self._last_taken][:count]
            for stamp in stamps:
                self._pending[stamp] = None
                self._last_taken = stamp
        taken: list[Taken] = []
        for stamp in stamps:
            still_open = [one for one in self._of_entry(stamp) if not _settled(self.kept.get(one.id))]
            taken += still_open
            if not still_open:
                self._retire(stamp)
        return taken, cursor

    def due(self, epoch: int, lane: str, *, now_ms: int, count: int) -> list[Taken]:
        """Read what is due in a lane, the oldest first."""
        self._fence(epoch)
        waiting = sorted((due_ms, one) for one, due_ms in self.lanes.get(lane, {}).items() if due_ms <= now_ms)
        messages = [self.kept[message_id] for _, message_id in waiting[:count]]
        return [Taken(id=m.id, payload=m.payload, attempts=m.attempts, status=m.status) for m in messages]

    def begin(self, epoch: int, begins: Sequence[Begin]) -> list[Begun]:
        """Open an attempt each."""
        self._fence(epoch)
        return [self._begin(begin) for begin in begins]

    def finish(self, epoch: int, finishes: Sequence[Finish]) -> list[Status]:
        """End attempts."""
        self._fence(epoch)
        return [self._finish(finish) for finish in finishes]

    def park(self, epoch: int, parks: Sequence[Park]) -> None:
        """Put messages aside."""
        self._fence(epoch)
        for park in parks:
            self._park(park)

    def acknowledge(self, epoch: int, entries: Sequence[str]) -> None:
        """Let log entries go; ValueError names those that cannot."""
        self._fence(epoch)
        staying = []
        for entry in entries:
            stamp = _read_stamp(entry)
            if all(_settled(self.kept.get(one.id)) for one in self._of_entry(stamp)):
                self._retire(stamp)
            else:
                staying.append(entry)
        if staying:
            raise ValueError(f"open messages in {', '.join(staying)}")

    # The only ways to change a message.

    def _begin(self, begin: Begin) -> Begun:
        message = self._touch(begin.id, begin.payload)
        if message is None:
            return Begun(id=begin.id, attempt=None, status=Status.UNKNOWN)
        if rank(message.status) >= rank(Status.SUBMITTING) or begin.attempts not in {None, message.attempts}:
            return Begun(id=begin.id, attempt=None, status=message.status)
        message.attempts += 1
        if message.lane:
            del self.lanes[message.lane][message.id]
            self._begun[message.id] = None
        self._move(message, Status.SUBMITTING)
        return Begun(id=begin.id, attempt=message.attempts, status=message.status)

    def _finish(self, finish: Finish) -> Status:
        message = self._touch(finish.id, finish.payload)
        if message is None:
            return Status.UNKNOWN
        if 0 < finish.attempt < message.attempts:
            # An older attempt cannot end the newer one; but its yes is a second submission.
            if finish.status is Status.SUBMITTED and finish.attempt not in message.late:
                message.late.add(finish.attempt)
                self.counters["doubts"] += 1
                self._tell("doubt", message, message.status, finish.code)
        elif finish.attempt == message.attempts or (finish.attempt == 0 and message.status is not Status.SUBMITTING):
            message.reference = finish.carrier_reference or message.reference
            if self._advance(message, finish.status, finish.code) and finish.attempt > 0:
                self.counters["doubts"] += finish.code.startswith(_DOUBT)
            if message.status is finish.status is Status.SUBMITTED:
                due_ms = finish.receipt_due_ms or self.now_ms() + _RECEIPT_WINDOW_MS
                self._enter(message, keys.RECEIPT_LANE, due_ms)
        return message.status

    def _park(self, park: Park) -> None:
        message = self._touch(park.id, park.payload)
        if message is None:
            return
        is_open = message.status is Status.SUBMITTING and park.attempt == message.attempts
        if is_open:
            self._move(message, Status.QUEUED, park.code)
            self.counters["doubts"] += park.code.startswith(_DOUBT)
        elif rank(message.status) < rank(Status.SUBMITTING):
            self._advance(message, park.status, park.code)
        else:
            return
        self._enter(message, park.lane, park.due_ms)

    def _touch(self, message_id: str, payload: bytes) -> Kept | None:
        """Find a message; only what is in the owner's hands may be touched first."""
        message = self.kept.get(message_id)
        if message is not None or _stamp_of(message_id) not in self._pending:
            return message
        return self._create(message_id, payload or self._payload_in_log(message_id) or b"")

    def _create(self, message_id: str, payload: bytes) -> Kept:
        message = self.kept[message_id] = Kept(message_id, payload)
        self._record(message, Status.QUEUED, _stamp_of(message_id)[0], "")
        return message

    def _advance(self, message: Kept, status: Status, code: str) -> bool:
        if rank(status) <= rank(message.status):
            return False
        self._move(message, status, code)
        return True

    def _move(self, message: Kept, status: Status, code: str = "") -> None:
        self.counters[f"s:{message.status}"] -= 1
        self.counters[f"s:{status}"] += 1
        self._record(message, status, self.now_ms(), code)
        if status in TERMINAL:
            self._leave(message)

    def _record(self, message: Kept, status: Status, at_ms: int, code: str) -> None:
        message.status = status
        message.events.append(Event(seq=len(message.events) + 1, status=status, at_ms=at_ms, code=code))
        self._tell("status", message, status, code)

    def _tell(self, kind: str, message: Kept, status: Status, code: str) -> None:
        self.journal.append(Line(kind, message.id, len(message.events), status, code))

    def _leave(self, message: Kept) -> None:
        if message.lane:
            self.lanes[message.lane].pop(message.id, None)
            self._begun.pop(message.id, None)
            message.lane = ""

    def _enter(self, message: Kept, lane: str, due_ms: int) -> None:
        self._leave(message)
        self.lanes.setdefault(lane, {})[message.id] = due_ms
        message.lane = lane

    # The log.

    def _of_entry(self, stamp: Stamp) -> Iterable[Taken]:
        for place, payload in enumerate(self.log.get(stamp, ())):
            message_id = self._id(stamp, place)
            message = self.kept.get(message_id)
            attempts, status = (0, Status.QUEUED) if message is None else (message.attempts, message.status)
            yield Taken(id=message_id, payload=payload, attempts=attempts, status=status)

    def _pending_after(self, entry: str, count: int) -> list[Stamp]:
        after = _read_stamp(entry)
        return sorted(stamp for stamp in self._pending if stamp > after)[:count]

    def _retire(self, stamp: Stamp) -> None:
        self.log.pop(stamp, None)
        self._pending.pop(stamp, None)

    def _payload_in_log(self, message_id: str) -> bytes | None:
        payloads = self.log.get(_stamp_of(message_id), ())
        place = int(message_id.rpartition("-")[2])
        return payloads[place] if place < len(payloads) else None

    def _fence(self, epoch: int) -> None:
        if epoch != self.epoch:
            raise Fenced
        if not self._group:
            raise OutcomeUnknown("nobody ever owned the partition")

    def _next_stamp(self) -> Stamp:
        self._last_stamp = _after(self._last_stamp, self.now_ms())
        return self._last_stamp

    def _refuse(self, refusal: bytes) -> str:
        self._last_refusal = _after(self._last_refusal, self.now_ms())
        refusal_id = f"r-{self.number}-{_write_stamp(self._last_refusal)}"
        self.refusals[refusal_id] = refusal
        self.counters["refused"] += 1
        return refusal_id

    def _id(self, stamp: Stamp, place: int) -> str:
        return f"{self.number}-{stamp[0]}-{stamp[1]}-{place}"


def _settled(message: Kept | None) -> bool:
    return message is not None and message.settled


def _after(last: Stamp, now_ms: int) -> Stamp:
    """Return the next stamp of a stream, whose clock never goes back."""
    return (now_ms, 0) if now_ms > last[0] else (last[0], last[1] + 1)


def _stamp_of(message_id: str) -> Stamp:
    _, ms, seq, _ = message_id.split("-")
    return int(ms), int(seq)


def _read_stamp(entry: str) -> Stamp:
    ms, _, seq = entry.partition("-")
    return int(ms), int(seq or 0)


def _write_stamp(stamp: Stamp) -> str:
    return f"{stamp[0]}-{stamp[1]}"
