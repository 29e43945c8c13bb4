"""Drift: where the registry, TCR, the aggregator and the copy disagree, what heals itself and what a person decides.

Not here: how it is found and healed (registry/drift).
"""

from collections.abc import Mapping
from typing import Any, Final

from registry.console.naming import names_of
from registry.console.pages import Download, Fields, Form, Page, Went
from registry.console.rendering import phone, words
from registry.console.visit import Visit, effective
from registry.drift.classes import CLASSES
from registry.problems import Problem

_BACK: Final = "/drift"
_STATES: Final = ("open", "accepted", "healed")
#: Where an object is looked at, by its kind.
_OBJECTS: Final = {
    "number": "/console/phone-system/numbers/",
    "campaign": "/console/registration/campaigns/",
    "brand": "/console/registration/brands/",
    "user": "/console/phone-system/users/",
}


async def _list(visit: Visit) -> Mapping[str, Any]:
    state, kind = visit.query.get("state", "open"), visit.query.get("kind")
    everywhere = visit.person.provider and visit.query.get("everywhere") == "true"
    found = await visit.see(
        "listDrift",
        state=state if state in _STATES else None,
        kind=kind if kind in CLASSES else None,
        everywhere="true" if everywhere else None,
        cursor=visit.query.get("cursor"),
    )
    return {
        "drift": [_row(one) for one in found["drift"]],
        "next": found["next"],
        "last_turn": found["last_turn"],
        "state": state,
        "kind": kind or "",
        "kinds": [(name, words(name)) for name in CLASSES],
        "everywhere": everywhere,
        "names": await names_of(visit, (one["decided_by"] for one in found["drift"])),
    }


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    what, _, name = row["object"].partition(":")
    told = {"meaning": "", "heals": False, "remedy": ""} | dict(row)
    where = _OBJECTS.get(what)
    return told | {
        "what": f"{words(what)} {phone(name)}",
        "where": where + name if where is not None and name.isprintable() else "",
        "pages": row["kind"] in CLASSES and CLASSES[row["kind"]].page,
    }


async def _accept(visit: Visit, fields: Fields) -> Went:
    await visit.do("acceptDrift", _which(fields))
    return Went(_back(fields), "It stays as it is. It is open again when it looks different.")


async def _retry(visit: Visit, fields: Fields) -> Went:
    done = await visit.done("retryDrift", _which(fields))
    return Went(_back(fields), f"The aggregator is asked once more.{effective(done)}")


def _which(fields: Fields) -> dict[str, str]:
    return {"kind": fields.text("kind"), "object": fields.text("object")}


def _back(fields: Fields) -> str:
    """Return to the list as it was asked for."""
    state = fields.text("state")
    if state and state not in _STATES:
        raise Problem("invalid_value")
    return f"/console{_BACK}" + (f"?state={state}" if state else "")


PAGES: Final[tuple[Page, ...]] = (Page("/drift", "Drift", "drift.html", _list, live=("numbers", "assignments")),)
FORMS: Final[tuple[Form, ...]] = (
    Form("/drift/accept", _accept, back=_BACK),
    Form("/drift/retry", _retry, back=_BACK),
)
DOWNLOADS: Final[tuple[Download, ...]] = ()
