"""Looks up everything that the judgement of a message needs, many messages at once, and judges nothing.

Which documents a message needs shows only step by step: its sender's user, that user's number, the number's campaign,
the campaign's brand. So each round asks for what the documents so far point to, all messages together, until nothing
is missing: four rounds at most. Opt-outs are read fresh from the queue store beside that, never from any cache.

Not here: what the facts mean (compliance/), which bytes documents have (compliance/documents.py).
"""

import re
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

import orjson
import structlog

from compliance.codes import Code
from compliance.decide import decide
from compliance.decision import Decision, Verdict, blocks
from compliance.destinations import read_destination
from compliance.documents import (
    MARK_KEY,
    ExtensionDocument,
    LineDocument,
    UserDocument,
    brand_key,
    campaign_key,
    extension_key,
    line_key,
    load_brand,
    load_campaign,
    load_extension,
    load_line,
    load_number,
    load_user,
    number_key,
    user_key,
)
from compliance.facts import Brand, Campaign, Facts, Media, Message, OptOut, Owner, Sender, SenderNumber
from compliance.policy import Policy
from compliance.record import sender_to
from compliance.rules import RECHECKS
from compliance.senders import canonical_sender
from compliance.shapes import ShapeError
from gateway.assemble import build_facts, sender_of
from gateway.coalescer import Coalescer
from gateway.envelope import Envelope
from gateway.queue import OptOutRecord, Queue, QueueError
from gateway.registry_store import NO_READING, Reading, RegistryStore

_log = structlog.get_logger()

#: For a sender who is nobody: the judge refuses such a message for its number, whatever the date.
_NOBODY_SINCE: Final = date.max
#: Senders remembered with the documents that they needed last time.
_MOST_HINTS: Final = 100_000

Documents = Mapping[str, bytes | None]
Loaded = TypeVar("Loaded")

_EXTENSION = re.compile(r"ext:([0-9]{1,20})", re.ASCII)
_CANNOT_SAY: Final = Decision(Verdict.BLOCK, Code.REGISTRY_UNAVAILABLE, blocks(Code.REGISTRY_UNAVAILABLE))


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


def _lenient(load: Callable[[bytes], Loaded]) -> Callable[[bytes | None], Loaded | None]:
    """Read a document once per distinct bytes; a broken one counts as missing, which closes, and is reported once."""

    @lru_cache(maxsize=16_384)
    def read(raw: bytes) -> Loaded | None:
        try:
            return load(raw)
        except ShapeError as broken:
            _log.error("registry_document_broken", error=str(broken))
            return None

    return lambda raw: None if raw is None else read(raw)


_number: Callable[[bytes | None], SenderNumber | None] = _lenient(load_number)
_campaign: Callable[[bytes | None], Campaign | None] = _lenient(load_campaign)
_brand: Callable[[bytes | None], Brand | None] = _lenient(load_brand)
_user: Callable[[bytes | None], UserDocument | None] = _lenient(load_user)
_extension: Callable[[bytes | None], ExtensionDocument | None] = _lenient(load_extension)
_line: Callable[[bytes | None], LineDocument | None] = _lenient(load_line)


@dataclass(slots=True)
class _Search:
    """One message on its way through the rounds."""

    wanted: Wanted
    canonical: str | None = field(init=False)
    numbers: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        sender = self.wanted.sender
        self.canonical = None if sender is None else canonical_sender(sender)
        self.numbers = tuple(read_destination(to)[1] for to in self.wanted.to)

    @property
    def who(self) -> tuple[str, str | None, str | None]:
        """Tenant, user and number: what the sender's documents depend on; never a text of the caller's own making."""
        return self.wanted.tenant, self.wanted.user, self.canonical

    def destinations(self) -> Iterator[tuple[str, str]]:
        """Give each destination as typed and in E.164 ("" where it has none)."""
        return zip(self.wanted.to, self.numbers, strict=True)

    def user_id(self, documents: Documents) -> str | None:
        """Return who sends, as far as the documents tell."""
        if self.wanted.user is not None or self.canonical is None:
            return self.wanted.user
        number = _number(documents.get(number_key(self.canonical)))
        owner = None if number is None else number.owner
        return owner.user if owner is not None and owner.tenant == self.wanted.tenant else None

    def user(self, documents: Documents) -> UserDocument | None:
        """Return the sending user, if there is one of that name in the tenant."""
        user_id = self.user_id(documents)
        user = None if user_id is None else _user(documents.get(user_key(user_id)))
        return user if user is not None and user.tenant == self.wanted.tenant else None

    def did(self, documents: Documents) -> str | None:
        """Return the sender number: the one submitted, else the user's own."""
        if self.wanted.sender is not None:
            return self.canonical
        user = self.user(documents)
        return None if user is None else user.number

    def sender_keys(self, documents: Documents) -> list[str]:
        """Name the documents about the sender, as far as the documents read so far tell."""
        user_id, did = self.user_id(documents), self.did(documents)
        keys = [] if user_id is None else [user_key(user_id)]
        if did is None:
            return keys
        keys.append(number_key(did))
        number = _number(documents.get(keys[-1]))
        if number is None or number.assignment is None or number.assignment.campaign_id is None:
            return keys
        keys.append(campaign_key(number.assignment.campaign_id))
        campaign = _campaign(documents.get(keys[-1]))
        if campaign is not None:
            keys.append(brand_key(campaign.brand_id))
        return keys

    def recipient_keys(self) -> Iterator[str]:
        """Name the documents about the recipients."""
        for to, number in self.destinations():
            if number:
                yield number_key(number)
                yield line_key(number)
            elif to.startswith("user:"):
                yield user_key(to.removeprefix("user:"))
            elif extension := _EXTENSION.fullmatch(to):
                yield extension_key(self.wanted.tenant, extension[1])

    def directory(self, to: str, number: str, documents: Documents) -> Owner | None:
        """Say which colleague a destination is: live, messaging-capable endpoints; other tenants' are outsiders."""
        tenant = self.wanted.tenant
        if number:
            document = _number(documents.get(number_key(number)))
            owner = None if document is None or document.kind == "service" else document.owner
            return owner if owner is not None and owner.tenant == tenant else None
        if to.startswith("user:"):
            user = _user(documents.get(user_key(to.removeprefix("user:"))))
            return Owner(tenant=tenant, user=user.id) if user is not None and user.tenant == tenant else None
        if match := _EXTENSION.fullmatch(to):
            extension = _extension(documents.get(extension_key(tenant, match[1])))
            return None if extension is None else Owner(tenant=tenant, user=extension.user)
        return None


class Gatherer:
    """Turns what was submitted into facts."""

    def __init__(self, store: RegistryStore, queue: Queue, policy: Policy, now: Callable[[], datetime]) -> None:
        self._store = store
        self._policy = policy
        self._now = now
        self._hints: dict[tuple[str, str | None, str | None], list[str]] = {}
        self._opt_outs = Coalescer[tuple[str, str], Mapping[tuple[str, str], OptOutRecord | None]](
            _reader_of_opt_outs(queue),
        )

    async def gather(self, wanted: Sequence[Wanted]) -> list[Gathered]:
        """Look everything up. Raises QueueError when opt-outs cannot be read; without a registry the facts say so."""
        searches = [_Search(one) for one in wanted]
        pairs = [(search.wanted.tenant, number) for search in searches for number in search.numbers if number]
        opting_out = self._opt_outs.ask(pairs) if pairs else None
        reading = await self._read(searches)
        opt_outs = await opting_out if opting_out is not None else {}
        at = self._now().replace(microsecond=0)
        return [self._assemble(search, reading, opt_outs, at) for search in searches]

    async def recheck(self, envelopes: Sequence[Envelope]) -> list[Decision]:
        """Judge waiting messages again by what may have changed (gateway/recheck.py)."""
        try:
            gathered = await self.gather([_waiting(envelope) for envelope in envelopes])
        except QueueError:
            return [_CANNOT_SAY] * len(envelopes)
        return [
            _CANNOT_SAY if one.reading.age_ms is None else decide(one.legs[0].facts, self._policy, RECHECKS)
            for one in gathered
        ]

    async def _read(self, searches: Sequence[_Search]) -> Reading:
        """Read in rounds until no document points to one not read yet.

        Where a sender's documents pointed to last time is read at once; if they still do, one round is enough.
        """
        documents: dict[str, bytes | None] = {}
        missing = {key for search in searches for key in search.recipient_keys()}
        missing.update(key for search in searches for key in self._hints.get(search.who, ()))
        missing.update(key for search in searches for key in search.sender_keys(documents))
        # How old the registry is counts even where there is nothing to look up.
        missing = missing or {MARK_KEY}
        reading = NO_READING
        while missing:
            reading = await self._store.read(missing)
            if reading.age_ms is None and not reading.documents:
                break
            documents.update((key, reading.documents[key]) for key in missing)
            missing = {key for search in searches for key in self._sender_keys(search, documents)} - documents.keys()
        return Reading(documents=documents, seq=reading.seq, age_ms=reading.age_ms)

    def _sender_keys(self, search: _Search, documents: Documents) -> list[str]:
        keys = search.sender_keys(documents)
        if len(self._hints) >= _MOST_HINTS:
            self._hints.clear()
        self._hints[search.who] = keys
        return keys

    def _assemble(
        self,
        search: _Search,
        reading: Reading,
        opt_outs: Mapping[tuple[str, str], OptOutRecord | None],
        at: datetime,
    ) -> Gathered:
        documents, wanted = reading.documents, search.wanted
        user, did = search.user(documents), search.did(documents)
        sender_facts, sender_json = _sender(wanted.tenant, *_sender_documents(search, did, documents))
        registry = reading.state(strict=self._policy.mode == "strict")
        directory = [search.directory(to, number, documents) for to, number in search.destinations()]
        outside = directory.count(None)
        sender = wanted.sender if did is None else did
        legs = tuple(
            Leg(
                to=to,
                number=e164,
                facts=build_facts(
                    at=at,
                    message=Message(
                        to=to,
                        sender=sender,
                        text=wanted.text,
                        media=wanted.media,
                        origin=wanted.origin,
                        participants=wanted.participants or max(1, outside),
                    ),
                    sender=sender_facts,
                    directory=None if user is None else owner,
                    line=_line(documents.get(line_key(e164))) if e164 else None,
                    opt_out=_opt_out(opt_outs.get((wanted.tenant, e164))),
                    registry=registry,
                ),
            )
            for (to, e164), owner in zip(search.destinations(), directory, strict=True)
        )
        return Gathered(
            user=None if user is None else user.id,
            sender=sender,
            legs=legs,
            reading=reading,
            sender_json=sender_json,
        )


def _sender_documents(
    search: _Search,
    did: str | None,
    documents: Documents,
) -> tuple[bytes | None, bytes | None, bytes | None, bytes | None]:
    """Return the documents of user, number, campaign and brand, each named by the one before.

    A number outside the tenant is as unknown as none: whose it is and what it is registered for is nobody else's to
    read, not even in the record of a refusal.
    """
    user = search.user(documents)
    user_raw = None if user is None else documents.get(user_key(user.id))
    number_raw = None if did is None else documents.get(number_key(did))
    number = _number(number_raw)
    if number is None or number.owner is None or number.owner.tenant != search.wanted.tenant:
        return user_raw, None, None, None
    if number.assignment is None or number.assignment.campaign_id is None:
        return user_raw, number_raw, None, None
    campaign_raw = documents.get(campaign_key(number.assignment.campaign_id))
    campaign = _campaign(campaign_raw)
    return user_raw, number_raw, campaign_raw, None if campaign is None else documents.get(brand_key(campaign.brand_id))


@lru_cache(maxsize=16_384)
def _sender(
    tenant: str,
    user_raw: bytes | None,
    number_raw: bytes | None,
    campaign_raw: bytes | None,
    brand_raw: bytes | None,
) -> tuple[Sender, bytes]:
    """Put a sender's facts together, once per distinct documents; and write them as the record has them."""
    user = _user(user_raw) or UserDocument(id="", tenant=tenant, customer_since=_NOBODY_SINCE)
    sender = sender_of(user, _number(number_raw), _campaign(campaign_raw), _brand(brand_raw))
    return sender, orjson.dumps(sender_to(sender))


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


def _reader_of_opt_outs(
    queue: Queue,
) -> Callable[[Collection[tuple[str, str]]], Awaitable[Mapping[tuple[str, str], OptOutRecord | None]]]:
    async def read(pairs: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], OptOutRecord | None]:
        ordered = list(pairs)
        return dict(zip(ordered, await queue.opt_outs(ordered), strict=True))

    return read
