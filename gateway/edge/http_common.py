"""What every route of the edge shares: who asks, how bodies are read, how problems look.

The http_ modules are the only place with status codes. Checks come in a fixed order: size, key, content type, and then
whatever the route reads. No answer ever repeats a value that the caller sent.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson
import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from gateway.edge.keys import Keys, Principal
from gateway.edge.replies import JSON, Reply, problem_body, problem_reply, reply_of
from gateway.errors import Problem
from metrics.gateway import GatewayMetrics

JSON_LIMIT: Final = 64 * 1024
#: In a request: told how long its body is, once it is here.
ON_BODY: Final[web.RequestKey[Callable[[int], None]]] = web.RequestKey("on_body")
#: Problems after which nobody knows what the connection's next bytes are.
_LAST: Final = frozenset({"body_timeout", "incomplete_body", "body_too_large"})

_log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def json_response(body: Any, *, status: int = 200) -> web.Response:
    """Answer with JSON."""
    return web.Response(body=orjson.dumps(body), status=status, content_type=JSON)


def response_of(reply: Reply) -> web.Response:
    """Hand an answer to aiohttp."""
    return web.Response(
        body=reply.body, status=reply.status, headers=reply.headers or None, content_type=reply.content_type
    )


def answers_problems(metrics: GatewayMetrics) -> Middleware:
    """Make the middleware that turns every failure into a problem, and counts answers by route and status."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await handler(request)
        except Problem as problem:
            metrics.refused_input(problem.code)
            response = response_of(reply_of(problem))
            if problem.code in _LAST:
                response.force_close()
        except web.HTTPMethodNotAllowed as refused:
            allow = ("Allow", ",".join(sorted(refused.allowed_methods)))
            response = response_of(problem_reply(problem_body(Problem("method_not_allowed")), headers=(allow,)))
        except web.HTTPNotFound:
            response = response_of(reply_of(Problem("not_found")))
        except web.HTTPException:
            raise
        except Exception as failure:  # noqa: BLE001 - the last line: an answer, and nothing of ours in it
            _log.error("request_crashed", error=type(failure).__name__, exc_info=failure)
            response = response_of(reply_of(Problem("internal_error")))
        metrics.responded(_route(request), response.status)
        return response

    return middleware


async def name_server(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Say who answers, and not in which versions; for on_response_prepare, so every answer of the application."""
    del request
    response.headers["Server"] = "a2p-gateway"


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return "none" if resource is None else resource.canonical


async def authenticated(request: web.Request, keys: Keys, scope: str) -> Principal:
    """Check the key and its scope."""
    values = request.headers.getall("Authorization", [])
    principal = await keys.check(values[0] if len(values) == 1 else None)
    principal.require(scope)
    return principal


def refuse_size(request: web.Request, limit: int) -> None:
    """Refuse a body that says it is too large, before anything of it is read."""
    if request.content_length is not None and request.content_length > limit:
        raise Problem("body_too_large")


def refuse_encoding(request: web.Request) -> None:
    """Refuse a body that is compressed, or said to be."""
    if any(encoding.lower() != "identity" for encoding in request.headers.getall("Content-Encoding", ())):
        raise Problem("unsupported_encoding")


def require_type(request: web.Request, *types: str) -> None:
    """Refuse a body of another type, in another encoding, or compressed."""
    refuse_encoding(request)
    try:
        charset = request.charset or "utf-8"
    except ValueError:
        charset = ""
    if request.content_type not in types or charset.lower() not in {"utf-8", "utf8"}:
        raise Problem("unsupported_media_type")


async def read_body(request: web.Request, limit: int) -> bytes:
    """Read a body up to a limit, whatever its length was said to be."""
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.content.iter_any():
            size += len(chunk)
            if size > limit:
                raise Problem("body_too_large")
            chunks.append(chunk)
    except (web.RequestPayloadError, ConnectionError):
        raise Problem("incomplete_body") from None
    if ON_BODY in request:
        request[ON_BODY](size)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
