"""Messages > Opt-outs: who said STOP; and Reviews: what went out and is worth a person's look.

An opt-out is true in the gateway's store. One number is looked up there; the list is that of the imported ones.

Not here: how an opt-out is heard (the gateway), and what stops a text (compliance/rules/opt_out.py).
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from compliance.destinations import read_destination
from registry.action import Look
from registry.bulk.cells import csv_line, neutral
from registry.console import ledger
from registry.console.explained import title_of
from registry.console.naming import names_of
from registry.console.pages import Download, Form, Page
from registry.console.visit import Visit
from registry.ledger.consent import consent_of

_COLUMNS: Final = ("recipient", "at", "keyword", "number")
_FILE_PAGE: Final = 500


async def _list(visit: Visit) -> Mapping[str, Any]:
    typed = visit.query.get("number", "")
    number = read_destination(typed)[1] if typed else ""
    shown: dict[str, Any] = {
        "typed": typed,
        "number": number,
        "error": "Give a whole phone number, such as +1 646-555-0151." if typed and not number else "",
        "consent": None,
        "asked_store": bool(number),
        "items": [],
        "next": None,
        "texts": [],
    }
    if number:
        tenant = await visit.performing.look(visit.looks, _tenant)
        consent = await consent_of(visit.tools.settings.queue_url, tenant, number)
        texts = (await ledger.messages(visit, counterpart=number, limit=5))["messages"]
        copies = (await visit.see("listOptOuts", recipient=number))["items"]
        return shown | {"consent": consent, "texts": texts, "items": copies}
    if not typed:
        found = await visit.see("listOptOuts", cursor=visit.query.get("cursor"))
        shown |= {"items": found["items"], "next": found["next"]}
    return shown


async def _tenant(look: Look) -> str:
    return look.tenant


async def _export(visit: Visit) -> AsyncIterator[bytes]:
    yield csv_line(_COLUMNS)
    cursor: str | None = None
    while True:
        found = await visit.see("listOptOuts", cursor=cursor, limit=_FILE_PAGE)
        for one in found["items"]:
            at = one["at"].isoformat(timespec="seconds")
            yield csv_line([neutral(one["recipient"]), at, neutral(one["keyword"]), neutral(one["number"] or "")])
        cursor = found["next"]
        if cursor is None:
            return


async def _reviews(visit: Visit) -> Mapping[str, Any]:
    found = await ledger.messages(visit, verdict="flag", cursor=visit.query.get("cursor"))
    names = await names_of(visit, (f"user:{one['user']}" for one in found["messages"]))
    return {"messages": found["messages"], "next": found["next"], "names": names, "title_of": title_of}


PAGES: Final[tuple[Page, ...]] = (
    Page("/messages/opt-outs", "Opt-outs", "opt_outs.html", _list),
    Page("/messages/reviews", "Reviews", "reviews.html", _reviews),
)
FORMS: Final[tuple[Form, ...]] = ()
DOWNLOADS: Final[tuple[Download, ...]] = (Download("/messages/opt-outs.csv", "opt-outs.csv", "text/csv", _export),)
