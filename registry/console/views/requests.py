"""Requests (Ask my admin): what employees could not send, what is missing, and the answer; employees see their own."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from compliance.catalogue import CATALOGUE
from compliance.codes import Code
from registry.console.pages import Download, Fields, For, Form, Page, Went
from registry.console.visit import Visit
from registry.requests.ahead import read_ahead

#: Requests of one page, what is missing of each beside it: each is judged anew, with a few looks at the database.
_OPEN: Final = 5
#: Of those that are closed, below.
_CLOSED: Final = 10
_PAGE: Final = 25
_CODES: Final = frozenset(str(code) for code in Code)
#: Whatever decides whether a text may go.
_LIVE: Final = ("requests", "users", "brands", "campaigns", "numbers", "assignments", "opt_outs")
#: Who has to do a step, for the admin.
_ACTORS: Final[Mapping[str, str]] = {
    "admin": "You",
    "operator": "Support",
    "user": "The employee",
    "nobody": "Wait",
}
#: What a state is called, and how it looks.
_STATES: Final[Mapping[str, tuple[str, str]]] = {
    "open": ("Open", "waiting"),
    "possible": ("Possible now", "good"),
    "dismissed": ("Dismissed", "plain"),
}


async def _requests(visit: Visit) -> Mapping[str, Any]:
    """Show what waits, the longest first, with what is missing; below it what is closed, the newest first."""
    waiting = await visit.see("listRequests", state="open", cursor=visit.query.get("cursor"), limit=_OPEN)
    closed = await visit.see("listRequests", state="closed", newest=True, limit=_CLOSED)
    await visit.performing.look(visit.looks, partial(read_ahead, [one["id"] for one in waiting["requests"]]))
    return {
        "waiting": [await visit.see("getRequest", {"id": one["id"]}) for one in waiting["requests"]],
        "next": waiting["next"],
        "closed": closed["requests"],
        "more": closed["next"] is not None,
        "refusal": _refusal,
        "actors": _ACTORS,
        "states": _STATES,
    }


async def _done(visit: Visit) -> Mapping[str, Any]:
    found = await visit.see("listRequests", state="closed", newest=True, cursor=visit.query.get("cursor"), limit=_PAGE)
    return {"closed": found["requests"], "next": found["next"], "refusal": _refusal, "states": _STATES}


async def _mine(visit: Visit) -> Mapping[str, Any]:
    found = await visit.see_own("listRequests", newest=True, cursor=visit.query.get("cursor"), limit=_PAGE)
    return {"mine": found["requests"], "next": found["next"], "refusal": _refusal, "states": _STATES}


async def _dismiss(visit: Visit, given: Fields) -> Went:
    await visit.do("dismissRequest", {"id": visit.names["id"]}, {"note": given.text("note")})
    return Went("/console/requests", "The request is closed. The employee finds your answer beside it.")


def _refusal(code: str) -> str:
    """Return why a text was refused, in a few words."""
    return CATALOGUE[Code(code)].title if code in _CODES else code


PAGES: Final[tuple[Page, ...]] = (
    Page("/requests", "Requests", "requests.html", _requests, live=_LIVE),
    Page("/requests/closed", "Closed requests", "requests_closed.html", _done, live=("requests",)),
    Page("/requests/mine", "My requests", "requests_mine.html", _mine, of=For.EVERYBODY, live=("requests",)),
)
FORMS: Final[tuple[Form, ...]] = (Form("/requests/{id}/dismiss", _dismiss, back="/requests"),)
DOWNLOADS: Final[tuple[Download, ...]] = ()
