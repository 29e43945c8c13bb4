"""Hands a notice to one person as an instant message, through the gateway like everybody's.

The same notice to the same person has the same client_message_id and the same text, so that the gateway takes it once
however often it is handed over: after a lost answer, after a crash. It remembers for a day.

Not here: with whose key (speaker.py), and when (sender.py).
"""

import asyncio
from hashlib import sha256
from typing import Final

import aiohttp

from registry.notices.deliveries import Delivery
from registry.notices.faults import KeyRefusedError, UndeliveredError

#: The gateway's answer takes milliseconds.
_TIMEOUT: Final = aiohttp.ClientTimeout(total=8)
#: A new key, and a new user, are known to every gateway well within that.
_NEW_KEY_S: Final = 5.0
_LOOK_S: Final = 0.2
_ACCEPTED: Final = 202
_UNKNOWN_KEY: Final = 401


async def send_instant(session: aiohttp.ClientSession, gateway_url: str, key: str, delivery: Delivery) -> None:
    """Have the gateway take it; UndeliveredError when it did not, or did not say so."""
    until = asyncio.get_running_loop().time() + _NEW_KEY_S
    while True:
        status = await _post(session, gateway_url, key, delivery)
        if status == _ACCEPTED:
            return
        if status != _UNKNOWN_KEY:
            raise UndeliveredError(f"gateway_answered_{status}")
        if asyncio.get_running_loop().time() >= until:
            raise KeyRefusedError("gateway_refused_key")
        await asyncio.sleep(_LOOK_S)


async def _post(session: aiohttp.ClientSession, gateway_url: str, key: str, delivery: Delivery) -> int:
    body = {
        "to": delivery.recipient,
        "text": delivery.text,
        "client_message_id": client_message_id(delivery),
    }
    headers = {"Authorization": f"Bearer {key}"}
    url = gateway_url.rstrip("/") + "/v1/messages"
    try:
        async with session.post(url, json=body, headers=headers, allow_redirects=False, timeout=_TIMEOUT) as answer:
            return answer.status
    except TimeoutError:
        raise UndeliveredError("gateway_timed_out") from None
    except (aiohttp.ClientError, OSError):
        raise UndeliveredError("gateway_unreachable") from None


def client_message_id(delivery: Delivery) -> str:
    """Name the notice to one person; the text may not be another under the same name."""
    whom = sha256(delivery.recipient.encode()).hexdigest()[:16]  # (an id may be of letters that a name may not have)
    return f"notice-{delivery.notice}-{int(delivery.given_at.timestamp())}-{whom}"
