"""What happens to a text from outside, in this order, each step on disk before the next.

1. whose number it came to: the owner, whatever state the number is in; a text to a number of nobody is kept aside;
2. what it says of further texts is heard: an opt-out, an opt-in, a phrase that may be one;
3. it goes into the owner's inbox;
4. STOP, START and HELP are answered, where there is anything to say (inbound_replies.py);
5. after a STOP: wait until no submission can begin any more that was judged before it (gateway/in_force.py).

Should any of it fail, the carrier brings the text again, and every step finds what it did the first time, by the text's
id. Nothing of it waits for, or is turned away with, what is sent.

Not here: HTTP (inbound_route.py), what is read (inbound.py), what the words are (compliance/inbound.py).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

import structlog

from compliance.documents import load_pool_of, number_key
from compliance.facts import SenderNumber
from compliance.inbound import Meaning
from gateway import received
from gateway.clock import boottime_s
from gateway.edge.inbound import Inbound
from gateway.edge.inbound_replies import Answered, InboundReplies
from gateway.errors import Problem
from gateway.in_force import until_in_force
from gateway.near import decoded
from gateway.near.cache import NearCache
from gateway.queue import Became, Heard, Queue, Spoken, Word
from metrics.inbound import InboundMetrics

#: What each meaning does to a person's standing.
_WORDS: Final[Mapping[Meaning, Word]] = {
    Meaning.STOP: Word.STOP,
    Meaning.START: Word.START,
    Meaning.REVOCATION_SUSPECTED: Word.SUSPECTED,
}
#: The answer is due where the word changed something: YES in a conversation is no opt-in, and a second STOP is obeyed.
_CHANGES: Final = {Meaning.STOP: Became.OPTED_OUT, Meaning.START: Became.OPTED_IN}
_LIVE: Final = "live"
_RETRY_AFTER_S: Final = 1

log = structlog.get_logger(__name__)


class Place(StrEnum):
    """Where a text went."""

    INBOX = "inbox"
    #: Nobody owns the number: kept for people to look at.
    ORPHAN = "orphan"


class Line(NamedTuple):
    """Whose number a text came to."""

    number: SenderNumber
    tenant: str
    #: "" while the number lies in the tenant's pool.
    user: str


class InboundDesk:
    """Takes texts from carriers."""

    def __init__(self, near: NearCache, queue: Queue, replies: InboundReplies, metrics: InboundMetrics) -> None:
        self._near = near
        self._queue = queue
        self._replies = replies
        self._metrics = metrics

    async def take(self, inbound: Inbound) -> None:
        """See to a text; on disk when this returns. Raises Problem and QueueError: it has to come again."""
        line = await self._line(inbound.number) if inbound.number else None
        heard = None
        if line is not None:
            heard = await self._hear(inbound, line)
        in_force_s = boottime_s()
        user = "" if line is None else line.user if heard is None else heard.user
        place = await self._put(inbound, "" if line is None else line.tenant, user)
        if line is not None and user:
            await self._answer(inbound, line, user, heard)
        if heard is not None and inbound.received.meaning is Meaning.STOP:
            await until_in_force(in_force_s)
        self._metrics.took(inbound.received.carrier, inbound.received.meaning, place)

    async def _hear(self, inbound: Inbound, line: Line) -> Heard | None:
        """Have a word heard; None for a text that is none, or from nobody who could be texted."""
        word = _WORDS.get(inbound.received.meaning)
        if word is None or not inbound.person:
            return None
        return await self._queue.heard(
            Spoken(
                word=word,
                id=inbound.received.id,
                tenant=line.tenant,
                recipient=inbound.person,
                at_ms=inbound.received.received_ms,
                keyword=inbound.keyword,
                number=inbound.number,
                user=line.user,
                said_ms=inbound.said_ms,
            )
        )

    async def _put(self, inbound: Inbound, tenant: str, user: str) -> Place:
        """Put the text where somebody will read it."""
        text = inbound.received
        if user:
            await self._queue.deliver_text(tenant, user, text.id, received.dump(text))
            return Place.INBOX
        await self._queue.keep_orphan(text.id, received.dump(text))
        log.warning("inbound_to_nobody", carrier=text.carrier, inbound=text.id, pool_of=tenant)
        return Place.ORPHAN

    async def _answer(self, inbound: Inbound, line: Line, user: str, heard: Heard | None) -> None:
        """Answer a word, if an answer is due."""
        meaning = inbound.received.meaning
        changed = meaning in _CHANGES and heard is not None and heard.became is _CHANGES[meaning]
        if not inbound.person or not (changed or meaning is Meaning.HELP):
            return
        answered = await self._replies.answer(
            inbound,
            number=line.number,
            tenant=line.tenant,
            user=user,
            age_ms=0 if heard is None else heard.age_ms,
        )
        if answered is Answered.UNKNOWN:
            raise Problem("registry_unavailable", retry_after_s=_RETRY_AFTER_S)
        self._metrics.replied(meaning, answered)

    async def _line(self, did: str) -> Line | None:
        """Find whose number it is; None for nobody's. Raises Problem while that cannot be told."""
        raw = await self._document(number_key(did))
        number = decoded.number(raw)
        if raw is None or number is None:
            return None
        if number.owner is not None:
            return Line(number, number.owner.tenant, number.owner.user)
        tenant = load_pool_of(raw)
        return Line(number, tenant, "") if tenant else None

    async def _document(self, key: str) -> bytes | None:
        """Read a document: what is in memory counts, whatever its age; that there is none must be sure."""
        reading, memory = self._near.reading(), self._near.memory()
        if memory is not None:
            if key not in memory:
                await self._near.fill([key])
            if (known := memory.get(key)) is not None:
                return known
            if key in memory and reading is not None and reading.state(strict=True).state == _LIVE:
                return None
        read = await self._near.read([key])
        if read.age_ms is None:
            raise Problem("registry_unavailable", retry_after_s=_RETRY_AFTER_S)
        return read.documents[key]
