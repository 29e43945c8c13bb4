"""Valid requests and the shortest ways to bring a message somewhere; a test names only what it is about."""

from gateway.queue import Accept, Accepted, Begin, Finish, Idempotency, Park, Receipt, Status
from gateway.queue.keys import entry_of
from gateway.queue.store import QueueStore

PAYLOAD = b'{"text":"hello"}'


def a_key(name: str = "key", *, body: str = "body", answer: bytes = b'{"verdict":"allow"}') -> Idempotency:
    """Build an idempotency key; the same name is the same request, another body a mismatch."""
    return Idempotency(digest=name.encode().ljust(32, b"."), fingerprint=body.encode().ljust(32, b"\n"), answer=answer)


def a_request(*messages: bytes, **fields) -> Accept:
    """Build a request of partition 0 with one message unless others are named."""
    return Accept(**{"partition": 0, "messages": messages or (PAYLOAD,)} | fields)


def a_receipt(message_id: str, status: Status = Status.DELIVERED, **fields) -> Receipt:
    """Build a carrier's receipt."""
    return Receipt(**{"id": message_id, "status": status, "carrier": "acme", "carrier_reference": "ref-1"} | fields)


def a_park(message_id: str, **fields) -> Park:
    """Build a retry in lane "acme" due at once."""
    return Park(**{"id": message_id, "payload": PAYLOAD, "lane": "acme", "due_ms": 1, "status": Status.QUEUED} | fields)


async def accepted(store: QueueStore, *requests: Accept) -> list[str]:
    """Accept requests, one plain message unless told otherwise, and return the message ids."""
    outcomes = await store.accept(requests or (a_request(),))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes), outcomes
    return [message_id for outcome in outcomes for message_id in outcome.message_ids]


async def owned(store: QueueStore, holder: str = "worker-1", partition: int = 0) -> int:
    """Own a partition for a minute."""
    epoch = await store.own(partition, holder, 60_000)
    assert epoch is not None
    return epoch


async def taken(store: QueueStore) -> tuple[str, int]:
    """Bring one message into an owner's hands; its id and the epoch."""
    (message_id,) = await accepted(store)
    epoch = await owned(store)
    await store.take(0, epoch, count=10, pending_after=None)
    return message_id, epoch


async def begun(store: QueueStore) -> tuple[str, int]:
    """Bring one message into its first attempt; its id and the epoch."""
    message_id, epoch = await taken(store)
    (begun_now,) = await store.begin(0, epoch, [Begin(id=message_id, payload=PAYLOAD)])
    assert begun_now.attempt == 1
    return message_id, epoch


async def submitted(store: QueueStore, **fields) -> tuple[str, int]:
    """Bring one message to a carrier; its id and the epoch."""
    message_id, epoch = await begun(store)
    end = {"id": message_id, "status": Status.SUBMITTED, "attempt": 1, "carrier": "acme", "carrier_reference": "ref-1"}
    assert await store.finish(0, epoch, [Finish(**end | fields)]) == [Status.SUBMITTED]
    return message_id, epoch


async def parked(store: QueueStore, **fields) -> tuple[str, int]:
    """Bring one message into lane "acme" without an attempt, its log entry gone; its id and the epoch."""
    message_id, epoch = await taken(store)
    await store.park(0, epoch, [a_park(message_id, **fields)])
    await store.acknowledge(0, epoch, [entry_of(message_id)])
    return message_id, epoch


async def status_of(store: QueueStore, message_id: str) -> Status:
    """Read where a message stands."""
    (stored,) = await store.look([message_id])
    assert stored is not None
    return stored.status


async def check_conservation(store: QueueStore) -> None:
    """What was accepted is exactly what stands somewhere, in every partition."""
    for counts in await store.counts():
        assert counts.accepted == sum(counts.by_status.values())
        assert min(counts.by_status.values()) >= 0
