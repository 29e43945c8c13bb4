"""The admin API: GET and PATCH of numbers, campaigns, brands and keys, and what admins do with them.

A PATCH commits, and answers once no process can judge by what was before (200), or after a few seconds without knowing
(202): the change stands either way. Repeating it is safe: what is already as it should be is left alone.

A PATCH names the version that it is about (If-Match, RFC 9110 13.1.1), or * for whichever it is.

Not here: what may be changed (admin_patches.py, admin_objects.py) or done (admin_actions.py), and when a change is
effective (performing.py).
"""

from typing import Any, Final

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.action import Action, AsItWas, View
from registry.admin_keys import Admin, check_anybody, check_caller, check_employee
from registry.admin_objects import RESOURCES, Resource
from registry.admin_patches import read_body, read_patch
from registry.admin_table import ACTIONS, VIEWS
from registry.barrier import How, Outcome
from registry.database import Database
from registry.http_common import etag, json_response, read_json_body
from registry.openapi import description_routes
from registry.performing import VERSIONED, Done, Performing, Who
from registry.problems import PROBLEMS, Problem

_OK: Final = 200
_ACCEPTED: Final = 202


class AdminApi:
    """The handlers."""

    def __init__(self, database: Database, performing: Performing) -> None:
        self._database = database
        self._performing = performing

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

    def _getter(self, resource: Resource) -> Any:
        async def get(request: web.Request) -> web.Response:
            (name,) = request.match_info.values()
            shown = await self._performing.get(_caller(request), resource, name)
            return json_response(shown, headers={"ETag": shown.version})

        return get

    def _patcher(self, resource: Resource) -> Any:
        async def patch(request: web.Request) -> web.Response:
            await self._check(request)
            wanted = read_patch(resource.patch, await read_json_body(request))
            version = _expected_version(request)
            (name,) = request.match_info.values()
            who = _caller(request, writes=True)
            return _answer(await self._performing.patch(who, resource, name, wanted, version=version))

        return patch

    def _doer(self, action: Action) -> Any:
        async def act(request: web.Request) -> web.Response:
            await self._check(request, operator=action.operator, employee=action.employee)
            raw = await read_json_body(request) if request.can_read_body else b""
            body = read_body(action.body, raw)
            version = _expected_version(request) if action.versioned else "*"
            who = _caller(request, writes=True, employee=action.employee)
            done = await self._performing.act(who, action, dict(request.match_info), body, version=version)
            return _answer(done, action.status)

        return act

    def _shower(self, view: View) -> Any:
        async def show(request: web.Request) -> web.Response:
            who = _anybody(request) if view.employee else _caller(request)
            shown = await self._performing.view(who, view, dict(request.match_info), request.query)
            return json_response(shown, headers={"ETag": etag(shown)} if view.path in VERSIONED else {})

        return show

    async def _check(self, request: web.Request, *, operator: bool = False, employee: bool = False) -> None:
        """Refuse who may not, before the body is read."""
        async with self._database.reading() as connection:
            admin = await (check_employee if employee else check_caller)(connection, request, writes=True)
        if operator and not admin.operator:
            raise Problem("forbidden")


def _answer(done: Done, status: int = _OK) -> web.Response:
    """Show what was done, and tell how far it has come."""
    status = _OK if isinstance(done.shown, AsItWas) else status
    return json_response(
        done.shown | {"change": _told(done.seq, done.outcome)},
        status=_ACCEPTED if done.outcome.how is How.NOT_YET else status,
        headers={"ETag": etag(done.shown)},
    )


def _caller(request: web.Request, *, writes: bool = False, employee: bool = False) -> Who:
    async def who(connection: AsyncConnection) -> Admin:
        return await (check_employee if employee else check_caller)(connection, request, writes=writes)

    return who


def _anybody(request: web.Request) -> Who:
    async def who(connection: AsyncConnection) -> Admin:
        return await check_anybody(connection, request)

    return who


def _expected_version(request: web.Request) -> str:
    values = request.headers.getall("If-Match", [])
    if len(values) != 1:
        raise Problem("version_required")
    return values[0].strip()


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
