"""A registry store in memory for tests of the near cache: it changes, fails and waits when it is told to."""

import asyncio

from compliance import documents
from compliance.documents import UserDocument
from compliance.facts import Owner, SenderNumber
from gateway.near.source import Change, Mark, Reading, Step
from gateway.queue import QueueUnavailable
from tests.builders import a_brand, a_campaign

DID, OTHER_DID = "+12025550111", "+12025550112"
ANN = Owner(tenant="acme", user="ann")


def a_number(**fields):
    """Bytes of Ann's number."""
    return documents.dump_number(SenderNumber(**{"owner": ANN, "sms": "enabled"} | fields))


def a_user(user="ann", **fields):
    """Bytes of a user."""
    given = {"tenant": "acme", "customer_since": documents.date(2024, 3, 1), "number": DID}
    return documents.dump_user(UserDocument(id=user, **given | fields))


def a_company():
    """A few documents of every kind."""
    return {
        documents.number_key(DID): a_number(),
        documents.user_key("ann"): a_user(),
        documents.campaign_key("C1"): documents.dump_campaign(a_campaign(id="C1", brand_id="B1")),
        documents.brand_key("B1"): documents.dump_brand(a_brand(id="B1")),
        documents.line_key("+14155550143"): documents.dump_line(documents.LineDocument(carrier="att", line="mobile")),
    }


class Clock:
    """Milliseconds that pass when told."""

    def __init__(self):
        self.now_ms = 1_000_000

    def __call__(self):
        """Return the time."""
        return self.now_ms


class Copy:
    """A Source whose store is a dictionary."""

    def __init__(self, clock, kept):
        self.clock = clock
        self.kept = dict(kept)
        self.mark = Mark(epoch=1, seq=42, at_ms=clock())
        self.feed = []
        self.is_away = False
        #: Cleared: reads wait; what they return is what stood when they began.
        self.go = asyncio.Event()
        self.go.set()
        self.reads = []
        self.said = []
        self.left = []

    def change(self, changes, *, from_seq=None, seq=None):
        """Apply documents as the registry does; None removes one."""
        last = self.mark.seq if from_seq is None else from_seq
        seq = last + 1 if seq is None else seq
        for key, document in changes.items():
            self.kept[key] = document
            if document is None:
                del self.kept[key]
        self.feed.append(Change(f"{self.clock()}-{seq}", last, seq, tuple(changes.items())))
        self.mark = Mark(self.mark.epoch, seq, self.clock())

    def beat(self):
        """Apply nothing: the mark is young again."""
        self.mark = self.mark._replace(at_ms=self.clock())

    async def read(self, keys):
        """Read documents as they stood when it began."""
        self._here()
        self.reads.append(frozenset(keys))
        mark, values = self.mark, {key: self.kept.get(key) for key in keys}
        await self.go.wait()
        self._here()
        age_ms = None if mark is None else self.clock() - mark.at_ms
        return Reading(values, 0 if mark is None else mark.seq, age_ms)

    async def last_change(self):
        """Return the place of the last entry."""
        self._here()
        return self.feed[-1].id if self.feed else "0-0"

    async def scan(self):
        """Read all, a document a piece."""
        for key in list(self.kept):
            self._here()
            await asyncio.sleep(0)
            if key in self.kept:
                yield [(key, self.kept[key])]

    async def follow(self, process, had, after, *, wait=True):
        """Say the mark, then the changes after a place."""
        self._here()
        self.said.append((process, had))
        mark, now_ms = self.mark, self.clock()
        if wait and not self._after(after):
            await asyncio.sleep(0.002)
        self._here()
        return Step(mark, now_ms, self._after(after))

    async def leave(self, process):
        """Note who goes."""
        self._here()
        self.left.append(process)

    def _after(self, place):
        places = [change.id for change in self.feed]
        return self.feed[places.index(place) + 1 :] if place in places else list(self.feed)

    def _here(self):
        if self.is_away:
            raise QueueUnavailable("unreachable", "nobody")
