"""What only a partition's owner asks: take messages, begin and end attempts, put messages aside.

Every call carries the epoch; when it is over the function changes nothing and Fenced is raised.

Not here: what to do with a message (the worker), the functions themselves (functions/owner.lua).
"""

from collections.abc import Sequence
from typing import Any, Final

from gateway.queue import TERMINAL, Begin, Begun, Finish, Park, Status, Taken, keys
from gateway.queue.wire import Wire, fcall

_ENDS: Final = TERMINAL | {Status.SUBMITTED}
_PARKED: Final = frozenset({Status.QUEUED, Status.SCHEDULED})


class OwnedStore:
    """The worker's half of the queue."""

    def __init__(self, wire: Wire, partitions: int) -> None:
        self.partitions = partitions
        self._wire = wire

    async def own(self, partition: int, holder: str, lease_ms: int) -> int | None:
        """Take or renew the lease on a partition; the epoch, or None while somebody else holds it."""
        epoch: int | None = await self._wire.one(fcall("own", (keys.base(partition),), holder, lease_ms))
        return epoch

    async def release(self, partition: int, epoch: int) -> None:
        """Give the lease back; nothing happens if it was somebody else's already."""
        await self._wire.one(fcall("release", (keys.base(partition),), epoch))

    async def take(
        self, partition: int, epoch: int, *, count: int, pending_after: str | None, received: str = ""
    ) -> tuple[list[Taken], str | None]:
        """Read log entries: pending ones after a cursor ("0" first), or with None new ones; and the next cursor."""
        cursor, *taken = await self._call("take", partition, epoch, count, pending_after or "", received)
        return _taken(taken), cursor.decode() or None

    async def due(self, partition: int, epoch: int, lane: str, *, now_ms: int, count: int) -> list[Taken]:
        """Read parked messages whose time has come."""
        return _taken(await self._call("due", partition, epoch, lane, now_ms, count))

    async def begin(self, partition: int, epoch: int, begins: Sequence[Begin]) -> list[Begun]:
        """Durably open one attempt each."""
        args = [value for begin in begins for value in (begin.id, begin.payload)]
        args.append(" ".join("-" if begin.attempts is None else str(begin.attempts) for begin in begins))
        # Before a message goes out it must be on disk that it does; whatever is under way already may still end.
        reply = await self._call("begin", partition, epoch, *args, kept=True)
        return [
            Begun(id=begin.id, attempt=reply[2 * i] or None, status=Status(reply[2 * i + 1].decode()))
            for i, begin in enumerate(begins)
        ]

    async def finish(self, partition: int, epoch: int, finishes: Sequence[Finish]) -> list[Status]:
        """Durably end attempts; the status each message has afterwards."""
        args: list[str | bytes | int] = []
        for end in finishes:
            if end.status not in _ENDS:
                raise ValueError(f"nothing ends as {end.status}")
            args += (end.id, end.status.value, end.attempt, end.payload, end.carrier, end.carrier_reference)
            args += (end.code, end.detail, end.receipt_due_ms)
        return [Status(status.decode()) for status in await self._call("finish", partition, epoch, *args)]

    async def park(self, partition: int, epoch: int, parks: Sequence[Park]) -> None:
        """Durably put messages aside."""
        args: list[str | bytes | int] = []
        for aside in parks:
            if aside.status not in _PARKED:
                raise ValueError(f"nothing is parked as {aside.status}")
            args += (aside.id, aside.payload, aside.lane, aside.due_ms, aside.status.value, aside.attempt)
            args += (aside.code, aside.detail)
        await self._call("park", partition, epoch, *args)

    async def acknowledge(self, partition: int, epoch: int, entries: Sequence[str]) -> None:
        """Let log entries go; ValueError names those that hold a message which is neither ended nor parked."""
        open_entries = await self._call("acknowledge", partition, epoch, *entries)
        if open_entries:
            raise ValueError(f"open messages in {', '.join(entry.decode() for entry in open_entries)}")

    async def deliver_im(self, tenant: str, user: str, message_id: str, payload: bytes) -> None:
        """Copy an instant message into a colleague's inbox, once by id."""
        await self._wire.one(fcall("deliver_im", (keys.user(tenant, user),), message_id, payload))

    async def _call(
        self, function: str, partition: int, epoch: int, *args: str | bytes | int, kept: bool = False
    ) -> Any:
        return await self._wire.one(fcall(function, (keys.base(partition),), epoch, *args), kept=kept)


def _taken(reply: Sequence[Any]) -> list[Taken]:
    """Read id, payload, attempts and status of each."""
    return [
        Taken(
            id=reply[i].decode(),
            payload=reply[i + 1],
            attempts=reply[i + 2],
            status=Status(reply[i + 3].decode()),
        )
        for i in range(0, len(reply), 4)
    ]
