"""A carrier over HTTP: JSON submissions, alone or many in one body, and a question about a message it was given.

Every way a request can go wrong is one of the outcomes, and what decides which is whether anything may have been sent:
a connection that never came about is a refusal for now, everything lost after that is doubt. Submissions are POSTs,
which aiohttp never sends twice by itself.

Not here: which messages share a request (gathering.py), what an answer means (answers.py), when to try again
(queue/retry.py), the carrier's receipts (receipts.py).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import aiohttp
import orjson

from gateway.connectors import CarrierTemporary, InDoubt, Outcome, Submission
from gateway.connectors.answers import accepted, batch_outcomes, read_object, refusal
from gateway.connectors.gathering import Gathering, Item
from gateway.connectors.offers import Answer, NotTaken, Silent
from gateway.connectors.timely import TimelyBody

#: An answer is read up to here and no further: so much for itself, and so much for each message.
_ANSWER_BYTES: Final = 64 * 1024
_ANSWER_BYTES_EACH: Final = 1024
#: Connections beside the window, for questions about messages.
_SPARE_CONNECTIONS: Final = 8
#: A carrier that does not let us connect within this part of the time-out is unreachable: nothing was sent.
_CONNECT_PART: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCarrierOptions:
    """Where one HTTP carrier is, and how much it may be asked at once."""

    #: As in routes, labels and receipt addresses.
    name: str
    #: Without a path: http://127.0.0.1:8082.
    url: str
    token: str = field(repr=False)
    #: Where it is to send its receipts.
    receipt_url: str
    #: Most submissions in flight at once.
    window: int = 64
    #: Most messages in one request; 1 sends each by itself.
    batch_max: int = 1
    #: Longest body of several messages; the carrier's own limit is 1 MiB.
    body_bytes_max: int = 786_432
    #: Longest wait for an answer.
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    """An answer that came whole."""

    status: int
    body: bytes
    retry_after: str | None

    @property
    def is_yes(self) -> bool:
        """Whether the request was taken; of a batch each message has its own result then."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    def refusal(self) -> Outcome:
        """Say what a no means."""
        return refusal(self.status, read_object(self.body), self.retry_after)


class HttpCarrier:
    """One carrier's HTTP interface. Runs as an async context manager, which owns the connections."""

    def __init__(self, options: HttpCarrierOptions) -> None:
        self.name = options.name
        self.window = options.window
        self.batch_max = options.batch_max
        self._options = options
        self._messages_url = f"{options.url.rstrip('/')}/messages"
        self._gathering = Gathering(self._send, count_max=options.batch_max, bytes_max=options.body_bytes_max)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self.window + _SPARE_CONNECTIONS),
            timeout=aiohttp.ClientTimeout(
                total=self._options.timeout_s, sock_connect=self._options.timeout_s * _CONNECT_PART
            ),
            # Compressed answers are not asked for, and one that comes so all the same is not unpacked.
            headers={"Authorization": f"Bearer {self._options.token}", "Accept-Encoding": "identity"},
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._gathering.close()
        if self._session is not None:
            await self._session.close()

    async def submit(self, submissions: Sequence[Submission]) -> list[Outcome]:
        """Submit messages, in requests of at most batch_max; one outcome each, in order."""
        items = [self._item(one) for one in submissions]
        if self.batch_max > 1:
            return await self._gathering.submit(items)
        return list(await asyncio.gather(*map(self._send_one, items)))

    async def query(self, reference: str) -> Answer:
        """Ask whether the carrier took a message."""
        reply = await self._request("GET", f"{self._messages_url}/{quote(reference, safe='')}", None, messages=1)
        if not isinstance(reply, _Reply):
            return Silent(reply.code)
        if reply.status == HTTPStatus.NOT_FOUND:
            return NotTaken()
        if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR or reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            return Silent(f"http_{reply.status}")
        outcome = accepted(read_object(reply.body), reference) if reply.status == HTTPStatus.OK else None
        return outcome or InDoubt(f"http_{reply.status}")

    async def _send_one(self, item: Item) -> Outcome:
        """Submit a message by itself."""
        reply = await self._post(item.raw, [item])
        if not isinstance(reply, _Reply):
            return reply
        if not reply.is_yes:
            return reply.refusal()
        return accepted(read_object(reply.body), item.submission.reference)

    async def _send(self, items: Sequence[Item]) -> Sequence[Outcome] | Outcome:
        """Submit messages in one request."""
        if len(items) == 1:
            return await self._send_one(items[0])
        body = b"[" + b",".join([item.raw for item in items]) + b"]"
        reply = await self._post(body, items)
        if not isinstance(reply, _Reply):
            return reply
        if not reply.is_yes:
            return reply.refusal()
        return batch_outcomes(read_object(reply.body), [item.submission.reference for item in items])

    def _item(self, submission: Submission) -> Item:
        return Item(
            submission,
            orjson.dumps(
                {
                    "reference": submission.reference,
                    "from": submission.sender,
                    "to": submission.recipient,
                    "text": submission.text,
                    "media": [{"type": kind, "bytes": size} for kind, size in submission.media],
                    "campaign_id": submission.campaign_id,
                    "receipt_url": self._options.receipt_url,
                }
            ),
        )

    async def _post(self, raw: bytes, items: Sequence[Item]) -> _Reply | CarrierTemporary | InDoubt:
        """Submit messages, unless it has become too late for one of them."""
        body = TimelyBody(raw, until_s=min(item.submission.good_until_s for item in items))
        reply = await self._request("POST", self._messages_url, body, messages=len(items))
        if not body.is_late:
            return reply
        # Where opening a connection takes so long, the next try finds one that is open.
        await self.query(items[0].submission.reference)
        return CarrierTemporary("too_late")

    async def _request(
        self, method: str, url: str, body: TimelyBody | None, *, messages: int
    ) -> _Reply | CarrierTemporary | InDoubt:
        """Ask once, and read the answer whole, or say what became of it."""
        if self._session is None:
            raise RuntimeError("the carrier is not open")
        limit = _ANSWER_BYTES + _ANSWER_BYTES_EACH * messages
        try:
            async with self._session.request(method, url, data=body, allow_redirects=False) as response:
                answer = bytearray()
                async for piece in response.content.iter_any():
                    answer += piece
                    if len(answer) > limit:
                        response.close()  # Whatever else is on its way would be read as the next answer.
                        return InDoubt("answer_too_large")
                return _Reply(
                    status=response.status, body=bytes(answer), retry_after=response.headers.get("Retry-After")
                )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return CarrierTemporary("unreachable")  # No connection, nothing sent.
        except TimeoutError:
            return InDoubt("timeout")
        except (aiohttp.ClientError, OSError):
            return InDoubt("disconnected")
