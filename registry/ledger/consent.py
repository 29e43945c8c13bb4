"""What one person said about texts of a company, as the queue store has it right now: a look that changes nothing.

The truth of opt-outs is there and nowhere else (gateway/queue/functions/beside.lua); SQL has a copy of those that were
imported.

Not here: that copy (registry/opt_outs.py).
"""

import asyncio
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

_TIMEOUT_S: Final = 2.0


class Consent(NamedTuple):
    """Where somebody stands; None is nothing known."""

    #: Opted out since, by which word, at which of the company's numbers ("": not known).
    out_at: datetime | None = None
    keyword: str = ""
    number: str = ""
    #: They wrote something that may be an opt-out, and no keyword.
    suspected_at: datetime | None = None
    #: An earlier opt-out ended then, by this word.
    lifted_at: datetime | None = None
    lifted_by: str = ""


async def consent_of(url: str, tenant: str, recipient: str) -> Consent | None:
    """Return what is known of a number (E.164); None where there is no queue store, or it does not answer in time."""
    if not url:
        return None
    # No socket_timeout: the client would use wait_for, which on Python 3.11 loses a cancellation now and then.
    client = Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=None, protocol=2)
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            found: dict[bytes, bytes] = await cast("Any", client.hgetall(f"{{o:{tenant}}}:{recipient}"))
    except (RedisError, TimeoutError, OSError):
        return None
    finally:
        await client.aclose()
    said = {name.decode(): value.decode(errors="replace") for name, value in found.items()}
    return Consent(
        out_at=_instant(said.get("at_ms")),
        keyword=said.get("keyword", ""),
        number=said.get("number", ""),
        suspected_at=_instant(said.get("suspect_ms")),
        lifted_at=_instant(said.get("lifted_ms")),
        lifted_by=said.get("lifted_keyword", ""),
    )


def _instant(ms: str | None) -> datetime | None:
    return None if not ms else datetime.fromtimestamp(int(ms) / 1000, UTC)
