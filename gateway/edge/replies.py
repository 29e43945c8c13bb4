"""Answers before any server has them: status, headers and body, of a message taken or of a problem.

Not here: which server writes them (http_common.py, front.py), what is in a message's answer (answers.py).
"""

import secrets
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import orjson

from compliance.codes import Code
from gateway.errors import Problem
from gateway.problems import PROBLEMS, ProblemCode
from gateway.send.pipeline import Result

JSON: Final = "application/json"
PROBLEM_JSON: Final = "application/problem+json"
_FIRST_REFUSAL: Final = 400


class Reply(NamedTuple):
    """What goes back to a caller."""

    status: int
    body: bytes
    content_type: str = JSON
    #: Beside content type and length.
    headers: tuple[tuple[str, str], ...] = ()


def problem_body(problem: Problem) -> dict[str, Any]:
    """Describe a problem as RFC 9457 has it, with what to do about it."""
    kind = PROBLEMS[problem.code]
    body: dict[str, Any] = {
        "type": f"/v1/problems#{problem.code}",
        "title": kind.title,
        "status": kind.status,
        "code": problem.code,
        "detail": kind.fix,
    }
    if problem.pointer:
        body["errors"] = [{"pointer": problem.pointer, "code": problem.code}]
    return body


def problem_reply(
    body: dict[str, Any],
    *,
    retry_after_s: int | None = None,
    headers: tuple[tuple[str, str], ...] = (),
) -> Reply:
    """Answer with a problem; each gets a name of its own, so that a caller and a log line can be brought together."""
    if retry_after_s is not None:
        headers += (("Retry-After", str(retry_after_s)),)
    if body["status"] == HTTPStatus.UNAUTHORIZED:
        headers += (("WWW-Authenticate", "Bearer"),)
    named = orjson.dumps(body | {"request_id": secrets.token_hex(8)})
    return Reply(body["status"], named, PROBLEM_JSON, headers)


def reply_of(problem: Problem) -> Reply:
    """Answer with a problem of ours."""
    headers = (("Upgrade", "websocket"),) if problem.code == ProblemCode.UPGRADE_REQUIRED else ()
    return problem_reply(problem_body(problem), retry_after_s=problem.retry_after_s, headers=headers)


def message_reply(result: Result) -> Reply:
    """Answer what became of one message: taken, or refused by the rules."""
    if result.status >= _FIRST_REFUSAL:
        retry_after_s = 1 if result.body["code"] == Code.REGISTRY_UNAVAILABLE else None
        return problem_reply(result.body, retry_after_s=retry_after_s)
    headers = (("Idempotent-Replayed", "true"),) if result.replayed else ()
    return Reply(result.status, orjson.dumps(result.body), headers=headers)
