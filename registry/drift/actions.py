"""Drift in the admin API: the list, and a person's decision that something may stay, or is to be tried again.

A company sees what is its own; the provider's people may see all of it, what is nobody's included.
"""

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from pydantic import Field

from compliance.reason import Page
from registry.action import Action, Look, NoBody, PageQuery, Schema, View
from registry.audit import deeds
from registry.drift import retrying
from registry.drift.book import ACCEPTED, HEALED, OPEN
from registry.drift.classes import CLASSES
from registry.drift.sweep import last_turn
from registry.flows.desk import Desk
from registry.pages import cursor, key_of
from registry.problems import REGISTRATION_CODES, Problem
from registry.work_tables import drift

_LISTING: Final = "drift"
#: Where in the console a person puts right what is found on a kind of object.
_PAGES: Final[Mapping[str, Page]] = {
    "number": Page.SMS,
    "user": Page.USERS,
    "campaign": Page.CAMPAIGNS,
    "brand": Page.BRANDS,
}


class DriftQuery(PageQuery):
    """Which of it."""

    kind: str | None = Field(default=None, pattern=r"^[a-z_]{1,40}$")
    state: str | None = Field(default=None, pattern=r"^(open|healed|accepted)$")
    #: Of every company, and what is nobody's; for the provider's people.
    everywhere: bool = False


async def _list(look: Look, _: Mapping[str, str], query: DriftQuery) -> dict[str, Any]:
    if query.everywhere and not look.provider:
        raise Problem("forbidden")
    wanted = sa.select(drift).order_by(drift.c.kind, drift.c.object).limit(query.limit + 1)
    if not query.everywhere:
        wanted = wanted.where(drift.c.tenant == look.tenant)
    whose = "*" if query.everywhere else look.tenant
    if query.kind is not None:
        wanted = wanted.where(drift.c.kind == query.kind)
    if query.state is not None:
        wanted = wanted.where(drift.c.state == query.state)
    key = key_of(whose, _LISTING, query.cursor, length=2)
    if key is not None:
        if not all(type(part) is str for part in key):
            raise Problem("invalid_cursor")
        wanted = wanted.where(sa.tuple_(drift.c.kind, drift.c.object) > sa.tuple_(*(sa.literal(part) for part in key)))
    rows = [dict(row) for row in (await look.connection.execute(wanted)).mappings()]
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    turn = await last_turn(look.connection)
    return {
        "drift": [_shown(row) for row in rows],
        "next": cursor(whose, _LISTING, [rows[-1]["kind"], rows[-1]["object"]]) if more else None,
        "last_turn": None if turn is None else {"at": turn.at, "seconds": turn.seconds},
    }


async def _accept(desk: Desk, path: Mapping[str, str], _: NoBody) -> dict[str, Any]:
    row = await _one(desk, path)
    if row["state"] == ACCEPTED:
        return _shown(row)
    if row["state"] != OPEN:
        raise Problem("not_from_here")
    return await _decided(desk, row, ACCEPTED)


async def _retry(desk: Desk, path: Mapping[str, str], _: NoBody) -> dict[str, Any]:
    row = await _one(desk, path)
    if row["state"] == HEALED:
        raise Problem("not_from_here")
    await retrying.try_again(desk, row["kind"], row["object"].removeprefix("number:"))
    return await _decided(desk, row, HEALED)


async def _one(desk: Desk, path: Mapping[str, str]) -> dict[str, Any]:
    here = sa.and_(drift.c.kind == path["kind"], drift.c.object == path["object"])
    row = (await desk.connection.execute(sa.select(drift).where(here))).mappings().one_or_none()
    theirs = row is not None and (row["tenant"] == desk.tenant or (desk.operator and row["tenant"] is None))
    if row is None or not theirs:
        raise Problem("not_found")
    return {str(name): value for name, value in row.items()}  # (SQLAlchemy has names of its own kind)


async def _decided(desk: Desk, row: dict[str, Any], state: str) -> dict[str, Any]:
    decided = {"state": state, "decided_by": desk.actor, "decided_at": desk.now}
    here = sa.and_(drift.c.kind == row["kind"], drift.c.object == row["object"])
    await desk.connection.execute(sa.update(drift).where(here).values(**decided))
    await deeds.note(
        desk.connection,
        deeds.DRIFT,
        (row["kind"], row["object"]),
        at=desk.now,
        actor=desk.actor,
        tenant=row["tenant"],
        before={"state": row["state"], "detail": row["detail"]},
        after={"state": state, "detail": row["detail"]},
    )
    return _shown(row | decided)


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    known, page = CLASSES.get(row["kind"]), _PAGES.get(row["object"].partition(":")[0])
    told = {} if known is None else {"meaning": known.meaning, "heals": known.heals, "remedy": known.remedy}
    return (
        {str(name): value for name, value in row.items()}
        | told
        | {
            "retries": row["kind"] in retrying.KINDS,
            "page": page,
            "href": None if page is None else f"/console/{page}",
        }
    )


_TEXT: Final[Schema] = {"type": "string"}
_MAYBE: Final[Schema] = {"type": ["string", "null"]}
_DRIFT: Final[Schema] = {
    "type": "object",
    "properties": {
        "kind": {"type": "string", "enum": list(CLASSES)},
        "object": _TEXT,
        "tenant": _MAYBE,
        "detail": _TEXT,
        "found_at": _TEXT,
        "seen_at": _TEXT,
        "state": {"type": "string", "enum": ["open", "healed", "accepted"]},
        "decided_by": _MAYBE,
        "decided_at": _MAYBE,
        "meaning": _TEXT,
        "heals": {"type": "boolean"},
        "remedy": _TEXT,
        #: A person can have it tried again.
        "retries": {"type": "boolean"},
        "page": {"enum": [*(page.value for page in _PAGES.values()), None]},
        "href": _MAYBE,
    },
    "required": [
        *("kind", "object", "tenant", "detail", "found_at", "seen_at", "state", "decided_by", "decided_at"),
        *("retries", "page", "href"),
    ],
}
_LIST: Final[Schema] = {
    "type": "object",
    "properties": {
        "drift": {"type": "array", "items": _DRIFT},
        "next": _MAYBE,
        "last_turn": {
            "type": ["object", "null"],
            "properties": {"at": _TEXT, "seconds": {"type": "number"}},
            "required": ["at", "seconds"],
        },
    },
    "required": ["drift", "next", "last_turn"],
}

ACTIONS: Final[tuple[Action, ...]] = (
    Action(
        "POST",
        "/v1/drift/{kind}/{object}/accept",
        "acceptDrift",
        NoBody,
        _accept,
        "Decide that something may stay as it is. It is open again when it looks different, or comes back after it was"
        " gone.",
        problems=("not_from_here",),
        shows=_DRIFT,
    ),
    Action(
        "POST",
        "/v1/drift/{kind}/{object}/retry",
        "retryDrift",
        NoBody,
        _retry,
        "Decide that the aggregator is asked once more, from the beginning: for a number that it did not do what it was"
        " asked for, and to write our campaign over the one that it has. It is open again if that does not help.",
        problems=("not_from_here", *REGISTRATION_CODES),
        shows=_DRIFT,
    ),
)
VIEWS: Final[tuple[View, ...]] = (
    View(
        "/v1/drift",
        "listDrift",
        DriftQuery,
        _list,
        "Where the registry, TCR, the aggregator and the registry store disagree, and where a company's own rows do"
        " not fit together: what was found, when, what it means, and whether it heals itself or a person decides.",
        problems=("invalid_cursor",),
        shows=_LIST,
    ),
)
