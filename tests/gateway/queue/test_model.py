"""Random lives of many messages: the store and a plain model agree after every step, and nothing ever disappears."""

import random
from collections import Counter, defaultdict

import pytest

from gateway.queue import TERMINAL, Accepted, Begin, Finish, Mismatch, Park, Replayed, Status
from gateway.queue.keys import entry_of
from gateway.queue.messages import RECEIPT_STATUSES
from gateway.queue.store import QueueStore
from tests.gateway.queue.builders import a_key, a_receipt, a_request, owned
from tests.gateway.queue.model import Message, Model

FAR = 1 << 50
LANES = ("acme", "bulk")
CODES = ("", "doubt_timeout", "carrier_rejected")


class Life:
    """One random run: draws an operation, does it in store and model, compares."""

    def __init__(self, store: QueueStore, seed: int) -> None:
        self.store = store
        self.model = Model()
        self.draw = random.Random(seed)
        self.owners = 0
        self.epoch = 0

    async def change_owner(self) -> None:
        """The owner vanishes or gives back; the next one re-reads what is pending, and sees every doubt."""
        if self.epoch and self.draw.random() < 0.5:
            await self.store.release(0, self.epoch)
        elif self.epoch:
            await self.store.own(0, f"worker-{self.owners}", 0)
        self.owners += 1
        self.epoch = await owned(self.store, f"worker-{self.owners}")
        cursor = "0"
        while cursor is not None:
            page, cursor = await self.store.take(0, self.epoch, count=3, pending_after=cursor)
            for one in page:
                message = self.model.messages[one.id]
                assert message.taken
                assert (one.status, one.attempts, one.payload) == (message.status, message.attempts, message.payload)

    async def accept(self) -> None:
        """Several requests in a flush, some with keys used before."""
        requests = []
        for _ in range(self.draw.randrange(1, 4)):
            key = self.draw.choice((None, f"key-{self.draw.randrange(12)}"))
            body = self.draw.choice(("body", "body", "body", "other"))
            messages = [b"m%d" % self.draw.randrange(1000) for _ in range(self.draw.randrange(3))]
            refusals = (b"refusal",) * self.draw.randrange(2)
            requests.append((key, body, messages, refusals))
        outcomes = await self.store.accept(
            [
                a_request(messages=tuple(m), refusals=r, idempotency=a_key(key, body=body) if key else None)
                for key, body, m, r in requests
            ]
        )
        for (key, body, messages, refusals), outcome in zip(requests, outcomes, strict=True):
            if key in self.model.keys:
                known_body, ids = self.model.keys[key]
                assert isinstance(outcome, Replayed if known_body == body else Mismatch)
                assert isinstance(outcome, Mismatch) or outcome.message_ids == ids
                continue
            assert isinstance(outcome, Accepted)
            assert (len(outcome.message_ids), len(outcome.refusal_ids)) == (len(messages), len(refusals))
            self.model.refused += len(refusals)
            for message_id, payload in zip(outcome.message_ids, messages, strict=True):
                assert message_id not in self.model.messages
                self.model.messages[message_id] = Message(payload)
            if key and messages:
                self.model.keys[key] = (body, outcome.message_ids)

    async def take(self) -> None:
        """New entries: every message that did not end before."""
        page, _ = await self.store.take(0, self.epoch, count=2, pending_after=None)
        stamps = {entry_of(one.id) for one in page}
        for message_id, message in self.model.messages.items():
            # An entry whose messages were all cancelled is passed over without a word.
            message.taken |= entry_of(message_id) in stamps or message.status in TERMINAL
        assert [one.id for one in page] == [
            i for i, m in self.model.messages.items() if entry_of(i) in stamps and m.status not in TERMINAL
        ]

    def some_taken(self) -> list[str]:
        """Draw messages that an owner has had in hand; none twice."""
        known = [i for i, message in self.model.messages.items() if message.taken]
        return self.draw.sample(known, min(len(known), self.draw.randrange(1, 4)))

    async def begin(self) -> None:
        """Some may be begun, others may not."""
        ids = self.some_taken()
        begins = [Begin(id=i, payload=self.model.messages[i].payload) for i in ids]
        answers = await self.store.begin(0, self.epoch, begins)
        assert [answer.attempt for answer in answers] == [self.model.begin(i) for i in ids]
        assert [answer.status for answer in answers] == [self.model.messages[i].status for i in ids]

    def some_attempt(self, message: Message) -> int:
        """Usually the last one, now and then one too many, an older one, or none."""
        return max(0, message.attempts + self.draw.choice((0, 0, 0, 1, -1, -message.attempts)))

    async def finish(self) -> None:
        """Any end, from any attempt."""
        ends, expected = [], []
        for i in self.some_taken():
            message = self.model.messages[i]
            status = self.draw.choice((Status.SUBMITTED, Status.SUBMITTED, Status.SUBMITTED, *sorted(TERMINAL)))
            attempt, code = self.some_attempt(message), self.draw.choice(CODES)
            ends.append(Finish(id=i, status=status, attempt=attempt, payload=message.payload, code=code))
            expected.append(self.model.finish(i, status, attempt, code))
        assert await self.store.finish(0, self.epoch, ends) == expected

    async def park(self) -> None:
        """Any message, from any attempt, to any lane."""
        parks = []
        for i in self.some_taken():
            message = self.model.messages[i]
            lane, status = self.draw.choice(LANES), self.draw.choice((Status.QUEUED, Status.SCHEDULED))
            attempt, code = self.some_attempt(message), self.draw.choice(CODES)
            parks.append(
                Park(
                    id=i, payload=message.payload, lane=lane, due_ms=1, status=status, attempt=attempt, code=code
                )
            )  # fmt: skip
            self.model.park(i, lane, status, attempt, code)
        await self.store.park(0, self.epoch, parks)

    async def receipts(self) -> None:
        """Of any message, taken or not, more than one for the same in a batch."""
        known = list(self.model.messages)
        receipts = [
            a_receipt(self.draw.choice(known), self.draw.choice(sorted(RECEIPT_STATUSES)))
            for _ in range(self.draw.randrange(3) if known else 0)
        ]
        expected = [self.model.receipt(receipt.id, receipt.status) for receipt in receipts]
        assert await self.store.receipts(receipts) == expected

    async def cancel(self) -> None:
        """Any message, taken or not."""
        if known := list(self.model.messages):
            i = self.draw.choice(known)
            assert await self.store.cancel(i, self.model.messages[i].payload) is self.model.cancel(i)

    async def acknowledge(self) -> None:
        """Entries whose messages are all ended or parked, as an owner would."""
        settled = defaultdict(list)
        for i, message in self.model.messages.items():
            settled[entry_of(i)].append(message.taken and (message.status in TERMINAL or message.lane != ""))
        await self.store.acknowledge(0, self.epoch, [stamp for stamp, all_of in settled.items() if all(all_of)])

    async def compare(self) -> None:
        """Counters and every message, field by field."""
        counts = (await self.store.counts())[0]
        statuses = Counter(message.status for message in self.model.messages.values())
        assert counts.by_status == {status: statuses[status] for status in Status}
        assert (counts.accepted, counts.refused, counts.doubts) == (
            len(self.model.messages), self.model.refused, self.model.doubts,
        )  # fmt: skip
        for stored in await self.store.look(list(self.model.messages)):
            message = self.model.messages[stored.id]
            assert (stored.payload, stored.status, stored.attempts) == (
                message.payload, message.status, message.attempts,
            )  # fmt: skip
            assert [event.status for event in stored.events] == message.history
            assert [event.seq for event in stored.events] == list(range(1, len(message.history) + 1))

    async def find_all(self) -> set[str]:
        """Collect what a new owner is given: pending, new, and due in any lane."""
        await self.store.release(0, self.epoch)
        epoch = await owned(self.store, "the-last-one")
        pending, _ = await self.store.take(0, epoch, count=10_000, pending_after="0")
        new, _ = await self.store.take(0, epoch, count=10_000, pending_after=None)
        found = [one.id for one in pending + new]
        for lane in (*LANES, "receipt"):
            found += [one.id for one in await self.store.due(0, epoch, lane, now_ms=FAR, count=10_000)]
        assert len(found) == len(set(found))
        return set(found)


@pytest.mark.parametrize("seed", range(8))
async def test_a_random_life(store, raw, seed):
    """After every step accepted == sum over statuses, and each message is as the model has it.

    In the end the next owner is given exactly the messages that did not end, each once; and the journal, told from its
    beginning, gives every touched message's history.
    """
    life = Life(store, seed)
    await life.change_owner()
    steps = [life.accept, life.take, life.begin, life.begin, life.finish, life.park, life.receipts, life.cancel]
    steps += [life.acknowledge, life.accept, life.take, life.begin, life.finish]
    for _ in range(150):
        await (life.change_owner if life.draw.random() < 0.05 else life.draw.choice(steps))()
        await life.compare()

    assert await life.find_all() == life.model.open_ids()
    told = defaultdict(list)
    for _, entry in raw.xrange("{q:0}:events"):
        for line in entry.get(b"lines", b"").decode().splitlines():
            kind, message_id, seq, status, *_, payload = line.split("\t")
            if kind == "status":
                told[message_id].append(Status(status))
                assert len(told[message_id]) == int(seq)
                assert payload == (life.model.messages[message_id].payload.decode() if seq == "1" else "")
    assert told == {i: message.history for i, message in life.model.messages.items() if message.touched}
