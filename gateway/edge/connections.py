"""The general server's connections, guarded: aiohttp's, with limits of time that aiohttp has none of.

aiohttp waits for ever for the rest of a head, of a body, and for its answer to be read. Here the guard asks now and
then how far each is. What aiohttp's parser refuses is answered as every problem is, and repeats nothing of it.

Not here: plain texts (front.py), which requests may come in (door.py).
"""

import asyncio
import math
import time
from typing import Final

import structlog
from aiohttp import http_parser, web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

from gateway.edge.guard import Guard, Phase, Unread, put_off
from gateway.edge.http_common import response_of
from gateway.edge.replies import reply_of
from gateway.edge.writing import render
from gateway.errors import Problem
from metrics.gateway import GatewayMetrics

#: Longest request line or field, and most fields.
_MOST_LINE: Final = 8_190
_MOST_FIELDS: Final = 64
#: The route of what never came to one.
_NO_ROUTE: Final = "none"
_BAD_REQUEST: Final = 400

_log = structlog.get_logger()


def require_compiled_parser() -> None:
    """Raise RuntimeError unless aiohttp parses with llhttp: its Python parser has let requests be smuggled before."""
    if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
        raise RuntimeError("aiohttp's compiled HTTP parser is missing (its wheel, or AIOHTTP_NO_EXTENSIONS is set)")


class Connections:
    """Makes the connections of a general server."""

    def __init__(self, server: web.Server, guard: Guard, metrics: GatewayMetrics) -> None:
        self._server = server
        self._guard = guard
        self._metrics = metrics

    def __call__(self) -> "GuardedHandler":
        """Make the protocol of a connection."""
        return GuardedHandler(self._server, self._guard, self._metrics)


class GuardedHandler(RequestHandler):
    """One connection of the general server."""

    __slots__ = ("_body", "_body_due", "_body_end", "_guard", "_head_due", "_made", "_metrics", "_unread")

    def __init__(self, server: web.Server, guard: Guard, metrics: GatewayMetrics) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=guard.limits.idle_s,
            access_log=None,  # type: ignore[arg-type] # None is how aiohttp is told to keep none.
            max_line_size=_MOST_LINE,
            max_field_size=_MOST_LINE,
            max_headers=_MOST_FIELDS,
            lingering_time=guard.limits.body_s,  # A body that nobody wants is read, so that its client sees the answer.
            auto_decompress=False,
        )
        self._guard = guard
        self._metrics = metrics
        self._unread = Unread()
        #: The transport until it is closed; aiohttp forgets its own when it begins to close it.
        self._made: asyncio.Transport | None = None
        #: When a head that has begun must be there; infinity while none has.
        self._head_due = math.inf
        #: The last body that has begun, until it is known to be whole.
        self._body: StreamReader | None = None
        self._body_due = self._body_end = math.inf

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        super().connection_made(transport)
        self._made = self.transport

    def data_received(self, data: bytes) -> None:
        """Take what came, and note what it was."""
        before = self._request_count
        super().data_received(data)
        if data:
            self._note(len(data), is_new=self._request_count != before)

    def eof_received(self) -> bool:  # type: ignore[override] # asyncio's protocols may say either
        """End a body that will not come, and stay for its answer; otherwise the connection ends."""
        if self._body is None or self._body.is_eof() or self._current_request is None:
            return False
        self._give_up(Problem("incomplete_body"))
        return True

    def connection_lost(self, exc: BaseException | None) -> None:
        """End."""
        super().connection_lost(exc)
        self._made = None
        self._guard.leave(self)

    def check(self, now: float) -> None:
        """End what is overdue: an answer that is not read, a body, a head, a connection that nobody uses."""
        transport = self._made
        if transport is None:
            return
        if self._unread.is_overdue(transport, now, self._guard.limits):
            self._guard.observe.timed_out(Phase.ANSWER)
            transport.abort()
        elif self.transport is None:
            return  # It is being closed.
        elif self._body is not None:
            self._check_body(self._body, now)
        elif self._waiter is None or self._waiter.done():
            if self._head_due < math.inf:  # It is our turn: the head's time begins after the answer.
                self._head_due = now + self._guard.limits.head_s
        elif now >= self._head_due:
            self._guard.observe.timed_out(Phase.HEAD)
            self._metrics.refused_input("head_timeout")
            transport.write(render(reply_of(Problem("head_timeout")), is_last=True))
            self.force_close()
        elif self._head_due == math.inf and now >= self._next_keepalive_close_time - self._spared_s():
            self._guard.observe.timed_out(Phase.IDLE)
            self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no request, or what failed past every handler: as a problem, the last of its connection."""
        del message  # It repeats what the client sent.
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun already")
        if status != _BAD_REQUEST:
            _log.error("request_crashed", error=type(exc).__name__)
        code = "internal_error"
        if status == _BAD_REQUEST:
            code = "head_too_large" if isinstance(exc, LineTooLong) else "malformed_request"
        self._metrics.refused_input(code)
        response = response_of(reply_of(Problem(code)))
        self._metrics.responded(_NO_ROUTE, response.status)
        response.headers["Server"] = "a2p-gateway"
        response.headers["Connection"] = "close"  # aiohttp takes what it cannot read for HTTP/1.0, and says nothing.
        response.force_close()
        return response

    def _note(self, size: int, *, is_new: bool) -> None:
        limits = self._guard.limits
        now = time.monotonic()
        if is_new:
            self._head_due = math.inf
            body = self._messages[-1][1] if self._messages else None
            self._body = None if body is None or body.is_eof() else body
            self._body_due, self._body_end = now + limits.body_s, now + limits.body_whole_s
        elif self._body is not None:
            self._body_due = put_off(self._body_due, now, size, limits.body_s, limits.body_rate)
            if self._body.is_eof():
                self._body = None
        elif self._head_due == math.inf:
            self._head_due = now + limits.head_s

    def _check_body(self, body: StreamReader, now: float) -> None:
        if body.is_eof() or body.exception() is not None:
            self._body = None
        elif self._reading_paused or self._buffer_paused:  # It is we who do not read.
            self._body_due = now + self._guard.limits.body_s
        elif now >= min(self._body_due, self._body_end) and self._current_request is not None:
            self._guard.observe.timed_out(Phase.BODY)
            self._give_up(Problem("body_timeout"))

    def _give_up(self, problem: Problem) -> None:
        """Have whoever reads the body told why there is no more; the connection ends with the answer."""
        assert self._body is not None, "a body is under way"  # noqa: S101 - for the type checker
        self._lingering_time = 0.0
        self._body.set_exception(problem)
        self._body = None

    def _spared_s(self) -> float:
        """How much sooner than usual an idle connection ends."""
        return self._guard.limits.idle_s - self._guard.idle_s
