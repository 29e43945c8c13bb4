"""GET /v1/users/{id}/texting: a person's numbers, whether each can text and, if not, why; and what its switch would do.

It is judged as a preflight is, to a mobile in the United States that nobody knows anything about: what registration,
number and licence decide, and nothing of one recipient.

Not here: one text to one recipient (views.py), and the steps to there (search.py).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from compliance.catalogue import CATALOGUE, admin_text, reason
from compliance.codes import Code
from compliance.reason import Page
from registry.action import Look, Query, Schema
from registry.flows import numbers as flow
from registry.flows.desk import Desk
from registry.lifecycle import standing as steps
from registry.lifecycle.standing import RefusedError, lacking
from registry.lists import campaign_column
from registry.preflight.facts import Asked, read
from registry.preflight.judge import SENDABLE, Judge
from registry.preflight.look import policy_in_force
from registry.problems import PROBLEMS, Problem
from registry.provisioning.jobs import find_job
from registry.provisioning.progress import progress, usual_duration
from registry.records import Extension, Number
from registry.tables import extensions, numbers

#: Of the range that is kept for fiction: nobody's, so nobody opted out.
_A_MOBILE: Final = "+12025550100"
#: Of a person who has more, the first ones are shown.
_NUMBERS_MAX: Final = 50
#: Where a switch's reason is settled, where the catalogue of reasons does not say it.
_PAGES: Final[Mapping[str, Page]] = {
    "assign_on_sms_page": Page.SMS,
    "number_limit_exceeded": Page.SMS,
    "number_without_user": Page.NUMBERS,
    "licence_cannot_text": Page.USERS,
}


async def texting(look: Look, path: Mapping[str, str], _: Query) -> dict[str, Any]:
    """Show a person's numbers: to admins anybody's, to employees their own. Problem: not_found."""
    if look.user not in {None, path["id"]}:
        raise Problem("not_found")
    desk = Desk(
        connection=look.connection, tenant=look.tenant, actor=look.actor, now=datetime.now(UTC), limits=look.limits
    )
    user = await desk.user(path["id"])
    theirs = await desk.all(Number, numbers.c.user == user.id, numbers.c.left_at.is_(None))
    short = await desk.all(Extension, extensions.c.tenant == desk.tenant, extensions.c.user == user.id)
    return {
        "user": user.id,
        "name": user.name,
        "licence": user.licence,
        "extensions": [one.digits for one in short],
        **await _judged(look, Asked(look.tenant, _A_MOBILE, user=user.id)),
        "campaign": await _next_campaign(desk),
        "numbers": [await _number(look, desk, one.did) for one in theirs[:_NUMBERS_MAX]],
    }


async def _judged(look: Look, asked: Asked) -> dict[str, Any]:
    """Say whether a number, or a person with the number that they would text from, can text."""
    found = await read(look.connection, asked, look.limits, way=False)
    decision = Judge(found.facts, policy_in_force()).now()
    code = decision.reason
    text = reason(code).user if look.user is not None else admin_text(code, found.facts)
    return {"can_send": decision.verdict in SENDABLE, "reason": {"code": str(code), "text": text, "href": _href(code)}}


async def _next_campaign(desk: Desk) -> dict[str, Any]:
    """Show the campaign that a number gets by itself, and what it lacks."""
    campaign, brand = await flow.chosen_campaign(desk)
    why = lacking(flow.registered(campaign, brand))
    return {"id": None if campaign is None else campaign.id, "lacks": None if why is None else _obstacle(why)}


async def _number(look: Look, desk: Desk, did: str) -> dict[str, Any]:
    found = await flow.load(desk, did)
    job = await find_job(look.connection, did)
    usual = None if job is None else await usual_duration(look.connection)
    far = progress(found.number, found.link, job, usual=usual, patience=look.limits.patience)
    return {
        "did": did,
        "kind": found.number.kind,
        "sms": found.number.sms,
        "assignment": None if found.link is None else found.link.state,
        "campaign_id": None if found.link is None else found.link.campaign_id,
        "campaign": campaign_column(found.link),
        "progress": far.shown(),
        "obstacle": _refused(found),
        **await _judged(look, Asked(look.tenant, _A_MOBILE, number=did)),
    }


def _refused(found: flow.Found) -> dict[str, Any] | None:
    """Say why SMS cannot be switched on from the user's page; None where it can."""
    try:
        steps.enable(found.standing)
    except RefusedError as refused:
        return _obstacle(refused.code)
    return None


def _obstacle(code: str) -> dict[str, Any]:
    kind = PROBLEMS[code]
    return {"code": code, "title": kind.title, "fix": kind.fix, "href": _href(code)}


def _href(code: str) -> str | None:
    page = CATALOGUE[Code(code)].page if code in set(Code) else _PAGES.get(code)
    return None if page is None else f"/console/{page}"


_TEXT: Final[Schema] = {"type": "string"}
_FLAG: Final[Schema] = {"type": "boolean"}
_MAYBE: Final[Schema] = {"type": ["string", "null"]}


def _object(fields: Mapping[str, Any], *, or_null: bool = False) -> Schema:
    kind = ["object", "null"] if or_null else "object"
    return {"type": kind, "properties": dict(fields), "required": list(fields), "additionalProperties": False}


_REASON: Final = _object({"code": _TEXT, "text": _TEXT, "href": _MAYBE})
_OBSTACLE: Final = _object({"code": _TEXT, "title": _TEXT, "fix": _TEXT, "href": _MAYBE}, or_null=True)
_PROGRESS: Final = _object(
    dict.fromkeys(("status", "text", "takes", "helps", "hinders"), _TEXT) | {"since": _MAYBE}, or_null=True
)
_NUMBER: Final = _object(
    {
        **dict.fromkeys(("did", "kind", "sms", "campaign"), _TEXT),
        **dict.fromkeys(("assignment", "campaign_id"), _MAYBE),
        "progress": _PROGRESS,
        #: Why SMS cannot be switched on from the user's page.
        "obstacle": _OBSTACLE,
        "can_send": _FLAG,
        "reason": _REASON,
    }
)
#: What is shown.
TEXTING: Final = _object(
    {
        **dict.fromkeys(("user", "name", "licence"), _TEXT),
        "extensions": {"type": "array", "items": _TEXT},
        "can_send": _FLAG,
        "reason": _REASON,
        #: The campaign that a number gets by itself.
        "campaign": _object({"id": _MAYBE, "lacks": _OBSTACLE}),
        "numbers": {"type": "array", "items": _NUMBER},
    }
)
