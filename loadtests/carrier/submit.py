"""``POST /messages``, ``GET /generic``: from the bytes of a request to its answer, or to the lack of one.

The order is the wire's own: token, size, shape, then the desk decides, then the answer leaves. Whether it left is
written to the ledger, because a submitter that saw no answer is in doubt and a checker must know that it was.
"""

import asyncio
import hmac
import time

from aiohttp import web

from loadtests.carrier.answers import Answer, answer_to, generic_answer, refused
from loadtests.carrier.behaviours import UNANSWERED, Kind
from loadtests.carrier.desk import Desk
from loadtests.carrier.ledger import Ledger
from loadtests.carrier.messages import Messages
from loadtests.carrier.receipts import ReceiptSender
from loadtests.carrier.wire import Body, MalformedError, read_body, read_submission

#: How often a silent answer looks whether its client is still there.
_LOOK_S = 0.1


class Submissions:
    """Handles submissions."""

    def __init__(
        self,
        *,
        desk: Desk,
        ledger: Ledger,
        messages: Messages,
        sender: ReceiptSender,
        token: str,
        hang_s: float,
        stopping: asyncio.Event,
    ) -> None:
        self._desk = desk
        self._ledger = ledger
        self._messages = messages
        self._sender = sender
        self._authorization = f"Bearer {token}".encode()
        self._token = token.encode()
        self._hang_s = hang_s
        self._stopping = stopping
        self._requests = 0

    def authorised(self, request: web.Request) -> bool:
        """Say whether a request carries the token."""
        given = request.headers.get("Authorization", "").encode(errors="replace")
        return hmac.compare_digest(given, self._authorization)

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Take one submission or a batch."""
        self._requests += 1
        number = self._requests
        if not self.authorised(request):
            return self._refuse(number, refused(401, "unauthenticated", "Authorization: must be Bearer and the token"))
        try:
            raw = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return self._refuse(number, refused(413, "too_large", "body: at most 1 MiB"))
        try:
            body = read_body(raw)
        except MalformedError as error:
            return self._refuse(number, refused(400, "malformed", str(error)))
        return await self._handle(request, number, body)

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Take one submission from a query, as gateways send it that know no dialect; the answer is a line of text."""
        self._requests += 1
        number = self._requests
        query = request.query
        if not hmac.compare_digest(query.get("token", "").encode(errors="replace"), self._token):
            return self._refuse(number, generic_answer(refused(401, "unauthenticated", "token")))
        fields = {name: query.get(name) for name in ("reference", "from", "to", "text")}
        try:
            body = Body(batch=False, items=(read_submission(fields),))
        except MalformedError as error:
            return self._refuse(number, generic_answer(refused(400, "malformed", str(error))))
        return await self._handle(request, number, body, generic=True)

    async def _handle(
        self, request: web.Request, number: int, body: Body, *, generic: bool = False
    ) -> web.StreamResponse:
        """Have the desk decide, and answer as it says."""
        arrived_ns = time.time_ns()
        outcome = self._desk.take(body.items, request=number, arrived_ns=arrived_ns)
        if outcome.early:
            await self._sender.send_now(outcome.early)
        whole = outcome.whole
        if whole is not None and whole.kind in UNANSWERED:
            await self._silence(request, self._hang_s if whole.kind is Kind.HANG else 0)
            self._record(number, None, messages=len(body.items), sent=False)
            return _dropped(request)
        await self._silence(request, whole.delay_ms / 1000 if whole is not None else 0)
        answer = answer_to(outcome, batch=body.batch)
        if generic:
            answer = generic_answer(answer)
        if whole is not None and whole.kind is Kind.GARBLED_CHUNK:
            self._record(number, answer.status_code, messages=len(body.items), sent=False)
            return await _cut_in_chunk(request, answer)
        response = answer.response()
        sent = await _written(request, response)
        self._record(number, answer.status_code, messages=len(body.items), sent=sent)
        return response

    def _refuse(self, number: int, answer: Answer) -> web.Response:
        """Refuse a request that could not be read; the body may be unread, so the connection cannot be used again."""
        self._record(number, answer.status_code, messages=0, sent=True)
        self._messages.refuse_unreadable()
        response = answer.response()
        response.force_close()
        return response

    async def _silence(self, request: web.Request, seconds: float) -> None:
        """Wait, but not for a client that has gone, and not when the emulator stops."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not _gone(request):
            try:
                async with asyncio.timeout(min(left, _LOOK_S)):
                    await self._stopping.wait()
            except TimeoutError:
                continue
            return

    def _record(self, number: int, status_code: int | None, *, messages: int, sent: bool) -> None:
        if not sent:
            self._messages.leave_unanswered()
        self._ledger.append(
            [
                {
                    "event": "answered",
                    "at_ns": time.time_ns(),
                    "request": number,
                    "messages": messages,
                    "status_code": status_code,
                    "sent": sent,
                },
            ],
        )


def _gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


async def _written(request: web.Request, response: web.StreamResponse) -> bool:
    """Send a response and say whether the connection took it."""
    try:
        await response.prepare(request)
        await response.write_eof()
    except ConnectionError:
        return False
    return not _gone(request)


def _dropped(request: web.Request) -> web.Response:
    """Close the connection; what is returned goes nowhere."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()


async def _cut_in_chunk(request: web.Request, answer: Answer) -> web.StreamResponse:
    """Send half of an answer in a chunk and close the connection before the last one."""
    response = web.StreamResponse(status=answer.status_code, headers={"Content-Type": "application/json"})
    response.enable_chunked_encoding()
    try:
        await response.prepare(request)
        await response.write(answer.body[: len(answer.body) // 2])
    except ConnectionError:
        return response
    if request.transport is not None:
        request.transport.close()
    return response
