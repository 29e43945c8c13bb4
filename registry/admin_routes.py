"""The admin API: GET and PATCH of numbers, campaigns, brands and keys, for admins of a company.

A PATCH commits, and answers once no process can judge by what was before (200), or after a few seconds without knowing
(202): the change stands either way. Repeating it is safe: what is already as it should be is left alone.

A caller who hangs up undoes nothing: a change that began runs to its end, whoever still listens.

Not here: what may be changed (admin_patches.py, admin_objects.py), when a change is effective (barrier.py).
"""

import asyncio
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.admin_keys import Admin, check_key
from registry.admin_objects import RESOURCES, Loaded, Resource
from registry.admin_patches import Patch, read_patch
from registry.barrier import Barrier, How, Outcome
from registry.commands import change
from registry.database import Database
from registry.http_common import json_response, read_json_body
from registry.openapi import description_routes
from registry.problems import PROBLEMS, Problem
from registry.projector import read_position
from registry.store import boot_time

_OK: Final = 200
_ACCEPTED: Final = 202


class Committed(NamedTuple):
    """A change that is in the database."""

    shown: dict[str, Any]
    #: The last change of the database then, this one included.
    seq: int
    #: Boot time after the commit.
    at: float


class AdminApi:
    """The handlers."""

    def __init__(self, database: Database, barrier: Barrier) -> None:
        self._database = database
        self._barrier = barrier
        #: Changes under way; kept here because their callers may be gone.
        self._changing: set[asyncio.Task[Committed]] = set()

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        found = [
            web.get("/", _about, allow_head=False),
            web.get("/v1/problems", _problems, allow_head=False),
            *description_routes(),
        ]
        for resource in RESOURCES:
            found += [
                web.get(resource.path, self._getter(resource), allow_head=False),
                web.patch(resource.path, self._patcher(resource)),
            ]
        return found

    async def finish(self) -> None:
        """Wait for the changes under way."""
        while self._changing:
            await asyncio.wait(self._changing)

    def _ended(self, task: asyncio.Task[Committed]) -> None:
        self._changing.discard(task)
        if not task.cancelled():
            task.exception()  # Looked at: its caller may have hung up before it failed.

    def _getter(self, resource: Resource) -> Any:
        async def get(request: web.Request) -> web.Response:
            async with self._database.reading() as connection:
                admin = await check_key(connection, _authorization(request))
                found = await _find(connection, resource, admin, request)
            return json_response(found.shown())

        return get

    def _patcher(self, resource: Resource) -> Any:
        async def patch(request: web.Request) -> web.Response:
            async with self._database.reading() as connection:
                await check_key(connection, _authorization(request))
            wanted = read_patch(resource.patch, await read_json_body(request))
            task = asyncio.create_task(self._commit(resource, request, wanted))
            self._changing.add(task)
            task.add_done_callback(self._ended)
            done = await asyncio.shield(task)
            outcome = await self._barrier.effective(done.seq, done.at)
            status = _ACCEPTED if outcome.how is How.NOT_YET else _OK
            return json_response(done.shown | {"change": _told(done.seq, outcome)}, status=status)

        return patch

    async def _commit(self, resource: Resource, request: web.Request, wanted: Patch) -> Committed:
        """Make a change, in one transaction in which the key is good and the object is the caller's."""
        async with self._database.writing() as connection:
            admin = await check_key(connection, _authorization(request))
            found = await _find(connection, resource, admin, request)
            edit = await found.edited(connection, wanted, datetime.now(UTC))
            await change(connection, actor=admin.actor, put=edit.put, remove=edit.remove)
            shown = (await _find(connection, resource, admin, request)).shown()
            seq = (await read_position(connection)).seq
        return Committed(shown=shown, seq=seq, at=boot_time())


def _authorization(request: web.Request) -> str | None:
    values = request.headers.getall("Authorization", [])
    return values[0] if len(values) == 1 else None


async def _find(connection: AsyncConnection, resource: Resource, admin: Admin, request: web.Request) -> Loaded:
    (name,) = request.match_info.values()
    found = await resource.find(connection, admin.tenant, name)
    if found is None:
        raise Problem("not_found")
    return found


def _told(seq: int, outcome: Outcome) -> dict[str, Any]:
    """Say how far a change has come."""
    if outcome.how is How.NOT_YET:
        return {"seq": seq, "effective": False, "awaits": f"The change is kept. {outcome.awaits}"}
    return {"seq": seq, "effective": True, "effective_after_ms": round(outcome.after_s * 1000), "by": outcome.how}


async def _about(_: web.Request) -> web.Response:
    return json_response({"service": "a2p-registry"})


async def _problems(_: web.Request) -> web.Response:
    listed = [
        {"code": code, "status": kind.status, "title": kind.title, "fix": kind.fix} for code, kind in PROBLEMS.items()
    ]
    return json_response({"problems": listed})
