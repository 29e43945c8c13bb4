"""What every route of the admin API shares: how bodies are read, and how answers and problems look.

Not here: the routes (admin_routes.py), the words of the problems (problems.py).
"""

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final

import orjson
import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware
from sqlalchemy.exc import InterfaceError, OperationalError

from metrics.registry_http import RegistryHttpMetrics
from registry.problems import PROBLEMS, Problem

_LIMIT: Final = 64 * 1024
_JSON_TYPES: Final = ("application/json", "application/merge-patch+json")

_log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def json_response(body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Answer with JSON; instants in UTC with Z."""
    return web.Response(
        body=orjson.dumps(body, option=orjson.OPT_UTC_Z),
        status=status,
        headers=headers,
        content_type="application/json",
    )


def etag(shown: Any) -> str:
    """Return the version of an object, as it is shown: another one whenever anything in it is another."""
    raw = orjson.dumps(shown, option=orjson.OPT_UTC_Z | orjson.OPT_SORT_KEYS)
    return f'"{sha256(raw).hexdigest()[:32]}"'


def problem_response(problem: Problem, *, allow: str = "") -> web.Response:
    """Answer with a problem (RFC 9457); each gets a name of its own, so that caller and log line can be matched."""
    kind = PROBLEMS[problem.code]
    fixes = [f"{fault.pointer or 'The body'}: {fault.fix}" for fault in problem.faults if fault.fix]
    body: dict[str, Any] = {
        "type": f"/v1/problems#{problem.code}",
        "title": kind.title,
        "status": kind.status,
        "code": problem.code,
        "detail": " ".join(fixes) or kind.fix,
    }
    if problem.faults:
        body["errors"] = [{"pointer": fault.pointer, "code": fault.code} for fault in problem.faults]
    headers = {"Allow": allow} if allow else {}
    if problem.retry_after_s is not None:
        headers["Retry-After"] = str(problem.retry_after_s)
    if kind.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return web.Response(
        body=orjson.dumps(body | {"request_id": secrets.token_hex(8)}),
        status=kind.status,
        headers=headers,
        content_type="application/problem+json",
    )


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every failure into a problem."""
    try:
        return await handler(request)
    except Problem as problem:
        return problem_response(problem)
    except web.HTTPMethodNotAllowed as refused:
        return problem_response(Problem("method_not_allowed"), allow=",".join(sorted(refused.allowed_methods)))
    except web.HTTPNotFound:
        return problem_response(Problem("not_found"))
    except web.HTTPException:
        raise
    except (OperationalError, InterfaceError, OSError) as failure:
        _log.error("database_unavailable", error=type(failure).__name__)
        return problem_response(Problem("database_unavailable", retry_after_s=1))
    except Exception as failure:  # noqa: BLE001 - the last line: an answer, and nothing of ours in it
        _log.error("request_crashed", error=type(failure).__name__, exc_info=failure)
        return problem_response(Problem("internal_error"))


def counted(metrics: RegistryHttpMetrics) -> Middleware:
    """Return a middleware, the outermost one, that counts what was answered and how long it took."""

    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        began_s = time.perf_counter()
        surface = request.path.split("/", 2)[1]
        try:
            response = await handler(request)
        except web.HTTPException as answer:
            metrics.answered(surface, answer.status, time.perf_counter() - began_s)
            raise
        is_whole = isinstance(response, web.Response)
        metrics.answered(surface, response.status, time.perf_counter() - began_s if is_whole else None)
        return response

    return count


async def name_server(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Say who answers, and not in which versions; for on_response_prepare."""
    del request
    response.headers["Server"] = "a2p-registry"


async def read_json_body(request: web.Request) -> bytes:
    """Read a body that says it is JSON, up to a limit, whatever its length was said to be."""
    if any(encoding.lower() != "identity" for encoding in request.headers.getall("Content-Encoding", ())):
        raise Problem("unsupported_encoding")
    try:
        charset = request.charset or "utf-8"
    except ValueError:
        charset = ""
    if request.content_type not in _JSON_TYPES or charset.lower() not in {"utf-8", "utf8"}:
        raise Problem("unsupported_media_type")
    body = bytearray()
    try:
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > _LIMIT:
                raise Problem("body_too_large")
    except (web.RequestPayloadError, ConnectionError):
        raise Problem("incomplete_body") from None
    return bytes(body)
