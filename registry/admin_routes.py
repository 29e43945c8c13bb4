"""The admin API: GET and PATCH of numbers, campaigns, brands and keys, and what admins do with them.

A PATCH commits, and answers once no process can judge by what was before (200), or after a few seconds without knowing
(202): the change stands either way. Repeating it is safe: what is already as it should be is left alone.

A caller who hangs up undoes nothing: a change that began runs to its end, whoever still listens.

A PATCH names the version that it is about (If-Match, RFC 9110 13.1.1), or * for whichever it is.

Not here: what may be changed (admin_patches.py, admin_objects.py) or done (admin_actions.py), and when a change is
effective (barrier.py).
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.action import Action, AsItWas, Look, View
from registry.admin_keys import Admin, check_anybody, check_caller, check_employee
from registry.admin_objects import RESOURCES, Loaded, Resource
from registry.admin_patches import read_body, read_patch, read_query
from registry.admin_table import ACTIONS, VIEWS
from registry.barrier import Barrier, How, Outcome
from registry.database import Database, confine
from registry.flows.desk import Desk, Limits
from registry.http_common import etag, json_response, read_json_body
from registry.openapi import description_routes
from registry.problems import PROBLEMS, Problem
from registry.projector import read_position
from registry.store import boot_time

_OK: Final = 200
_ACCEPTED: Final = 202


#: What a change does within its transaction; returns what is shown of the object afterwards.
Work = Callable[[Desk], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the platform sets, from the settings."""

    limits: Limits = field(default_factory=Limits)
    #: Keys may say themselves what TCR, carriers and the aggregator decided, along the life cycles: for a registry that
    #: is not connected to them.
    states_by_hand: bool = False


#: Views of what versioned actions change, by their path.
_VERSIONED: Final = {
    view.path: view for view in VIEWS if any(one.versioned and one.path == view.path for one in ACTIONS)
}


class Committed(NamedTuple):
    """A change that is in the database."""

    shown: dict[str, Any]
    #: The last change of the database then, this one included.
    seq: int
    #: Boot time after the commit.
    at: float


class AdminApi:
    """The handlers."""

    def __init__(self, database: Database, barrier: Barrier, rules: Rules | None = None) -> None:
        self._database = database
        self._barrier = barrier
        self._rules = rules or Rules()
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
        found += [web.route(action.method, action.path, self._doer(action)) for action in ACTIONS]
        found += [web.get(view.path, self._shower(view), allow_head=False) for view in VIEWS]
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
                admin = await check_caller(connection, request)
                await _confine(connection, admin)
                found = await _find(connection, resource, admin, request)
            shown = found.shown()
            return json_response(shown, headers={"ETag": etag(shown)})

        return get

    def _patcher(self, resource: Resource) -> Any:
        async def patch(request: web.Request) -> web.Response:
            await self._check(request)
            wanted = read_patch(resource.patch, await read_json_body(request))
            version = _expected_version(request)

            async def edit(desk: Desk) -> dict[str, Any]:
                found = await _find(desk.connection, resource, desk, request)
                if version not in {"*", etag(found.shown())}:
                    raise Problem("version_conflict")
                edited = await found.edited(desk, wanted, states_by_hand=self._rules.states_by_hand)
                await desk.save(edited.put, edited.remove)
                return (await _find(desk.connection, resource, desk, request)).shown()

            return await self._changed(request, edit)

        return patch

    def _doer(self, action: Action) -> Any:
        async def act(request: web.Request) -> web.Response:
            await self._check(request, operator=action.operator, employee=action.employee)
            raw = await read_json_body(request) if request.can_read_body else b""
            body = read_body(action.body, raw)
            version = _expected_version(request) if action.versioned else "*"

            async def work(desk: Desk) -> dict[str, Any]:
                if action.operator and not desk.operator:
                    raise Problem("forbidden")
                path = dict(request.match_info)
                if version not in {"*", await _version_at(action.path, path, desk)}:
                    raise Problem("version_conflict")
                return await action.run(desk, path, body)

            return await self._changed(request, work, status=action.status, employee=action.employee)

        return act

    def _shower(self, view: View) -> Any:
        async def show(request: web.Request) -> web.Response:
            async with self._database.reading() as connection:
                admin = await (check_anybody if view.employee else check_caller)(connection, request)
                if (view.operator and not admin.operator) or (view.provider and not admin.provider):
                    raise Problem("forbidden")
                await _confine(connection, admin)
                query = read_query(view.query, request.query)
                look = Look(
                    connection=connection,
                    tenant=admin.tenant,
                    actor=admin.actor,
                    operator=admin.operator,
                    provider=admin.provider,
                    user=admin.user,
                    limits=self._rules.limits,
                )
                shown = await view.run(look, dict(request.match_info), query)
            return json_response(shown, headers={"ETag": etag(shown)} if view.path in _VERSIONED else {})

        return show

    async def _check(self, request: web.Request, *, operator: bool = False, employee: bool = False) -> None:
        """Refuse who may not, before the body is read."""
        async with self._database.reading() as connection:
            admin = await (check_employee if employee else check_caller)(connection, request, writes=True)
        if operator and not admin.operator:
            raise Problem("forbidden")

    async def _changed(
        self, request: web.Request, work: Work, *, status: int = _OK, employee: bool = False
    ) -> web.Response:
        """Do some work, wait until what it changed is effective, and tell how far it has come."""
        task = asyncio.create_task(self._commit(request, work, employee=employee))
        self._changing.add(task)
        task.add_done_callback(self._ended)
        done = await asyncio.shield(task)
        outcome = await self._barrier.effective(done.seq, done.at)
        status = _OK if isinstance(done.shown, AsItWas) else status
        return json_response(
            done.shown | {"change": _told(done.seq, outcome)},
            status=_ACCEPTED if outcome.how is How.NOT_YET else status,
            headers={"ETag": etag(done.shown)},
        )

    async def _commit(self, request: web.Request, work: Work, *, employee: bool = False) -> Committed:
        """Make a change, in one transaction in which the key is good and the objects are the caller's."""
        async with self._database.writing() as connection:
            admin = await (check_employee if employee else check_caller)(connection, request, writes=True)
            await _confine(connection, admin)
            desk = Desk(
                connection=connection,
                tenant=admin.tenant,
                actor=admin.actor,
                now=datetime.now(UTC),
                limits=self._rules.limits,
                operator=admin.operator,
                employee=admin.user,
            )
            shown = await work(desk)
            seq = (await read_position(connection)).seq
        return Committed(shown=shown, seq=seq, at=boot_time())


async def _confine(connection: AsyncConnection, admin: Admin) -> None:
    """Let the rest of a transaction touch the caller's company only; the provider's people work on several."""
    if not admin.provider:
        await confine(connection, admin.tenant)


async def _version_at(path: str, names: dict[str, str], desk: Desk) -> str:
    """Return the version of what the View of a path shows, as it is within a transaction; * where there is none."""
    view = _VERSIONED.get(path)
    if view is None:
        return "*"
    look = Look(
        connection=desk.connection,
        tenant=desk.tenant,
        actor=desk.actor,
        operator=desk.operator,
        provider=desk.operator,
    )
    return etag(await view.run(look, names, read_query(view.query, {})))


def _expected_version(request: web.Request) -> str:
    values = request.headers.getall("If-Match", [])
    if len(values) != 1:
        raise Problem("version_required")
    return values[0].strip()


async def _find(connection: AsyncConnection, resource: Resource, admin: Admin | Desk, request: web.Request) -> Loaded:
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
