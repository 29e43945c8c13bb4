"""Bytes to the public port and back, for what no HTTP client would send."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import NamedTuple

import orjson

from tests.gateway.running_edge import Edge, a_body, secret

GOOD = orjson.dumps(a_body())


class Said(NamedTuple):
    """One answer."""

    status: int
    head: str
    body: bytes

    @property
    def code(self) -> str:
        """The problem's code."""
        return orjson.loads(self.body)["code"]

    @property
    def is_last(self) -> bool:
        """Whether it says that the connection ends."""
        return "connection: close" in self.head.lower()

    def field(self, name: str) -> str | None:
        """A field of the head."""
        lines = (line.partition(":") for line in self.head.split("\r\n")[1:])
        return next((value.strip() for field, _, value in lines if field.lower() == name.lower()), None)


class Raw:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        """Write bytes."""
        self.writer.write(data)

    async def answer(self) -> Said:
        """Read one answer."""
        async with asyncio.timeout(20):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status = int(head.split(" ")[1])
            length = next((line for line in head.lower().split("\r\n") if line.startswith("content-length:")), ":0")
            return Said(status, head, await self.reader.readexactly(int(length.partition(":")[2])))

    async def end(self) -> float:
        """Wait until the server has closed the connection, with nothing more said; how many seconds it took."""
        began = time.monotonic()
        async with asyncio.timeout(20):
            with contextlib.suppress(ConnectionError):
                assert await self.reader.read() == b""
        return time.monotonic() - began


@contextlib.asynccontextmanager
async def connected(port: int) -> AsyncIterator[Raw]:
    """Connect to the public port."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Raw(reader, writer)
    finally:
        writer.close()


def a_request(
    *lines: str, start: str = "POST /v1/messages HTTP/1.1", body: bytes = GOOD, host: str = "localhost"
) -> bytes:
    """Spell a send; lines come after the usual fields."""
    usual = [
        start,
        f"Host: {host}",
        f"Authorization: Bearer {secret('ann')}",
        "Content-Type: application/json",
        *(
            []
            if any(line.lower().startswith(("content-length", "transfer-")) for line in lines)
            else [f"Content-Length: {len(body)}"]
        ),
    ]
    return "\r\n".join([*usual, *lines, "", ""]).encode("latin-1") + body


async def accepted(edge: Edge) -> int:
    """Count what was taken so far."""
    return (await edge.tally()).accepted


async def metric(edge: Edge, line: str) -> float:
    """Read one series from the admin port."""
    async with connected(edge.gateway.admin_port) as raw:
        raw.send(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        async with asyncio.timeout(20):
            text = (await raw.reader.read()).decode()
    return float(next(row for row in text.splitlines() if row.startswith(line + " ")).rpartition(" ")[2])
