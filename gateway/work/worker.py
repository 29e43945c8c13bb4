"""The worker: takes accepted messages from the queue and brings each to its one end.

take -> judge again -> begin (on disk) -> submit -> finish (on disk). It owns partitions, as many as it can get; each
has a PartitionOwner that reads, each carrier a Dispatcher that sends. Killed at any moment it loses nothing: what it
had in hand is pending in the store, and what it had begun is a doubt that the next owner resolves.

Not here: the parts (partition_owner.py, reader.py, dispatcher.py, doubts.py), and what they are put together from
(worker_app.py).
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence

import structlog

from gateway.connectors import Connector
from gateway.queue import TERMINAL, QueueError
from gateway.queue.keys import RECEIPT_LANE
from gateway.work.dispatcher import Dispatcher
from gateway.work.partition_owner import PartitionOwner
from gateway.work.recheck import Recheck
from gateway.work.tenure import WorkerQueue
from gateway.work.worker_options import WorkerOptions
from metrics.worker import WorkerMetrics

log = structlog.get_logger(__name__)


def wall_clock_ms() -> int:
    """Milliseconds since the epoch: what the times in messages are compared with."""
    return time.time_ns() // 1_000_000


class Worker:
    """One worker process's work. run() does it until told to stop."""

    def __init__(
        self,
        *,
        queue: WorkerQueue,
        connectors: Sequence[Connector],
        recheck: Recheck,
        options: WorkerOptions,
        metrics: WorkerMetrics,
        now_ms: Callable[[], int] = wall_clock_ms,
        rng: random.Random | None = None,
    ) -> None:
        """Put a worker together; ValueError for a route to a carrier that has no connector."""
        names = {connector.name for connector in connectors}
        for route in options.routes:
            if route.carrier not in names:
                raise ValueError(f"routes: there is no carrier {route.carrier}")
        chance = rng or random.Random()  # noqa: S311 - spreads retries, guards nothing
        self._queue = queue
        self._options = options
        self._metrics = metrics
        self._dispatchers = {
            connector.name: Dispatcher(
                connector,
                queue=queue,
                recheck=recheck,
                options=options,
                metrics=metrics,
                now_ms=now_ms,
                rng=chance,
            )
            for connector in connectors
        }
        self._owners = [
            PartitionOwner(
                partition,
                queue=queue,
                dispatchers=self._dispatchers,
                options=options,
                metrics=metrics,
                now_ms=now_ms,
            )
            for partition in range(queue.partitions)
        ]

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until told to stop; then read no more, finish what is under way, and give the partitions back."""
        async with asyncio.TaskGroup() as parts:
            running = [parts.create_task(dispatcher.run()) for dispatcher in self._dispatchers.values()]
            running.append(parts.create_task(self._measure()))
            await asyncio.gather(*(parts.create_task(owner.run(stopping)) for owner in self._owners))
            for part in running:
                part.cancel()

    async def _measure(self) -> None:
        """Show how much waits, and whether the store's counters agree, until cancelled."""
        while True:
            self._metrics.owned(sum(owner.tenure is not None for owner in self._owners))
            for dispatcher in self._dispatchers.values():
                for lane in dispatcher.lanes:
                    self._metrics.lane_depth(lane, *dispatcher.lanes.depth(lane))
            try:
                await self._count()
            except QueueError as error:
                log.warning("counts_unavailable", error=type(error).__name__)
            await asyncio.sleep(self._options.measure_every_ms / 1000)

    async def _count(self) -> None:
        accepted = terminal = in_all = 0
        for counts in await self._queue.counts():
            accepted += counts.accepted
            in_all += sum(counts.by_status.values())
            terminal += sum(counts.by_status.get(status, 0) for status in TERMINAL)
            # A lane of a carrier that is not connected any more holds messages all the same.
            lanes = dict.fromkeys(lane for lane in counts.parked if lane != RECEIPT_LANE)
            self._owners[counts.partition].lanes.update(lanes)
        self._metrics.conservation(
            accepted=accepted, terminal=terminal, open=in_all - terminal, difference=accepted - in_all
        )
