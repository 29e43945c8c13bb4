"""What carriers are asked leave for: the provider's list of what waits, and a company's own with what came of it.

Not here: who asks (registry/flows/campaigns.py, flows.py), and the wish as a record (registry/flows/leaves.py).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa
from pydantic import Field

from apidocs.table import closed, nullable
from registry.action import Action, Look, PageQuery, View
from registry.admin_patches import Patch
from registry.counts import held
from registry.flows import campaigns as campaign_flows
from registry.flows import leaves
from registry.flows.desk import Desk
from registry.lists import listed, page_of
from registry.problems import Problem, wrong_field
from registry.records import LeaveRequest
from registry.registration import flows
from registry.tables import applications, brands, campaigns, leave_requests, tenants
from registry.work_tables import number_counts

_ROW: Final = ("id", "kind", "subject", "use_case", "asked_at", "settled_at", "outcome")


class LeaveQuery(PageQuery):
    """Which wishes."""

    subject: str | None = Field(
        default=None, max_length=128, pattern=r"^[^\x00]*$", description="Of this campaign or form only, by its id."
    )


class Verdict(Patch):
    """What the carriers said to a wish."""

    id: str = Field(max_length=128)
    approved: bool


async def _settle(desk: Desk, _: Mapping[str, str], body: Verdict) -> dict[str, Any]:
    """Settle a wish of whichever company, as settleNumberPool and noteLeave do for one."""
    wish = await desk.one(LeaveRequest, body.id)
    if wish is None:
        raise wrong_field("/id", "not_found")
    if wish.settled_at is not None:
        raise Problem("not_from_here")
    theirs = replace(desk, tenant=wish.tenant)
    if wish.kind == leaves.POOL:
        await campaign_flows.settle_number_pool(theirs, wish.subject, approved=body.approved)
    else:
        await flows.grant_leave(theirs, wish.subject, granted=body.approved)
    settled = await theirs.all(LeaveRequest, leave_requests.c.id == wish.id)
    return {name: getattr(settled[0], name) for name in _ROW}


async def _own(look: Look, _: Mapping[str, str], query: LeaveQuery) -> dict[str, Any]:
    rows = leave_requests.c
    wanted = sa.select(*(rows[name] for name in _ROW)).where(rows.tenant == look.tenant)
    if query.subject is not None:
        wanted = wanted.where(rows.subject == query.subject)
    found, after = await page_of(look, "leave_requests", query, wanted, [rows.id], backwards=True)
    return {"items": [{name: row[name] for name in _ROW} for row in found], "next": after}


async def _waiting(look: Look, _: Mapping[str, str], query: PageQuery) -> dict[str, Any]:
    """List what waits with what the carriers want to know, those that wait longest first.

    A campaign that ended by itself needs nothing any more.
    """
    rows, whose = leave_requests.c, sa.func.coalesce(campaigns.c.brand_id, applications.c.brand_id)
    numbers = held().where(number_counts.c.campaign == campaigns.c.id).scalar_subquery()
    wanted = (
        sa.select(
            *(rows[name] for name in _ROW),
            rows.tenant,
            rows.asked_by,
            tenants.c.name.label("company"),
            whose.label("brand_id"),
            brands.c.legal_name.label("brand"),
            campaigns.c.description,
            campaigns.c.att_class,
            sa.case((campaigns.c.id.is_(None), None), else_=numbers).label("numbers"),
        )
        .select_from(leave_requests)
        .join(tenants, tenants.c.id == rows.tenant)
        .outerjoin(campaigns, campaigns.c.id == rows.subject)
        .outerjoin(applications, applications.c.id == rows.subject)
        .outerjoin(brands, brands.c.id == whose)
        .where(
            sa.text("leave_requests.settled_at IS NULL"),
            sa.or_(campaigns.c.id.is_(None), campaigns.c.status.not_in(["expired", "deactivated"])),
        )
    )
    found, after = await page_of(look, "leave_waiting", query, wanted, [rows.id])
    items = [{name: row[name] for name in _WAITING} | {"numbers": _whole(row["numbers"])} for row in found]
    return {"items": items, "next": after}


def _whole(count: Any) -> int | None:
    """Return a sum, which some databases give as a decimal."""
    return None if count is None else int(count)


_TEXT: Final = {"type": "string"}
_INSTANT: Final = {"type": "string", "format": "date-time"}
_SHOWN: Final = {
    **dict.fromkeys(("id", "subject", "use_case"), _TEXT),
    "kind": {"type": "string", "enum": ["number_pool", "use_case"]},
    "asked_at": _INSTANT,
    "settled_at": nullable(_INSTANT),
    "outcome": nullable({"type": "string", "enum": ["approved", "declined", "dropped"]}),
}
_SHOWN_WAITING: Final = {
    **{name: _SHOWN[name] for name in ("id", "kind", "subject", "use_case", "asked_at")},
    **dict.fromkeys(("tenant", "company", "asked_by"), _TEXT),
    **dict.fromkeys(("brand_id", "brand", "description", "att_class"), nullable(_TEXT)),
    "numbers": {**nullable({"type": "integer", "minimum": 0}), "description": "How many the campaign holds."},
}
_WAITING: Final = tuple(_SHOWN_WAITING)

ACTIONS: Final[tuple[Action, ...]] = (
    Action(
        "POST",
        "/v1/leave-requests/settle",
        "settleLeave",
        Verdict,
        _settle,
        "Note what the carriers said to a wish of listLeaveWaiting, of whichever company: the number pool or the form"
        " follows, and the company's admins are told.",
        operator=True,
        problems=("missing_field", "not_found", "not_from_here"),
        shows=closed({**_SHOWN, "change": {"type": "object"}}),
    ),
)
VIEWS: Final[tuple[View, ...]] = (
    View(
        "/v1/leave-requests",
        "listLeaveRequests",
        LeaveQuery,
        _own,
        "What the company wants the carriers' leave for (a number pool for a campaign, the special use case of a form),"
        " the newest first: since when it waits, or what came of it. The provider asks the carriers, which can take"
        " weeks.",
        shows=listed(_SHOWN),
    ),
    View(
        "/v1/leave-requests/waiting",
        "listLeaveWaiting",
        PageQuery,
        _waiting,
        "What all companies wait for, for the provider's people: those that wait longest first, each with what carriers"
        " want to know. Settle it with settleLeave.",
        provider=True,
        shows=listed(_SHOWN_WAITING),
    ),
)
