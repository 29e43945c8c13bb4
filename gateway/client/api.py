"""One request at a time to our own HTTP API, repeated while that is safe and worth it.

Repeating is safe because every message carries its idempotency key: what was taken is answered again, not sent again.
Repeated are: no answer at all, an answer that says "unknown" (503 outcome_unknown, 502, 504), and one that says when
to come back (429 and 503 with Retry-After). Anything else is an answer.

Not here: what is asked and what an answer means (sending.py, following.py).
"""

import asyncio
import contextlib
import io
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import aiohttp
import orjson

#: Pauses between attempts, in seconds: the first, doubled each time up to the longest.
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0
_TIMEOUT: Final = aiohttp.ClientTimeout(total=30, sock_connect=5)
#: From here on aiohttp wants to write a body piece by piece.
_LONG_BODY: Final = 1024 * 1024
#: The server's own words for "not now, nothing was taken" and "nobody knows".
_NOT_NOW: Final = frozenset({"queue_full", "queue_unavailable", "registry_unavailable", "outcome_unknown"})

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"


class NoAnswerError(Exception):
    """A request had no answer for as long as we had patience; whether it was taken is not known.

    * NoAnswerError
      x AwayError   nor had any other request: there is no gateway at this address
    """


class AwayError(NoAnswerError):
    """The gateway answers nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the gateway said."""

    #: HTTP status.
    status: int
    content: bytes
    #: Seconds after which to come back; None when that was not said.
    retry_after_s: float | None = None
    #: It had this request before, and says what it said then.
    replayed: bool = False

    @property
    def fields(self) -> dict[str, Any]:
        """The JSON object in it; empty when it is none, as from a proxy in between."""
        return fields_of(self.content)

    @property
    def is_passing(self) -> bool:
        """Whether the same request may get another answer later."""
        if self.status == HTTPStatus.SERVICE_UNAVAILABLE and self.retry_after_s is not None:
            return True
        return self.status >= HTTPStatus.BAD_REQUEST and is_passing(self.status, self.fields.get("code"))


def fields_of(content: bytes) -> dict[str, Any]:
    """Read a JSON object; whatever is none reads as an empty one."""
    with contextlib.suppress(orjson.JSONDecodeError):
        if type(data := orjson.loads(content)) is dict:
            return data
    return {}


def is_passing(status: Any, code: Any) -> bool:
    """Say whether a refusal with this status and code may pass: of a whole request, or of a line of a batch."""
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}:
        return True
    return status == HTTPStatus.SERVICE_UNAVAILABLE and code in _NOT_NOW


class Patience:
    """Waits between attempts at one thing, longer and longer, until the time for it is over."""

    def __init__(self, total_s: float) -> None:
        self._ends_at = time.monotonic() + total_s
        self._pause_s = _FIRST_PAUSE_S

    async def wait(self, at_least_s: float = 0.0) -> bool:
        """Wait before the next attempt; False at once when there is no time left for it."""
        pause_s = max(at_least_s, self._pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads attempts, no secret
        if time.monotonic() + pause_s > self._ends_at:
            return False
        self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)
        await asyncio.sleep(pause_s)
        return True


class Api:
    """A connection pool to one gateway address. Take it from connected()."""

    def __init__(self, session: aiohttp.ClientSession, patience_s: float) -> None:
        self._session = session
        self._patience_s = patience_s
        self._heard_at = time.monotonic()
        #: Requests that were made again.
        self.repeats = 0

    def patience(self) -> Patience:
        """Begin to wait for something."""
        return Patience(self._patience_s)

    async def call(
        self, method: str, path: str, key: str, *, body: bytes | None = None, content_type: str = JSON
    ) -> Answer:
        """Make a request with a key, again and again where that helps; the last answer counts.

        Raises NoAnswerError or AwayError when there was none.
        """
        headers = {"Authorization": f"Bearer {key}"}
        if body is not None:
            headers["Content-Type"] = content_type
        patience, began_at = self.patience(), time.monotonic()
        while True:
            try:
                answer = await self._once(method, path, body, headers)
            except (aiohttp.ClientError, TimeoutError) as failure:
                if not await patience.wait():
                    error = AwayError if self._heard_at < began_at else NoAnswerError
                    raise error(type(failure).__name__) from failure
            else:
                if not answer.is_passing or not await patience.wait(answer.retry_after_s or 0.0):
                    return answer
            self.repeats += 1

    async def _once(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        is_long = body is not None and len(body) > _LONG_BODY
        data = io.BytesIO(body or b"") if is_long else body
        async with self._session.request(method, path, data=data, headers=headers) as response:
            content = await response.read()
        self._heard_at = time.monotonic()
        return Answer(
            status=response.status,
            content=content,
            retry_after_s=_seconds(response.headers.get("Retry-After")),
            replayed=response.headers.get("Idempotent-Replayed") == "true",
        )


def _seconds(retry_after: str | None) -> float | None:
    """Read Retry-After; a date, which our gateway never sends, reads as one second."""
    if retry_after is None:
        return None
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 1.0


@contextlib.asynccontextmanager
async def connected(url: str, *, patience_s: float) -> AsyncIterator[Api]:
    """Hold connections to a gateway; as many as there are requests at once. Nothing is asked yet."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(url, connector=connector, timeout=_TIMEOUT) as session:
        yield Api(session, patience_s)
