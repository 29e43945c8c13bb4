"""Reads one partition and hands every message on: to its carrier's dispatcher, a colleague's inbox, or the store again.

Messages come from the log and, when their time has come, from the lanes of the store where they were parked. When the
hand is full nothing more is read from the log. A carrier that stands still must not keep all others waiting: what waits
for it is spilled into the store then, whatever comes after goes the same way, and all of it comes back in order.

Not here: the lease (partition_owner.py), what becomes of a message at the carrier (dispatcher.py).
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, TypeAlias

import structlog

from gateway.envelope import Channel, Envelope, load
from gateway.queue import Fenced, Finish, Park, QueueError, Status, Taken
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
Order: TypeAlias = tuple[int, int, int]


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
        #: The last entry that came. What the store gave out after it got lost on the way, and comes again.
        self._received = "0"
        #: A guess at how many messages the next entry holds: the largest of late; at first, that one fills the hand.
        self._per_entry = options.in_hand_max
        #: Read on only when a part of the hand is free: a few large reads instead of many small ones.
        self._room_min = -(-options.in_hand_max // _READ_PARTS)
        self._due_at_s = 0.0
        #: Whether the lanes were looked into: an earlier owner may have put messages there that are older than any new,
        #: and older or newer than what is pending. Until then all that is read gathers, to be handed on in order.
        self._looked = False
        self._gathered: list[Taken] = []
        #: Lanes of which a part is in the store, so that what is new must go behind it.
        self._spilling: set[str] = set()
        self._spill_at_s = 0.0
        #: Of each conversation the last message that went there, and when it is due.
        self._spilled: dict[Conversation, tuple[Order, int]] = {}

    async def read(self, stopping: asyncio.Event) -> None:
        """Read until told to stop. Raises Fenced when the partition is somebody else's."""
        idle_ms = self._options.idle_min_ms
        while not stopping.is_set():
            full = self._tenure.hand.room < self._room_min
            moved = False
            # What is pending and what waits in the lanes, when we come, is older than what is new.
            if self._cursor is None and self._clock_s() >= self._due_at_s:
                moved = await self._from_lanes()
                self._due_at_s = self._clock_s() + self._options.due_every_ms / 1000
            if not full and (self._cursor is not None or self._looked):
                moved |= await self._from_log()
            elif full:
                await self._hand_on_gathered()
                if self._clock_s() >= self._spill_at_s:
                    await self._spill()
            if full or (not moved and self._cursor is None):
                await asyncio.sleep(idle_ms / 1000)
            idle_ms = self._options.idle_min_ms if moved or full else min(idle_ms * 2, self._options.idle_max_ms)
        for one in self._gathered:
            self._tenure.hand.forget(one.id)  # Told to stop before anybody got it: it is in the store still.

    async def _from_log(self) -> bool:
        """Read some log entries; say whether there were any messages."""
        count = max(1, min(_ENTRIES_MAX, self._tenure.hand.room // self._per_entry))
        try:
            taken, self._cursor = await self._tenure.take(
                count=count, pending_after=self._cursor, received=self._received
            )
        except Fenced:
            raise
        except QueueError:
            await asyncio.sleep(_AGAIN_S)
            return False
        fresh = [(one, entry_of(one.id)) for one in taken if one.id not in self._tenure.hand]
        if taken:
            self._received = entry_of(taken[-1].id)
        if fresh:
            self._per_entry = max(len(fresh) // len({entry for _, entry in fresh}), self._per_entry * 3 // 4, 1)
        for one, entry in fresh:
            self._tenure.hand.take(one.id, entry=entry)
        await self._gather([one for one, _ in fresh])
        return bool(fresh)

    async def _from_lanes(self) -> bool:
        """Read what is due; say whether there was anything."""
        moved = False
        try:
            for lane in tuple(self._lanes):
                moved |= await self._from_lane(lane)
            self._looked = True
            await self._hand_on_gathered()
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
            if not self._looked:
                self._spilling.add(lane)  # Nobody knows, so what is new goes behind what may be there.
            return False
        # What is in hand already is due still, and comes first.
        asked = room + hand.of_lane(lane)
        before = hand.ids()  # What leaves the hand meanwhile is told as it was when the store looked.
        taken = await self._tenure.due(lane, now_ms=self._now_ms(), count=asked)
        if len(taken) < asked:
            self._spilling.discard(lane)
        elif not self._looked:
            self._spilling.add(lane)
        if not self._spilling:
            self._spilled.clear()
        fresh = [one for one in taken if one.id not in before][:room]
        for one in fresh:
            hand.take(one.id, lane=lane)
        await self._gather(fresh)
        return bool(fresh)

    async def _unreported(self) -> bool:
        """End what was submitted and never reported on."""
        taken = await self._tenure.due(RECEIPT_LANE, now_ms=self._now_ms(), count=_WRITE_MAX)
        if taken:
            await self._tenure.finish_now(
                [Finish(id=one.id, status=Status.UNKNOWN, code=RECEIPT_TIMEOUT) for one in taken]
            )
        return bool(taken)

    async def _gather(self, taken: Sequence[Taken]) -> None:
        """Hand messages on, but at the beginning not before all that there is has been looked at."""
        if self._looked:
            await self._hand_on(taken)
        else:
            self._gathered += taken

    async def _hand_on_gathered(self) -> None:
        """Hand on what has gathered, in the order in which it was accepted."""
        taken, self._gathered = sorted(self._gathered, key=lambda one: _order_of(one.id)), []
        await self._hand_on(taken)

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
        """Park messages so that they are due at once, in the order in which they were accepted.

        One that was under way when others of its conversation were put there goes before them.
        """
        now_ms = self._now_ms()
        parks = []
        for job in jobs:
            order = _order_of(job.id)
            last, last_ms = self._spilled.get(job.conversation, ((0, 0, 0), 0))
            due_ms = min(order[0], now_ms)
            if order > last:
                # The store orders by time, and within a millisecond by nothing that we could use.
                due_ms = max(due_ms, last_ms + 1)
                self._spilled[job.conversation] = order, due_ms
            parks.append(Park(id=job.id, payload=job.payload, lane=job.lane, due_ms=due_ms, status=Status.QUEUED))
        for start in range(0, len(parks), _WRITE_MAX):
            await self._tenure.park_now(parks[start : start + _WRITE_MAX])


def _order_of(message_id: str) -> Order:
    """Read off a message id when it was accepted, in milliseconds, and its place among those of that millisecond."""
    _, ms, seq, place = message_id.split("-")
    return int(ms), int(seq), int(place)


def _read(payload: bytes) -> Envelope | None:
    try:
        return load(payload)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None  # None of ours, or broken.
