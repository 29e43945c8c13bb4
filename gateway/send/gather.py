"""Looks up everything that the judgement of a message needs, many messages at once, and judges nothing.

Which documents a message needs shows only step by step: its sender's user, that user's number, the number's campaign,
the campaign's brand. So each round asks for what the documents so far point to, all messages together, until nothing
is missing: four rounds at most, one where a sender's documents lead to where they led last time. Opt-outs are read
fresh from the queue store beside that, never from any cache.

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
from compliance.documents import MARK_KEY, extension_key, line_key, number_key, user_key
from compliance.facts import Facts, Media, Message, OptOut, Owner, RegistryState
from compliance.policy import Policy
from compliance.rules import RECHECKS
from compliance.senders import canonical_sender
from gateway.envelope import Envelope
from gateway.queue import OptOutRecord, Queue, QueueError
from gateway.send import decoded
from gateway.send.assemble import build_facts
from gateway.send.coalescer import Coalescer
from gateway.send.registry_store import NO_READING, Reading, RegistryStore
from gateway.send.sender import Documents, Found, Senders, Who

_EXTENSION = re.compile(r"ext:([0-9]{1,20})", re.ASCII)
_CANNOT_SAY: Final = Decision(Verdict.BLOCK, Code.REGISTRY_UNAVAILABLE, blocks(Code.REGISTRY_UNAVAILABLE))

OptOuts = Mapping[tuple[str, str], OptOutRecord | None]


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


class Gathered(NamedTuple):
    """A message with everything that is known about it."""

    #: The sending user; None when there is no such user in the tenant.
    user: str | None
    #: The sender number in canonical form, or as submitted where it has none; None when there is no number at all.
    sender: str | None
    legs: tuple[Leg, ...]
    reading: Reading
    #: The sender's part of the decision record, as JSON.
    sender_json: bytes


class _Search(NamedTuple):
    """One message on its way through the rounds."""

    wanted: Wanted
    who: Who
    #: Each destination in E.164; "" where it has none.
    numbers: tuple[str, ...]


class Gatherer:
    """Turns what was submitted into facts."""

    def __init__(self, store: RegistryStore, queue: Queue, policy: Policy, now: Callable[[], datetime]) -> None:
        self._store = store
        self._policy = policy
        self._now = now
        self._senders = Senders()
        self._opt_outs: Coalescer[tuple[str, str], OptOuts] = Coalescer(_reader_of_opt_outs(queue))

    async def gather(self, wanted: Sequence[Wanted]) -> list[Gathered]:
        """Look everything up. Raises QueueError when opt-outs cannot be read; without a registry the facts say so."""
        searches = [_search(one) for one in wanted]
        pairs = [(search.wanted.tenant, number) for search in searches for number in search.numbers if number]
        opting_out = self._opt_outs.ask(pairs) if pairs else None
        reading, found = await self._read(searches)
        opt_outs = await opting_out if opting_out is not None else {}
        at = self._now().replace(microsecond=0)
        registry = reading.state(strict=self._policy.mode == "strict")
        return [
            _assemble(search, sender, reading, opt_outs, registry, at)
            for search, sender in zip(searches, found, strict=True)
        ]

    async def recheck(self, envelopes: Sequence[Envelope]) -> list[Decision]:
        """Judge waiting messages again by what may have changed (gateway/work/recheck.py)."""
        try:
            gathered = await self.gather([_waiting(envelope) for envelope in envelopes])
        except QueueError:
            return [_CANNOT_SAY] * len(envelopes)
        return [
            _CANNOT_SAY if one.reading.age_ms is None else decide(one.legs[0].facts, self._policy, RECHECKS)
            for one in gathered
        ]

    async def _read(self, searches: Sequence[_Search]) -> tuple[Reading, list[Found]]:
        """Read in rounds until no document points to one not read yet."""
        documents: dict[str, bytes | None] = {}
        # How old the registry is counts even where there is nothing to look up.
        missing: Collection[str] = {key for search in searches for key in self._keys(search)} or {MARK_KEY}
        reading, found = NO_READING, list[Found]()
        while missing:
            reading = await self._store.read(missing)
            if reading.age_ms is None and not reading.documents:
                break
            documents.update((key, reading.documents[key]) for key in missing)
            found = [self._senders.find(search.who, documents) for search in searches]
            missing = {key for sender in found for key in sender.keys if key not in documents}
        found = found or [self._senders.find(search.who, documents) for search in searches]
        return Reading(documents=documents, seq=reading.seq, age_ms=reading.age_ms), found

    def _keys(self, search: _Search) -> Iterator[str]:
        """Name the documents to begin with."""
        yield from self._senders.keys(search.who)
        for to, number in zip(search.wanted.to, search.numbers, strict=True):
            if number:
                yield number_key(number)
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
    reading: Reading,
    opt_outs: OptOuts,
    registry: RegistryState,
    at: datetime,
) -> Gathered:
    documents, wanted = reading.documents, search.wanted
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
                opt_out=_opt_out(opt_outs.get((wanted.tenant, number))),
                registry=registry,
            ),
        )
        for to, number, owner in zip(wanted.to, search.numbers, owners, strict=True)
    ]
    return Gathered(user=sender.user, sender=shown, legs=tuple(legs), reading=reading, sender_json=sender.json)


def _colleague(tenant: str, to: str, number: str, documents: Documents) -> Owner | None:
    """Say which colleague a destination is: live, messaging-capable endpoints; other tenants' are outsiders."""
    if number:
        document = decoded.number(documents.get(number_key(number)))
        owner = None if document is None or document.kind == "service" else document.owner
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
    )


def _opt_out(record: OptOutRecord | None) -> OptOut | None:
    if record is None:
        return None
    return OptOut(
        at=datetime.fromtimestamp(record.at_ms / 1_000, UTC).replace(microsecond=0),
        keyword=record.keyword,
        tenant=record.tenant,
        number=record.number or None,
    )


def _reader_of_opt_outs(queue: Queue) -> Callable[[Collection[tuple[str, str]]], Awaitable[OptOuts]]:
    async def read(pairs: Collection[tuple[str, str]]) -> OptOuts:
        ordered = list(pairs)
        return dict(zip(ordered, await queue.opt_outs(ordered), strict=True))

    return read
