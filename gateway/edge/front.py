"""The front of the public port: answers plain texts itself, and gives everything else to aiohttp.

Most requests are one and the same: POST /v1/messages with a small JSON body, all of it in one piece. A request that
fits this pattern to the letter is answered here, at a fraction of what a general server costs. Any other, and any that
looks only a little different, goes to aiohttp byte for byte, and its connection with it, for good: what is malformed,
slow, large, chunked, compressed, pipelined or simply another route is never judged here.

Not here: what is done with a message (sending.py), how long a connection may take (guard.py), how many sends may come
in (admission.py).
"""

import asyncio
import re
import time
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol, cast

import structlog

from gateway.edge.admission import Admission, Ticket
from gateway.edge.guard import Guard, Guarded, Phase, Unread
from gateway.edge.replies import Reply, reply_of
from gateway.edge.writing import render, render_refusal
from gateway.errors import Problem

#: Longest head that is looked at; longer ones are aiohttp's.
_MOST_HEAD: Final = 4_096
_MOST_FIELDS: Final = 64
_MOST_BODY: Final = 64 * 1024
#: Most of what a client sends before its answer is there.
_MOST_AHEAD: Final = 64 * 1024

_START: Final = b"POST /v1/messages HTTP/1.1\r\n"
#: Field lines as RFC 9112 has them, in ASCII, without any folding.
_FIELDS = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]++:[\t ]*+(?:[\x21-\x7e]++[\t ]*+)*+\r\n)++")
_FIELD = re.compile(rb"([^:]++):[\t ]*+([^\r]*+)\r\n")
_LENGTH = re.compile(rb"[0-9]{1,5}")
#: Fields that are understood here, and then only once.
_KNOWN: Final = frozenset(
    {b"host", b"content-length", b"content-type", b"authorization", b"idempotency-key", b"connection"},
)
#: Fields that change what the bytes mean, or what is to be done with the connection; or a browser's (origins.py).
_ELSEWHERE: Final = frozenset(
    {b"transfer-encoding", b"content-encoding", b"trailer", b"te", b"expect", b"upgrade", b"http2-settings", b"origin"},
)
_TYPES: Final = frozenset({b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"})

_log = structlog.get_logger()


class Ask(NamedTuple):
    """What a request that is answered here says."""

    authorization: str | None
    #: Values of Idempotency-Key: none, or one.
    keys: tuple[str, ...]
    body: bytes


def read_ask(data: bytes, knows_host: Callable[[bytes], bool]) -> Ask | None:
    """Read a request that is whole, plain and for one of our hosts; None for any other."""
    if not data.startswith(_START):
        return None
    end = data.find(b"\r\n\r\n", len(_START) - 2, _MOST_HEAD) + 2
    if end < len(_START) or not _FIELDS.fullmatch(data, len(_START), end):
        return None
    fields = _FIELD.findall(data, len(_START), end)
    if len(fields) > _MOST_FIELDS:
        return None
    known: dict[bytes, bytes] = {}
    for raw_name, value in fields:
        name = raw_name.lower()
        if name in _KNOWN:
            if name in known:
                return None
            known[name] = value.rstrip()
        elif name in _ELSEWHERE:
            return None
    if not knows_host(known.get(b"host", b"")):
        return None
    return _ask(known, data[end + 2 :])


def _ask(known: dict[bytes, bytes], body: bytes) -> Ask | None:
    length = known.get(b"content-length", b"")
    if (
        known.get(b"content-type", b"").lower() not in _TYPES
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


_NOTHING: Final[tuple[bytes, Ask | None]] = (b"", None)


class Observer(Protocol):
    """Told how requests ended."""

    def responded(self, route: str, status: int) -> None:
        """Say which status a route answered."""

    def refused_input(self, code: str) -> None:
        """Say which problem a request had."""


class General(Guarded, Protocol):
    """A connection of the general server."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""

    def data_received(self, data: bytes) -> None:
        """Take what came."""


class Front:
    """The connections of the public port.

    take() is given each request, and whom to tell when it begins with it, and what came of it; other() makes a
    connection of the general server.
    """

    def __init__(
        self,
        take: Callable[[Ask, "Connection"], None],
        other: Callable[[], General],
        observe: Observer,
        *,
        guard: Guard,
        admission: Admission,
        knows_host: Callable[[bytes], bool],
        is_leaving: Callable[[], bool],
    ) -> None:
        self.take = take
        self.other = other
        self.observe = observe
        self.guard = guard
        self.admission = admission
        self.knows_host = knows_host
        self.is_leaving = is_leaving
        self._open: set[Connection] = set()
        self._closing = False
        self._idle = asyncio.Event()

    def __call__(self) -> asyncio.Protocol:
        """Make the protocol of a new connection."""
        return Connection(self)

    def opened(self, connection: "Connection") -> None:
        """Take a connection in."""
        self._open.add(connection)

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
        for connection in tuple(self._open):
            connection.close_when_idle()
        if self._open:
            self._idle.clear()
            try:
                async with asyncio.timeout(patience_s):
                    await self._idle.wait()
            except TimeoutError:
                _log.warning("front_closed_early", requests=len(self._open))


class Connection(asyncio.Protocol):
    """One connection, between whole requests or with one under way."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._transport: asyncio.Transport | None = None
        #: Of the request that is under way, or waits for its turn; it goes on when its client has gone.
        self._ticket: Ticket | None = None
        #: What came before the answer was there.
        self._ahead = b""
        #: The client does not read what we wrote.
        self._is_held = False
        self._has_asked = False
        #: The last request, if it was turned away: it comes again as it was.
        self._turned_away = _NOTHING
        self._last_used = time.monotonic()
        self._unread = Unread()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless there are too many."""
        made = cast(asyncio.Transport, transport)  # Not isinstance: uvloop's is none of asyncio's classes.
        guard = self._front.guard
        if guard.enter(self, made) is None:
            self._transport = made
            self._front.opened(self)
            return
        problem = Problem("overloaded", retry_after_s=guard.retry_after_s())
        made.write(render(reply_of(problem), is_last=True))
        made.close()

    def connection_lost(self, error: Exception | None) -> None:
        """End; what is under way goes on, for it may be kept already."""
        del error
        self._transport = None
        self._front.guard.leave(self)
        if self._ticket is None:
            self._front.gone(self)

    def pause_writing(self) -> None:
        """Read nothing from a client that does not read."""
        self._is_held = True
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self._is_held = False
        if self._transport is None or (self._ticket is not None and len(self._ahead) > _MOST_AHEAD):
            return
        self._transport.resume_reading()
        if self._ahead and self._ticket is None:
            self._go_on()

    def data_received(self, data: bytes) -> None:
        """Answer a plain request, or hand the connection over."""
        if self._transport is None:
            return
        if self._ticket is not None or self._is_held:
            self._ahead += data
            if len(self._ahead) > _MOST_AHEAD:
                self._transport.pause_reading()
            return
        before, ask = self._turned_away
        if data != before:
            ask = read_ask(data, self._front.knows_host)
        if ask is None:
            self._hand_over(data)
            return
        self._has_asked = True
        entered = self._front.admission.enter(ask.authorization)
        if isinstance(entered, Problem):
            self._turned_away = (data, ask)
            self._turn_away(entered)
        else:
            self._turned_away = _NOTHING
            self._ticket = entered
            self._front.take(ask, self)

    def begin(self) -> None:
        """Hear that the request under way has its turn now."""
        if self._ticket is not None:
            self._front.admission.turn(self._ticket)

    def conclude(self, answer: Reply | Problem) -> None:
        """Hear what came of the request under way: write it, and go on with what came meanwhile."""
        if self._ticket is not None:
            self._front.admission.leave(self._ticket)
            self._ticket = None
        reply = self._problem(answer) if isinstance(answer, Problem) else answer
        self._front.observe.responded("/v1/messages", reply.status)
        transport = self._transport
        if transport is None or transport.is_closing():
            self._front.gone(self)
            return
        is_last = self._front.is_last
        self._write(render(reply, is_last=is_last), is_last=is_last)
        if self._ahead and not is_last and not self._is_held:
            self._go_on()

    def check(self, now: float) -> None:
        """End what is overdue: an answer that is not read, a first request, a further one."""
        transport, guard = self._transport, self._front.guard
        if transport is None:
            return
        if self._unread.is_overdue(transport, now, guard.limits):
            guard.observe.timed_out(Phase.ANSWER)
            transport.abort()
        elif self._ticket is not None or transport.is_closing():
            return
        elif now - self._last_used >= (guard.idle_s if self._has_asked else guard.limits.head_s):
            guard.observe.timed_out(Phase.IDLE if self._has_asked else Phase.CONNECT)
            transport.close()

    def close_when_idle(self) -> None:
        """Close now, or after the answer under way."""
        if self._ticket is None and self._transport is not None:
            self._transport.close()

    def _hand_over(self, data: bytes) -> None:
        transport = self._transport
        if transport is None:
            return
        self._front.gone(self)
        other = self._front.other()
        self._front.guard.replace(self, other)
        transport.resume_reading()
        transport.set_protocol(cast(asyncio.Protocol, other))
        other.connection_made(transport)
        other.data_received(data)

    def _turn_away(self, problem: Problem) -> None:
        """Say not now. It is said often, and when there is least time for it."""
        observe = self._front.observe
        observe.refused_input(problem.code)
        answer = render_refusal(problem.code, problem.retry_after_s or 1)
        observe.responded("/v1/messages", answer.status)
        self._write(answer.data, is_last=self._front.is_last)

    def _problem(self, problem: Problem) -> Reply:
        self._front.observe.refused_input(problem.code)
        return reply_of(problem)

    def _write(self, data: bytes, *, is_last: bool) -> None:
        self._last_used = time.monotonic()
        if self._transport is not None:
            self._transport.write(data)
            if is_last:
                self._transport.close()

    def _go_on(self) -> None:
        """Take what came meanwhile, and read on."""
        data, self._ahead = self._ahead, b""
        if self._transport is not None:
            self._transport.resume_reading()
            self.data_received(data)
