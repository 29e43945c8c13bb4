"""POST /hooks/numbers: what the aggregator tells about numbers by itself.

An event is a reason to look, never the truth: they come twice, late, in any order, or not at all. What can be settled
from an event alone, because it names the very attempt that is waited for, is settled in one transaction before it is
answered; for everything else the number is looked at at once (worker.py). So a repeated event changes nothing, and a
lost one costs time only.

200 once it is in the database, 401 without a good signature, 400 for what is no event, 413 for what is too long.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from aiohttp import web

from metrics.registry import RegistryMetrics
from registry.database import Database
from registry.http_common import json_response
from registry.provisioning import jobs, steps
from registry.provisioning.client import MisunderstoodError, Shown, read_shown
from registry.provisioning.jobs import Patience
from registry.provisioning.signed import is_signed, parse_secret
from registry.provisioning.steps import View
from registry.provisioning.worker import Worker, utc_now

PATH: Final = "/hooks/numbers"
_BODY_MAX: Final = 64 * 1024
_EVENT: Final = "10dlc.phone_number.update"


class NumbersHook:
    """The handler."""

    def __init__(
        self,
        database: Database,
        worker: Worker,
        patience: Patience,
        metrics: RegistryMetrics,
        *,
        secrets: Sequence[str],
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """Take events that are signed with one of the secrets; ValueError when one is none."""
        self._database = database
        self._worker = worker
        self._patience = patience
        self._metrics = metrics
        self._keys = [parse_secret(secret) for secret in secrets]
        self._now = now

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [web.post(PATH, self.post)]

    async def post(self, request: web.Request) -> web.Response:
        """Take one event."""
        body = await _read(request)
        if body is None:
            return self._answer(413, "too_long")
        if not is_signed(request.headers, body, keys=self._keys, now_s=time.time()):
            return self._answer(401, "not_signed")
        try:
            shown = _read_event(body)
        except MisunderstoodError:
            return self._answer(400, "no_event")
        return self._answer(200, "unknown_type" if shown is None else await self._apply(shown))

    async def _apply(self, shown: Shown) -> str:
        """Make of an event what can be made of it, in one transaction; returns what that was."""
        if shown.status == "PENDING":
            return "pending"  # Nothing came to its end.
        async with self._database.writing() as connection:
            view = await jobs.view_of(connection, shown.did, self._patience, self._now())
            if view is None:
                return "not_awaited"
            step = steps.next_step(view, shown) if _settles(view, shown) else None
            if isinstance(step, steps.Confirm | steps.Fail | steps.Removed | steps.Stay):
                await jobs.take(connection, view, step, self._patience)
            else:
                step = None
                await jobs.look_at(connection, shown.did, view.now)
        self._worker.wake.set()
        if step is None:
            return "looked_at"
        self._metrics.provisioning_step(type(step).__name__.lower())
        return "applied"

    def _answer(self, status: int, outcome: str) -> web.Response:
        self._metrics.provisioning_event(outcome)
        return json_response({"outcome": outcome}, status=status)


def _settles(view: View, shown: Shown) -> bool:
    """Tell whether an event is the end of the very attempt that is waited for.

    An attempt has a reference of its own and ends once; so the event is true whenever it arrives.
    """
    attempt = view.job.attempt_of(shown.reference)
    wanted = "ASSIGNMENT" if view.job.action == "add" else "DELETION"
    return attempt is not None and attempt >= view.job.attempts and shown.operation == wanted


def _read_event(body: bytes) -> Shown | None:
    """Read an event; None when it is of a type that does not concern us. MisunderstoodError when it is none."""
    try:
        data: Any = orjson.loads(body)["data"]
        kind, payload = data["event_type"], data["payload"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise MisunderstoodError("NO_SENSE", "not an event") from None
    return read_shown(payload) if kind == _EVENT else None


async def _read(request: web.Request) -> bytes | None:
    """Read a body as it is; None when it is too long."""
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > _BODY_MAX:
            return None
    return bytes(body)
