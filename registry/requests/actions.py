"""The calls about requests: employees open them and look at their own, admins look at all and dismiss."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

import sqlalchemy as sa
from pydantic import Field

from compliance.codes import Code
from registry.action import Action, AsItWas, Look, PageQuery, Query, Schema, View
from registry.admin_patches import Patch
from registry.flows.desk import Desk
from registry.lists import page_of
from registry.preflight.views import PREFLIGHT
from registry.problems import Problem
from registry.records import Request, User
from registry.requests import book
from registry.requests.book import Wanted
from registry.tables import requests, users

_CREATED: Final = 201
_ADDRESS_MAX: Final = 200
_NOTE_MAX: Final = 1_000
#: What a note may be: any text that every database keeps.
_NO_NUL: Final = r"^[^\x00]*$"

_TEXT: Final[Schema] = {"type": "string"}
_TEXT_OR_NULL: Final[Schema] = {"type": ["string", "null"]}
_FIELDS: Final[Mapping[str, Schema]] = {
    "id": _TEXT,
    "user": _TEXT,
    "from": _TEXT_OR_NULL,
    "to": _TEXT,
    "reason": {"type": "string", "enum": [str(code) for code in Code]},
    "note": _TEXT,
    "state": _TEXT,
    "opened_at": _TEXT,
    "closed_at": _TEXT_OR_NULL,
    "closed_by": _TEXT_OR_NULL,
    "answer": _TEXT,
}
_LISTED: Final[Schema] = {"type": "object", "properties": _FIELDS, "required": [*_FIELDS]}
_NAMED: Final[Mapping[str, Schema]] = {
    **_FIELDS,
    "user_name": {**_TEXT_OR_NULL, "description": "Null once the person is gone."},
}
_LIST: Final[Schema] = {
    "type": "object",
    "properties": {
        "requests": {"type": "array", "items": {"type": "object", "properties": _NAMED, "required": [*_NAMED]}},
        "next": _TEXT_OR_NULL,
    },
    "required": ["requests", "next"],
}
_PREFLIGHT: Final[Schema] = {"anyOf": [PREFLIGHT, {"type": "null"}]}
_OPENED: Final[Schema] = {
    "type": "object",
    "properties": {**_FIELDS, "preflight": _PREFLIGHT},
    "required": [*_FIELDS, "preflight"],
}
_SHOWN: Final[Schema] = {
    "type": "object",
    "properties": {**_NAMED, "preflight": _PREFLIGHT},
    "required": [*_NAMED, "preflight"],
}


class NewRequest(Patch):
    """What could not be sent: from which number (left out: the employee's own), to whom, and the refusal's code."""

    from_: str | None = Field(default=None, alias="from", max_length=_ADDRESS_MAX)
    to: str = Field(max_length=_ADDRESS_MAX)
    reason: str = Field(max_length=_ADDRESS_MAX)
    #: For the admins.
    note: str = Field(default="", max_length=_NOTE_MAX, pattern=_NO_NUL)


class Dismissal(Patch):
    """Why not, for the employee."""

    note: str = Field(default="", max_length=_NOTE_MAX, pattern=_NO_NUL)


class RequestQuery(PageQuery):
    """Which requests."""

    state: Literal["open", "possible", "dismissed", "closed"] | None = Field(
        default=None, description="In which state; closed: possible or dismissed."
    )
    newest: bool = Field(default=False, description="The newest first.")


async def _open(desk: Desk, _: Mapping[str, str], body: NewRequest) -> dict[str, Any]:
    if desk.employee is None:
        raise Problem("forbidden")
    opened = await book.open_request(desk, desk.employee, Wanted(body.from_, body.to, body.reason, body.note))
    shown = book.shown(opened.request, opened.preflight, to_employee=True)
    return AsItWas(shown) if opened.again else shown


async def _dismiss(desk: Desk, path: Mapping[str, str], body: Dismissal) -> dict[str, Any]:
    return book.shown(await book.dismiss(desk, path["id"], body.note))


async def _one(look: Look, path: Mapping[str, str], _: Query) -> dict[str, Any]:
    desk = _desk(look)
    request = await book.find_request(desk, path["id"], look.user)
    user = await desk.one(User, request.user)
    name = None if user is None else user.name
    try:
        preflight = await book.missing(desk, request)
    except Problem:  # The person or the number left.
        return book.shown(request) | {"user_name": name, "preflight": None}
    return book.shown(request, preflight, to_employee=look.user is not None) | {"user_name": name}


async def _list(look: Look, _: Mapping[str, str], query: RequestQuery) -> dict[str, Any]:
    wanted = (
        sa.select(requests, users.c.name.label("user_name"))
        .select_from(requests.outerjoin(users, users.c.id == requests.c.user))
        .where(requests.c.tenant == look.tenant)
    )
    if look.user is not None:
        wanted = wanted.where(requests.c.user == look.user)
    if query.state is not None:
        states = ("possible", "dismissed") if query.state == "closed" else (query.state,)
        wanted = wanted.where(requests.c.state.in_(states))
    listing = f"requests:{look.user or ''}:{query.newest}"
    rows, behind = await page_of(look, listing, query, wanted, [requests.c.id], backwards=query.newest)
    return {"requests": [_listed(row) for row in rows], "next": behind}


def _listed(row: sa.RowMapping) -> dict[str, Any]:
    request = Request(**{name: row[name] for name in Request.__slots__})
    return book.shown(request) | {"user_name": row["user_name"]}


def _desk(look: Look) -> Desk:
    return Desk(
        connection=look.connection, tenant=look.tenant, actor=look.actor, now=datetime.now(UTC), limits=look.limits
    )


ACTIONS: Final[tuple[Action, ...]] = (
    Action(
        "POST",
        "/v1/requests",
        "askAdmin",
        NewRequest,
        _open,
        "Ask the admins to make a text possible that was refused: called by the employee's app, with their own key."
        " Answers with the request and the steps that are missing now. The same again gives the request that is open"
        " (200). When the registry makes the text possible, the employee is told; nothing is sent by itself.",
        employee=True,
        status=_CREATED,
        problems=("missing_field", "already_possible", "nobody_can_help", "too_many_requests", "unknown_user"),
        shows=_OPENED,
    ),
    Action(
        "POST",
        "/v1/requests/{id}/dismiss",
        "dismissRequest",
        Dismissal,
        _dismiss,
        "Close a request without making the text possible; the note is for the employee.",
        problems=("not_from_here",),
        shows=_LISTED,
    ),
)
VIEWS: Final[tuple[View, ...]] = (
    View(
        "/v1/requests",
        "listRequests",
        RequestQuery,
        _list,
        "Requests in the order of time, or the newest first: for admins all of the company's, for employees with their"
        " own key (scope read) their own.",
        employee=True,
        shows=_LIST,
    ),
    View(
        "/v1/requests/{id}",
        "getRequest",
        Query,
        _one,
        "A request with the preflight as it is now: the steps that are still missing, the first of them first.",
        employee=True,
        shows=_SHOWN,
    ),
)
