"""The calls about opt-outs: take one back with evidence, settle a suspicion, and see what came of it."""

from collections.abc import Mapping
from typing import Any, Final, Literal

import sqlalchemy as sa
from pydantic import Field

from apidocs.table import closed, nullable
from registry.action import Action, Look, PageQuery, View
from registry.admin_patches import Patch
from registry.flows.desk import Desk
from registry.lists import page_of
from registry.problems import wrong_field
from registry.records import Restoration
from registry.restorations import book
from registry.tables import restorations

_NUMBER_MAX: Final = 40
#: What people write, over lines and with tabs; no other control characters.
_WRITTEN: Final = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"


class Restore(Patch):
    """Who wants texts again, or never meant not to."""

    recipient: str = Field(max_length=_NUMBER_MAX)
    #: What the person did, and where that is kept.
    evidence: str = Field(max_length=book.EVIDENCE_MOST, pattern=_WRITTEN)


class Confirm(Patch):
    """Who meant it as an opt-out."""

    recipient: str = Field(max_length=_NUMBER_MAX)
    #: Why, for people.
    evidence: str = Field(default="", max_length=book.EVIDENCE_MOST, pattern=_WRITTEN)


class RestorationQuery(PageQuery):
    """Which of them."""

    recipient: str | None = Field(default=None, max_length=_NUMBER_MAX, description="Of one number, E.164.")
    state: Literal["pending", "done", "refused"] | None = None


async def _restore(desk: Desk, _: Mapping[str, str], body: Restore) -> dict[str, Any]:
    evidence = body.evidence.strip()
    if len(evidence) < book.EVIDENCE_LEAST:
        raise wrong_field(
            "/evidence", "invalid_value", "Say in 10 to 1,000 characters what the person did, and where that is kept."
        )
    return book.shown(await book.ask(desk, body.recipient, book.RESTORE, evidence))


async def _confirm(desk: Desk, _: Mapping[str, str], body: Confirm) -> dict[str, Any]:
    return book.shown(await book.ask(desk, body.recipient, book.OPT_OUT, body.evidence.strip()))


async def _list(look: Look, _: Mapping[str, str], query: RestorationQuery) -> dict[str, Any]:
    wanted = sa.select(restorations).where(restorations.c.tenant == look.tenant)
    if query.recipient is not None:
        wanted = wanted.where(restorations.c.recipient == query.recipient.replace("\x00", "\ufffd"))
    if query.state is not None:
        wanted = wanted.where(restorations.c.state == query.state)
    rows, behind = await page_of(look, "restorations", query, wanted, [restorations.c.id], backwards=True)
    return {"restorations": [book.shown(Restoration(**row)) for row in rows], "next": behind}


_TEXT: Final = {"type": "string"}
_MAYBE: Final = nullable(_TEXT)
_INSTANT: Final = {"type": "string", "format": "date-time"}
_FIELDS: Final = {
    "id": _TEXT,
    "recipient": _TEXT,
    "act": {"type": "string", "enum": [book.RESTORE, book.OPT_OUT]},
    "evidence": _TEXT,
    "state": {"type": "string", "enum": [book.PENDING, book.DONE, book.REFUSED]},
    "outcome": {
        **_MAYBE,
        "description": "restored, dismissed, was_not_out or opted_out; overtaken where it is refused since the person"
        " said STOP after it was asked for.",
    },
    "fault": {**_MAYBE, "description": "Why it is still pending, or what the gateway refused it for."},
    "asked_at": _INSTANT,
    "asked_by": _TEXT,
    "done_at": nullable(_INSTANT),
}
_SHOWN: Final = {"type": "object", "properties": _FIELDS, "required": [*_FIELDS]}

ACTIONS: Final[tuple[Action, ...]] = (
    Action(
        "POST",
        "/v1/opt-outs/restore",
        "restoreOptOut",
        Restore,
        _restore,
        "Take an opt-out back, or say that a suspicion was none. Only the person's own renewed consent ends an opt-out:"
        " the evidence says what they did and where that is kept, in 10 to 1,000 characters, and stays for good. The"
        " gateway gets it within seconds, or when it is there again; what the person says after this call stands. What"
        " the network itself keeps, of toll-free numbers, ends only by the person's own START.",
        problems=("missing_field",),
        shows=_SHOWN,
    ),
    Action(
        "POST",
        "/v1/opt-outs/confirm",
        "confirmOptOut",
        Confirm,
        _confirm,
        "Make an opt-out of what somebody wrote or said otherwise than by STOP: nobody of the company can text them"
        " from the moment that the gateway has it, within seconds.",
        problems=("missing_field",),
        shows=_SHOWN,
    ),
)
VIEWS: Final[tuple[View, ...]] = (
    View(
        "/v1/restorations",
        "listRestorations",
        RestorationQuery,
        _list,
        "Who took which opt-out back, or settled which suspicion, with which evidence, and what came of it; the newest"
        " first.",
        shows=closed({"restorations": {"type": "array", "items": closed(_FIELDS)}, "next": _MAYBE}),
    ),
)
