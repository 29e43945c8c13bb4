"""Answers as HTTP/1.1 has them, for connections that no general server writes to.

Not here: what is answered (replies.py).
"""

import secrets
import time
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Final, NamedTuple

from gateway.edge.replies import Reply, reply_of
from gateway.errors import Problem

#: Hexadecimal digits of the name that each refusal has.
_NAME: Final = 16
_NAMED: Final = b'"request_id":"'


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


class Refusal(NamedTuple):
    """A refusal as it goes out."""

    status: int
    data: bytes


def render_refusal(code: str, retry_after_s: int) -> Refusal:
    """Write a problem that is said many times a second: all of it but its name is written once a second."""
    status, before, after = _around_name(code, retry_after_s, int(time.time()))
    return Refusal(status, b"%b%b%b" % (before, secrets.token_hex(_NAME // 2).encode(), after))


@lru_cache(maxsize=256)
def _around_name(code: str, retry_after_s: int, second: int) -> tuple[int, bytes, bytes]:
    """Write a refusal; what stands before and after its name. second: of the date, so that it is written anew."""
    del second
    reply = reply_of(Problem(code, retry_after_s=retry_after_s))
    before, named, after = render(reply, is_last=False).partition(_NAMED)
    return reply.status, before + named, after[_NAME:]
