"""Tells subscribers what happened, by signed webhooks; and on demand twice, out of order, late, wrongly or not at all.

The signature is base64 of HMAC-SHA1 over the address and the body in its canonical form (RFC 8785), in the header
X-Registry-Signature. A webhook is tried again until it is answered with 200 or the tries are used up. What is still to
be told when the emulator stops is not told: a subscriber has to ask.
"""

import asyncio
import base64
import hashlib
import hmac
import random
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import aiohttp
import rfc8785

from loadtests.tcr import words
from loadtests.tcr.book import Book, rfc3339
from loadtests.tcr.settings import Settings

SIGNATURE: Final = "X-Registry-Signature"
_AT_ONCE: Final = 32
_BACKOFF_MAX_S: Final = 30.0
_REMEMBERED: Final = 10_000
_OK: Final = 200


def sign(secret: str, url: str, body: Mapping[str, Any]) -> str:
    """Return the signature of a webhook to an address."""
    canonical = rfc8785.dumps(dict(body))
    return base64.b64encode(hmac.new(secret.encode(), url.encode() + canonical, hashlib.sha1).digest()).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How webhooks are delivered."""

    #: Each one so often.
    copies: int = 1
    #: Each copy waits up to so long, drawn: neighbours change places.
    shuffle_s: float = 0.0
    #: Every so-many-th is lost for good; 0: none.
    lose_every: int = 0
    #: Event types that begin so wait until they are held no longer.
    hold: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One try, as it is remembered: the answer's status, or None where there was none."""

    body: Mapping[str, Any]
    status: int | None
    attempt: int


class Hooks:
    """Delivers webhooks."""

    def __init__(self, settings: Settings, book: Book) -> None:
        self._settings = settings
        self._book = book
        self._draws = random.Random(settings.seed)
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._session: aiohttp.ClientSession | None = None
        self._held: list[dict[str, Any]] = []
        self._counted = 0
        self.manner = Manner()
        self.deliveries: deque[Delivery] = deque(maxlen=_REMEMBERED)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._settings.hook_timeout_s), trust_env=False
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    @property
    def waiting(self) -> int:
        """How many are under way or held."""
        return len(self._tasks) + len(self._held)

    def use(self, manner: Manner) -> None:
        """Deliver in another manner from now on; what is held no longer goes out."""
        self.manner = manner
        held, self._held = self._held, []
        for body in held:
            self._route(body)

    def tell(self, event_type: str, body: Mapping[str, Any]) -> None:
        """Tell that something happened now; mandatory and common fields are added."""
        self._route(
            {
                "eventType": event_type,
                "cspId": self._book.csp_id,
                "cspName": "Emulated provider",
                "time": rfc3339(self._book.now()),
                **body,
            }
        )

    async def bring(self, body: Mapping[str, Any], url: str, signature: str | None) -> int | None:
        """Bring one webhook once, with the right signature (None) or another one ("" for none), and give its answer."""
        headers = {"Content-Type": "application/json"}
        if signature != "":
            headers[SIGNATURE] = sign(self._settings.secret, url, body) if signature is None else signature
        return await self._post(url, rfc8785.dumps(dict(body)), headers)

    def _route(self, body: dict[str, Any]) -> None:
        event_type = body["eventType"]
        if self.manner.hold and event_type.startswith(self.manner.hold):
            self._held.append(body)
            return
        url = self._book.subscriptions.get(words.EVENT_TYPES.get(event_type, event_type.partition("_")[0]))
        self._counted += 1
        if url is None or (self.manner.lose_every and self._counted % self.manner.lose_every == 0):
            return
        for _ in range(self.manner.copies):
            wait_s = self._draws.random() * self.manner.shuffle_s
            task = asyncio.get_running_loop().create_task(self._deliver(url, body, wait_s))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver(self, url: str, body: Mapping[str, Any], wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        backoff_s = self._settings.hook_backoff_s
        for attempt in range(1, self._settings.hook_attempts_max + 1):
            async with self._slots:
                status = await self.bring(body, url, None)
            self.deliveries.append(Delivery(body=body, status=status, attempt=attempt))
            if status == _OK:
                return
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, _BACKOFF_MAX_S)

    async def _post(self, url: str, raw: bytes, headers: Mapping[str, str]) -> int | None:
        if self._session is None:
            raise RuntimeError("not started")
        try:
            async with self._session.post(url, data=raw, headers=headers, allow_redirects=False) as answer:
                await answer.read()
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None


def manner_of(base: Manner, given: Mapping[str, Any]) -> Manner:
    """Read a manner from JSON. ValueError: names what is wrong."""
    known: Mapping[str, Any] = {
        "copies": (int, 1, 100),
        "shuffle_s": ((int, float), 0, 3_600),
        "lose_every": (int, 0, 1_000_000),
    }
    for name, value in given.items():
        if name == "hold":
            if type(value) is not list or not all(type(one) is str for one in value):
                raise ValueError("hold: must be a list of beginnings of event types")
            base = replace(base, hold=tuple(value))
        elif name in known:
            kind, least, most = known[name]
            if type(value) is bool or not isinstance(value, kind) or not least <= value <= most:
                raise ValueError(f"{name}: must be from {least} to {most}")
            base = replace(base, **{name: value})
        else:
            raise ValueError(f"{name}: unknown")
    return base
