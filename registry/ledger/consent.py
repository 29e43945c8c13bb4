"""What people said about texts of a company, as the queue store has it right now: looks that change nothing.

The truth of opt-outs is there and nowhere else (gateway/queue/functions/opt_outs.lua), and so are the lists of them:
one person is a hash, a list is read by the store's own function. SQL has a copy of those that were imported, and no
page shows it.

Not here: that copy (registry/opt_outs.py), and how an opt-out is taken back (registry/restorations).
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

_TIMEOUT_S: Final = 2.0
#: The lists that there are.
STATES: Final = ("out", "suspected", "lifted")
_CURSOR: Final = re.compile(r"(-?[0-9]{1,15})-([0-9]{1,15})", re.ASCII)
#: People of one answer, where all are read.
_STREAMED: Final = 500


class Consent(NamedTuple):
    """Where somebody stands; None is nothing known."""

    #: E.164.
    recipient: str = ""
    #: Opted out since, by which word, at which of the company's numbers ("": not known).
    out_at: datetime | None = None
    keyword: str = ""
    number: str = ""
    #: They wrote something that may be an opt-out, and no keyword: how it began, and to which number.
    suspected_at: datetime | None = None
    suspected_text: str = ""
    suspected_number: str = ""
    #: An earlier opt-out ended then, by this word; "restored" where somebody vouched, with what, and who.
    lifted_at: datetime | None = None
    lifted_by: str = ""
    evidence: str = ""
    vouched_by: str = ""
    was_at: datetime | None = None
    was_keyword: str = ""
    #: An earlier suspicion was none.
    dismissed_at: datetime | None = None
    dismissed_evidence: str = ""
    dismissed_by: str = ""

    @property
    def state(self) -> str:
        """In which list they are; none: in no one."""
        if self.out_at is not None:
            return "out"
        if self.suspected_at is not None:
            return "suspected"
        return "none" if self.lifted_at is None else "lifted"


class Listed(NamedTuple):
    """A part of a list."""

    items: Sequence[Consent]
    #: Where to read on; None at the end.
    next: str | None
    #: How many people are in each list.
    counts: Mapping[str, int]
    #: Opt-outs of before an upgrade are all in the lists.
    complete: bool


class StoreAwayError(Exception):
    """There is no queue store, or it does not answer in time, or no gateway of this version has been at it yet."""


async def consent_of(url: str, tenant: str, recipient: str) -> Consent | None:
    """Return what is known of a number (E.164); None where the store is away."""
    with contextlib.suppress(StoreAwayError):
        async with _asking(url) as client, asyncio.timeout(_TIMEOUT_S):
            return _consent(recipient, await cast("Any", client.hgetall(f"{{o:{tenant}}}:{recipient}")))
    return None


async def listed(url: str, tenant: str, state: str, *, cursor: str | None, limit: int) -> Listed:
    """Return a part of one of STATES, the newest first; StoreAwayError, and ValueError for a cursor that is none."""
    after = _place(cursor)
    async with _asking(url) as client, asyncio.timeout(_TIMEOUT_S):
        items, behind = await _page(client, tenant, state, after, limit)
        counts = {one: await cast("Any", client.zcard(f"{{o:{tenant}}}:{one}")) for one in STATES}
        done = await cast("Any", client.hget("a2p:opt-outs-indexed", "done"))
    return Listed(items, behind, counts, done is not None)


async def everybody(url: str, tenant: str) -> AsyncIterator[Consent]:
    """Give all who are in a list, list by list; StoreAwayError, also in the middle."""
    async with _asking(url) as client:
        for state in STATES:
            cursor: str | None = None
            while True:
                async with asyncio.timeout(_TIMEOUT_S):
                    items, cursor = await _page(client, tenant, state, _place(cursor), _STREAMED)
                for one in items:
                    yield one
                if cursor is None:
                    break


@contextlib.asynccontextmanager
async def _asking(url: str) -> AsyncIterator[Redis]:
    if not url:
        raise StoreAwayError
    # No socket_timeout: the client would use wait_for, which on Python 3.11 loses a cancellation now and then.
    client = Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=None, protocol=2)
    try:
        yield client
    except (RedisError, TimeoutError, OSError) as failure:
        raise StoreAwayError from failure
    finally:
        await client.aclose()


async def _page(
    client: Redis, tenant: str, state: str, after: tuple[str, str], limit: int
) -> tuple[list[Consent], str | None]:
    key = f"{{o:{tenant}}}:{state}"
    found = await cast("Any", client.fcall_ro("a2p_optouts_page", 1, key, limit, *after))
    people = [_consent(who.decode(), dict(zip(said[::2], said[1::2], strict=True))) for who, _, said in found]
    if len(found) < limit:
        return people, None
    who, at_ms, _ = found[-1]
    return people, f"{int(float(at_ms))}-{who.decode().removeprefix('+')}"


def _place(cursor: str | None) -> tuple[str, str]:
    if not cursor:
        return "", ""
    parts = _CURSOR.fullmatch(cursor)
    if parts is None:
        raise ValueError("not a cursor")
    return parts[1], f"+{parts[2]}"


def _consent(recipient: str, found: Mapping[bytes, bytes]) -> Consent:
    said = {name.decode(): value.decode(errors="replace") for name, value in found.items()}
    was = said.get("was", "").split("\t")
    return Consent(
        recipient=recipient,
        out_at=_instant(said.get("at_ms")),
        keyword=said.get("keyword", ""),
        number=said.get("number", ""),
        suspected_at=_instant(said.get("suspect_ms")),
        suspected_text=said.get("suspect_text", ""),
        suspected_number=said.get("suspect_number", ""),
        lifted_at=_instant(said.get("lifted_ms")),
        lifted_by=said.get("lifted_keyword", ""),
        evidence=said.get("lifted_evidence", ""),
        vouched_by=said.get("lifted_by", ""),
        was_at=_instant(was[0]),
        was_keyword=was[1] if len(was) > 1 else "",
        dismissed_at=_instant(said.get("dismissed_ms")),
        dismissed_evidence=said.get("dismissed_evidence", ""),
        dismissed_by=said.get("dismissed_by", ""),
    )


def _instant(ms: str | None) -> datetime | None:
    return None if not ms else datetime.fromtimestamp(int(ms) / 1000, UTC)
