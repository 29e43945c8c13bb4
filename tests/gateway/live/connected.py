"""A client of live events, and a hand that does the worker's part, for tests of what clients are told.

Not here: the tests.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp
import orjson

from gateway.envelope import Channel, load
from gateway.live.session import _MOST_UNACKNOWLEDGED
from gateway.queue import Begin, Finish, Receipt, Status
from gateway.queue.store import QueueStore
from tests.gateway.running_edge import Edge, secret

PATIENCE_S = 20
MOST_UNACKNOWLEDGED = _MOST_UNACKNOWLEDGED


class Client:
    """One socket, acknowledging what it gets unless told not to."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, *, acknowledges: bool = True) -> None:
        self.socket = socket
        self.acknowledges = acknowledges
        #: All frames so far.
        self.frames: list[dict[str, Any]] = []

    @property
    def seq(self) -> str:
        """Where to resume."""
        return self.frames[-1]["seq"]

    async def next(self) -> dict[str, Any]:
        """Wait for a frame."""
        async with asyncio.timeout(PATIENCE_S):
            message = await self.socket.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise EOFError(f"{message.type} {self.socket.close_code}")
        frame = orjson.loads(message.data)
        self.frames.append(frame)
        if self.acknowledges:
            await self.acknowledge(frame["seq"])
        return frame

    async def until(self, fits: Any) -> list[dict[str, Any]]:
        """Wait for a frame that fits; all frames up to it."""
        found = []
        while not found or not fits(found[-1]):
            found.append(await self.next())
        return found

    async def quiet(self, seconds: float = 0.7, *, least: int = 0) -> list[dict[str, Any]]:
        """Take what comes until nothing does for so long; so many frames at least are waited for with patience."""
        found = [await self.next() for _ in range(least)]
        with contextlib.suppress(TimeoutError):
            while True:
                async with asyncio.timeout(seconds):
                    found.append(await self.next())
        return found

    async def acknowledge(self, seq: str) -> None:
        """Say that it has arrived."""
        await self.socket.send_str(orjson.dumps({"ack": seq}).decode())

    async def closed(self) -> int | None:
        """Wait until the server ends it; the code."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                message = await self.socket.receive()
                if message.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}:
                    return self.socket.close_code


@contextlib.asynccontextmanager
async def connected(
    edge: Edge, key: str | None = "ann", *, acknowledges: bool = True, session: Any = None, **options: Any
) -> AsyncIterator[Client]:
    """Open a socket; after and user go into the query, headers and protocols as they are."""
    query = {name: options.pop(name) for name in ("after", "user") if options.get(name) is not None}
    options.pop("after", None)
    headers = options.pop("headers", {}) | ({} if key is None else {"Authorization": f"Bearer {secret(key)}"})
    path = f"/v1/events?{urlencode(query)}" if query else "/v1/events"
    async with (session or edge.http).ws_connect(path, headers=headers, **options) as socket:
        client = Client(socket, acknowledges=acknowledges)
        yield client


class Hand:
    """Does what a worker does, when it is told to."""

    def __init__(self, queue: QueueStore) -> None:
        self._queue = queue
        self._epochs: dict[int, int] = {}

    async def own(self) -> Self:
        """Take all partitions."""
        for partition in range(self._queue.partitions):
            epoch = await self._queue.own(partition, "hand", 600_000)
            assert epoch is not None
            self._epochs[partition] = epoch
        return self

    async def work(self) -> list[str]:
        """Take all that waits: an IM is delivered, a text submitted, and a receipt says that it was delivered."""
        done = []
        for partition, epoch in self._epochs.items():
            while True:
                taken, _ = await self._queue.take(partition, epoch, count=50, pending_after=None)
                if not taken:
                    break
                for one in taken:
                    await self._finish(partition, epoch, one)
                    done.append(one.id)
                await self._queue.acknowledge(
                    partition, epoch, sorted({one.id.split("-", 1)[1].rpartition("-")[0] for one in taken})
                )
        return done

    async def _finish(self, partition: int, epoch: int, one: Any) -> None:
        kept = load(one.payload)
        if kept.channel is Channel.IM:
            await self._queue.deliver_im(kept.tenant, kept.recipient, one.id, one.payload)
            await self._queue.finish(
                partition, epoch, [Finish(id=one.id, status=Status.DELIVERED, payload=one.payload)]
            )
            return
        (begun,) = await self._queue.begin(partition, epoch, [Begin(id=one.id, payload=one.payload)])
        await self._submit(partition, epoch, one, attempt=begun.attempt or 0)

    async def _submit(self, partition: int, epoch: int, one: Any, *, attempt: int) -> None:
        submitted = Finish(
            id=one.id,
            status=Status.SUBMITTED,
            attempt=attempt,
            carrier="emulator",
            carrier_reference=f"ref-{one.id}",
        )
        await self._queue.finish(partition, epoch, [submitted])
        receipt = Receipt(id=one.id, status=Status.DELIVERED, carrier="emulator", carrier_reference=f"ref-{one.id}")
        await self._queue.receipts([receipt])
