"""An HTTP/1.1 client that costs next to nothing: whole requests as bytes, keep-alive, one at a time a connection.

It understands what servers under test answer, status, Content-Length and body, and nothing else; whatever else they say
is an error, never a guess.

Not here: what is sent and when it ends (load.py).
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Protocol, cast

from loadtests.bench.load_wire import Call

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"


class BadAnswerError(Exception):
    """The server said something that is no plain answer, or closed the connection."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, whole."""

    status: int
    body: bytes


class Script(Protocol):
    """What a connection asks what to do."""

    def next_request(self) -> bytes | None:
        """Return the next request; None: enough."""

    def take(self, answer: Answer, seconds: float) -> None:
        """Take an answer, so many seconds after its request."""


def encode_call(call: Call, *, port: int, path: str, content_type: str) -> bytes:
    """Write a whole request: a POST, or the GET that the call is."""
    if call.target:
        return f"GET {call.target} HTTP/1.1\r\nHost: 127.0.0.1:{port}".encode() + _END_OF_HEAD
    body = call.body.encode()
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
    ]
    if call.key:
        lines.append(f"Authorization: Bearer {call.key}")
    return "\r\n".join(lines).encode() + _END_OF_HEAD + body


def read_answer(data: bytes) -> Answer | None:
    """Read an answer; None while it is not whole. BadAnswerError for what is not a plain answer."""
    end = data.find(_END_OF_HEAD)
    if end < 0:
        return None
    head = data[:end].lower()
    if not head.startswith(b"http/1.1 "):
        raise BadAnswerError("the answer is not HTTP/1.1")
    _, found, rest = head.partition(_LENGTH)
    if not found:
        raise BadAnswerError("the answer has no Content-Length")
    length = int(rest.partition(b"\r\n")[0])
    body = data[end + len(_END_OF_HEAD) :]
    if len(body) < length:
        return None
    if len(body) > length:
        raise BadAnswerError("more came than the answer")
    return Answer(int(head[9:12]), body)


class Connection(asyncio.Protocol):
    """Sends what the script says, one request after the other, until it says no more."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._received = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None
        #: Done when the script said no more; BadAnswerError when the server ended it.
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        # Not checked: create_connection gives one, and uvloop's is no subclass.
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        """Hand an answer over once it is whole, and send the next request."""
        now = time.perf_counter()
        self._received += data
        try:
            answer = read_answer(self._received)
        except (BadAnswerError, ValueError) as error:
            self._fail(str(error))
            return
        if answer is not None:
            self._received = b""
            self._script.take(answer, now - self._sent_at)
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  the protocol's signature
        """Say so, if it was not us."""
        self._fail("the server closed the connection")

    def close(self) -> None:
        """Close the connection, whatever is under way."""
        if self._transport is not None:
            self._transport.close()

    def _send(self) -> None:
        request = self._script.next_request()
        if request is None or self._transport is None:
            if not self.finished.done():
                self.finished.set_result(None)
            self.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def _fail(self, why: str) -> None:
        if not self.finished.done():
            self.finished.set_exception(BadAnswerError(why))
        self.close()
