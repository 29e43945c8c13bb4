"""The queue's port: what the send path may ask of the store that must never lose anything, and in which words.

A message is ours from the moment accept() returns its id: by then it is on disk. Every call here is one server-side
function per partition, idempotent, and never retried by the client. A call whose answer was lost raises OutcomeUnknown:
it may or may not have happened, and asking again with the same arguments is safe.

Ids: a message is "<k>-<ms>-<seq>-<i>" (partition, the log entry's stream id, place in the entry); a refusal is
"r-<k>-<ms>-<seq>" (its entry in the journal). So an id alone says where to look.

Not here: the store behind it (store.py, functions/), batching of concurrent accepts (commit.py), when to try again
(retry.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol


class Status(StrEnum):
    """Where a message stands. It only moves forward; a terminal status never changes."""

    QUEUED = "queued"
    SCHEDULED = "scheduled"
    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


OPEN = frozenset({Status.QUEUED, Status.SCHEDULED, Status.SUBMITTING, Status.SUBMITTED})
TERMINAL = frozenset(Status) - OPEN


class QueueError(Exception):
    """The queue store did not do as asked.

    * QueueError
      x QueueUnavailable   it said no, or could not be reached before anything was sent: nothing happened
      x OutcomeUnknown     the answer was lost: it may have happened; ask again with the same arguments
      x Fenced             another owner holds the partition now: drop your copies, touch nothing
    """


class QueueUnavailable(QueueError):  # noqa: N818 - says what happened
    """Nothing was written. reason is a closed word: unreachable, full, settings, functions; detail is for operators."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


class OutcomeUnknown(QueueError):  # noqa: N818 - says what happened
    """The store may or may not have done it."""


class Fenced(QueueError):  # noqa: N818 - says what happened
    """The caller's epoch is over: somebody else owns the partition."""


class Idempotency(NamedTuple):
    """What makes a repeated request the same request."""

    #: Digest of tenant, sending user and key: names the request.
    digest: bytes
    #: Digest of the canonical body: the same key with another body is a mismatch.
    fingerprint: bytes
    #: What a replay needs to give the first answer again, ids left out (the store adds them). Opaque here.
    answer: bytes


class Accept(NamedTuple):
    """One request to keep: its messages all or none, its refusals into the journal, its key remembered."""

    partition: int
    #: Opaque to the store, one a leg. Never empty, never with a line feed (JSON as orjson writes it).
    messages: tuple[bytes, ...] = ()
    #: Refused legs, for the journal: a JSON object each, opaque, held to the same rule.
    refusals: tuple[bytes, ...] = ()
    #: Looked up first, also for a request that is refused as a whole; remembered only if there are messages.
    idempotency: Idempotency | None = None


class Accepted(NamedTuple):
    """The request is on disk."""

    message_ids: tuple[str, ...]
    refusal_ids: tuple[str, ...]


class Replayed(NamedTuple):
    """The key is known with the same body: what was stored then. Nothing was written now."""

    message_ids: tuple[str, ...]
    refusal_ids: tuple[str, ...]
    answer: bytes


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The key is known with another body. Nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One message in the owner's hands, from the log or from what was due."""

    id: str
    payload: bytes
    #: Attempts begun so far; 0 for a message never tried.
    attempts: int
    #: Where it stands; SUBMITTING means that an earlier owner began attempt number `attempts` and never finished it:
    #: doubt, to be resolved with finish() or park() of that number. It comes from take() and, for a retry, from due().
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """Say durably that an attempt is about to be made."""

    id: str
    payload: bytes
    #: Attempts begun so far, Taken.attempts: a begin that comes late, when another took its number, does nothing then.
    #: None: however many there were.
    attempts: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """attempt is the fencing number for finish and park; None: do not send (terminal, submitted, or already open).

    status is then where the message stands; UNKNOWN also for a message that is not here (any more).
    """

    id: str
    attempt: int | None
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """Say durably what became of a message: SUBMITTED (carrier took it) or a terminal status."""

    id: str
    status: Status
    #: The attempt this ends; 0 when none is open (IM, blocked at the recheck, expired while waiting, no receipt).
    #: 0 never ends an open attempt. An older number never speaks for a newer one: its SUBMITTED is counted as a doubt.
    attempt: int = 0
    payload: bytes = b""
    carrier: str = ""
    carrier_reference: str = ""
    #: A reason code or carrier code, and a short text without any number or body.
    code: str = ""
    detail: str = ""
    #: SUBMITTED only: without a receipt by then, the message becomes due in lane "receipt"; 0 means 72 h from now.
    receipt_due_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Park:
    """Put a message aside until a time: a retry (QUEUED) or a schedule (SCHEDULED).

    With the number of the open attempt it goes back from SUBMITTING to QUEUED: the one backwards step there is. A
    scheduled message that is parked again stays SCHEDULED. What is submitted or terminal is left alone.
    """

    id: str
    payload: bytes
    lane: str
    due_ms: int
    status: Status
    attempt: int = 0
    code: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A carrier's word on a message: SUBMITTED (still on its way) or DELIVERED, UNDELIVERED, FAILED, EXPIRED."""

    id: str
    status: Status
    carrier: str
    carrier_reference: str
    code: str = ""
    #: The carrier's own instant, milliseconds since the epoch; 0 when it gave none.
    at_ms: int = 0


class Folded(StrEnum):
    """What a receipt did."""

    APPLIED = "applied"
    #: The same terminal status again, or an intermediate one after a later one.
    REPEATED = "repeated"
    #: Another terminal status after the first: the first stands.
    CONTRADICTED = "contradicted"
    #: No such message here (any more).
    UNKNOWN_MESSAGE = "unknown_message"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One change of status. seq counts from 1 without a gap."""

    seq: int
    status: Status
    at_ms: int
    code: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A message as the store has it."""

    id: str
    payload: bytes
    status: Status
    attempts: int
    carrier_reference: str
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Conservation of one partition: accepted must equal the sum over by_status."""

    partition: int
    accepted: int
    refused: int
    doubts: int
    by_status: dict[Status, int]
    #: Messages waiting in the log (not yet taken to an end or parked), and per lane what is due or parked.
    log_entries: int
    parked: dict[str, int]
    #: Age in milliseconds of the oldest unfinished log entry; 0 when there is none.
    oldest_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxItem:
    """An instant message or a carrier's text in a user's inbox; cursor is what `after` takes."""

    cursor: str
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OptOutRecord:
    """One opt-out; the earliest instant is kept when it comes twice."""

    tenant: str
    #: E.164.
    recipient: str
    at_ms: int
    keyword: str
    #: Which of the tenant's numbers received it; "" when not known.
    number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """Somebody who has not opted out wrote a phrase that may have meant it; nobody has settled it yet."""

    tenant: str
    #: E.164.
    recipient: str
    at_ms: int


class Word(StrEnum):
    """What a person's text does to their standing with a tenant."""

    STOP = "stop"
    START = "start"
    #: A phrase that looks like a revocation.
    SUSPECTED = "suspected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A word that a person sent to one of a tenant's numbers."""

    word: Word
    #: Names the text: what comes twice under one id is heard once.
    id: str
    tenant: str
    #: E.164.
    recipient: str
    at_ms: int
    #: The word as it was written.
    keyword: str
    #: Which of the tenant's numbers it came to.
    number: str
    #: Whose number that is; "" while it is nobody's.
    user: str
    #: When it was written, if the carrier says so; else 0. Tells which of two words was the last.
    said_ms: int = 0


class Became(StrEnum):
    """What came of a word."""

    OPTED_OUT = "opted_out"
    #: Had opted out before.
    WAS_OUT = "was_out"
    OPTED_IN = "opted_in"
    #: Had not opted out, so there was nothing to take back.
    WAS_NOT_OUT = "was_not_out"
    #: A START that was written before the STOP that is known: it changes nothing.
    OVERTAKEN = "overtaken"
    SUSPECTED = "suspected"


class Heard(NamedTuple):
    """A word is on disk, and what it changed; if it comes again, what it changed the first time, and for whom."""

    became: Became
    #: Milliseconds since it was first heard.
    age_ms: int
    user: str


class Queue(Protocol):
    """What the edge asks."""

    partitions: int

    def partition_of(self, tenant: str, user: str) -> int:
        """Say where a sending user's messages live: crc16(tenant + NUL + user) mod partitions."""

    async def accept(self, requests: Sequence[Accept]) -> list[Accepted | Replayed | Mismatch | QueueError]:
        """Keep many requests in one round trip, a call per partition. An error stands in its request's place."""

    async def look(self, ids: Sequence[str]) -> list[Stored | None]:
        """Read messages by id; None where there is no such message (any more)."""

    async def look_refusal(self, refusal_id: str) -> bytes | None:
        """Read one refusal back from the journal."""

    async def cancel(self, message_id: str, payload: bytes) -> Status:
        """Cancel a message that is queued or scheduled; returns the status it has now (CANCELLED if that worked).

        UNKNOWN also for a message that is not here (any more).
        """

    async def receipts(self, receipts: Sequence[Receipt]) -> list[Folded]:
        """Fold carriers' receipts into the messages' status, in one round trip. Durable when it returns."""

    async def inbox(self, tenant: str, user: str, *, after: str, limit: int) -> list[InboxItem]:
        """Read what came for a user, in order, after a cursor ("" for the beginning)."""

    async def put_opt_outs(self, records: Sequence[OptOutRecord]) -> None:
        """Keep opt-outs; durable when it returns."""

    async def opt_outs(self, pairs: Sequence[tuple[str, str]]) -> list[OptOutRecord | Suspicion | None]:
        """Read opt-outs, or suspicions, fresh for (tenant, E.164 recipient) pairs, in one round trip."""

    async def heard(self, spoken: Spoken) -> Heard:
        """Keep what a person said of further texts, once by its id for a day at least; durable when it returns."""

    async def deliver_text(self, tenant: str, user: str, text_id: str, payload: bytes) -> None:
        """Put a carrier's text into a user's inbox, once by id for a day at least; durable when it returns."""

    async def keep_orphan(self, text_id: str, payload: bytes) -> None:
        """Keep a carrier's text to a number that nobody owns, the newest 100,000; once by id, durable."""

    async def orphans(self, *, after: str, limit: int) -> list[InboxItem]:
        """Read those texts in order, after a cursor ("" for the beginning)."""

    async def put_media(self, media_id: str, meta: bytes, body: bytes, *, ttl_s: int) -> None:
        """Keep an uploaded attachment."""

    async def media_meta(self, media_ids: Sequence[str]) -> list[bytes | None]:
        """Read attachments' descriptions, in one round trip."""

    async def media_body(self, media_id: str) -> bytes | None:
        """Read an attachment's bytes."""

    async def counts(self) -> list[Counts]:
        """Read the conservation counters of every partition."""

    async def prove(self) -> None:
        """Look whether the store still keeps what it is given; QueueError if not, or if it did not say.

        While it does not, nothing is accepted and nothing begun: QueueUnavailable("settings" or "functions").
        """


class OwnedQueue(Protocol):
    """What the worker asks. Everything here is fenced by the epoch that own() gave."""

    partitions: int

    async def own(self, partition: int, holder: str, lease_ms: int) -> int | None:
        """Take or renew the lease on a partition; the epoch, or None while somebody else holds it.

        holder names one start of one process and is never used again. The same epoch as before means renewed; a new one
        means that the pending entries must be read again (take() with pending_after "0").
        """

    async def release(self, partition: int, epoch: int) -> None:
        """Give the lease back, so that the next owner need not wait it out."""

    async def take(
        self, partition: int, epoch: int, *, count: int, pending_after: str | None, received: str = ""
    ) -> tuple[list[Taken], str | None]:
        """Read log entries, count of them, each holding 1..n messages; keys.entry_of() says which one a message is in.

        First what an earlier owner left pending (pending_after "0", then the cursor returned), then, with pending_after
        None, new ones. The cursor is None when nothing is pending any more. Messages that came to an end or were parked
        are left out; an entry with nothing else is acknowledged here.

        received: the last entry that this owner got, "0" for none. Entries given out after it are given again before
        any new one: their answer was lost, or a call that was given up came late. "": the caller reads pending ones.
        """

    async def due(self, partition: int, epoch: int, lane: str, *, now_ms: int, count: int) -> list[Taken]:
        """Read parked messages whose time has come; they stay parked until begun, finished or parked again.

        Status SUBMITTED in lane "receipt", SUBMITTING where an earlier owner's attempt was left open.
        """

    async def begin(self, partition: int, epoch: int, begins: Sequence[Begin]) -> list[Begun]:
        """Durably open one attempt each.

        After OutcomeUnknown, asking again is right: what is SUBMITTING without a number then has the attempt that was
        asked for, Taken.attempts + 1. So is park() with that number, whether it happened or not.
        """

    async def finish(self, partition: int, epoch: int, finishes: Sequence[Finish]) -> list[Status]:
        """Durably end attempts; the status each message has afterwards (a receipt may have been faster)."""

    async def park(self, partition: int, epoch: int, parks: Sequence[Park]) -> None:
        """Durably put messages aside."""

    async def acknowledge(self, partition: int, epoch: int, entries: Sequence[str]) -> None:
        """Say that every message of these log entries ("<ms>-<seq>") was finished or parked: they leave the log.

        An entry with a message that was not stays in the log, and ValueError names it: that is a bug of the caller.
        """

    async def deliver_im(self, tenant: str, user: str, message_id: str, payload: bytes) -> None:
        """Copy an instant message into a colleague's inbox, once by id."""
