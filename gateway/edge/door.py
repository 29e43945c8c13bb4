"""What every request of the general server passes before its route sees it, its head read and its body not yet.

In this order: the target and the host are ours, nothing is expected of us that we do not do, the body is not announced
as too large, it is not encoded, there is room for it, and its send may come in now. So nobody is told to go on (100)
with what will be refused anyway. Answers to web pages of ours are marked so that their browsers show them.

Not here: the head's own form, which aiohttp's parser checks (connections.py); keys; the front's requests (front.py).
"""

import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Final

from aiohttp import web

from gateway.edge.admission import Admission, Cause, Ticket
from gateway.edge.guard import Guard
from gateway.edge.hosts import Hosts
from gateway.edge.http_common import JSON_LIMIT, ON_BODY, refuse_encoding, response_of
from gateway.edge.origins import Origins
from gateway.edge.replies import reply_of
from gateway.errors import Problem
from metrics.gateway import GatewayMetrics

#: Routes whose POST is a send, or costs as much as one.
_SENDS: Final = frozenset({"/v1/messages", "/v1/messages/batch", "/v1/decisions", "/v1/media"})
#: Carriers' own lane: never turned away.
_CARRIERS: Final = "/carriers/"
#: Bytes of a batch that take as long as a request of its own, about; a file takes no longer than a message.
_BATCH_BYTES: Final = 4_096
_BATCH: Final = "/v1/messages/batch"
_NO_ROUTE: Final = "none"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Door:
    """Stands before the application's handler. limits: largest body by path, where it is not JSON_LIMIT."""

    def __init__(
        self,
        *,
        hosts: Hosts,
        guard: Guard,
        admission: Admission,
        metrics: GatewayMetrics,
        origins: Origins,
        limits: Mapping[str, int],
        carriers_limit: int,
    ) -> None:
        self._hosts = hosts
        self._guard = guard
        self._admission = admission
        self._metrics = metrics
        self._origins = origins
        self._limits = limits
        self._carriers_limit = carriers_limit

    def before(self, handler: Handler) -> Handler:
        """Make a handler that lets requests through to another, or refuses them."""

        async def handle(request: web.Request) -> web.StreamResponse:
            response = await self._handle(request, handler)
            self._origins.mark(request, response)
            return response

        return handle

    async def _handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        with contextlib.ExitStack() as stack:
            try:
                self._check(request)
                stack.enter_context(self._let_in(request))
            except Problem as problem:
                return self._refused(request, problem)
            asked = self._origins.preflight(request)
            if asked is None:
                return await handler(request)
            self._metrics.responded(_NO_ROUTE, asked.status)
            asked.headers["Server"] = "a2p-gateway"
            return asked

    def _check(self, request: web.Request) -> None:
        hosts = request.headers.getall("Host", ())
        if len(hosts) != 1:
            raise Problem("malformed_request")
        if request.raw_path[:1] not in {"/", "*"} or not self._hosts.knows(hosts[0].encode("utf-8", "surrogateescape")):
            raise Problem("unknown_host")
        if any(wish.lower() != "100-continue" for wish in request.headers.getall("Expect", ())):
            raise Problem("expectation_failed")
        if (request.content_length or 0) > self._limit(request):
            raise Problem("body_too_large")
        refuse_encoding(request)

    def _limit(self, request: web.Request) -> int:
        if request.path.startswith(_CARRIERS):
            return self._carriers_limit
        return self._limits.get(request.path, JSON_LIMIT)

    @contextlib.contextmanager
    def _let_in(self, request: web.Request) -> Iterator[None]:
        """Find room for a body, and let a send in once its body is here: a slow one keeps nobody out."""
        if not request.can_read_body or request.path.startswith(_CARRIERS):
            yield
            return
        tickets: list[Ticket] = []
        is_send = request.method == "POST" and request.path in _SENDS
        authorization = request.headers.get("Authorization")
        if is_send:
            objection = self._admission.objection(authorization)
            if objection is not None:
                raise objection
            request[ON_BODY] = lambda size: tickets.append(self._begin(request, authorization, size))
        size = self._limit(request) if request.content_length is None else request.content_length
        large = size if size > JSON_LIMIT else 0
        if not self._guard.reserve(large):
            raise self._admission.refuse(Cause.BODIES)
        try:
            yield
        finally:
            self._guard.release(large)
            for ticket in tickets:
                self._admission.leave(ticket)

    def _begin(self, request: web.Request, authorization: str | None, size: int) -> Ticket:
        weight = 1 + size // _BATCH_BYTES if request.path == _BATCH else 1
        return self._admission.begin(authorization, weight)

    def _refused(self, request: web.Request, problem: Problem) -> web.StreamResponse:
        self._metrics.refused_input(problem.code)
        response = response_of(reply_of(problem))
        self._metrics.responded(_NO_ROUTE, response.status)
        response.headers["Server"] = "a2p-gateway"
        if problem.retry_after_s is None or "Expect" in request.headers:
            response.force_close()  # What follows on the connection may be a body, and may be none.
            response.headers["Connection"] = "close"
        return response
