"""Sends receipts: when they fall due, in arrays while there is a backlog, signed, and again until the gateway says 200.

Receipts wait in a wheel of 10 ms slots, so that a message costs one list append and no task. A fixed number of senders
empties what has fallen due, one delivery to one URL at a time. A delivery keeps its webhook-id over all its tries,
because that is what the receiver knows a repetition by. Not here: which receipts a message gets (behaviours.py).
"""

import asyncio
import heapq
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import uuid4

import aiohttp
import orjson

from loadtests.carrier.ledger import Ledger
from loadtests.carrier.messages import Messages
from loadtests.carrier.settings import Settings
from loadtests.carrier.signing import signed_headers

_SLOT_S = 0.01
_ANSWER_TIMEOUT_S = 10.0
_BACKOFF_MAX_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One receipt for one message."""

    url: str
    #: The carrier's id of the message.
    id: str
    reference: str
    status: str
    code: str
    occurred_at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One or more receipts in one POST."""

    webhook_id: str
    receipts: Sequence[Receipt]
    body: bytes
    attempt: int = 1


class ReceiptSender:
    """Schedules and sends receipts. run() does the work until it is cancelled."""

    def __init__(self, settings: Settings, ledger: Ledger, messages: Messages) -> None:
        self._settings = settings
        self._key = settings.signing_key()
        self._ledger = ledger
        self._messages = messages
        self._jitter = random.Random(settings.seed)
        self._slots: dict[int, list[Receipt | Delivery]] = {}
        self._order: list[int] = []
        self._earlier = asyncio.Event()
        self._ready: dict[str, deque[Receipt]] = {}
        self._turns: asyncio.Queue[str | Delivery] = asyncio.Queue()
        self._webhook_prefix = f"receipt_{uuid4().hex[:12]}_"
        self._deliveries = 0
        self._session: aiohttp.ClientSession | None = None
        #: Receipts scheduled and neither answered with 200 nor given up.
        self.waiting = 0

    def schedule(self, receipt: Receipt, after_s: float) -> None:
        """Send a receipt some seconds from now; beyond the limit of waiting receipts it is given up at once."""
        if self.waiting >= self._settings.receipts_waiting_max:
            self._give_up((receipt,), "backlog")
            return
        self.waiting += 1
        self._put(receipt, after_s)

    async def send_now(self, receipts: Sequence[Receipt]) -> None:
        """Send receipts and wait for the first answer; a delivery that fails is tried again later like any other."""
        self.waiting += len(receipts)
        for receipt in receipts:
            self._messages.advance(receipt.id, receipt.status)
            await self._deliver(self._delivery((receipt,)))

    async def run(self) -> None:
        """Send what falls due, until cancelled."""
        connector = aiohttp.TCPConnector(limit=self._settings.receipt_senders)
        timeout = aiohttp.ClientTimeout(total=_ANSWER_TIMEOUT_S)
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as self._session,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(self._release())
            for _ in range(self._settings.receipt_senders):
                group.create_task(self._send())

    def _put(self, item: Receipt | Delivery, after_s: float) -> None:
        slot = int((asyncio.get_running_loop().time() + after_s) / _SLOT_S) + 1
        if slot in self._slots:
            self._slots[slot].append(item)
            return
        self._slots[slot] = [item]
        heapq.heappush(self._order, slot)
        if self._order[0] == slot:
            self._earlier.set()

    async def _release(self) -> None:
        """Move what falls due to the senders."""
        loop = asyncio.get_running_loop()
        while True:
            while self._order and self._order[0] * _SLOT_S <= loop.time():
                for item in self._slots.pop(heapq.heappop(self._order)):
                    self._fall_due(item)
            wait_s = self._order[0] * _SLOT_S - loop.time() if self._order else None
            try:
                async with asyncio.timeout(wait_s):
                    await self._earlier.wait()
            except TimeoutError:
                continue
            self._earlier.clear()

    def _fall_due(self, item: Receipt | Delivery) -> None:
        if isinstance(item, Delivery):
            self._turns.put_nowait(item)
            return
        self._messages.advance(item.id, item.status)
        queue = self._ready.get(item.url)
        if queue is None:  # No turn is waiting for this URL yet.
            queue = self._ready[item.url] = deque()
            self._turns.put_nowait(item.url)
        queue.append(item)

    async def _send(self) -> None:
        while True:
            turn = await self._turns.get()
            await self._deliver(turn if isinstance(turn, Delivery) else self._delivery(self._next_batch(turn)))

    def _next_batch(self, url: str) -> list[Receipt]:
        queue = self._ready[url]
        batch = [queue.popleft() for _ in range(min(len(queue), self._settings.receipt_batch_max))]
        if queue:
            self._turns.put_nowait(url)
        else:
            del self._ready[url]
        return batch

    def _delivery(self, receipts: Sequence[Receipt]) -> Delivery:
        self._deliveries += 1
        objects = [_wire_object(receipt) for receipt in receipts]
        return Delivery(
            webhook_id=f"{self._webhook_prefix}{self._deliveries}",
            receipts=receipts,
            body=orjson.dumps(objects[0] if len(objects) == 1 else objects),
        )

    async def _deliver(self, delivery: Delivery) -> None:
        """Make one try, write it down, and plan the next if it failed."""
        status, error = await self._post(delivery)
        answer = "no answer" if status is None else str(status)
        self._record(
            delivery.receipts,
            lambda receipt: {
                "event": "receipt",
                "at_ns": time.time_ns(),
                "reference": receipt.reference,
                "id": receipt.id,
                "status": receipt.status,
                "code": receipt.code,
                "webhook_id": delivery.webhook_id,
                "attempt": delivery.attempt,
                "status_code": status,
                "error": error,
            },
        )
        for receipt in delivery.receipts:
            self._messages.receipt_answered(receipt.id, receipt.status, answer)
        if status == 200:  # noqa: PLR2004  the one answer that means durable, wire
            self.waiting -= len(delivery.receipts)
            self._messages.totals["receipts_acknowledged"] += len(delivery.receipts)
        elif delivery.attempt >= self._settings.receipt_attempts_max:
            self.waiting -= len(delivery.receipts)
            self._give_up(delivery.receipts, "attempts")
        else:
            self._put(replace(delivery, attempt=delivery.attempt + 1), self._backoff_s(delivery.attempt))

    async def _post(self, delivery: Delivery) -> tuple[int | None, str | None]:
        """Return the status code of the answer, or what went wrong."""
        if self._session is None:
            return None, "not_running"
        headers = signed_headers(
            self._key, webhook_id=delivery.webhook_id, timestamp_s=int(time.time()), body=delivery.body
        )
        url = delivery.receipts[0].url
        try:
            async with self._session.post(url, data=delivery.body, headers=headers, allow_redirects=False) as answer:
                return answer.status, None
        except (aiohttp.ClientError, OSError) as error:  # A time-out is an OSError.
            return None, type(error).__name__

    def _backoff_s(self, attempt: int) -> float:
        usual: float = self._settings.receipt_backoff_ms / 1000 * 2 ** (attempt - 1)
        return min(usual, _BACKOFF_MAX_S) * self._jitter.uniform(0.8, 1.2)

    def _give_up(self, receipts: Sequence[Receipt], reason: str) -> None:
        self._messages.totals["receipts_given_up"] += len(receipts)
        self._record(
            receipts,
            lambda receipt: {
                "event": "receipt_given_up",
                "at_ns": time.time_ns(),
                "reference": receipt.reference,
                "id": receipt.id,
                "status": receipt.status,
                "reason": reason,
            },
        )

    def _record(self, receipts: Sequence[Receipt], event: Callable[[Receipt], dict[str, object]]) -> None:
        self._ledger.append([event(receipt) for receipt in receipts])


def _wire_object(receipt: Receipt) -> dict[str, str]:
    occurred_at = datetime.fromtimestamp(receipt.occurred_at_ns / 1e9, UTC).isoformat(timespec="milliseconds")
    return {
        "id": receipt.id,
        "reference": receipt.reference,
        "status": receipt.status,
        "code": receipt.code,
        "occurred_at": occurred_at,
    }
