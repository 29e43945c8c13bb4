"""One flush of accepts as the function takes it, and its answer told apart again.

This is the hot path: messages travel joined, ids are computed from one stamp, and only what is out of the ordinary (a
key that is known, a refusal) comes back request by request. Twins in one call are found before anything is sent.

Not here: the round trip (messages.py), who flushes when (commit.py).
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

from gateway.queue import Accept, Accepted, Idempotency, Mismatch, QueueError, Replayed, keys
from gateway.queue.wire import Command, again, fcall

Outcome: TypeAlias = Accepted | Replayed | Mismatch | QueueError

#: Items in one call: the server's Lua passes some thousand values to one command at most.
ITEMS_MAX: Final = 1024


def check(request: Accept) -> None:
    """Refuse what could not be told apart again (ValueError): line feeds separate messages in the store."""
    for packed in request.messages:
        if not packed or b"\n" in packed:
            raise ValueError("a message is empty or contains a line feed")
    for packed in request.refusals:
        if not packed or b"\n" in packed:
            raise ValueError("a refusal is empty or contains a line feed")


class AcceptCall:
    """A partition's share of a flush. A place is where a request stands in the flush."""

    def __init__(self, partition: int) -> None:
        self._partition = partition
        #: A request with its key, or a run of requests without, in the order in which they came.
        self._items: list[tuple[Idempotency | None, list[tuple[int, Accept]]]] = []
        #: Digest of a key that will be remembered -> its item, counted from 1 as the function does.
        self._firsts: dict[bytes, int] = {}
        self._twins: list[tuple[int, Idempotency, int]] = []

    @property
    def full(self) -> bool:
        """Whether another call must take what comes next."""
        return len(self._items) >= ITEMS_MAX

    def add(self, place: int, request: Accept) -> None:
        """Take one request along."""
        key = request.idempotency
        if key is None:
            if not self._items or self._items[-1][0] is not None:
                self._items.append((None, []))
            self._items[-1][1].append((place, request))
        elif key.digest in self._firsts:
            self._twins.append((place, key, self._firsts[key.digest]))
        else:
            self._items.append((key, [(place, request)]))
            # A mere refusal is not remembered: the next one with the key stands for itself.
            if request.messages:
                self._firsts[key.digest] = len(self._items)

    def command(self) -> Command:
        """Write the call: joined messages, their number, then four arguments an item."""
        messages: list[bytes] = []
        args: list[bytes | int] = []
        for key, requests in self._items:
            before = len(messages)
            refusals: list[bytes] = []
            for _, request in requests:
                messages += request.messages
                refusals += request.refusals
            number = len(messages) - before
            if key is None:
                args += (b"", number, b"\n".join(refusals), b"")
            else:
                tail = b"%d %d\n%b%b" % (number, len(key.fingerprint), key.fingerprint, key.answer)
                args += (key.digest, number, b"\n".join(refusals), tail)
        return fcall("accept", (keys.base(self._partition),), b"\n".join(messages), len(messages), *args)

    def outcomes(self, reply: Any) -> Iterator[tuple[int, Outcome]]:
        """Read the answer, or the error in its place: an outcome for each place."""
        if isinstance(reply, QueueError):
            places = [place for _, requests in self._items for place, _ in requests]
            places += [place for place, _, _ in self._twins]
            yield from ((place, again(reply)) for place in places)
            return
        stamp, known, refused = reply
        prefix = f"{self._partition}-{stamp.decode()}-"
        records: dict[int, bytes] = dict(zip(known[::2], known[1::2], strict=True))
        refusals: dict[int, bytes] = dict(zip(refused[::2], refused[1::2], strict=True))
        accepted: dict[int, Accepted] = {}
        first = 0
        for i, (key, requests) in enumerate(self._items, start=1):
            if key is not None and i in records:
                yield requests[0][0], _recall(self._partition, records[i], key)
                continue
            refusal_ids = iter(refusals[i].decode().split(",") if i in refusals else ())
            for place, request in requests:
                number = len(request.messages)
                ids = tuple([next(refusal_ids) for _ in request.refusals]) if request.refusals else ()
                accepted[i] = Accepted(message_ids=_ids(prefix, first, number), refusal_ids=ids)
                yield place, accepted[i]
                first += number
        for place, key, i in self._twins:
            first_key = self._items[i - 1][0]
            if i in records or first_key is None:
                yield place, _recall(self._partition, records[i], key)
            else:
                yield place, _repeat(accepted[i], first_key, key)


def calls_for(requests: Sequence[Accept]) -> list[AcceptCall]:
    """Share requests out to calls, one a partition unless one is too large; ValueError if one cannot be packed."""
    calls: list[AcceptCall] = []
    latest: dict[int, AcceptCall] = {}
    for place, request in enumerate(requests):
        check(request)
        call = latest.get(request.partition)
        if call is None or call.full:
            call = latest[request.partition] = AcceptCall(request.partition)
            calls.append(call)
        call.add(place, request)
    return calls


def _ids(prefix: str, first: int, number: int) -> tuple[str, ...]:
    if number == 1:
        return (f"{prefix}{first}",)
    return tuple([f"{prefix}{place}" for place in range(first, first + number)])


def _recall(partition: int, record: bytes, key: Idempotency) -> Replayed | Mismatch:
    """Read a record: "1 <stamp> <first> <refusal ids> <number> <n>", line feed, fingerprint of n bytes, answer."""
    head, _, rest = record.partition(b"\n")
    _, stamp, first, refused, number, length = head.decode().split(" ")
    if rest[: int(length)] != key.fingerprint:
        return Mismatch()
    return Replayed(
        message_ids=_ids(f"{partition}-{stamp}-", int(first), int(number)),
        refusal_ids=tuple(refused.split(",")) if refused else (),
        answer=rest[int(length) :],
    )


def _repeat(accepted: Accepted, first: Idempotency, second: Idempotency) -> Replayed | Mismatch:
    """Say what the second of two twins is told, once the first was accepted."""
    if first.fingerprint != second.fingerprint:
        return Mismatch()
    return Replayed(message_ids=accepted.message_ids, refusal_ids=accepted.refusal_ids, answer=first.answer)
