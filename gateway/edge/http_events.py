"""GET /v1/events: a user's live events over a WebSocket, for as long as whoever opened it may read.

A browser cannot send Authorization with a socket, so its token may come as a subprotocol. The key or token is looked
at again every few seconds: what ends it ends the socket. Whatever a client sends that is no acknowledgement ends it,
too; a client that does not read is ended by the guard, as anybody who does not read an answer.

Not here: what is told and in which order (gateway/live/), which origins are ours (origins.py).
"""

import asyncio
import contextlib
import re
from collections.abc import Coroutine
from typing import Any, Final

import orjson
import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from gateway.edge import wire
from gateway.edge.keys import Keys, Principal
from gateway.edge.origins import Origins
from gateway.errors import Problem, queue_problem
from gateway.leaving import Leaving
from gateway.live.events import User
from gateway.live.hub import Full, Hub, TooManyError
from gateway.live.places import position_of
from gateway.live.session import Session
from gateway.queue import QueueError

SUBPROTOCOL: Final = "a2p.events.v1"
#: Sockets that one user may have in one process.
MOST_OF_USER: Final = 16
#: The key or token is not good any more.
CLOSE_UNAUTHENTICATED: Final = 4_401
#: Nothing was acknowledged for too long.
CLOSE_STALLED: Final = 4_408
#: 16 bytes in base64: aiohttp decodes whatever it gets, and fails on some of it.
_HANDSHAKE_KEY: Final = re.compile(r"[A-Za-z0-9+/]{22}==", re.ASCII)
_BEARER: Final = re.compile(r"a2p\.bearer\.([A-Za-z0-9._-]+)", re.ASCII)
#: Largest frame of a client's: an acknowledgement is much smaller.
_MOST_FRAME: Final = 1_024
#: A ping is sent after so long without a frame of the client's; no answer within half of it ends the socket.
_PING_EVERY_S: Final = 20.0
#: How often the key or token is looked at.
_LOOK_S: Final = 2.0
#: How long a client may take to say goodbye.
_GOODBYE_S: Final = 2.0
_RETRY_AFTER_S: Final = 5

_log = structlog.get_logger()


class EventRoutes:
    """The handler of /v1/events."""

    def __init__(self, keys: Keys, hub: Hub, origins: Origins, leaving: Leaving) -> None:
        self._keys = keys
        self._hub = hub
        self._origins = origins
        self._leaving = leaving
        self._stopping = asyncio.Event()

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [web.get("/v1/events", self.events, allow_head=False)]

    async def close(self, _: web.Application) -> None:
        """End all sockets now; for on_shutdown."""
        self._stopping.set()

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Tell a user's events until the client, the key or the process ends."""
        if not self._origins.may_connect(request):
            raise Problem("forbidden")
        authorization = _authorization(request)
        principal = await self._keys.check(authorization)
        principal.require("read")
        user = _user(request, principal)
        seq = request.query.get("after", "")
        after = position_of(seq) if seq else None
        if seq and after is None:
            raise Problem("invalid_cursor", "/after")
        socket = web.WebSocketResponse(
            timeout=_GOODBYE_S,
            heartbeat=_PING_EVERY_S,
            max_msg_size=_MOST_FRAME,
            protocols=(SUBPROTOCOL,),
            compress=False,  # It would cost more memory than all else that a socket needs.
        )
        if not _HANDSHAKE_KEY.fullmatch(request.headers.get("Sec-WebSocket-Key", "")) or not socket.can_prepare(
            request
        ):
            raise Problem("upgrade_required")
        if self._leaving.has_begun:
            raise Problem("overloaded", retry_after_s=_RETRY_AFTER_S)
        try:
            with self._hub.place_for(user):
                start = await self._hub.start_of(user, after)
                await socket.prepare(request)
                session = self._hub.session(user, start, lambda frame: _send(socket, frame))
                await self._serve(socket, session, authorization, principal)
        except TooManyError as refused:
            code = "rate_limited" if refused.full is Full.USER else "overloaded"
            raise Problem(code, retry_after_s=_RETRY_AFTER_S) from None
        except QueueError as failure:
            raise queue_problem(failure, writes=False) from None
        return socket

    async def _serve(
        self, socket: web.WebSocketResponse, session: Session, authorization: str | None, principal: Principal
    ) -> None:
        """Serve a socket until something ends it, and say goodbye with the code of what did."""
        code = await _first(_listen(socket, session), self._keep(session, authorization, principal), _tell(session))
        with contextlib.suppress(TimeoutError):  # Nobody reads: what is left of the connection is the guard's.
            async with asyncio.timeout(2 * _GOODBYE_S):
                await socket.close(code=code)

    async def _keep(self, session: Session, authorization: str | None, principal: Principal) -> int:
        """Look now and then whether the socket may stay; the code that says why not."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._stopping.wait()
            if self._stopping.is_set() or self._leaving.has_begun:
                return WSCloseCode.SERVICE_RESTART
            if session.is_stalled:
                return CLOSE_STALLED
            try:
                now = await self._keys.check(authorization)
            except Problem as problem:
                if problem.code != "unauthenticated":  # While nobody knows, it is what it last was.
                    continue
                return CLOSE_UNAUTHENTICATED
            if now[:2] != principal[:2] or "read" not in now.scopes:
                return CLOSE_UNAUTHENTICATED


def _authorization(request: web.Request) -> str | None:
    """Return the Authorization field, or what stands for it in a browser's list of subprotocols.

    Raises malformed_request where subprotocols are offered and none of them is ours.
    """
    offered = [one.strip() for one in ",".join(request.headers.getall("Sec-WebSocket-Protocol", ())).split(",")]
    if offered != [""] and SUBPROTOCOL not in offered:
        raise Problem("malformed_request")
    shown = [f"Bearer {match[1]}" for one in offered if (match := _BEARER.fullmatch(one))]
    shown += request.headers.getall("Authorization", ())
    return shown[0] if len(shown) == 1 else None


def _user(request: web.Request, principal: Principal) -> User:
    user = request.query.get("user", principal.user)
    if user is None:
        raise Problem("missing_field", "/user")
    if principal.user not in {None, user}:
        raise Problem("forbidden", "/user")
    if not wire.USER.fullmatch(user):
        raise Problem("unknown_user", "/user")
    return User(principal.tenant, user)


async def _send(socket: web.WebSocketResponse, frame: bytes) -> None:
    """Write a frame; returns when it is on its way, so that a slow client is not sent more."""
    await socket.send_frame(frame, WSMsgType.TEXT)


async def _listen(socket: web.WebSocketResponse, session: Session) -> int:
    """Hear acknowledgements, until the client ends or sends anything else; the code to close with."""
    while True:
        message = await socket.receive()
        if message.type is WSMsgType.BINARY:
            return WSCloseCode.UNSUPPORTED_DATA
        if message.type is not WSMsgType.TEXT:
            return WSCloseCode.OK
        seq = _acknowledged(message.data)
        if seq is None:
            return WSCloseCode.INVALID_TEXT
        session.acknowledge(seq)


def _acknowledged(text: str) -> str | None:
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    seq = said.get("ack") if type(said) is dict and len(said) == 1 else None
    return seq if type(seq) is str else None


async def _tell(session: Session) -> int:
    try:
        await session.run()
    except ConnectionError:
        return WSCloseCode.OK  # The client has gone.
    return WSCloseCode.OK


async def _first(*doing: Coroutine[Any, Any, int]) -> int:
    """Do several things until one ends, and end the others; its result. A crash is a close code, too."""
    tasks = [asyncio.create_task(one) for one in doing]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    codes = []
    for task in done:
        if (failure := task.exception()) is not None:
            _log.error("events_crashed", exc_info=failure)
            return WSCloseCode.INTERNAL_ERROR
        codes.append(task.result())
    return max(codes)
