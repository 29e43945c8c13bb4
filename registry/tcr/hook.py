"""Takes TCR's webhooks: POST /hooks/tcr, signed. What is answered with 200 is stored, applied, and known everywhere.

401 for a signature that is wrong or missing, 400 for a body that is no flat JSON object or repeats a key; both change
nothing. Everything else is 200, also what nobody knows: TCR would only bring it again. A webhook whose caller hangs up
is done all the same, as a change by an admin is (admin_routes.py).
"""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import structlog
from aiohttp import web

from registry.barrier import Barrier
from registry.database import Database
from registry.http_common import json_response
from registry.problems import Problem
from registry.projector import read_position
from registry.store import boot_time
from registry.tcr import signature
from registry.tcr.applying import Applied, Outcome, apply_event
from registry.tcr.events import Event, MalformedError, read_event, read_object
from registry.tcr.telling import Telling

PATH: Final = "/hooks/tcr"
_BODY_BYTES_MAX: Final = 64 * 1024

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """How TCR signs what it sends us."""

    secret: str = field(repr=False)
    #: Our address, as TCR has it.
    url: str


class TcrHook:
    """The handler."""

    def __init__(self, database: Database, barrier: Barrier, sealed: Sealed, telling: Telling) -> None:
        self._database = database
        self._barrier = barrier
        self._sealed = sealed
        self._telling = telling
        #: Webhooks under way; kept here because their callers may be gone.
        self._applying: set[asyncio.Task[tuple[Applied, int, float]]] = set()

    def routes(self) -> list[web.RouteDef]:
        """List the route."""
        return [web.post(PATH, self.post)]

    async def finish(self) -> None:
        """Wait for the webhooks under way."""
        while self._applying:
            await asyncio.wait(self._applying)

    async def post(self, request: web.Request) -> web.Response:
        """Take one webhook."""
        given = request.headers.getall(signature.HEADER, [])
        raw = await _read(request)
        if len(given) != 1:
            self._telling.event("unsigned")
            raise Problem("invalid_signature")
        try:
            body = read_object(raw)
            if not signature.is_genuine(self._sealed.secret, self._sealed.url, body, given[0]):
                self._telling.event("unsigned")
                raise Problem("invalid_signature")
            event = read_event(body)
        except MalformedError as malformed:
            self._telling.event("malformed")
            raise Problem("malformed_event" if malformed.code != "duplicate_key" else "duplicate_key") from None
        task = asyncio.create_task(self._apply(event))
        self._applying.add(task)
        task.add_done_callback(self._ended)
        applied, seq, at = await asyncio.shield(task)
        # Also for what changed nothing: the same event may be under way beside it.
        await self._barrier.effective(seq, at)
        return json_response({"outcome": applied.outcome})

    async def _apply(self, event: Event) -> tuple[Applied, int, float]:
        async with self._database.writing() as connection:
            applied = await apply_event(connection, event, datetime.now(UTC))
            seq = (await read_position(connection)).seq
        at = boot_time()
        self._telling.event(applied.outcome)
        if applied.outcome is Outcome.UNKNOWN_TYPE:
            self._telling.unknown("event", event.type)
        for found in applied.unknown:
            self._telling.unknown("status", found)
        if event.type.startswith("CSP_SUSPEND") and applied.outcome is not Outcome.REPEATED:
            _log.critical("tcr_suspended_us")
        return applied, seq, at

    def _ended(self, task: "asyncio.Task[tuple[Applied, int, float]]") -> None:
        self._applying.discard(task)
        if not task.cancelled():
            task.exception()  # Looked at: its caller may have hung up before it failed.


async def _read(request: web.Request) -> bytes:
    """Read a body, up to a limit, whatever its length was said to be; and as it was sent, for the signature."""
    if any(encoding.lower() != "identity" for encoding in request.headers.getall("Content-Encoding", ())):
        raise Problem("unsupported_encoding")
    raw = bytearray()
    try:
        async for chunk in request.content.iter_any():
            raw += chunk
            if len(raw) > _BODY_BYTES_MAX:
                raise Problem("body_too_large")
    except (web.RequestPayloadError, ConnectionError):
        raise Problem("incomplete_body") from None
    return bytes(raw)
