"""The API that callers see: key, rate limits, and the five calls; or what a rule says instead of an answer.

Not here: what is true (book.py) and the controls (control.py).
"""

import asyncio
import contextlib
import hmac
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from aiohttp import web

from loadtests.aggregator.book import Book, Number, RefusedError
from loadtests.aggregator.rules import Rule, Rules
from loadtests.aggregator.settings import Settings

_TN = re.compile(r"\+1[2-9][0-9]{9}")
_CAMPAIGN = re.compile(r"[A-Z0-9_-]{1,64}", re.IGNORECASE)
_REFERENCE = re.compile(r"[\x21-\x7e]{1,128}")
_PAGE_MAX = 1_000
_HANG_S = 60.0
_REMEMBERED = 100_000

Call = Callable[[web.Request, Rule], Awaitable[web.Response]]


class Bucket:
    """A rate: so many a second, in bursts of as many."""

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._left = per_s
        self._at = time.monotonic()

    def take(self) -> float:
        """Take one, and return 0; or return the seconds until there will be one."""
        now = time.monotonic()
        self._left = min(self._per_s, self._left + (now - self._at) * self._per_s)
        self._at = now
        if self._left < 1:
            return (1 - self._left) / self._per_s
        self._left -= 1
        return 0.0


class Logged(NamedTuple):
    """One call, for the control API."""

    operation: str
    tn: str
    status: int
    at: float


def json(body: Any, status: int = 200) -> web.Response:
    """Answer with JSON."""
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")


def refused(status: int, code: str, detail: str) -> web.Response:
    """Answer with an error, as the wire has them."""
    return json({"errors": [{"code": code, "detail": detail}]}, status)


class Calls:
    """The five calls."""

    def __init__(self, settings: Settings, book: Book, rules: Rules, stopping: asyncio.Event) -> None:
        self._settings = settings
        self._book = book
        self._rules = rules
        self._stopping = stopping
        self._reads, self._writes = Bucket(settings.reads_per_s), Bucket(settings.writes_per_s)
        #: The newest calls, oldest first.
        self.log: deque[Logged] = deque(maxlen=_REMEMBERED)

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.put("/v1/numbers/{tn}", self._call("add", self._add)),
            web.delete("/v1/numbers/{tn}", self._call("remove", self._remove)),
            web.get("/v1/numbers/{tn}", self._call("read", self._read)),
            web.get("/v1/numbers", self._call("list", self._list)),
            web.get("/osr/{tn}", self._call("osr", self._osr)),
        ]

    def authorised(self, request: web.Request) -> bool:
        """Tell whether a request has the key."""
        given = request.headers.get("Authorization", "").encode(errors="replace")
        return hmac.compare_digest(given, f"Bearer {self._settings.key}".encode())

    def _call(self, operation: str, call: Call) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            answer = await self._handle(request, operation, call)
            tn = request.match_info.get("tn", "")
            self.log.append(Logged(operation=operation, tn=tn, status=answer.status, at=time.time()))
            return answer

        return handle

    async def _handle(self, request: web.Request, operation: str, call: Call) -> web.Response:
        if not self.authorised(request):
            return refused(401, "UNAUTHENTICATED", "Authorization: must be Bearer and the key.")
        tn = request.match_info.get("tn", "")
        if "tn" in request.match_info and _TN.fullmatch(tn) is None:
            return refused(400, "MALFORMED", "The number must be +1 and ten digits.")
        wait_s = (self._writes if operation in {"add", "remove"} else self._reads).take()
        if wait_s:
            return _retry_after(refused(429, "RATE_LIMITED", "Too many calls."), max(1, round(wait_s)))
        rule = self._rules.pick(operation, tn)
        spoilt = await self._instead(request, rule)
        if spoilt is not None:
            return spoilt
        try:
            answer = await call(request, rule)
        except RefusedError as no:
            answer = refused(no.status, no.code, no.detail)
        match rule.answer:
            case "cut_after":
                return _cut(request)
            case "garbled":
                return web.Response(text="<html>Gateway</html>", content_type="text/html")
        return answer

    async def _instead(self, request: web.Request, rule: Rule) -> web.Response | None:
        """Return what a rule answers without doing anything; None: the call is made."""
        match rule.answer:
            case "throttle":
                return _retry_after(refused(429, "RATE_LIMITED", "Asked for by a rule."), rule.retry_after)
            case "unavailable":
                return _retry_after(refused(503, "UNAVAILABLE", "Asked for by a rule."), rule.retry_after)
            case "hang":
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_HANG_S):
                        await self._stopping.wait()
                return _cut(request)
            case "cut_before":
                return _cut(request)
        return None

    async def _add(self, request: web.Request, rule: Rule) -> web.Response:
        try:
            body = orjson.loads(await request.read())
            campaign_id, reference = body["campaignId"], body["reference"]
        except (orjson.JSONDecodeError, TypeError, KeyError):
            return refused(400, "MALFORMED", "The body must be JSON with campaignId and reference.")
        if not _fits(campaign_id, _CAMPAIGN) or not _fits(reference, _REFERENCE):
            return refused(400, "MALFORMED", "campaignId or reference is not a short text.")
        number = self._book.add(request.match_info["tn"], campaign_id, reference, rule)
        return json(number.shown(), 202 if number.state == "PENDING" else 200)

    async def _remove(self, request: web.Request, rule: Rule) -> web.Response:
        reference = request.query.get("reference", "")
        if not _fits(reference, _REFERENCE):
            return refused(400, "MALFORMED", "reference must be in the query.")
        number = self._book.remove(request.match_info["tn"], reference, rule)
        return json(number.shown(), 202 if number.state == "PENDING" else 200)

    async def _read(self, request: web.Request, _: Rule) -> web.Response:
        number = self._book.find(request.match_info["tn"])
        if number is None:
            return refused(404, "NUMBER_NOT_FOUND", "The number was never tied to a campaign.")
        return json(number.shown())

    async def _list(self, request: web.Request, _: Rule) -> web.Response:
        query = request.query
        try:
            after, limit = int(query.get("after", "0")), int(query.get("limit", "100"))
            since = datetime.fromisoformat(query["changedSince"]).timestamp() if "changedSince" in query else 0.0
        except ValueError:
            return refused(400, "MALFORMED", "after and limit are whole numbers, changedSince is an RFC 3339 instant.")
        if not 1 <= limit <= _PAGE_MAX:
            return refused(400, "MALFORMED", f"limit must be 1 to {_PAGE_MAX}.")
        numbers: list[Number] = []
        more = False
        for number in self._book.changes(after, since):
            if len(numbers) == limit:
                more = True
                break
            numbers.append(number)
        last = numbers[-1].version if numbers else after
        return json({"numbers": [number.shown() for number in numbers], "next": last, "more": more})

    async def _osr(self, request: web.Request, _: Rule) -> web.Response:
        tn = request.match_info["tn"]
        return json({"phoneNumber": tn, "campaignId": self._book.osr(tn)})


def _fits(value: Any, pattern: re.Pattern[str]) -> bool:
    return type(value) is str and pattern.fullmatch(value) is not None


def _retry_after(answer: web.Response, seconds: int | None) -> web.Response:
    if seconds is not None:
        answer.headers["Retry-After"] = str(seconds)
    return answer


def _cut(request: web.Request) -> web.Response:
    """Close the connection; the answer goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)
