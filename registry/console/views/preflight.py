"""Preflight: can this person text that number and, if not, what leads there.

Not here: the answer (registry/preflight).
"""

from collections.abc import Mapping
from typing import Any, Final

from compliance.senders import canonical_sender
from registry.console.explained import PAGE_NAMES, title_of
from registry.console.pages import Download, Form, Page
from registry.console.visit import Visit
from registry.problems import PROBLEMS, Problem
from registry.rows import IDENTIFIER

#: People who are offered when a name is not one person's.
_OFFERED: Final = 8
#: The longest part of a name that is looked for.
_NAME_MAX: Final = 100
_WEIGHTS: Final = {"info": "For information", "flag": "Flag", "defer": "Wait", "block": "Block"}


async def _preflight(visit: Visit) -> Mapping[str, Any]:
    who, to = visit.query.get("who", ""), visit.query.get("to", "")
    shown: dict[str, Any] = {
        "who": who,
        "to": to,
        "found": None,
        "people": [],
        "name": "",
        "errors": {},
        "title_of": title_of,
        "weights": _WEIGHTS,
        "page_names": PAGE_NAMES,
    }
    if not who and not to:
        return shown
    shown["errors"] = {
        name: text
        for name, value, text in (
            ("who", who, "Name a person, or one of your numbers."),
            ("to", to, "Give the number that is to be texted."),
        )
        if not value
    }
    if shown["errors"]:
        return shown
    if canonical_sender(who) is not None:
        return shown | await _judged(visit, to, from_=who)
    people = await _people(visit, who)
    if len(people) == 1:
        return shown | await _judged(visit, to, user=people[0]["id"])
    if not people:
        return shown | {"errors": {"who": "Nobody in the company has this name or id, and it is no phone number."}}
    return shown | {"people": people}


async def _people(visit: Visit, who: str) -> list[dict[str, Any]]:
    """Return the person with an id, or else those with this in their name."""
    if IDENTIFIER.fullmatch(who) and who.isprintable():
        named = (await visit.see("listNames", of=f"user:{who}"))["names"]
        if named:
            return [{"id": who, "name": named[f"user:{who}"], "texts_from": None}]
    found = (await visit.see("listUsers", search=who[:_NAME_MAX], limit=_OFFERED))["items"]
    exact = [one for one in found if one["name"].casefold() == who.casefold()]
    return exact if len(exact) == 1 else found


async def _judged(visit: Visit, to: str, **who: Any) -> dict[str, Any]:
    try:
        found = await visit.see("preflight", to=to, **who)
    except Problem as problem:
        if problem.code in {"not_found", "unknown_user"}:
            what = (
                "The company has no such number." if "from_" in who else "This person is not in the company any more."
            )
            return {"errors": {"who": what}}
        field = next((fault.pointer.strip("/") for fault in problem.faults), "")
        if not field:
            raise
        return {"errors": {"to" if field == "to" else "who": problem.faults[0].fix or PROBLEMS[problem.code].fix}}
    name = ""
    if found["user"] is not None:
        named = (await visit.see("listNames", of=f"user:{found['user']}"))["names"]
        name = named.get(f"user:{found['user']}", found["user"])
    return {"found": found, "name": name}


PAGES: Final[tuple[Page, ...]] = (
    Page(
        "/preflight", "Preflight", "preflight.html", _preflight, live=("numbers", "assignments", "campaigns", "brands")
    ),
)
FORMS: Final[tuple[Form, ...]] = ()
DOWNLOADS: Final[tuple[Download, ...]] = ()
