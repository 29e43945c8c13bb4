"""The calls about registering: forms, the fee, and how far a company is.

Not here: what they do (flows.py, fee.py, steps.py).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import orjson
import sqlalchemy as sa
from pydantic import Field, WithJsonSchema

from apidocs.table import closed, nullable
from registry.action import Action, Look, NoBody, PageQuery, Query, View
from registry.admin_patches import Patch
from registry.flows.desk import Desk
from registry.lists import page_of
from registry.problems import REGISTRATION_CODES
from registry.registration import fee, flows, steps
from registry.registration.brand_form import BrandForm
from registry.registration.campaign_form import CampaignForm
from registry.registration.flows import Checked, Found
from registry.registration.tcr_form import LEAVE
from registry.tables import applications
from registry.tables import fees as fee_rows

_CREATED: Final = 201
#: What every database can compare with.
NO_NUL: Final = r"^[^\x00]*$"
_FORMS: Final = {
    "anyOf": [BrandForm.model_json_schema(), CampaignForm.model_json_schema()],
    "description": "The form of a brand or of a campaign, as far as it is filled in.",
}
Fields = Annotated[dict[str, Any], WithJsonSchema(_FORMS)]


class NewApplication(Patch):
    """A form, begun."""

    kind: Literal["brand", "campaign"]
    #: A campaign's.
    brand_id: str | None = Field(default=None, max_length=128)
    fields: Fields = Field(default={})


class SavedApplication(Patch):
    """A form, saved whole: a field that is left out is empty."""

    fields: Fields


class LeaveVerdict(Patch):
    """Whether the carriers gave leave for the use case."""

    granted: bool


class ApplicationQuery(PageQuery):
    """Which forms."""

    kind: Literal["brand", "campaign"] | None = None
    state: Literal["draft", "submitting", "submitted", "refused", "withdrawn", "open"] | None = Field(
        default=None, description="In which state; open: draft, submitting or refused."
    )
    #: The brand or campaign that came of it.
    object_id: str | None = Field(default=None, max_length=128, pattern=NO_NUL)


async def _begin(desk: Desk, _: Mapping[str, str], body: NewApplication) -> dict[str, Any]:
    return await _shown(desk, await flows.begin(desk, body.kind, body.brand_id, body.fields))


async def _save(desk: Desk, path: Mapping[str, str], body: SavedApplication) -> dict[str, Any]:
    return await _shown(desk, await flows.save(desk, path["id"], body.fields))


async def _leave(desk: Desk, path: Mapping[str, str], body: LeaveVerdict) -> dict[str, Any]:
    return await _shown(desk, await flows.grant_leave(desk, path["id"], granted=body.granted))


async def _ask_leave(desk: Desk, path: Mapping[str, str], _: NoBody) -> dict[str, Any]:
    return await _shown(desk, await flows.ask_leave(desk, path["id"]))


async def _check(desk: Desk, path: Mapping[str, str], _: NoBody) -> dict[str, Any]:
    return await _findings(desk, path)


async def _findings(desk: Desk, path: Mapping[str, str]) -> dict[str, Any]:
    found = await flows.load(desk, path["id"])
    checked = await flows.check(desk, path["id"])
    return _verdict(checked) | {"fee": await fee.shown(desk) if found.application.kind == "campaign" else None}


async def _submit(desk: Desk, path: Mapping[str, str], _: NoBody) -> dict[str, Any]:
    return await _shown(desk, await flows.submit(desk, path["id"]))


async def _withdraw(desk: Desk, path: Mapping[str, str], _: NoBody) -> dict[str, Any]:
    return await _shown(desk, await flows.withdraw(desk, path["id"]))


def _verdict(checked: Checked) -> dict[str, Any]:
    return {
        "ok": not checked.faults,
        "faults": [{"pointer": one.pointer, "code": one.code, "fix": one.fix} for one in checked.faults],
        "advice": [one._asdict() for one in checked.advice],
    }


async def _shown(desk: Desk, found: Found) -> dict[str, Any]:
    """Show a form with what came of it; a campaign's with what it costs."""
    application = found.application
    saved = orjson.loads(application.fields)
    leave = saved.pop(LEAVE, "")
    of_object = found.brand or found.campaign
    return {
        "id": application.id,
        "kind": application.kind,
        "state": application.state,
        "brand_id": application.brand_id,
        "object_id": application.object_id,
        "object_status": None if of_object is None else of_object.status,
        "fields": saved,
        "leave": bool(leave) and leave == saved.get("use_case"),
        "reasons": list(found.reasons),
        "can": found.can(),
        "created_at": application.created_at,
        "created_by": application.created_by,
        "submitted_at": application.submitted_at,
        "fee": await fee.shown(desk) if application.kind == flows.CAMPAIGN_KIND else None,
    }


def desk_of(look: Look) -> Desk:
    """Return a place from where flows can be asked; nothing is written from it."""
    return Desk(connection=look.connection, tenant=look.tenant, actor=look.actor, now=datetime.now(UTC))


async def _one(look: Look, path: Mapping[str, str], _: Query) -> dict[str, Any]:
    desk = desk_of(look)
    return await _shown(desk, await flows.load(desk, path["id"]))


async def _check_seen(look: Look, path: Mapping[str, str], _: Query) -> dict[str, Any]:
    return await _findings(desk_of(look), path)


async def _list(look: Look, _: Mapping[str, str], query: ApplicationQuery) -> dict[str, Any]:
    columns = [applications.c[name] for name in (*_LISTED, "faults", "fields")]
    wanted = sa.select(*columns).where(applications.c.tenant == look.tenant)
    if query.state is not None:
        states = ("draft", "submitting", "refused") if query.state == "open" else (query.state,)
        wanted = wanted.where(applications.c.state.in_(states))
    for column, value in ((applications.c.kind, query.kind), (applications.c.object_id, query.object_id)):
        if value is not None:
            wanted = wanted.where(column == value)
    rows, after = await page_of(look, "applications", query, wanted, [applications.c.id])
    items = [
        {name: row[name] for name in _LISTED} | {"name": _name(row["fields"]), "reasons": list(row["faults"])}
        for row in rows
    ]
    return {"items": items, "next": after}


def _name(saved: str) -> str:
    """Return what a form is about in a word or two: the brand's name, or the use case; "" before that is filled in."""
    fields = orjson.loads(saved)
    return str(fields.get("display_name") or fields.get("legal_name") or fields.get("use_case") or "")


_LISTED: Final = ("id", "kind", "state", "brand_id", "object_id", "created_at", "created_by", "submitted_at")


async def _fees(look: Look, _: Mapping[str, str], __: Query) -> dict[str, Any]:
    rows = await look.connection.execute(
        sa.select(fee_rows).where(fee_rows.c.tenant == look.tenant).order_by(fee_rows.c.kind)
    )
    return {
        "items": [{name: row[name] for name in _FEE} for row in rows.mappings()],
        "registration": await fee.shown(desk_of(look)),
    }


_FEE: Final = ("kind", "at", "cents", "currency", "application", "billed_at")


async def _steps(look: Look, _: Mapping[str, str], __: Query) -> dict[str, Any]:
    return await steps.look(desk_of(look))


_TEXT: Final = {"type": "string"}
_INSTANT: Final = {"type": "string", "format": "date-time"}
_CHANGE: Final = {"change": {"type": "object"}}
_FEE_SHOWN: Final = closed(
    {
        "kind": _TEXT,
        "cents": {"type": "integer", "description": "Before tax."},
        "currency": _TEXT,
        "terms": _TEXT,
        "if_withdrawn": {**_TEXT, "description": "What becomes of it with a form that is withdrawn."},
        "charged_at": nullable(_INSTANT),
        "application": nullable(_TEXT),
        "billed_at": nullable({**_INSTANT, "description": "When it was put on a bill."}),
    }
)
_APPLICATION: Final = {
    "id": _TEXT,
    "kind": {"type": "string", "enum": ["brand", "campaign"]},
    "state": _TEXT,
    "brand_id": nullable(_TEXT),
    "object_id": nullable({**_TEXT, "description": "The brand or campaign that came of it."}),
    "object_status": nullable(_TEXT),
    "fields": {"type": "object"},
    "leave": {"type": "boolean", "description": "The provider noted the carriers' leave for the use case."},
    "reasons": {"type": "array", "items": _TEXT, "description": "Why somebody said no."},
    "can": {"type": "array", "items": {"type": "string", "enum": ["save", "check", "submit", "withdraw"]}},
    "created_at": _INSTANT,
    "created_by": _TEXT,
    "submitted_at": nullable(_INSTANT),
    "fee": nullable(_FEE_SHOWN),
}
_SHOWN: Final = closed(_APPLICATION)
_CHANGED: Final = closed({**_APPLICATION, **_CHANGE})
_FAULT: Final = closed({"pointer": _TEXT, "code": _TEXT, "fix": _TEXT})
_ADVICE: Final = closed({"pointer": _TEXT, "code": _TEXT, "text": _TEXT})
_FINDINGS: Final = {
    "ok": {"type": "boolean"},
    "faults": {"type": "array", "items": _FAULT},
    "advice": {"type": "array", "items": _ADVICE},
    "fee": nullable(_FEE_SHOWN),
}
_CHECKED: Final = closed({**_FINDINGS, **_CHANGE})
_ITEM: Final = closed(
    {
        **{name: _APPLICATION[name] for name in (*_LISTED, "reasons")},
        "name": {**_TEXT, "description": "The brand's name, or the use case; empty before it is filled in."},
    }
)
_LIST: Final = closed({"items": {"type": "array", "items": _ITEM}, "next": nullable(_TEXT)})
_FEES: Final = closed(
    {
        "items": {
            "type": "array",
            "items": closed(
                {
                    **dict.fromkeys(("kind", "currency", "application"), _TEXT),
                    "at": _INSTANT,
                    "cents": {"type": "integer"},
                    "billed_at": nullable(_INSTANT),
                }
            ),
        },
        "registration": _FEE_SHOWN,
    }
)
_STEP: Final = closed(
    {
        "step": {"type": "string", "enum": ["brand", "campaign", "numbers", "people"]},
        "stage": {"type": "string", "enum": [stage.value for stage in steps.Stage]},
        "text": _TEXT,
        "page": _TEXT,
        "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
    }
)
_STATE: Final = closed(
    {
        "steps": {"type": "array", "items": _STEP},
        "done": {"type": "boolean"},
        "next": nullable(closed({"step": _TEXT, "text": _TEXT, "page": _TEXT})),
        "fee": _FEE_SHOWN,
    }
)

#: Why a campaign's form does not open.
_CLOSED: Final = (*REGISTRATION_CODES[:3], "sole_proprietor_campaign", "unknown_brand")
#: What can be wrong with a form that is submitted.
_FAULTS: Final = (
    "missing_field",
    "leave_required",
    "brand_not_named",
    "brand_registered",
    "content_refused",
    "declaration_mismatch",
)

ACTIONS: Final[tuple[Action, ...]] = (
    Action(
        "POST",
        "/v1/applications",
        "beginApplication",
        NewApplication,
        _begin,
        "Begin the form of a brand, or of a campaign of a brand that is VERIFIED. What is filled in already is kept; it"
        " is looked at when it is checked or submitted.",
        status=_CREATED,
        problems=("missing_field", *_CLOSED),
        shows=_CHANGED,
    ),
    Action(
        "PUT",
        "/v1/applications/{id}",
        "saveApplication",
        SavedApplication,
        _save,
        "Save a form. What came back with reasons can be corrected and submitted again, but for what TCR fixes at"
        " registration.",
        problems=("missing_field", "not_from_here", "cannot_change"),
        shows=_CHANGED,
        versioned=True,
    ),
    Action(
        "POST",
        "/v1/applications/{id}/check",
        "checkApplication",
        NoBody,
        _check,
        "Look at a form without sending it: everything that is wrong with it, what the gateway would refuse or flag of"
        " the samples, and what registering costs. Nothing changes.",
        problems=("unknown_brand",),
        shows=_CHECKED,
    ),
    Action(
        "POST",
        "/v1/applications/{id}/submit",
        "submitApplication",
        NoBody,
        _submit,
        "Send a form to TCR. With a company's first campaign the registration fee is noted: " + fee.TERMS,
        problems=("not_from_here", *_CLOSED, *_FAULTS),
        shows=_CHANGED,
    ),
    Action(
        "POST",
        "/v1/applications/{id}/withdraw",
        "withdrawApplication",
        NoBody,
        _withdraw,
        "Give up a form that nothing came of yet. " + fee.WITHDRAWN,
        problems=("not_from_here",),
        shows=_CHANGED,
    ),
    Action(
        "POST",
        "/v1/applications/{id}/leave",
        "askForLeave",
        NoBody,
        _ask_leave,
        "Have the provider ask the carriers for leave for the special use case that the form names, which can take"
        " weeks; listLeaveRequests tells since when, and what came of it.",
        problems=("not_from_here",),
        shows=_CHANGED,
    ),
    Action(
        "PUT",
        "/v1/applications/{id}/leave",
        "noteLeave",
        LeaveVerdict,
        _leave,
        "Note whether the carriers gave leave for the special use case that the form names.",
        operator=True,
        problems=("missing_field", "not_from_here"),
        shows=_CHANGED,
    ),
)
VIEWS: Final[tuple[View, ...]] = (
    View(
        "/v1/applications",
        "listApplications",
        ApplicationQuery,
        _list,
        "The company's forms, the oldest first.",
        shows=_LIST,
    ),
    View(
        "/v1/applications/{id}",
        "getApplication",
        Query,
        _one,
        "A form, what came of it, why somebody said no, and what can be done.",
        shows=_SHOWN,
    ),
    View(
        "/v1/applications/{id}/check",
        "getCheck",
        Query,
        _check_seen,
        "What checkApplication finds, for who only looks.",
        problems=("unknown_brand",),
        shows=closed(_FINDINGS),
    ),
    View(
        "/v1/fees",
        "getFees",
        Query,
        _fees,
        "What registering costs, what was charged, and when it was put on a bill.",
        shows=_FEES,
    ),
    View(
        "/v1/registration",
        "getRegistration",
        Query,
        _steps,
        "How far the company is: brand, campaign, numbers, people; and what comes next.",
        shows=_STATE,
    ),
)
