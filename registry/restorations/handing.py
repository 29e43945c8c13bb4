"""Hands what an admin said about an opt-out to the gateway: one call, which may be made again without harm.

The instant at which the admin spoke goes with it: what the gateway heard of the person after that stands.

Not here: with whose key (registry/notices/speaker.py), when, and what follows (keeper.py).
"""

from typing import Any, Final, NamedTuple

import aiohttp

from compliance.shapes import render_instant
from registry.records import Restoration
from registry.restorations.book import DONE, REFUSED, RESTORE

#: The gateway answers when what it did is in force, 0.6 s later.
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)
#: The word that stands for what somebody wrote otherwise than by a keyword.
KEYWORD: Final = "said otherwise"
_OK: Final = 200
_UNKNOWN_KEY: Final = 401
#: The gateway understood, and says that there is nothing to be done with it.
_REFUSALS: Final = frozenset({400, 413, 415, 422})
#: The gateway, or what stands before it, is not ready for anybody.
_NOT_READY: Final = frozenset({502, 503, 504})
_OVERTAKEN: Final = "overtaken"
_OUTCOMES: Final = frozenset({"restored", "dismissed", "was_not_out", _OVERTAKEN})


class Handed(NamedTuple):
    """The gateway has decided."""

    state: str
    outcome: str | None = None
    fault: str | None = None


class NotHandedError(Exception):
    """It did not come to that: try again; the message is a word for people who look."""


class KeyUnknownError(NotHandedError):
    """The gateway does not know our key, or not yet."""


class GatewayAwayError(NotHandedError):
    """Nobody answers, or somebody who is not ready: it would be the same for all others."""


async def hand(session: aiohttp.ClientSession, gateway_url: str, key: str, asked: Restoration, by: str) -> Handed:
    """Hand it over. Raises NotHandedError."""
    if asked.act == RESTORE:
        given = {"recipient": asked.recipient, "evidence": asked.evidence, "by": by}
        body = given | {"vouched_at": asked.asked_at.isoformat(timespec="milliseconds")}
        status, said = await _call(session, "POST", f"{gateway_url.rstrip('/')}/v1/opt-outs/restore", key, body)
        if status == _OK and said.get("outcome") in _OUTCOMES:
            outcome = said["outcome"]
            return Handed(REFUSED if outcome == _OVERTAKEN else DONE, outcome)
    else:
        row = {"recipient": asked.recipient, "at": render_instant(asked.asked_at), "keyword": KEYWORD}
        status, said = await _call(session, "PUT", f"{gateway_url.rstrip('/')}/v1/opt-outs", key, {"opt_outs": [row]})
        if status == _OK and said.get("stored") == 1:
            return Handed(DONE, "opted_out")
    if status == _UNKNOWN_KEY:
        raise KeyUnknownError("gateway_refused_key")
    if status in _REFUSALS and isinstance(said.get("code"), str):
        return Handed(REFUSED, fault=said["code"])
    if status in _NOT_READY:
        raise GatewayAwayError(f"gateway_answered_{status}")
    raise NotHandedError(f"gateway_answered_{status}")


async def _call(
    session: aiohttp.ClientSession, method: str, url: str, key: str, body: dict[str, Any]
) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {key}"}
    try:
        async with session.request(
            method, url, json=body, headers=headers, allow_redirects=False, timeout=_TIMEOUT
        ) as answer:
            try:
                said = await answer.json(content_type=None)
            except ValueError:
                said = None
            return answer.status, said if type(said) is dict else {}
    except TimeoutError:
        raise GatewayAwayError("gateway_timed_out") from None
    except (aiohttp.ClientError, OSError):
        raise GatewayAwayError("gateway_unreachable") from None
