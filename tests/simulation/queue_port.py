"""The queue store as a process sees it: the port of gateway/queue, over a simulated network to a model.

Not here: what the functions do (queue_model.py).
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from gateway.queue import (
    Accept,
    Accepted,
    Begin,
    Begun,
    Counts,
    Finish,
    Folded,
    Heard,
    InboxItem,
    Mismatch,
    OptOutRecord,
    OutcomeUnknown,
    Park,
    QueueError,
    QueueUnavailable,
    Receipt,
    Replayed,
    Spoken,
    Status,
    Stored,
    Suspicion,
    Taken,
    keys,
)
from gateway.queue.accepting import check
from gateway.queue.consent import Restoration, Restored
from tests.simulation.network import LostError, Network, Server, UnreachableError
from tests.simulation.queue_model import Partition
from tests.simulation.standings_model import Standings

T = TypeVar("T")
#: As gateway/queue/store.py has it.
TIMEOUT_S: Final = 5.0


class QueueServer(Server):
    """A queue store: partitions, and what is beside them."""

    def __init__(self, partitions: int, now_ms: Callable[[], int]) -> None:
        super().__init__("queue")
        self.partitions = [Partition(number, now_ms) for number in range(partitions)]
        self.inboxes: dict[tuple[str, str], dict[str, bytes]] = {}
        self.standings = Standings(now_ms)

    def accept(self, requests: Sequence[Accept]) -> list[Accepted | Replayed | Mismatch | QueueError]:
        """Keep requests, a call per partition."""
        answers: dict[int, Accepted | Replayed | Mismatch | QueueError] = {}
        for number in dict.fromkeys(one.partition for one in requests):
            places = [place for place, one in enumerate(requests) if one.partition == number]
            said = self.partitions[number].accept([requests[place] for place in places])
            answers.update(zip(places, said, strict=True))
        return [answers[place] for place in range(len(requests))]

    def of(self, message_id: str) -> Partition | None:
        """Return the partition of a message; None for what is no id of ours."""
        number = keys.partition_of_message(message_id)
        return None if number is None or number >= len(self.partitions) else self.partitions[number]

    def look(self, message_id: str) -> Stored | None:
        """Read one message."""
        partition = self.of(message_id)
        return None if partition is None else partition.look(message_id)

    def receipt(self, receipt: Receipt) -> Folded:
        """Fold one receipt."""
        partition = self.of(receipt.id)
        return Folded.UNKNOWN_MESSAGE if partition is None else partition.receipt(receipt)

    def cancel(self, message_id: str, payload: bytes) -> Status:
        """Cancel one message."""
        partition = self.of(message_id)
        return Status.UNKNOWN if partition is None else partition.cancel(message_id, payload)

    def deliver_im(self, tenant: str, user: str, message_id: str, payload: bytes) -> None:
        """Copy into an inbox, once by id."""
        self.inboxes.setdefault((tenant, user), {}).setdefault(message_id, payload)


class QueuePort:
    """One process's connection to the queue store: Queue and OwnedQueue, as far as processes here ask."""

    def __init__(self, process: str, network: Network, server: QueueServer, *, timeout_s: float = TIMEOUT_S) -> None:
        self.partitions = len(server.partitions)
        self._process = process
        self._network = network
        self._server = server
        self._timeout_s = timeout_s

    def partition_of(self, tenant: str, user: str) -> int:
        """Say where a sending user's messages live."""
        return keys.partition_of(tenant, user, self.partitions)

    async def accept(self, requests: Sequence[Accept]) -> list[Accepted | Replayed | Mismatch | QueueError]:
        """Keep many requests."""
        for request in requests:
            check(request)
        try:
            return await self._ask("accept", lambda: self._server.accept(requests), len(requests))
        except QueueError as error:
            return [type(error)(*error.args) for _ in requests]

    async def look(self, ids: Sequence[str]) -> list[Stored | None]:
        """Read messages."""
        return await self._ask("look", lambda: [self._server.look(one) for one in ids])

    async def look_refusal(self, refusal_id: str) -> bytes | None:
        """Read a refusal."""
        number, _ = keys.place_of_refusal(refusal_id) or (0, "")
        return await self._ask("look_refusal", lambda: self._server.partitions[number].refusals.get(refusal_id))

    async def cancel(self, message_id: str, payload: bytes) -> Status:
        """Cancel a message."""
        return await self._ask("cancel", lambda: self._server.cancel(message_id, payload))

    async def receipts(self, receipts: Sequence[Receipt]) -> list[Folded]:
        """Fold receipts."""
        return await self._ask("receipts", lambda: [self._server.receipt(one) for one in receipts], receipts)

    async def counts(self) -> list[Counts]:
        """Read the counters."""
        return await self._ask("counts", lambda: [one.counts() for one in self._server.partitions])

    async def inbox(self, tenant: str, user: str, *, after: str, limit: int) -> list[InboxItem]:
        """Read an inbox; the cursor is a message's id here."""
        items = await self._ask("inbox", lambda: dict(self._server.inboxes.get((tenant, user), {})))
        ids = list(items)
        return [InboxItem(cursor=i, payload=items[i]) for i in ids[ids.index(after) + 1 if after else 0 :][:limit]]

    async def put_opt_outs(self, records: Sequence[OptOutRecord]) -> None:
        """Keep opt-outs."""
        await self._ask("put_opt_outs", lambda: self._server.standings.put(records))

    async def opt_outs(self, pairs: Sequence[tuple[str, str]]) -> list[OptOutRecord | Suspicion | None]:
        """Read opt-outs."""
        return await self._ask("opt_outs", lambda: [self._server.standings.read(*pair) for pair in pairs])

    async def heard(self, spoken: Spoken) -> Heard:
        """Hear a word; how long it has been known nobody here asks."""
        became, user = await self._ask("heard", lambda: self._server.standings.heard(spoken), spoken)
        return Heard(became, 0, user)

    async def restore(self, restoration: Restoration) -> Restored:
        """Take an opt-out back."""
        return await self._ask("restore", lambda: self._server.standings.restore(restoration), restoration)

    async def deliver_text(self, tenant: str, user: str, text_id: str, payload: bytes) -> None:
        """Nobody here writes from outside."""
        raise NotImplementedError

    async def keep_orphan(self, text_id: str, payload: bytes) -> None:
        """Nobody here writes from outside."""
        raise NotImplementedError

    async def orphans(self, *, after: str, limit: int) -> list[InboxItem]:
        """Nobody here writes from outside."""
        raise NotImplementedError

    async def put_media(self, media_id: str, meta: bytes, body: bytes, *, ttl_s: int) -> None:
        """Nobody here sends pictures."""
        raise NotImplementedError

    async def media_meta(self, media_ids: Sequence[str]) -> list[bytes | None]:
        """Nobody here sends pictures."""
        raise NotImplementedError

    async def media_body(self, media_id: str) -> bytes | None:
        """Nobody here sends pictures."""
        raise NotImplementedError

    async def own(self, partition: int, holder: str, lease_ms: int) -> int | None:
        """Take or renew a lease."""
        return await self._ask("own", lambda: self._server.partitions[partition].own(holder, lease_ms))

    async def release(self, partition: int, epoch: int) -> None:
        """Give a lease back."""
        await self._ask("release", lambda: self._server.partitions[partition].release(epoch))

    async def take(
        self, partition: int, epoch: int, *, count: int, pending_after: str | None, received: str = ""
    ) -> tuple[list[Taken], str | None]:
        """Read log entries."""
        at = self._server.partitions[partition]
        return await self._ask(
            "take",
            lambda: at.take(epoch, count=count, pending_after=pending_after, received=received),
            (pending_after, received),
        )

    async def prove(self) -> None:
        """The store here keeps what it is given."""
        await self._ask("prove", lambda: None)

    async def due(self, partition: int, epoch: int, lane: str, *, now_ms: int, count: int) -> list[Taken]:
        """Read what is due."""
        at = self._server.partitions[partition]
        return await self._ask("due", lambda: at.due(epoch, lane, now_ms=now_ms, count=count))

    async def begin(self, partition: int, epoch: int, begins: Sequence[Begin]) -> list[Begun]:
        """Open attempts."""
        return await self._ask("begin", lambda: self._server.partitions[partition].begin(epoch, begins), begins)

    async def finish(self, partition: int, epoch: int, finishes: Sequence[Finish]) -> list[Status]:
        """End attempts."""
        return await self._ask("finish", lambda: self._server.partitions[partition].finish(epoch, finishes), finishes)

    async def park(self, partition: int, epoch: int, parks: Sequence[Park]) -> None:
        """Put messages aside."""
        await self._ask("park", lambda: self._server.partitions[partition].park(epoch, parks), parks)

    async def acknowledge(self, partition: int, epoch: int, entries: Sequence[str]) -> None:
        """Let log entries go."""
        await self._ask("acknowledge", lambda: self._server.partitions[partition].acknowledge(epoch, entries), entries)

    async def deliver_im(self, tenant: str, user: str, message_id: str, payload: bytes) -> None:
        """Copy an instant message into an inbox."""
        await self._ask("deliver_im", lambda: self._server.deliver_im(tenant, user, message_id, payload))

    async def _ask(self, what: str, work: Callable[[], T], about: object = "") -> T:
        try:
            return await self._network.ask(
                self._process, self._server, what, work, timeout_s=self._timeout_s, about=about
            )
        except UnreachableError:
            raise QueueUnavailable("unreachable", what) from None
        except LostError:
            raise OutcomeUnknown(what) from None
