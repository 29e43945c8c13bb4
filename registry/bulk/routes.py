"""Bulk over HTTP: a file comes in and its report goes out at the same time, and a file goes out.

    POST /v1/bulk/{kind}   CSV, JSON lines or a JSON array; the report, one JSON line a row, and a summary at the end
    GET  /v1/bulk/{kind}   ?format=csv or ndjson

For kinds see columns.py. A row of another company is a row that is not found. An upload that was cut off has done some
batches whole; sending it again does the rest, for rows that are as they should be change nothing.

A caller may read the report while it sends or only afterwards: what it does not take yet waits on the disk, not in
memory, and holds up nothing.

Not here: what a row means (batches.py).
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, Final

import orjson
from aiohttp import web
from sqlalchemy.exc import InterfaceError, OperationalError

from registry.admin_keys import check_caller
from registry.bulk.ahead import read_ahead
from registry.bulk.batches import take
from registry.bulk.columns import KINDS, Kind
from registry.bulk.export import export
from registry.bulk.jobs import Summary
from registry.bulk.judged import Office, Outcome
from registry.bulk.reading import FileFaultError, Row
from registry.bulk.report import lines
from registry.database import Database, confine
from registry.flows.desk import Limits
from registry.problems import PROBLEMS, Problem

_CHUNK: Final = 65_536
_ENDINGS: Final = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}
_TYPES: Final = ("text/csv", "application/x-ndjson", "application/json")


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkApi:
    """The two handlers."""

    database: Database
    limits: Limits

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.post("/v1/bulk/{kind}", self._import),
            web.get("/v1/bulk/{kind}", self._export, allow_head=False),
        ]

    async def _export(self, request: web.Request) -> web.StreamResponse:
        kind = _kind(request)
        form = request.query.get("format", "csv")
        if form not in _ENDINGS or set(request.query) - {"format"}:
            raise Problem("invalid_value")
        async with self.database.reading() as connection:
            admin = await check_caller(connection, request)
        name = f"{kind.name}.{form}"
        response = web.StreamResponse(
            headers={
                "Content-Type": _ENDINGS[form],
                "Content-Disposition": f'attachment; filename="{name}"',
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "no-store",
            }
        )
        await response.prepare(request)
        async for _, some in export(self.database, kind, admin.tenant, "csv" if form == "csv" else "ndjson"):
            await response.write(some)
        await response.write_eof()
        return response

    async def _import(self, request: web.Request) -> web.StreamResponse:
        kind = _kind(request)
        if any(encoding.lower() != "identity" for encoding in request.headers.getall("Content-Encoding", ())):
            raise Problem("unsupported_encoding")
        if request.content_type not in _TYPES:
            raise Problem("unsupported_media_type")
        async with self.database.reading() as connection:
            await check_caller(connection, request, writes=True)
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        with tempfile.TemporaryFile() as file:
            spool = _Spool(file)
            sending = asyncio.create_task(_send(spool, response))
            try:
                await self._take(request, kind, spool)
            finally:
                spool.end()
                await sending
        await response.write_eof()
        return response

    async def _take(self, request: web.Request, kind: Kind, spool: "_Spool") -> None:
        """Read the upload, batch by batch; what stops it is the report's last line but one."""
        done, ended = Summary(), {}
        try:
            async with read_ahead(request.content.iter_chunked(_CHUNK), kind) as batches:
                async for batch in batches:
                    left = batch
                    while left:
                        first = done.rows + 1
                        outcomes = await self._write(request, kind, left, batches.go_on)
                        done = done.plus(outcomes)
                        spool.add(lines(first, left, outcomes))
                        left = left[len(outcomes) :]
        except FileFaultError as fault:
            ended = {"code": "bad_file", "fix": str(fault)}
        except Problem as problem:
            ended = {"code": problem.code, "fix": PROBLEMS[problem.code].fix}
        except (web.RequestPayloadError, ConnectionError):
            ended = {"code": "incomplete_body", "fix": PROBLEMS["incomplete_body"].fix}
        except (OperationalError, InterfaceError, OSError):
            ended = {"code": "database_unavailable", "fix": PROBLEMS["database_unavailable"].fix}
        if ended:
            spool.add(orjson.dumps({"is": "stopped", **ended}) + b"\n")
        told = {"is": "summary", "rows": done.rows, "changed": done.changed, "bad": done.bad, "whole": not ended}
        spool.add(orjson.dumps(told) + b"\n")

    async def _write(
        self, request: web.Request, kind: Kind, rows: list[Row], meanwhile: Callable[[], None]
    ) -> list[Outcome]:
        """Take as many rows as one transaction does, for whoever may by then. Problem."""
        async with self.database.writing() as connection:
            admin = await check_caller(connection, request, writes=True)
            await confine(connection, admin.tenant)
            office = Office(
                tenant=admin.tenant,
                actor=admin.actor,
                now=datetime.now(UTC),
                limits=self.limits,
                operator=admin.operator,
            )
            return await take(connection, office, kind, rows, meanwhile=meanwhile)


class _Spool:
    """Lines that were written and are not sent yet."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._written = self._read = 0
        self._ended = False
        self._more = asyncio.Event()

    def add(self, data: bytes) -> None:
        """Write some lines."""
        self._file.seek(self._written)
        self._written += self._file.write(data)
        self._more.set()

    def end(self) -> None:
        """Say that nothing more is written."""
        self._ended = True
        self._more.set()

    async def parts(self) -> AsyncIterator[bytes]:
        """Give what was written, as it comes."""
        while not (self._ended and self._read == self._written):
            if self._read == self._written:
                self._more.clear()
                await self._more.wait()
                continue
            self._file.seek(self._read)
            some = self._file.read(_CHUNK)
            self._read += len(some)
            yield some


async def _send(spool: _Spool, response: web.StreamResponse) -> None:
    with suppress(ConnectionError):  # (who hung up gets no report; what was taken stays)
        async for some in spool.parts():
            await response.write(some)


def _kind(request: web.Request) -> Kind:
    found = KINDS.get(request.match_info["kind"])
    if found is None:
        raise Problem("not_found")
    return found
