"""Tells of changes: signed events over HTTP, again until they are answered with 2xx, and less properly on demand.

An event keeps its webhook-id over all its tries, because that is what the receiver knows a repetition by. The order of
events is not promised, not even for one number. Not here: what changes (book.py).
"""

import asyncio
import time
from typing import Any
from uuid import uuid4

import aiohttp
import orjson

from loadtests.aggregator.book import Number, rfc3339
from loadtests.aggregator.settings import Settings
from loadtests.carrier.signing import signed_headers

_ANSWER_TIMEOUT_S = 10.0
#: Deliveries under way at once.
_SENDERS = 32
#: Newest deliveries that the control API still shows.
_REMEMBERED = 10_000


class Hooks:
    """Sends events. start() before, finish() after."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._key = settings.signing_key()
        self.url = settings.webhook_url
        #: Every try, and every event that was lost on purpose, newest last.
        self.tries: list[dict[str, Any]] = []
        self._turns = asyncio.Semaphore(_SENDERS)
        self._sending: set[asyncio.Task[None]] = set()
        #: Events that wait for the next one of their number.
        self._held: dict[str, bytes] = {}
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Make the client."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWER_TIMEOUT_S))

    async def finish(self) -> None:
        """Give up what is not yet delivered."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def tell(self, number: Number, kind: str) -> None:
        """Send the event of a change, as the number's rule wants it."""
        if not self.url:
            return
        identity = f"evt_{uuid4().hex}"
        body = _event(number, kind, identity)
        match number.rule.webhook:
            case "lost":
                self._remember(identity, body, 0, None, "lost")
                return
            case "reordered" if number.tn not in self._held:
                self._held[number.tn] = body
                return
            case "twice":
                self._send(identity, body)
        held = self._held.pop(number.tn, None)
        self._send(identity, body, before=held)

    def _send(self, identity: str, body: bytes, *, before: bytes | None = None) -> None:
        task = asyncio.create_task(self._deliver(identity, body, before))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _deliver(self, identity: str, body: bytes, held: bytes | None) -> None:
        """Send an event until it is taken, and then one that was held back for it."""
        for attempt in range(1, self._settings.attempts_max + 1):
            status, error = await self._post(identity, body)
            self._remember(identity, body, attempt, status, error)
            if status is not None and status // 100 == 2:  # noqa: PLR2004  HTTP's success
                break
            await asyncio.sleep(self._settings.retry_s * self._settings.scale)
        if held is not None:
            await self._deliver(orjson.loads(held)["data"]["id"], held, None)

    async def _post(self, identity: str, body: bytes) -> tuple[int | None, str | None]:
        if self._session is None:
            return None, "not_running"
        headers = signed_headers(self._key, webhook_id=identity, timestamp_s=int(time.time()), body=body)
        try:
            async with (
                self._turns,
                self._session.post(self.url, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                return answer.status, None
        except (aiohttp.ClientError, OSError) as error:  # A time-out is an OSError.
            return None, type(error).__name__

    def _remember(self, identity: str, body: bytes, attempt: int, status: int | None, error: str | None) -> None:
        payload = orjson.loads(body)["data"]["payload"]
        self.tries.append({"id": identity, "attempt": attempt, "status": status, "error": error, "payload": payload})
        del self.tries[:-_REMEMBERED]


def _event(number: Number, kind: str, identity: str) -> bytes:
    return orjson.dumps(
        {
            "data": {
                "id": identity,
                "event_type": "10dlc.phone_number.update",
                "occurred_at": rfc3339(number.updated_at),
                "payload": {"type": kind, **number.shown()},
            },
        },
    )
