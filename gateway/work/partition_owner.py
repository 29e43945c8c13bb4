"""Owns one partition whenever it can: takes the lease, renews it, gives it back; when it is lost, drops everything.

Not here: what is read from the partition and whom it goes to (reader.py), what may be done while the lease holds
(tenure.py).
"""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Mapping
from typing import Final

import structlog

from gateway.clock import boottime_s
from gateway.queue import Fenced, QueueError
from gateway.work.dispatcher import Dispatcher
from gateway.work.reader import Reader
from gateway.work.routing import IM_LANE
from gateway.work.tenure import Tenure, WorkerQueue
from gateway.work.worker_options import WorkerOptions
from metrics.worker import WorkerMetrics

#: A lease is renewed so often in its time.
_RENEWALS: Final = 3
#: Pause before a renewal that failed is tried again, in seconds.
_RENEW_AGAIN_S: Final = 0.2
#: While it drains, an owner looks so often whether all is done.
_DRAIN_LOOK_S: Final = 0.005

log = structlog.get_logger(__name__)


class PartitionOwner:
    """One partition, owned whenever nobody else owns it. run() does it until told to stop."""

    def __init__(
        self,
        partition: int,
        *,
        queue: WorkerQueue,
        dispatchers: Mapping[str, Dispatcher],
        options: WorkerOptions,
        metrics: WorkerMetrics,
        now_ms: Callable[[], int],
    ) -> None:
        self.partition = partition
        #: While the partition is ours.
        self.tenure: Tenure | None = None
        #: Lanes of the store that are asked for what is due; whoever hears of another one adds it.
        self.lanes = dict.fromkeys((IM_LANE, *(lane for one in dispatchers.values() for lane in one.lanes)))
        self._queue = queue
        self._dispatchers = dispatchers
        self._options = options
        self._metrics = metrics
        self._now_ms = now_ms

    async def run(self, stopping: asyncio.Event) -> None:
        """Own the partition whenever it can be had; when told to stop, finish what is under way and let go."""
        holder = uuid.uuid4().hex
        while not stopping.is_set():
            tenure = await self._own(holder)
            if tenure is None:
                await asyncio.sleep(self._options.own_every_ms / 1000)
                continue
            self.tenure = tenure
            try:
                await self._serve(tenure, holder, stopping)
            finally:
                self._leave(tenure)
            # Whoever comes back after a loss is somebody else, and begins with what is pending.
            holder = uuid.uuid4().hex

    async def _own(self, holder: str) -> Tenure | None:
        began_s = boottime_s()
        try:
            epoch = await self._queue.own(self.partition, holder, self._options.lease_ms)
        except QueueError:
            return None
        if epoch is None:
            return None
        log.info("partition_owned", partition=self.partition, epoch=epoch)
        return Tenure(
            self._queue,
            partition=self.partition,
            epoch=epoch,
            until_s=began_s + self._options.lease_ms / 1000,
            in_hand_max=self._options.in_hand_max,
            ended=self._metrics.ended,
        )

    async def _serve(self, tenure: Tenure, holder: str, stopping: asyncio.Event) -> None:
        """Work until told to stop, until the partition is lost, or until something breaks."""
        reader = Reader(
            tenure, dispatchers=self._dispatchers, options=self._options, now_ms=self._now_ms, lanes=self.lanes
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                keepers = [
                    tasks.create_task(self._renew(tenure, holder)),
                    tasks.create_task(tenure.write()),
                    tasks.create_task(_until_lost(tenure)),
                ]
                await reader.read(stopping)
                await self._drain(tenure)
                for keeper in keepers:
                    keeper.cancel()
        except* Fenced:
            tenure.lost.set()
            log.warning("partition_lost", partition=self.partition, epoch=tenure.epoch, in_hand=len(tenure.hand))
        except* Exception as broken:  # What broke here must not end the other partitions.
            log.error("partition_crashed", partition=self.partition, exc_info=broken.exceptions[0])  # noqa: TRY400
            await asyncio.sleep(self._options.own_every_ms / 1000)
        if not tenure.lost.is_set():
            await self._release(tenure)

    async def _renew(self, tenure: Tenure, holder: str) -> None:
        """Keep the lease, until cancelled; raises Fenced when it is lost."""
        lease_s = self._options.lease_ms / 1000
        pause_s = lease_s / _RENEWALS
        while True:
            await asyncio.sleep(pause_s)
            began_s = boottime_s()
            try:
                epoch = await self._queue.own(self.partition, holder, self._options.lease_ms)
            except QueueError:
                epoch, pause_s = tenure.epoch, min(_RENEW_AGAIN_S, lease_s / _RENEWALS)
            else:
                pause_s = lease_s / _RENEWALS
            # A lease that ran out stays lost, even if nobody else was quicker: some of it was dropped already.
            if epoch != tenure.epoch or not tenure.held:
                raise Fenced
            if pause_s == lease_s / _RENEWALS:
                tenure.renewed(began_s + lease_s)

    async def _drain(self, tenure: Tenure) -> None:
        """Let go of what only waits, and wait for what is under way, within limits."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._options.drain_ms / 1000):
                while self._let_go(tenure) or tenure.hand:  # noqa: ASYNC110 - an end is written, not signalled
                    await asyncio.sleep(_DRAIN_LOOK_S)
        await tenure.acknowledge()

    def _let_go(self, tenure: Tenure) -> bool:
        """Leave what waits in memory to the next owner; say whether there was any."""
        waiting = [
            job
            for dispatcher in self._dispatchers.values()
            for lane in dispatcher.lanes
            for job in dispatcher.lanes.withdraw(lane, tenure)
        ]
        for job in waiting:
            tenure.hand.forget(job.id)
        return bool(waiting)

    def _leave(self, tenure: Tenure) -> None:
        """Touch nothing of it any more."""
        self._let_go(tenure)
        tenure.lost.set()
        self.tenure = None

    async def _release(self, tenure: Tenure) -> None:
        """Give the lease back, so that nobody waits it out. If that fails, they do."""
        with contextlib.suppress(QueueError):
            await self._queue.release(self.partition, tenure.epoch)
        log.info("partition_released", partition=self.partition, epoch=tenure.epoch)


async def _until_lost(tenure: Tenure) -> None:
    """Turn what anybody learnt into what ends the tenure."""
    await tenure.lost.wait()
    raise Fenced
