"""Reads one partition and hands every message on: to its carrier's dispatcher, a colleague's inbox, or the store again.

Messages come from the log and, when their time has come, from the lanes of the store where they were parked. When the
hand is full nothing more is read from the log. A carrier that stands still must not keep all others waiting: what waits
for it is spilled into the store then, whatever comes after goes the same way, and all of it comes back in order.

Not here: the lease (partition_owner.py), what becomes of a message at the carrier (dispatcher.py).
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, TypeAlias

import structlog

from gateway.envelope import Channel, Envelope, load
from gateway.queue import Fenced, Finish, OutcomeUnknown, Park, QueueError, Status, Taken
from gateway.queue.keys import RECEIPT_LANE, entry_of
from gateway.queue.retry import VALIDITY_EXPIRED
from gateway.work.dispatcher import Dispatcher
from gateway.work.doubts import Doubt
from gateway.work.routing import IM_LANE, carrier_for, lane_of
from gateway.work.tenure import Conversation, Job, Tenure
from gateway.work.worker_options import WorkerOptions

#: Code of a message that no part of ours can read or route.
INTERNAL_ERROR: Final = "internal_error"
#: Code of a message that was submitted and never reported on.
RECEIPT_TIMEOUT: Final = "receipt_timeout"
#: Most log entries in one read, and most messages in one write.
_ENTRIES_MAX: Final = 16
_WRITE_MAX: Final = 400
#: A hand is filled again when one part of so many is free.
_READ_PARTS: Final = 4
#: A full hand looks so often for lanes that stand, in seconds.
_SPILL_EVERY_S: Final = 0.25
#: Pause after the store failed, in seconds.
_AGAIN_S: Final = 0.25

log = structlog.get_logger(__name__)

Im: TypeAlias = tuple[Taken, Envelope]


class Reader:
    """Reads for one tenure."""

    def __init__(
        self,
        tenure: Tenure,
        *,
        dispatchers: Mapping[str, Dispatcher],
        options: WorkerOptions,
        now_ms: Callable[[], int],
        lanes: Collection[str],
    ) -> None:
        self._tenure = tenure
        self._dispatcher_of = {lane: one for one in dispatchers.values() for lane in one.lanes}
        self._options = options
        self._now_ms = now_ms
        self._lanes = lanes
        self._clock_s = asyncio.get_running_loop().time
        #: Where the next read begins: in what an earlier owner left pending, or None for new entries.
        self._cursor: str | None = "0"
        #: A guess at how many messages the next entry holds: the largest of late; at first, that one fills the hand.
        self._per_entry = options.in_hand_max
        #: Read on only when a part of the hand is free: a few large reads instead of many small ones.
        self._room_min = -(-options.in_hand_max // _READ_PARTS)
        self._due_at_s = 0.0
        #: Lanes of which a part is in the store, so that what is new must go behind it.
        self._spilling: set[str] = set()
        self._spill_at_s = 0.0
        self._spilled_ms = 0

    async def read(self, stopping: asyncio.Event) -> None:
        """Read until told to stop. Raises Fenced when the partition is somebody else's."""
        idle_ms = self._options.idle_min_ms
        while not stopping.is_set():
            full = self._tenure.hand.room < self._room_min
            moved = False
            if not full:
                moved = await self._from_log()
            elif self._clock_s() >= self._spill_at_s:
                await self._spill()
            # Not before all that is pending was read: it is older.
            if self._cursor is None and self._clock_s() >= self._due_at_s:
                moved |= await self._from_lanes()
                self._due_at_s = self._clock_s() + self._options.due_every_ms / 1000
            if full or (not moved and self._cursor is None):
                await asyncio.sleep(idle_ms / 1000)
            idle_ms = self._options.idle_min_ms if moved or full else min(idle_ms * 2, self._options.idle_max_ms)

    async def _from_log(self) -> bool:
        """Read some log entries; say whether there were any messages."""
        count = max(1, min(_ENTRIES_MAX, self._tenure.hand.room // self._per_entry))
        try:
            taken, self._cursor = await self._tenure.take(count=count, pending_after=self._cursor)
        except Fenced:
            raise
        except QueueError as error:
            if isinstance(error, OutcomeUnknown):
                self._cursor = "0"  # What was read and not received is pending now.
            await asyncio.sleep(_AGAIN_S)
            return False
        fresh = [(one, entry_of(one.id)) for one in taken if one.id not in self._tenure.hand]
        if fresh:
            self._per_entry = max(len(fresh) // len({entry for _, entry in fresh}), self._per_entry * 3 // 4, 1)
        for one, entry in fresh:
            self._tenure.hand.take(one.id, entry=entry)
        await self._hand_on([one for one, _ in fresh])
        return bool(fresh)

    async def _from_lanes(self) -> bool:
        """Read what is due; say whether there was anything."""
        moved = False
        try:
            for lane in tuple(self._lanes):
                moved |= await self._from_lane(lane)
            moved |= await self._unreported()
        except Fenced:
            raise
        except QueueError:
            await asyncio.sleep(_AGAIN_S)
        return moved

    async def _from_lane(self, lane: str) -> bool:
        hand = self._tenure.hand
        room = min(hand.room, self._options.due_in_hand_max - hand.of_lane(lane))
        if room <= 0:
            return False
        # What is in hand already is due still, and comes first.
        asked = room + hand.of_lane(lane)
        taken = await self._tenure.due(lane, now_ms=self._now_ms(), count=asked)
        if len(taken) < asked:
            self._spilling.discard(lane)
        fresh = [one for one in taken if one.id not in hand][:room]
        for one in fresh:
            hand.take(one.id, lane=lane)
        await self._hand_on(fresh)
        return bool(fresh)

    async def _unreported(self) -> bool:
        """End what was submitted and never reported on."""
        taken = await self._tenure.due(RECEIPT_LANE, now_ms=self._now_ms(), count=_WRITE_MAX)
        if taken:
            await self._tenure.finish_now(
                [Finish(id=one.id, status=Status.UNKNOWN, code=RECEIPT_TIMEOUT) for one in taken]
            )
        return bool(taken)

    async def _hand_on(self, taken: Sequence[Taken]) -> None:
        """See each message to whoever is next to act."""
        now_ms = self._now_ms()
        ims: list[Im] = []
        spilled: list[Job] = []
        for one in taken:
            envelope = _read(one.payload)
            lane = None if envelope is None else self._lane_of(envelope)
            if envelope is None or lane is None:
                log.error("message_unusable", message=one.id, readable=envelope is not None)
                open_attempt = one.status is Status.SUBMITTING
                self._end(one, Status.UNKNOWN if open_attempt else Status.FAILED, INTERNAL_ERROR)
            elif one.status is Status.SUBMITTING:
                job = self._job(one, envelope, lane)
                self._dispatcher_of[lane].doubts.put(Doubt(job=job, code="taken_over"))
            elif envelope.expires_ms <= now_ms:
                self._end(one, Status.EXPIRED, VALIDITY_EXPIRED)
            elif envelope.not_before_ms > now_ms:
                self._schedule(one, lane, envelope.not_before_ms)
            elif lane == IM_LANE:
                ims.append((one, envelope))
            elif lane in self._spilling and self._tenure.hand.from_log(one.id):
                spilled.append(self._job(one, envelope, lane))
            else:
                self._dispatcher_of[lane].lanes.put(self._job(one, envelope, lane))
        await self._deliver(ims)
        await self._put_into_store(spilled)

    def _lane_of(self, envelope: Envelope) -> str | None:
        """Name the lane a message goes through; None if no route serves it."""
        if envelope.channel is Channel.IM:
            return IM_LANE
        carrier = carrier_for(envelope, self._options.routes)
        return None if carrier is None or envelope.sender is None else lane_of(carrier, envelope.traffic_class)

    def _job(self, one: Taken, envelope: Envelope, lane: str) -> Job:
        return Job(
            id=one.id,
            payload=one.payload,
            envelope=envelope,
            lane=lane,
            attempts=one.attempts,
            tenure=self._tenure,
            conversation=(self._tenure.partition, self._tenure.epoch, *envelope.conversation),
            since_s=self._clock_s(),
        )

    def _end(self, one: Taken, status: Status, code: str) -> None:
        attempt = one.attempts if one.status is Status.SUBMITTING else 0
        self._tenure.finish(Finish(id=one.id, payload=one.payload, status=status, attempt=attempt, code=code))

    def _schedule(self, one: Taken, lane: str, due_ms: int) -> None:
        self._tenure.park(Park(id=one.id, payload=one.payload, lane=lane, due_ms=due_ms, status=Status.SCHEDULED))

    async def _deliver(self, ims: Sequence[Im]) -> None:
        """Copy instant messages into their inboxes: each inbox in order, different ones at the same time."""
        by_inbox: dict[tuple[str, str], list[Im]] = {}
        for one, envelope in ims:
            by_inbox.setdefault((envelope.tenant, envelope.recipient), []).append((one, envelope))
        await asyncio.gather(*(self._deliver_to(tenant, user, theirs) for (tenant, user), theirs in by_inbox.items()))

    async def _deliver_to(self, tenant: str, user: str, ims: Sequence[Im]) -> None:
        for one, _ in ims:
            await self._tenure.deliver_im(tenant, user, one.id, one.payload)
            self._tenure.finish(Finish(id=one.id, payload=one.payload, status=Status.DELIVERED))

    async def _spill(self) -> None:
        """Put what waits for a carrier that stands still back into the store."""
        patience_s = self._options.patience_ms / 1000
        for lane, dispatcher in self._dispatcher_of.items():
            if not dispatcher.lanes.stands(lane, patience_s):
                continue
            fresh = []
            for job in dispatcher.lanes.withdraw(lane, self._tenure):
                if self._tenure.hand.from_log(job.id):
                    fresh.append(job)
                else:
                    self._tenure.hand.forget(job.id)  # It is in the store still, in its old place.
            if fresh:
                self._spilling.add(lane)
                await self._put_into_store(fresh)
        self._spill_at_s = self._clock_s() + _SPILL_EVERY_S

    async def _put_into_store(self, jobs: Sequence[Job]) -> None:
        """Park messages so that they are due at once, and those of one conversation in their order."""
        start_ms = max(self._now_ms(), self._spilled_ms + 1)
        parks = []
        of_conversation: Counter[Conversation] = Counter()
        for job in jobs:
            # The store orders by time, and within a millisecond by nothing that we could use.
            due_ms = start_ms + of_conversation[job.conversation]
            of_conversation[job.conversation] += 1
            self._spilled_ms = max(self._spilled_ms, due_ms)
            parks.append(Park(id=job.id, payload=job.payload, lane=job.lane, due_ms=due_ms, status=Status.QUEUED))
        for start in range(0, len(parks), _WRITE_MAX):
            await self._tenure.park_now(parks[start : start + _WRITE_MAX])


def _read(payload: bytes) -> Envelope | None:
    try:
        return load(payload)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None  # None of ours, or broken.
