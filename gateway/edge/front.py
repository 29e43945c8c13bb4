"""The front of the public port: answers plain texts itself, and gives everything else to aiohttp.

Most requests are one and the same: POST /v1/messages with a small JSON body, all of it in one piece. A request that
fits this pattern to the letter is answered here, at a fraction of what a general server costs. Any other, and any that
looks only a little different, goes to aiohttp byte for byte, and its connection with it, for good: what is malformed,
slow, large, chunked, compressed, pipelined or simply another route is never judged here.

Not here: what is done with a message (sending.py); limits for connections that do nothing.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Final, NamedTuple, Protocol, cast

import structlog

from gateway.edge.replies import Reply, reply_of
from gateway.errors import Problem

#: Longest head that is looked at; longer ones are aiohttp's.
_MOST_HEAD: Final = 4_096
_MOST_BODY: Final = 64 * 1024
#: Most of what a client sends before its answer is there.
_MOST_AHEAD: Final = 64 * 1024
_SWEEP_S: Final = 5.0

_START: Final = b"POST /v1/messages HTTP/1.1\r\n"
#: Field lines as RFC 9112 has them, in ASCII, without any folding.
_FIELDS = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]++:[\t ]*+(?:[\x21-\x7e]++[\t ]*+)*+\r\n)++")
_FIELD = re.compile(rb"([^:]++):[\t ]*+([^\r]*+)\r\n")
_LENGTH = re.compile(rb"[0-9]{1,5}")
#: Fields that are understood here, and then only once.
_KNOWN: Final = frozenset(
    {b"host", b"content-length", b"content-type", b"authorization", b"idempotency-key", b"connection"},
)
#: Fields that change what the bytes mean, or what is to be done with the connection.
_ELSEWHERE: Final = frozenset(
    {b"transfer-encoding", b"content-encoding", b"trailer", b"te", b"expect", b"upgrade", b"http2-settings"},
)
_TYPES: Final = frozenset({b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"})

_log = structlog.get_logger()


class Ask(NamedTuple):
    """What a request that is answered here says."""

    authorization: str | None
    #: Values of Idempotency-Key: none, or one.
    keys: tuple[str, ...]
    body: bytes


def read_ask(data: bytes) -> Ask | None:
    """Read a request that is whole and plain; None for any other."""
    if not data.startswith(_START):
        return None
    end = data.find(b"\r\n\r\n", len(_START) - 2, _MOST_HEAD) + 2
    if end < len(_START) or not _FIELDS.fullmatch(data, len(_START), end):
        return None
    known: dict[bytes, bytes] = {}
    for raw_name, value in _FIELD.findall(data, len(_START), end):
        name = raw_name.lower()
        if name in _KNOWN:
            if name in known:
                return None
            known[name] = value.rstrip()
        elif name in _ELSEWHERE:
            return None
    return _ask(known, data[end + 2 :])


def _ask(known: dict[bytes, bytes], body: bytes) -> Ask | None:
    length = known.get(b"content-length", b"")
    if (
        not known.get(b"host")
        or known.get(b"content-type", b"").lower() not in _TYPES
        or known.get(b"connection", b"keep-alive").lower() != b"keep-alive"
        or not _LENGTH.fullmatch(length)
        or int(length) != len(body)
        or len(body) > _MOST_BODY
    ):
        return None
    authorization, key = known.get(b"authorization"), known.get(b"idempotency-key")
    return Ask(
        authorization=None if authorization is None else authorization.decode("ascii"),
        keys=() if key is None else (key.decode("ascii"),),
        body=body,
    )


class Observer(Protocol):
    """Told how requests ended."""

    def responded(self, route: str, status: int) -> None:
        """Say which status a route answered."""

    def refused_input(self, code: str) -> None:
        """Say which problem a request had."""


class Front:
    """The connections of the public port. answer raises Problem; other() makes a connection of the general server."""

    def __init__(
        self,
        answer: Callable[[Ask], Awaitable[Reply]],
        other: Callable[[], asyncio.Protocol],
        observe: Observer,
        *,
        is_leaving: Callable[[], bool],
        keep_alive_s: float,
    ) -> None:
        self.answer = answer
        self.other = other
        self.observe = observe
        self.is_leaving = is_leaving
        self._keep_alive_s = keep_alive_s
        self._open: set[Connection] = set()
        self._sweeping: asyncio.TimerHandle | None = None
        self._closing = False
        self._idle = asyncio.Event()

    def __call__(self) -> asyncio.Protocol:
        """Make the protocol of a new connection."""
        return Connection(self)

    def opened(self, connection: "Connection") -> None:
        """Take a connection in."""
        self._open.add(connection)
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(_SWEEP_S, self._sweep)

    def gone(self, connection: "Connection") -> None:
        """Forget a connection: it is closed and nothing is under way for it, or it is aiohttp's now."""
        self._open.discard(connection)
        if not self._open:
            self._idle.set()

    @property
    def is_last(self) -> bool:
        """Say whether answers given now are their connections' last."""
        return self._closing or self.is_leaving()

    async def close(self, patience_s: float) -> None:
        """Close connections, those with a request under way after its answer."""
        self._closing = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        for connection in tuple(self._open):
            connection.close_when_idle()
        if self._open:
            self._idle.clear()
            try:
                async with asyncio.timeout(patience_s):
                    await self._idle.wait()
            except TimeoutError:
                _log.warning("front_closed_early", requests=len(self._open))

    def _sweep(self) -> None:
        """Close connections that did nothing for long."""
        before = time.monotonic() - self._keep_alive_s
        for connection in tuple(self._open):
            connection.close_if_idle_since(before)
        self._sweeping = asyncio.get_running_loop().call_later(_SWEEP_S, self._sweep) if self._open else None


class Connection(asyncio.Protocol):
    """One connection, between whole requests or with one under way."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._transport: asyncio.Transport | None = None
        #: The request under way; it goes on when its client has gone.
        self._task: asyncio.Task[None] | None = None
        #: What came before the answer was there.
        self._ahead = b""
        self._last_used = time.monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)  # Not isinstance: uvloop's is none of asyncio's classes.
        self._front.opened(self)

    def connection_lost(self, error: Exception | None) -> None:
        """End; what is under way goes on, for it may be kept already."""
        del error
        self._transport = None
        if self._task is None:
            self._front.gone(self)

    def pause_writing(self) -> None:
        """Read nothing from a client that does not read."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        if self._transport is not None:
            self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Answer a plain request, or hand the connection over."""
        if self._task is not None:
            self._ahead += data
            if len(self._ahead) > _MOST_AHEAD and self._transport is not None:
                self._transport.pause_reading()
            return
        ask = read_ask(data)
        if ask is None:
            self._hand_over(data)
            return
        self._task = asyncio.get_running_loop().create_task(self._serve(ask))

    def close_when_idle(self) -> None:
        """Close now, or after the answer under way."""
        if self._task is None and self._transport is not None:
            self._transport.close()

    def close_if_idle_since(self, before: float) -> None:
        """Close if nothing came since then."""
        if self._last_used < before:
            self.close_when_idle()

    def _hand_over(self, data: bytes) -> None:
        transport = self._transport
        if transport is None:
            return
        self._front.gone(self)
        other = self._front.other()
        transport.resume_reading()
        transport.set_protocol(other)
        other.connection_made(transport)
        other.data_received(data)

    async def _serve(self, ask: Ask) -> None:
        try:
            reply = await self._front.answer(ask)
        except Problem as problem:
            self._front.observe.refused_input(problem.code)
            reply = reply_of(problem)
        except Exception as failure:  # noqa: BLE001 - the last line: an answer, and nothing of ours in it
            _log.error("request_crashed", error=type(failure).__name__, exc_info=failure)
            reply = reply_of(Problem("internal_error"))
        self._front.observe.responded("/v1/messages", reply.status)
        self._conclude(reply)

    def _conclude(self, reply: Reply) -> None:
        """Write the answer, and go on with what came meanwhile."""
        self._task = None
        self._last_used = time.monotonic()
        transport = self._transport
        if transport is None or transport.is_closing():
            self._front.gone(self)
            return
        is_last = self._front.is_last
        transport.write(render(reply, is_last=is_last))
        if is_last:
            transport.close()
        elif self._ahead:
            data, self._ahead = self._ahead, b""
            transport.resume_reading()
            self.data_received(data)


@lru_cache(maxsize=256)
def _status_line(status: int, content_type: str) -> bytes:
    phrase = HTTPStatus(status).phrase
    return f"HTTP/1.1 {status} {phrase}\r\nServer: a2p-gateway\r\nContent-Type: {content_type}\r\n".encode()


@lru_cache(maxsize=4)
def _date(second: int) -> bytes:
    return f"Date: {formatdate(second, usegmt=True)}\r\n".encode()


def render(reply: Reply, *, is_last: bool) -> bytes:
    """Write an answer as HTTP/1.1; is_last: the connection ends with it."""
    more = "".join([f"{name}: {value}\r\n" for name, value in reply.headers]) if reply.headers else ""
    closing = "Connection: close\r\n" if is_last else ""
    return b"%bContent-Length: %d\r\n%b%b%b\r\n%b" % (
        _status_line(reply.status, reply.content_type),
        len(reply.body),
        _date(int(time.time())),
        more.encode(),
        closing.encode(),
        reply.body,
    )
