"""Where every request passes: who asks, whether it is one too many, how it goes wrong; and a list of what came."""

import asyncio
import base64
import binascii
import contextlib
import hmac
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from aiohttp import web
from aiohttp.typedefs import Middleware

from loadtests.tcr.book import Book
from loadtests.tcr.faults import Faults, Rule
from loadtests.tcr.forms import Refusal
from loadtests.tcr.limits import Limits
from loadtests.tcr.settings import Settings

_REMEMBERED: Final = 100_000
_OPEN: Final = ("/", "/healthz")
_CONTROL: Final = "/_control"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """One request: what was asked, and the answer's status, or None where none was sent."""

    method: str
    path: str
    status: int | None
    behaviour: str


class Requests:
    """The middleware."""

    def __init__(self, settings: Settings, book: Book, faults: Faults, limits: Limits, stopping: asyncio.Event) -> None:
        self._settings = settings
        self._book = book
        self._faults = faults
        self._stopping = stopping
        self.limits = limits
        self.came: deque[Came] = deque(maxlen=_REMEMBERED)

    def middleware(self) -> Middleware:
        """Return it as aiohttp wants it."""

        @web.middleware
        async def through(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._pass(request, handler)

        return through

    async def _pass(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in _OPEN:
            return await handler(request)
        if not self._is_authentic(request):
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="TCR"'})
        if request.path.startswith(_CONTROL):
            return await handler(request)
        behaviour = "limited"
        answer: web.StreamResponse | None = _throttled(None)
        if self.limits.takes(request.method):
            rule = self._faults.rule_for(request.method, request.path, await _form(request))
            behaviour = "" if rule is None else rule.behaviour
            answer = await self._answer(request, handler, rule)
        status = None if answer is None else answer.status
        self.came.append(Came(method=request.method, path=request.path, status=status, behaviour=behaviour))
        if answer is None:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)  # Nobody is there to see it.
        return answer

    def _is_authentic(self, request: web.Request) -> bool:
        kind, _, encoded = request.headers.get("Authorization", "").partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            given = b""
        wanted = f"{self._settings.key}:{self._settings.secret}".encode()
        return kind.lower() == "basic" and hmac.compare_digest(given, wanted)

    async def _answer(self, request: web.Request, handler: Handler, rule: Rule | None) -> web.StreamResponse | None:
        """Return the answer; None: the connection is to be closed without one."""
        if rule is None:
            return await self._handled(request, handler)
        if rule.behaviour == "hang":
            await self._wait(self._settings.hang_s)
        if rule.behaviour in _NOT_DONE:
            return _NOT_DONE[rule.behaviour](rule)
        answer = await self._handled(request, handler)
        match rule.behaviour:
            case "drop_answer":
                return None
            case "slow":
                await self._wait(rule.delay_s)
            case "error_after":
                return web.Response(status=rule.status)
            case "garbled":
                return web.Response(text="<html>Please wait</html>", content_type="text/html")
        return answer

    async def _handled(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            answer = await handler(request)
        except Refusal as refusal:
            return refusal.response()
        if request.method != "GET":
            self._book.save()
        return answer

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()


async def _form(request: web.Request) -> dict[str, Any] | None:
    """Return the body as an object, if it is one; aiohttp keeps it for the handler."""
    if request.method != "POST":
        return None
    try:
        data = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        return None
    return data if type(data) is dict else None


def _throttled(retry_after_s: int | None) -> web.Response:
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    body = [{"code": 429, "field": "", "description": "Too many requests"}]
    return web.Response(status=429, headers=headers, body=orjson.dumps(body), content_type="application/json")


#: Behaviours that do nothing, and what they answer.
_NOT_DONE: Final[Mapping[str, Callable[[Rule], web.StreamResponse | None]]] = {
    "drop_request": lambda _: None,
    "hang": lambda _: None,
    "error": lambda rule: web.Response(status=rule.status),
    "throttle": lambda rule: _throttled(rule.retry_after_s),
    "redirect": lambda _: web.Response(status=307, headers={"Location": "http://127.0.0.1:9/elsewhere"}),
}
