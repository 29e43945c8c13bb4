"""The model of the queue store and the real functions, given the same random calls, give the same answers."""

import random
from collections import Counter, defaultdict

import pytest

from gateway.queue import (
    TERMINAL,
    Accept,
    Accepted,
    Begin,
    Finish,
    Idempotency,
    OptOutRecord,
    Park,
    QueueError,
    Receipt,
    Replayed,
    Spoken,
    Status,
    Word,
    keys,
)
from gateway.queue.consent import Restoration, Settled
from gateway.queue.messages import RECEIPT_STATUSES
from tests.simulation.queue_model import Partition, Stamp, _read_stamp
from tests.simulation.queue_port import QueueServer

FAR_MS = 1 << 50
LANES = ("acme/p2p", "acme/bulk")
CODES = ("", "carrier_busy", "doubt_timeout")
PARTITIONS = 2
STEPS = 260


class Copy(Partition):
    """A model that gives the ids that the real store gave: so one name serves for both."""

    #: The stamp of the next entry.
    stamp: Stamp = (0, 0)

    def _next_stamp(self) -> Stamp:
        return self.stamp


class Pair:
    """Both stores, each asked the same."""

    def __init__(self, real, raw, seed):
        self.real = real
        self.raw = raw
        self.draw = random.Random(seed)
        self.clock_ms = 0
        self.model = QueueServer(0, lambda: self.clock_ms)
        self.model.partitions = [Copy(number, lambda: self.clock_ms) for number in range(PARTITIONS)]
        self.ids = defaultdict(list)
        #: The real store's refusals by the model's.
        self.refusals = {}
        self.epochs = dict.fromkeys(range(PARTITIONS), 0)
        self.holders = dict.fromkeys(range(PARTITIONS), "")
        self.owners = 0
        self.became = Counter()

    def tick(self, *, new: bool = False) -> None:
        """Read the store's clock for the model; new: wait for another millisecond than the last."""
        before = self.clock_ms
        while self.clock_ms <= before:
            seconds, micros = self.raw.time()
            self.clock_ms = seconds * 1000 + micros // 1000
            if not new:
                return

    async def both(self, real, model):
        """Do a call at both; the answer, or the error that both gave."""
        try:
            expected = model()
        except (QueueError, ValueError) as error:
            with pytest.raises(type(error)) as raised:
                await real()
            if isinstance(error, ValueError):
                assert str(raised.value) == str(error)  # noqa: PT017 - two errors are compared
            return None
        answer = await real()
        assert answer == expected
        return answer

    def number(self) -> int:
        """Draw a partition."""
        return self.draw.randrange(PARTITIONS)

    def some(self, partition: int, most: int = 4) -> list[str]:
        """Draw messages, the young more often; none twice."""
        known = self.ids[partition][-12:] if self.draw.random() < 0.8 else self.ids[partition]
        return self.draw.sample(known, min(len(known), self.draw.randrange(1, most)))

    def epoch(self, partition: int) -> int:
        """Give the present epoch, now and then one that is over."""
        return self.epochs[partition] - (self.draw.random() < 0.03)

    def attempt(self, message_id: str) -> int:
        """Usually the last one, now and then one too many, an older one, or none."""
        kept = self.model.of(message_id).kept.get(message_id)
        attempts = 0 if kept is None else kept.attempts
        return max(0, attempts + self.draw.choice((0, 0, 0, 1, -1, -attempts)))

    def request(self) -> Accept:
        """Draw a request; keys and bodies come again."""
        key = None
        if self.draw.random() < 0.6:
            body = self.draw.choice((b"body", b"body", b"other")).ljust(32)
            digest = b"%16d" % self.draw.randrange(40)
            key = Idempotency(digest=digest, fingerprint=body, answer=b"{}%d" % self.draw.randrange(9))
        messages = tuple(b"m%d" % self.draw.randrange(1000) for _ in range(self.draw.randrange(3)))
        refusals = tuple(b"r%d" % self.draw.randrange(1000) for _ in range(self.draw.randrange(2)))
        return Accept(partition=self.number(), messages=messages, refusals=refusals, idempotency=key)

    async def accept(self):
        """A flush of some requests."""
        requests = [self.request() for _ in range(self.draw.randrange(1, 5))]
        answers = await self.real.accept(requests)
        for answer in answers:
            if isinstance(answer, Accepted) and answer.message_ids:
                number, ms, seq, _ = answer.message_ids[0].split("-")
                self.model.partitions[int(number)].stamp = (int(ms), int(seq))
        expected = self.model.accept(requests)
        for answer, other in zip(answers, expected, strict=True):
            assert type(answer) is type(other)
            if isinstance(answer, Accepted):
                self.refusals.update(zip(other.refusal_ids, answer.refusal_ids, strict=True))
                for message_id in answer.message_ids:
                    self.ids[keys.partition_of_message(message_id)].append(message_id)
            if isinstance(answer, Accepted | Replayed):
                assert answer == other._replace(refusal_ids=tuple(map(self.refusals.get, other.refusal_ids)))

    async def own(self):
        """The owner renews, vanishes or gives back; somebody else tries."""
        self.tick(new=True)
        partition, way = self.number(), self.draw.random()
        at, epoch, holder = self.model.partitions[partition], self.epochs[partition], self.holders[partition]
        if way < 0.3:
            await self.both(lambda: self.real.release(partition, epoch), lambda: at.release(epoch))
        elif way < 0.6 and holder:
            lease = lambda: self.real.own(partition, holder, 0)  # noqa: E731 - it ends at once
            self.epochs[partition] = await self.both(lease, lambda: at.own(holder, 0)) or epoch
            self.tick(new=True)
        self.owners += 1
        newcomer = f"worker-{self.owners}"
        self.tick(new=True)
        owned = await self.both(
            lambda: self.real.own(partition, newcomer, 60_000), lambda: at.own(newcomer, 60_000)
        )  # fmt: skip
        if owned is not None:
            self.epochs[partition], self.holders[partition] = owned, newcomer
            if self.draw.random() < 0.7:
                await self.take_pending(partition)

    async def take_pending(self, partition):
        """A new owner reads what is pending, page by page."""
        cursor = "0"
        while cursor is not None:
            cursor = await self.take(partition, cursor)

    async def take(self, partition=None, after=None):
        """Read entries; returns the cursor."""
        partition = self.number() if partition is None else partition
        epoch, count = self.epochs[partition], self.draw.randrange(1, 4)
        at = self.model.partitions[partition]
        entries = ["", "0"] + [keys.entry_of(i) for i in self.ids[partition][-6:]]
        received = self.draw.choice(entries)
        answer = await self.both(
            lambda: self.real.take(partition, epoch, count=count, pending_after=after, received=received),
            lambda: at.take(epoch, count=count, pending_after=after, received=received),
        )
        return answer[1] if answer else None

    async def due(self):
        """Read a lane, what is due by now or ever."""
        partition, count = self.number(), self.draw.randrange(1, 6)
        lane, now_ms = self.draw.choice((*LANES, "receipt")), self.draw.choice((3, FAR_MS))
        epoch, at = self.epoch(partition), self.model.partitions[partition]
        await self.both(
            lambda: self.real.due(partition, epoch, lane, now_ms=now_ms, count=count),
            lambda: at.due(epoch, lane, now_ms=now_ms, count=count),
        )

    async def begin(self):
        """Open attempts."""
        partition = self.number()
        epoch, at = self.epoch(partition), self.model.partitions[partition]
        begins = [
            Begin(id=i, payload=b"begun", attempts=self.draw.choice((None, self.attempt(i), self.attempt(i))))
            for i in self.some(partition)
        ]
        await self.both(lambda: self.real.begin(partition, epoch, begins), lambda: at.begin(epoch, begins))

    async def finish(self):
        """End messages in any way, by any attempt."""
        partition = self.number()
        epoch, at = self.epoch(partition), self.model.partitions[partition]
        ends = (Status.SUBMITTED, Status.SUBMITTED, Status.SUBMITTED, Status.SUBMITTED, *sorted(TERMINAL))
        finishes = [
            Finish(
                id=i,
                status=self.draw.choice(ends),
                attempt=self.attempt(i),
                payload=self.draw.choice((b"", b"finished")),
                carrier_reference=self.draw.choice(("", "c1", "c2")),
                code=self.draw.choice(CODES),
                receipt_due_ms=self.draw.choice((2, 4)),
            )
            for i in self.some(partition)
        ]
        await self.both(lambda: self.real.finish(partition, epoch, finishes), lambda: at.finish(epoch, finishes))

    async def park(self):
        """Put messages aside, from any attempt, into any lane."""
        partition = self.number()
        epoch, at = self.epoch(partition), self.model.partitions[partition]
        parks = [
            Park(
                id=i,
                payload=b"parked",
                lane=self.draw.choice(LANES),
                due_ms=self.draw.randrange(1, 6),
                status=self.draw.choice((Status.QUEUED, Status.SCHEDULED)),
                attempt=self.attempt(i),
                code=self.draw.choice(CODES),
            )
            for i in self.some(partition)
        ]
        await self.both(lambda: self.real.park(partition, epoch, parks), lambda: at.park(epoch, parks))

    async def receipts(self):
        """Any receipts, more than one for a message now and then."""
        known = self.some(self.number()) + self.some(self.number())
        receipts = [
            Receipt(id=i, status=self.draw.choice(sorted(RECEIPT_STATUSES)), carrier="acme", carrier_reference="c9")
            for i in known
        ]
        self.tick(new=True)  # The end of the receipt window depends on it, and so does the order in the lane.
        await self.both(lambda: self.real.receipts(receipts), lambda: [self.model.receipt(one) for one in receipts])

    async def cancel(self):
        """Cancel any message."""
        for i in self.some(self.number(), most=2):
            await self.both(lambda i=i: self.real.cancel(i, b"gone"), lambda i=i: self.model.cancel(i, b"gone"))

    async def acknowledge(self):
        """Entries that are settled, and now and then one that is not."""
        partition = self.number()
        epoch, at = self.epoch(partition), self.model.partitions[partition]
        entries = list(dict.fromkeys(keys.entry_of(i) for i in self.ids[partition][-30:]))
        settled = [e for e in entries if all(one.id in at.kept for one in at._of_entry(_read_stamp(e)))]
        settled = [e for e in settled if all(at.kept[one.id].settled for one in at._of_entry(_read_stamp(e)))]
        chosen = self.draw.sample(settled, self.draw.randrange(len(settled) + 1))
        chosen += self.draw.sample(entries, min(len(entries), self.draw.random() < 0.1))
        await self.both(
            lambda: self.real.acknowledge(partition, epoch, chosen), lambda: at.acknowledge(epoch, chosen)
        )  # fmt: skip

    async def beside(self):
        """Opt-outs, and instant messages that come twice."""
        people = [("t1", f"+1415555{n:04}") for n in range(4)]
        tenant, recipient = self.draw.choice(people)
        record = OptOutRecord(tenant=tenant, recipient=recipient, at_ms=self.draw.randrange(1, 99), keyword="stop")
        standings = self.model.standings
        if self.draw.random() < 0.3:
            await self.both(lambda: self.real.put_opt_outs([record]), lambda: standings.put([record]))
        for _ in range(12):
            await self.hear(tenant, recipient)
            if self.draw.random() < 0.2:
                await self.restore(tenant, recipient)
        await self.both(lambda: self.real.opt_outs(people), lambda: [standings.read(*one) for one in people])
        name, text = f"0-1-{self.draw.randrange(6)}-0", b"im%d" % self.draw.randrange(9)
        await self.both(
            lambda: self.real.deliver_im("t1", "u1", name, text), lambda: self.model.deliver_im("t1", "u1", name, text)
        )
        inbox = await self.real.inbox("t1", "u1", after="", limit=99)
        assert [item.payload for item in inbox] == list(self.model.inboxes["t1", "u1"].values())

    async def restore(self, tenant, recipient):
        """Somebody vouches that they want texts, as of now or of long ago, once or again."""
        evidence, vouched_ms = f"form {self.draw.randrange(60)}", self.draw.choice((0, 0, 1))
        one = Restoration(tenant=tenant, recipient=recipient, evidence=evidence, vouched_ms=vouched_ms)
        restored = await self.real.restore(one)
        assert restored.outcome == self.model.standings.restore(one).outcome
        self.became[restored.outcome] += 1

    async def hear(self, tenant, recipient):
        """A word of any kind, in any order, that may come again."""
        spoken = Spoken(
            word=self.draw.choice(list(Word)),
            id=f"t{self.draw.randrange(200)}",
            tenant=tenant,
            recipient=recipient,
            at_ms=self.draw.randrange(1, 99),
            keyword=self.draw.choice(("stop", "quit")),
            number="+12025550111",
            user=self.draw.choice(("u1", "")),
            said_ms=self.draw.choice((0, self.draw.randrange(1, 99))),
        )
        heard = await self.real.heard(spoken)
        assert (heard.became, heard.user) == self.model.standings.heard(spoken)
        self.became[heard.became] += 1

    async def compare(self):
        """Every message and every counter."""
        for partition, counts in enumerate((await self.real.counts())[:PARTITIONS]):
            expected = self.model.partitions[partition].counts()
            assert (counts.accepted, counts.refused, counts.doubts, counts.by_status, counts.log_entries) == (
                expected.accepted, expected.refused, expected.doubts, expected.by_status, expected.log_entries,
            )  # fmt: skip
            assert {k: n for k, n in counts.parked.items() if n} == {k: n for k, n in expected.parked.items() if n}
            ids = self.ids[partition]
            assert list(map(plain, await self.real.look(ids))) == [plain(self.model.look(i)) for i in ids]
            for message_id in ids[-3:]:
                # What was accepted when is in the id, and so in the first event.
                assert (await self.real.look([message_id]))[0].events[0].at_ms == int(message_id.split("-")[1])

    def compare_journals(self):
        """What was told of each message, line by line."""
        for partition in self.model.partitions:
            told = []
            for _, entry in self.raw.xrange(keys.journal(partition.number)):
                for line in entry.get(b"lines", b"").decode().splitlines():
                    kind, message_id, seq, status, _, _, _, _, code, *_ = line.split("\t")
                    told.append((kind, message_id, int(seq), status, code))
            assert told == partition.journal


def plain(stored):
    """A message but for the instants, which two clocks gave."""
    if stored is None:
        return None
    events = [(event.seq, event.status, event.code) for event in stored.events]
    return stored.id, stored.payload, stored.status, stored.attempts, stored.carrier_reference, events


@pytest.mark.parametrize("seed", range(6))
async def test_model_and_functions_agree(store, raw, seed):
    """After every step each answer, each message, each counter is the same; in the end, each line of the journal."""
    pair = Pair(store, raw, seed)
    pair.tick()
    for partition in range(PARTITIONS):
        owned = await pair.both(
            lambda p=partition: store.own(p, "first", 60_000),
            lambda p=partition: pair.model.partitions[p].own("first", 60_000),
        )
        pair.epochs[partition], pair.holders[partition] = owned, "first"
    steps = [pair.accept, pair.accept, pair.take, pair.take, pair.begin, pair.begin, pair.finish, pair.park]
    steps += [pair.receipts, pair.cancel, pair.acknowledge, pair.due, pair.due, pair.own, pair.beside]
    for number in range(STEPS):
        pair.tick()
        await pair.draw.choice(steps)()
        if number % 4 == 0:
            await pair.compare()
    await pair.compare()
    pair.compare_journals()
    assert len(pair.became) > 3, "words changed things in several ways"
    assert set(Settled) <= set(pair.became), "and so did restorations"
    assert sum(counts.accepted for counts in await store.counts()) > 50
