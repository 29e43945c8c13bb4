"""A carrier over HTTP: JSON submissions, alone or many in one body, and a question about a message it was given.

Every way a request can go wrong is one of the outcomes, and what decides which is whether anything may have been sent:
a connection that never came about is a refusal for now, everything lost after that is doubt. Submissions are POSTs,
which aiohttp never sends twice by itself.

Not here: when to try again (queue/retry.py), the carrier's receipts (receipts.py).
"""

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import aiohttp
import orjson

from gateway.connectors import (
    CarrierAccepted,
    CarrierMisconfigured,
    CarrierRejected,
    CarrierTemporary,
    CarrierThrottled,
    InDoubt,
    Outcome,
    Submission,
)
from gateway.connectors.offers import Answer, NotTaken

#: An answer is read up to here and no further: so much for itself, and so much for each message.
_ANSWER_BYTES: Final = 64 * 1024
_ANSWER_BYTES_EACH: Final = 1024
#: Connections beside the window, for questions about messages.
_SPARE_CONNECTIONS: Final = 8
#: A carrier that does not let us connect within this part of the time-out is unreachable: nothing was sent.
_CONNECT_PART: Final = 0.5
#: What a carrier may call a message or an error; a long run of digits could be somebody's number.
_ID: Final = re.compile(r"[!-~]{1,128}")
_CODE: Final = re.compile(r"(?!.*[0-9]{7})[A-Za-z0-9_.-]{1,40}")
#: Says that the address is wrong, unless the answer has a code of the carrier's own.
_WRONG_ADDRESS: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})
_WRONG_TOKEN: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


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
    #: Longest wait for an answer.
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    """An answer that came whole."""

    status: int
    body: bytes
    retry_after: str | None


class HttpCarrier:
    """One carrier's HTTP interface. Runs as an async context manager, which owns the connections."""

    def __init__(self, options: HttpCarrierOptions) -> None:
        self.name = options.name
        self.window = options.window
        self.batch_max = options.batch_max
        self._options = options
        self._messages_url = f"{options.url.rstrip('/')}/messages"
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
        if self._session is not None:
            await self._session.close()

    async def submit(self, submissions: Sequence[Submission]) -> list[Outcome]:
        """Submit messages, in requests of at most batch_max; one outcome each, in order."""
        size = self.batch_max
        if len(submissions) <= size:
            return await self._submit(submissions)
        parts = [submissions[start : start + size] for start in range(0, len(submissions), size)]
        return [outcome for part in await asyncio.gather(*map(self._submit, parts)) for outcome in part]

    async def query(self, reference: str) -> Answer:
        """Ask whether the carrier took a message."""
        reply = await self._request("GET", f"{self._messages_url}/{quote(reference, safe='')}", None, messages=1)
        if not isinstance(reply, _Reply):
            return InDoubt(reply.code)
        if reply.status == HTTPStatus.NOT_FOUND:
            return NotTaken()
        outcome = _accepted(_object(reply.body), reference) if reply.status == HTTPStatus.OK else None
        return outcome or InDoubt(f"http_{reply.status}")

    async def _submit(self, submissions: Sequence[Submission]) -> list[Outcome]:
        """Submit messages in one request."""
        wire = [self._wire_object(one) for one in submissions]
        body = orjson.dumps(wire if len(wire) > 1 else wire[0])
        reply = await self._request("POST", self._messages_url, body, messages=len(submissions))
        if not isinstance(reply, _Reply):
            return [reply] * len(submissions)
        if not HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
            refusal = _refusal(reply.status, _object(reply.body), reply.retry_after)
            return [refusal] * len(submissions)
        answer = _object(reply.body)
        if len(submissions) == 1:
            return [_accepted(answer, submissions[0].reference)]
        return _batch_outcomes(answer, submissions)

    def _wire_object(self, submission: Submission) -> dict[str, Any]:
        return {
            "reference": submission.reference,
            "from": submission.sender,
            "to": submission.recipient,
            "text": submission.text,
            "media": [{"type": kind, "bytes": size} for kind, size in submission.media],
            "campaign_id": submission.campaign_id,
            "receipt_url": self._options.receipt_url,
        }

    async def _request(
        self, method: str, url: str, body: bytes | None, *, messages: int
    ) -> _Reply | CarrierTemporary | InDoubt:
        """Ask once, and read the answer whole, or say what became of it."""
        if self._session is None:
            raise RuntimeError("the carrier is not open")
        limit = _ANSWER_BYTES + _ANSWER_BYTES_EACH * messages
        headers = {"Content-Type": "application/json"} if body is not None else None
        try:
            async with self._session.request(
                method, url, data=body, headers=headers, allow_redirects=False
            ) as response:
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


def _object(body: bytes) -> Mapping[str, Any] | None:
    """Read a JSON object; None for anything else."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return answer if isinstance(answer, dict) else None


def _accepted(answer: Mapping[str, Any] | None, reference: str) -> CarrierAccepted | InDoubt:
    """Read a yes: it must name the message, and not say that it is about another."""
    if answer is None:
        return InDoubt("answer_unreadable")
    name = answer.get("id")
    if not isinstance(name, str) or _ID.fullmatch(name) is None:
        return InDoubt("answer_without_id")
    if answer.get("reference", reference) != reference:
        return InDoubt("answer_about_another")
    return CarrierAccepted(name)


def _batch_outcomes(answer: Mapping[str, Any] | None, submissions: Sequence[Submission]) -> list[Outcome]:
    """Read one result for each submission; an answer that does not fit says nothing about any of them."""
    results = None if answer is None else answer.get("results")
    if not isinstance(results, list) or len(results) != len(submissions):
        return [InDoubt("answer_unreadable")] * len(submissions)
    return [_item_outcome(result, one.reference) for result, one in zip(results, submissions, strict=True)]


def _item_outcome(result: object, reference: str) -> Outcome:
    if not isinstance(result, dict) or type(status := result.get("status_code")) is not int:
        return InDoubt("answer_unreadable")
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return _accepted(result, reference)
    if result.get("reference", reference) != reference:
        return InDoubt("answer_about_another")
    retry_after = result.get("retry_after")
    return _refusal(status, result, None if retry_after is None else str(retry_after))


def _refusal(status: int, answer: Mapping[str, Any] | None, retry_after: str | None) -> Outcome:
    """Say what a status that is no yes means."""
    said = None if answer is None else answer.get("code")
    code = said if isinstance(said, str) and _CODE.fullmatch(said) else None
    word = code or f"http_{status}"
    if status in _WRONG_TOKEN or (status in _WRONG_ADDRESS and code is None):
        return CarrierMisconfigured(word)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return CarrierThrottled(_seconds(retry_after))
    if status == HTTPStatus.REQUEST_TIMEOUT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return CarrierTemporary(word)
    if status >= HTTPStatus.BAD_REQUEST:
        return CarrierRejected(word)
    return CarrierMisconfigured(word)  # A redirect: the address is wrong, and following it could send a text twice.


def _seconds(retry_after: str | None) -> float | None:
    """Read Retry-After: seconds, or an HTTP date; None when it says nothing usable."""
    if retry_after is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", retry_after):
        return float(retry_after)
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
