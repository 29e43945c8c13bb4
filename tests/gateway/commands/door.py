"""A door before a gateway that misbehaves as told: what a network and a busy server do to a client."""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final

import aiohttp
import orjson
from aiohttp import web

#: Answers given without asking the gateway: status, code, Retry-After.
_INSTEAD: Final = {"busy": (503, "queue_full", "0"), "slow_down": (429, "rate_limited", "1")}
_PASSED_ON: Final = ("Authorization", "Content-Type")
_PASSED_BACK: Final = ("Idempotent-Replayed", "Retry-After")


class Door:
    """Passes requests on to a gateway; the first ones for messages it treats as told, a word each.

    pass; busy (503 with Retry-After); slow_down (429 with Retry-After); drop (nobody has it); hold (passed on once as
    many messages as are awaited have come); part (of a batch: the last line is not passed on and told queue_full);
    unknown (503 outcome_unknown although the gateway has it); lose (the gateway has it, the answer is lost).
    """

    def __init__(self, target: str, *words: str, swallows: str = "", awaits: int = 0) -> None:
        self._target = target
        self._words = list(words)
        #: What a request contains that is dropped whenever it comes.
        self._swallows = swallows.encode()
        self._awaits = awaits
        self._all_came = asyncio.Event()
        #: Bodies of messages sent by themselves, in the order they came.
        self.bodies: list[dict[str, Any]] = []

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """Listen on loopback; yields the address."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        word = self._word(request.path, body)
        if word in _INSTEAD:
            return _problem(*_INSTEAD[word])
        if word == "drop":
            return _dropped(request)
        if word == "hold":
            await self._all_came.wait()
        if word != "part":
            response = await self._ask(request, body)
        else:
            response = await self._ask(request, body.rpartition(b"\n")[0])
            response.body = response.body + orjson.dumps({"status": 503, "code": "queue_full"})
        if word == "unknown":
            return _problem(503, "outcome_unknown")
        return _dropped(request) if word == "lose" else response

    def _word(self, path: str, body: bytes) -> str:
        if path == "/v1/messages":
            self.bodies.append(orjson.loads(body))
            if len(self.bodies) >= self._awaits:
                self._all_came.set()
        if self._swallows and self._swallows in body:
            return "drop"
        return self._words.pop(0) if self._words and path.startswith("/v1/messages") else "pass"

    async def _ask(self, request: web.Request, body: bytes) -> web.Response:
        url, headers = self._target + request.path_qs, _only(_PASSED_ON, request.headers.items())
        data = io.BytesIO(body) if body else None
        async with aiohttp.request(request.method, url, data=data, headers=headers) as response:
            return web.Response(
                body=await response.read(),
                status=response.status,
                content_type=response.content_type,
                headers=_only(_PASSED_BACK, response.headers.items()),
            )


def _only(names: Iterable[str], headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: value for name, value in headers if name in names}


def _problem(status: int, code: str, retry_after: str | None = None) -> web.Response:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return web.json_response({"code": code}, status=status, headers=headers)


def _dropped(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
