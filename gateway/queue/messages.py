"""What the edge asks about messages: keep them, read them, cancel them, fold receipts into them, count them.

Not here: how a flush is packed (accepting.py) and batched (commit.py), the owner's calls (owned.py).
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from gateway.queue import Accept, Counts, Event, Folded, Receipt, Status, Stored, keys
from gateway.queue.accepting import Outcome, calls_for
from gateway.queue.wire import Wire, fcall

#: Ids or receipts in one call; other callers get their turn between two.
CHUNK: Final = 1024
#: What a carrier can say.
RECEIPT_STATUSES: Final = frozenset(
    {Status.SUBMITTED, Status.DELIVERED, Status.UNDELIVERED, Status.FAILED, Status.EXPIRED}
)


class MessageStore:
    """The edge's half of the queue that is about messages."""

    def __init__(self, wire: Wire, partitions: int) -> None:
        self.partitions = partitions
        self._wire = wire

    def partition_of(self, tenant: str, user: str) -> int:
        """Say where a sending user's messages live."""
        return keys.partition_of(tenant, user, self.partitions)

    async def accept(self, requests: Sequence[Accept]) -> list[Outcome]:
        """Keep many requests in one round trip, a call per partition. An error stands in its request's place."""
        calls = calls_for(requests)
        replies = await self._wire.ask(*(call.command() for call in calls), kept=True)
        outcomes: dict[int, Outcome] = {}
        for call, reply in zip(calls, replies, strict=True):
            outcomes.update(call.outcomes(reply))
        return [outcomes[place] for place in range(len(requests))]

    async def look(self, ids: Sequence[str]) -> list[Stored | None]:
        """Read messages by id; None where there is no such message (any more)."""
        found: list[Stored | None] = [None] * len(ids)
        calls = list(self._by_partition(ids))
        replies = await self._wire.all(
            *(fcall("look", (keys.base(k),), *(ids[i] for i in places), read_only=True) for k, places in calls)
        )
        for (_, places), reply in zip(calls, replies, strict=True):
            for place, stored in zip(places, reply, strict=True):
                found[place] = stored and _stored(ids[place], stored)
        return found

    async def look_refusal(self, refusal_id: str) -> bytes | None:
        """Read one refusal back from the journal."""
        place = keys.place_of_refusal(refusal_id)
        if place is None or place[0] >= self.partitions:
            return None
        entries = await self._wire.one(("XRANGE", keys.journal(place[0]), place[1], place[1]))
        if not entries:
            return None
        fields = dict(zip(entries[0][1][::2], entries[0][1][1::2], strict=True))
        return fields.get(b"refusal")

    async def cancel(self, message_id: str, payload: bytes) -> Status:
        """Cancel a message that is queued or scheduled; returns the status it has now, UNKNOWN if it is not here."""
        partition = keys.partition_of_message(message_id)
        if partition is None or partition >= self.partitions:
            return Status.UNKNOWN
        command = fcall("cancel", (keys.base(partition),), message_id, payload)
        reply: bytes = await self._wire.one(command, kept=True)
        return Status(reply.decode())

    async def receipts(self, receipts: Sequence[Receipt]) -> list[Folded]:
        """Fold carriers' receipts into the messages' status, in one round trip. Durable when it returns."""
        folded = [Folded.UNKNOWN_MESSAGE] * len(receipts)
        calls = list(self._by_partition([receipt.id for receipt in receipts]))
        commands = []
        for partition, places in calls:
            args: list[str | int] = []
            for receipt in (receipts[i] for i in places):
                if receipt.status not in RECEIPT_STATUSES:
                    raise ValueError(f"no receipt says {receipt.status}")
                args += (receipt.id, receipt.status.value, receipt.carrier)
                args += (receipt.carrier_reference, receipt.code, receipt.at_ms)
            commands.append(fcall("receipt", (keys.base(partition),), *args))
        for (_, places), reply in zip(calls, await self._wire.all(*commands, kept=True), strict=True):
            for place, word in zip(places, reply, strict=True):
                folded[place] = Folded(word.decode())
        return folded

    async def counts(self) -> list[Counts]:
        """Read the conservation counters of every partition."""
        replies = await self._wire.all(
            *(fcall("counts", (keys.base(k),), read_only=True) for k in range(self.partitions))
        )
        return [_counts(partition, reply) for partition, reply in enumerate(replies)]

    def _by_partition(self, ids: Sequence[str]) -> Iterable[tuple[int, list[int]]]:
        """Group the places of ids by partition; what is no id of ours is left out."""
        partitions = [keys.partition_of_message(message_id) for message_id in ids]
        return _chunks(
            (-1 if partition is None or partition >= self.partitions else partition for partition in partitions),
            CHUNK,
        )


def _chunks(partitions: Iterable[int], most: int) -> Iterable[tuple[int, list[int]]]:
    """Group places by partition, at most so many in a group, in order; partition -1 is nobody's."""
    groups: dict[int, list[int]] = {}
    for place, partition in enumerate(partitions):
        groups.setdefault(partition, []).append(place)
    groups.pop(-1, None)
    for partition, places in groups.items():
        for start in range(0, len(places), most):
            yield partition, places[start : start + most]


def _stored(message_id: str, reply: Any) -> Stored:
    """Read payload, status, attempts, carrier's reference and events."""
    payload, status, attempts, reference, *events = reply
    return Stored(
        id=message_id,
        payload=payload,
        status=Status(status.decode()),
        attempts=int(attempts),
        carrier_reference=reference.decode(),
        events=tuple(_event(seq, event.decode()) for seq, event in enumerate(events, start=1)),
    )


def _event(seq: int, columns: str) -> Event:
    status, at_ms, code, detail = columns.split("\t")
    return Event(seq=seq, status=Status(status), at_ms=int(at_ms), code=code, detail=detail)


def _counts(partition: int, reply: Any) -> Counts:
    counters, entries, oldest_ms, *lanes = reply
    by_name = {counters[i].decode(): int(counters[i + 1]) for i in range(0, len(counters), 2)}
    return Counts(
        partition=partition,
        accepted=by_name.get("accepted", 0),
        refused=by_name.get("refused", 0),
        doubts=by_name.get("doubts", 0),
        by_status={status: by_name.get(f"s:{status.value}", 0) for status in Status},
        log_entries=entries,
        parked={lanes[i].decode(): lanes[i + 1] for i in range(0, len(lanes), 2)},
        oldest_ms=oldest_ms,
    )
