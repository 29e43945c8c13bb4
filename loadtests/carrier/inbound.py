"""Brings texts to a gateway, as a carrier does when somebody writes to a business: signed, and again until it is taken.

``POST /inbound`` says which. A text keeps its id over all its tries and copies, because that is what the receiver knows
a repetition by; each try is a delivery of its own, with a fresh timestamp and signature. Not here: receipts
(receipts.py).
"""

import asyncio
import random
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import aiohttp
import orjson
from aiohttp import web

from loadtests.carrier.answers import refused
from loadtests.carrier.ledger import Ledger
from loadtests.carrier.messages import Messages
from loadtests.carrier.settings import Settings
from loadtests.carrier.signing import signed_headers
from loadtests.carrier.submit import Submissions
from loadtests.carrier.wire import MalformedError

#: Texts in one request.
TEXTS_MAX = 1_000
#: Texts that may wait; further ones are refused, so that memory stays bounded.
_WAITING_MAX = 100_000
_COPIES_MAX = 10
_ANSWER_TIMEOUT_S = 10.0
_BACKOFF_MAX_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One text to bring, or one copy of it."""

    url: str
    id: str
    body: bytes
    #: Counted from 1.
    copy: int
    attempt: int = 1


class Inbound:
    """Takes orders and brings texts. run() does the work until it is cancelled."""

    def __init__(self, settings: Settings, ledger: Ledger, messages: Messages, submissions: Submissions) -> None:
        self._settings = settings
        self._key = settings.signing_key()
        self._ledger = ledger
        self._messages = messages
        self._authorised = submissions.authorised
        self._jitter = random.Random(settings.seed)
        self._ready: deque[Text] = deque()
        self._more = asyncio.Semaphore(0)
        self._id_prefix = f"mo-{uuid4().hex[:10]}-"
        self._ids = 0
        self._session: aiohttp.ClientSession | None = None
        #: Texts, copies included, that are neither answered with 2xx nor given up.
        self.waiting = 0

    async def post(self, request: web.Request) -> web.Response:
        """Take an order: one text, or a list of them."""
        if not self._authorised(request):
            return refused(401, "unauthenticated", "Authorization: must be Bearer and the token").response()
        try:
            texts = self._read_all(orjson.loads(await request.read()))
        except orjson.JSONDecodeError:
            return refused(400, "malformed", "body: not JSON in UTF-8").response()
        except MalformedError as error:
            return refused(400, "malformed", str(error)).response()
        if self.waiting + len(texts) > _WAITING_MAX:
            return refused(429, "throttled", f"{_WAITING_MAX:,} texts are waiting").response()
        self.waiting += len(texts)
        for text in texts:
            self._put(text)
        ids = list(dict.fromkeys(text.id for text in texts))
        return web.Response(status=202, body=orjson.dumps({"ids": ids}), content_type="application/json")

    async def run(self) -> None:
        """Bring what is ordered, until cancelled."""
        connector = aiohttp.TCPConnector(limit=self._settings.inbound_senders)
        timeout = aiohttp.ClientTimeout(total=_ANSWER_TIMEOUT_S)
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as self._session,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(self._settings.inbound_senders):
                group.create_task(self._bring_all())

    def _read_all(self, data: Any) -> list[Text]:
        """Read a body; a copy each."""
        items = data if isinstance(data, list) else [data]
        if not 1 <= len(items) <= TEXTS_MAX:
            raise MalformedError(f"body: must be 1 to {TEXTS_MAX} texts")
        return [text for item in items for text in self._read(item)]

    def _read(self, item: Any) -> list[Text]:
        """Read an order; a copy each."""
        if type(item) is not dict:
            raise MalformedError("text: must be an object")
        url, copies = item.get("url"), item.get("copies", 1)
        if type(url) is not str or not url.startswith(("http://", "https://")):
            raise MalformedError("url: must be the http or https URL that takes texts")
        if type(copies) is not int or not 1 <= copies <= _COPIES_MAX:
            raise MalformedError(f"copies: must be 1 to {_COPIES_MAX}")
        for field in ("from", "to", "text"):
            if type(item.get(field)) is not str:
                raise MalformedError(f"{field}: must be a string")
        self._ids += 1
        text_id = item.get("id", f"{self._id_prefix}{self._ids}")
        if type(text_id) is not str:
            raise MalformedError("id: must be a string")
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        wire = {
            "id": text_id,
            "from": item["from"],
            "to": item["to"],
            "text": item["text"],
            "media": item.get("media", []),
            "received_at": item.get("received_at", now),
        }
        body = orjson.dumps(wire)
        return [Text(url=url, id=text_id, body=body, copy=copy) for copy in range(1, copies + 1)]

    def _put(self, text: Text) -> None:
        self._ready.append(text)
        self._more.release()

    async def _bring_all(self) -> None:
        while True:
            await self._more.acquire()
            await self._bring(self._ready.popleft())

    async def _bring(self, text: Text) -> None:
        """Make one try, write it down, and plan the next if it failed."""
        status, error = await self._post(text)
        common: dict[str, object] = {"at_ns": time.time_ns(), "id": text.id, "copy": text.copy}
        event = {"event": "inbound", "attempt": text.attempt, "status_code": status, "error": error}
        self._ledger.append([common | event])
        if status is not None and 200 <= status < 300:  # noqa: PLR2004  2xx means durable
            self.waiting -= 1
            self._messages.totals["inbound_acknowledged"] += 1
        elif text.attempt >= self._settings.inbound_attempts_max:
            self.waiting -= 1
            self._messages.totals["inbound_given_up"] += 1
            self._ledger.append([common | {"event": "inbound_given_up", "status_code": status}])
        else:
            again = Text(url=text.url, id=text.id, body=text.body, copy=text.copy, attempt=text.attempt + 1)
            asyncio.get_running_loop().call_later(self._backoff_s(text.attempt), self._put, again)
        self._messages.revision += 1

    async def _post(self, text: Text) -> tuple[int | None, str | None]:
        """Return the status code of the answer, or what went wrong."""
        if self._session is None:
            return None, "not_running"
        headers = signed_headers(
            self._key, webhook_id=f"inbound_{uuid4().hex}", timestamp_s=int(time.time()), body=text.body
        )
        try:
            async with self._session.post(text.url, data=text.body, headers=headers, allow_redirects=False) as answer:
                return answer.status, None
        except (aiohttp.ClientError, OSError) as error:  # A time-out is an OSError.
            return None, type(error).__name__

    def _backoff_s(self, attempt: int) -> float:
        usual: float = self._settings.receipt_backoff_ms / 1000 * 2 ** (attempt - 1)
        return min(usual, _BACKOFF_MAX_S) * self._jitter.uniform(0.8, 1.2)
