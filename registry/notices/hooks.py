"""Hands a notice to a company's hook: one POST, signed as Standard Webhooks has it, under the same id at every attempt.

Taken is what is answered with 2xx in time. Nothing is read of the answer, no redirect is followed, and 410 means that
the hook wants no more.

Not here: where a hook may be (addresses.py), and when it is tried (sender.py).
"""

import base64
import hashlib
import hmac
import secrets
from typing import Final

import aiohttp
from yarl import URL

from registry.notices.addresses import ForbiddenAddressError, PublicResolver, check_url
from registry.notices.deliveries import Delivery
from registry.notices.faults import UndeliveredError, UnsubscribedError
from registry.notices.kinds import KINDS
from registry.notices.words import webhook_body

_TIMEOUT: Final = aiohttp.ClientTimeout(total=15, sock_connect=5)
_SECRET_BYTES: Final = 32
_GONE: Final = 410


def mint_secret() -> str:
    """Return a new secret: whsec_ and base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signature(secret: str, *, name: str, at_s: int, body: bytes) -> str:
    """Sign a delivery: HMAC-SHA256 over id, time and body. Source: Standard Webhooks, symmetric signatures."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b".".join((name.encode(), str(at_s).encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def webhook_id(delivery: Delivery) -> str:
    """Name a delivery; the same at every attempt, so that a receiver can tell a repetition."""
    return f"notice_{delivery.notice}_{int(delivery.given_at.timestamp())}"


def hook_session(*, allow_loopback: bool) -> aiohttp.ClientSession:
    """Open a session that reaches public addresses only; no proxy, no cookies."""
    connector = aiohttp.TCPConnector(resolver=PublicResolver(allow_loopback=allow_loopback), use_dns_cache=False)
    return aiohttp.ClientSession(connector=connector, trust_env=False, cookie_jar=aiohttp.DummyCookieJar())


async def send_hook(
    session: aiohttp.ClientSession, url: str, secret: str, delivery: Delivery, *, now_s: int, allow_loopback: bool
) -> None:
    """Have the hook take it; UndeliveredError when it did not."""
    if check_url(url, allow_loopback=allow_loopback) is not None:  # The setting may have changed since.
        raise UndeliveredError("address_not_allowed")
    body = webhook_body(
        KINDS[delivery.kind],
        delivery.items,
        delivery.things,
        at=delivery.at,
        tenant=delivery.tenant,
        text=delivery.text,
    )
    name = webhook_id(delivery)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "a2p-registry",
        "webhook-id": name,
        "webhook-timestamp": str(now_s),
        "webhook-signature": signature(secret, name=name, at_s=now_s, body=body),
    }
    status = await _post(session, url, body, headers)
    if status == _GONE:
        raise UnsubscribedError("unsubscribed")
    if not 200 <= status < 300:  # noqa: PLR2004 - HTTP's success
        raise UndeliveredError("redirected" if 300 <= status < 400 else f"answered_{status}")  # noqa: PLR2004 - the same


async def _post(session: aiohttp.ClientSession, url: str, body: bytes, headers: dict[str, str]) -> int:
    try:
        async with session.post(
            URL(url), data=body, headers=headers, allow_redirects=False, timeout=_TIMEOUT
        ) as answer:
            return answer.status
    except ForbiddenAddressError:
        raise UndeliveredError("address_not_allowed") from None
    except TimeoutError:
        raise UndeliveredError("timed_out") from None
    except aiohttp.ClientSSLError:
        raise UndeliveredError("tls") from None
    except aiohttp.ClientConnectorDNSError as error:
        forbidden = isinstance(error.os_error, ForbiddenAddressError)
        raise UndeliveredError("address_not_allowed" if forbidden else "name_not_found") from None
    except (aiohttp.ClientError, OSError, ValueError):
        raise UndeliveredError("unreachable") from None
