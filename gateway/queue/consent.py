"""What is known of people who do not want texts: the values of their lists, and of taking an opt-out back.

Only the person's own renewed consent ends an opt-out: their START, or what they did otherwise, for which somebody
vouches and says where it is kept (Restoration). Whatever they say afterwards counts again at once, and what was heard
after the instant that is vouched for stands.

Not here: the store (opt_outs.py), a word on its way in (gateway/queue/__init__.py).
"""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple, Protocol


class Standing(StrEnum):
    """Where a person stands with a tenant."""

    OUT = "out"
    #: They wrote a phrase that may be an opt-out.
    SUSPECTED = "suspected"
    #: They had opted out, and it was taken back.
    LIFTED = "lifted"
    #: Nothing, or a suspicion that was none.
    NONE = "none"


class Word(NamedTuple):
    """What somebody said once."""

    at_ms: int
    keyword: str
    #: Which of the tenant's numbers it came to; "" when not known.
    number: str


class Suspected(NamedTuple):
    """A phrase that may be an opt-out."""

    at_ms: int
    number: str
    #: How it began; "" when not known.
    text: str


class Lifted(NamedTuple):
    """An opt-out that was taken back."""

    #: The person's START, or the keyword "restored".
    how: Word
    #: What the person did and where it is kept, and who vouches; of a restoration only.
    evidence: str
    by: str
    #: The opt-out; None where it cannot be read.
    was: Word | None


class Dismissed(NamedTuple):
    """A suspicion that was none."""

    at_ms: int
    evidence: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """All that is known of one person."""

    #: E.164.
    recipient: str
    out: Word | None = None
    suspected: Suspected | None = None
    #: The latest one.
    lifted: Lifted | None = None
    dismissed: Dismissed | None = None

    @property
    def standing(self) -> Standing:
        """Where they stand; the same order as in the store's lists."""
        if self.out is not None:
            return Standing.OUT
        if self.suspected is not None:
            return Standing.SUSPECTED
        return Standing.NONE if self.lifted is None else Standing.LIFTED


class ConsentPage(NamedTuple):
    """A part of a list."""

    items: tuple[Consent, ...]
    #: Where to read on; "" at the end.
    next: str
    #: Opt-outs that an older version kept are all in the list.
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """Somebody vouches that a person wants texts again, or never meant not to."""

    tenant: str
    #: E.164.
    recipient: str
    #: What the person did, and where it is kept.
    evidence: str
    by: str = ""
    #: Until when the evidence speaks: what was heard later stands. 0: now.
    vouched_ms: int = 0

    @property
    def name(self) -> str:
        """Names the request: with the same it is done once."""
        return sha256(f"{self.recipient}\0{self.vouched_ms}\0{self.evidence}".encode()).hexdigest()[:32]


class Settled(StrEnum):
    """What came of it."""

    RESTORED = "restored"
    #: It was a suspicion.
    DISMISSED = "dismissed"
    WAS_NOT_OUT = "was_not_out"
    #: They opted out, or may have, after the instant that is vouched for: that stands.
    OVERTAKEN = "overtaken"


class Restored(NamedTuple):
    """A restoration is on disk; if it comes again, what came of it the first time."""

    outcome: Settled
    at_ms: int


class Consents(Protocol):
    """What the edge asks of the store. Everything raises QueueError."""

    async def restore(self, restoration: Restoration) -> Restored:
        """End an opt-out or a suspicion; durable when it returns. The same again gives the same."""

    async def consent(self, tenant: str, recipient: str) -> Consent:
        """Read all that is known of a person."""

    async def consents(self, tenant: str, standing: Standing, *, after: str, limit: int) -> ConsentPage:
        """List who stands somewhere, the newest first, behind a cursor ("" for the beginning; else ValueError)."""
