"""Looks up everything that the judgement of a message needs, many messages at once, and judges nothing.

Documents are in memory (gateway/near/); then nothing is awaited for them. Which documents a message needs shows only
step by step: its sender's user, that user's number, the number's campaign, the campaign's brand. So where some are not
at hand, each round reads what the documents so far point to, all messages together, until nothing is missing. Opt-outs
are read fresh from the queue store beside that, never from any cache.

Not here: what the facts mean (compliance/), who a sender is (sender.py).
"""

import re
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from compliance.codes import Code
from compliance.decide import decide
from compliance.decision import Decision, Verdict, blocks
from compliance.destinations import read_destination
from compliance.documents import MARK_KEY, extension_key, line_key, user_key
from compliance.facts import Facts, Media, Message, OptOut, Owner, RegistryState
from compliance.policy import Policy
from compliance.rules import RECHECKS
from compliance.senders import canonical_sender
from gateway.envelope import Envelope
from gateway.near import decoded
from gateway.near.cache import NearCache
from gateway.near.coalescer import Coalescer
from gateway.near.memory import Documents, JustRead
from gateway.near.source import NO_READING, Reading
from gateway.queue import OptOutRecord, Queue, QueueError, Suspicion
from gateway.send.assemble import build_facts
from gateway.send.sender import Found, Senders, Who

_EXTENSION = re.compile(r"ext:([0-9]{1,20})", re.ASCII)
_CANNOT_SAY: Final = Decision(Verdict.BLOCK, Code.REGISTRY_UNAVAILABLE, blocks(Code.REGISTRY_UNAVAILABLE))

#: Reads of documents that are not kept before the store is asked directly: a sender's documents lead to four.
_MOST_ROUNDS: Final = 6

OptOuts = Mapping[tuple[str, str], OptOutRecord | Suspicion | None]


class Leg(NamedTuple):
    """One destination of a message, looked up."""

    #: As it was typed.
    to: str
    #: E.164; "" where the destination is none.
    number: str
    facts: Facts


class Wanted(NamedTuple):
    """What somebody wants to know about: one message with its destinations."""

    tenant: str
    #: The sending user; None: the owner of the sender number.
    user: str | None
    #: As submitted; None: the user's own enabled number.
    sender: str | None
    to: tuple[str, ...]
    text: str
    media: tuple[Media, ...]
    origin: str
    #: External recipients of the whole message; None: count those of `to`.
    participants: int | None = None
    #: The one confirmation of a STOP, or the answer to a HELP: it goes to whoever asked, opted out or not.
    ignores_opt_out: bool = False


class Gathered(NamedTuple):
    """A message with everything that is known about it."""

    #: The sending user; None when there is no such user in the tenant.
    user: str | None
    #: The sender number in canonical form, or as submitted where it has none; None when there is no number at all.
    sender: str | None
    legs: tuple[Leg, ...]
    reading: Reading
    #: All documents that it needs were at hand; otherwise only who is a colleague can be relied on.
    is_known: bool
    #: The sender's part of the decision record, as JSON.
    sender_json: bytes


class _Search(NamedTuple):
    """One message on its way through the rounds."""

    wanted: Wanted
    who: Who
    #: Each destination in E.164; "" where it has none.
    numbers: tuple[str, ...]


class _Known(NamedTuple):
    """The documents at hand for some messages."""

    documents: Documents
    reading: Reading
    #: Nothing that the messages need is missing; otherwise the store did not answer, or there is no valid copy.
    is_whole: bool


class Gatherer:
    """Turns what was submitted into facts."""

    def __init__(self, near: NearCache, queue: Queue, policy: Policy, now: Callable[[], datetime]) -> None:
        self._near = near
        self._policy = policy
        self._now = now
        self._senders = Senders()
        self._opt_outs: Coalescer[tuple[str, str], OptOuts] = Coalescer(_reader_of_opt_outs(queue))

    async def gather(self, wanted: Sequence[Wanted]) -> list[Gathered]:
        """Look everything up. Raises QueueError when opt-outs cannot be read; without a registry the facts say so."""
        searches = [_search(one) for one in wanted]
        opt_outs = await self._read_opt_outs(searches)
        # Last of all: what is at hand now may be gone, or older, after any other wait.
        return self._assemble(searches, await self._know(searches), opt_outs)

    async def gather_at_hand(self, wanted: Sequence[Wanted]) -> list[Gathered | None]:
        """Look up what needs no document that is not in memory; None in the place of what does. Raises QueueError."""
        searches = [_search(one) for one in wanted]
        opt_outs = await self._read_opt_outs(searches)
        reading, memory = self._near.reading(), self._near.memory()
        if reading is None or memory is None:
            return [None] * len(searches)
        at_hand = [not any(key not in memory for key in self._keys(one, memory)) for one in searches]
        ready = [one for one, is_ready in zip(searches, at_hand, strict=True) if is_ready]
        gathered = iter(self._assemble(ready, _Known(memory, reading, is_whole=True), opt_outs))
        return [next(gathered) if is_ready else None for is_ready in at_hand]

    async def _read_opt_outs(self, searches: Sequence[_Search]) -> OptOuts:
        pairs = [(search.wanted.tenant, number) for search in searches for number in search.numbers if number]
        return await self._opt_outs.ask(pairs) if pairs else {}

    def _assemble(self, searches: Sequence[_Search], known: _Known, opt_outs: OptOuts) -> list[Gathered]:
        at = self._now().replace(microsecond=0)
        registry = known.reading.state(strict=self._policy.mode == "strict")
        return [
            _assemble(search, self._senders.find(search.who, known.documents), known, opt_outs, registry, at)
            for search in searches
        ]

    async def recheck(self, envelopes: Sequence[Envelope]) -> list[Decision]:
        """Judge waiting messages again by what may have changed (gateway/work/recheck.py)."""
        try:
            gathered = await self.gather([_waiting(envelope) for envelope in envelopes])
        except QueueError:
            return [_CANNOT_SAY] * len(envelopes)
        return [decide(one.legs[0].facts, self._policy, RECHECKS) if one.is_known else _CANNOT_SAY for one in gathered]

    async def _know(self, searches: Sequence[_Search]) -> _Known:
        """Bring what the searches need to hand: from memory, or from the store while nothing can be relied on."""
        for _ in range(_MOST_ROUNDS):
            reading, memory = self._near.reading(), self._near.memory()
            if reading is None or memory is None:
                break
            missing = self._missing(searches, memory)
            if not missing:
                return _Known(memory, reading, is_whole=True)
            if not await self._near.fill(missing):
                return _Known(memory, reading, is_whole=False)
        read, reading = JustRead(), NO_READING
        missing = self._missing(searches, read) or {MARK_KEY}  # How old the registry is counts even then.
        while missing:
            reading = await self._near.read(missing)
            if reading.age_ms is None:
                return _Known(self._near.memory() or read, reading, is_whole=False)
            read.take(reading.documents)
            missing = self._missing(searches, read)
        return _Known(read, reading, is_whole=True)

    def _missing(self, searches: Sequence[_Search], documents: Documents) -> Collection[str]:
        """Name what is not at hand, each once, in the order in which it is needed."""
        return dict.fromkeys(key for one in searches for key in self._keys(one, documents) if key not in documents)

    def _keys(self, search: _Search, documents: Documents) -> Iterator[str]:
        """Name the documents that a message needs, as far as documents at hand tell."""
        yield from self._senders.find(search.who, documents).keys
        for to, number in zip(search.wanted.to, search.numbers, strict=True):
            if number:
                yield from documents.colleague_keys(number)
                yield line_key(number)
            elif to.startswith("user:"):
                yield user_key(to.removeprefix("user:"))
            elif extension := _EXTENSION.fullmatch(to):
                yield extension_key(search.wanted.tenant, extension[1])


def _search(wanted: Wanted) -> _Search:
    number = None if wanted.sender is None else canonical_sender(wanted.sender)
    return _Search(
        wanted=wanted,
        who=Who(wanted.tenant, wanted.user, number, wanted.sender is not None),
        numbers=tuple([read_destination(to)[1] for to in wanted.to]),
    )


def _assemble(
    search: _Search,
    sender: Found,
    known: _Known,
    opt_outs: OptOuts,
    registry: RegistryState,
    at: datetime,
) -> Gathered:
    documents, wanted = known.documents, search.wanted
    shown = wanted.sender if sender.did is None else sender.did
    owners = [
        _colleague(wanted.tenant, to, number, documents) for to, number in zip(wanted.to, search.numbers, strict=True)
    ]
    participants = wanted.participants or max(1, owners.count(None))
    legs = [
        Leg(
            to=to,
            number=number,
            facts=build_facts(
                at=at,
                message=Message(
                    to=to,
                    sender=shown,
                    text=wanted.text,
                    media=wanted.media,
                    origin=wanted.origin,
                    participants=participants,
                ),
                sender=sender.facts,
                directory=None if sender.user is None else owner,
                line=decoded.line(documents.get(line_key(number))) if number else None,
                opt_out=None if wanted.ignores_opt_out else _opt_out(opt_outs.get((wanted.tenant, number)), at),
                free_text_revocation=isinstance(opt_outs.get((wanted.tenant, number)), Suspicion),
                registry=registry,
            ),
        )
        for to, number, owner in zip(wanted.to, search.numbers, owners, strict=True)
    ]
    return Gathered(
        user=sender.user,
        sender=shown,
        legs=tuple(legs),
        reading=known.reading,
        is_known=known.is_whole,
        sender_json=sender.json,
    )


def _colleague(tenant: str, to: str, number: str, documents: Documents) -> Owner | None:
    """Say which colleague a destination is: live, messaging-capable endpoints; other tenants' are outsiders."""
    if number:
        owner = documents.colleague(number)
        return owner if owner is not None and owner.tenant == tenant else None
    if to.startswith("user:"):
        user = decoded.user(documents.get(user_key(to.removeprefix("user:"))))
        return Owner(tenant=tenant, user=user.id) if user is not None and user.tenant == tenant else None
    if match := _EXTENSION.fullmatch(to):
        extension = decoded.extension(documents.get(extension_key(tenant, match[1])))
        return None if extension is None else Owner(tenant=tenant, user=extension.user)
    return None


def _waiting(envelope: Envelope) -> Wanted:
    return Wanted(
        tenant=envelope.tenant,
        user=envelope.user,
        sender=envelope.sender,
        to=(envelope.recipient,),
        text=envelope.text,
        media=tuple(Media(type=item.type, bytes=item.bytes) for item in envelope.media),
        origin=envelope.origin,
        participants=envelope.participants,
        ignores_opt_out=envelope.ignores_opt_out,
    )


def _opt_out(record: OptOutRecord | Suspicion | None, at: datetime) -> OptOut | None:
    if not isinstance(record, OptOutRecord):
        return None
    return OptOut(
        # What can be read is in force, although the clock that wrote it may be ahead of ours.
        at=min(datetime.fromtimestamp(record.at_ms / 1_000, UTC).replace(microsecond=0), at),
        keyword=record.keyword,
        tenant=record.tenant,
        number=record.number or None,
    )


def _reader_of_opt_outs(queue: Queue) -> Callable[[Collection[tuple[str, str]]], Awaitable[OptOuts]]:
    async def read(pairs: Collection[tuple[str, str]]) -> OptOuts:
        ordered = list(pairs)
        return dict(zip(ordered, await queue.opt_outs(ordered), strict=True))

    return read
