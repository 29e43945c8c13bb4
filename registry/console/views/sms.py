"""Phone System > SMS: brand and campaigns, and the numbers that text, with their assignment; assigned and removed here.

One number is assigned from its three dots, several with the boxes; both lead to a page that names numbers and campaign,
and is saved.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from compliance.catalogue import CATALOGUE
from compliance.codes import Code
from registry.console.faults import errors_of
from registry.console.frame import sentence
from registry.console.pages import Again, Download, Fields, For, Form, Page, Went
from registry.console.rendering import phone, words
from registry.console.views.leave import leave_of
from registry.console.views.registration_words import USE_CASES
from registry.console.visit import Visit, effective
from registry.problems import Problem

_AT: Final = "/phone-system/sms"
_HERE: Final = f"/console{_AT}"
_ROWS: Final = 50
#: A campaign with so few places left is named.
_SCARCE: Final = 5
_STATES: Final = (
    ("none", "Not assigned"),
    ("pending", "Pending"),
    ("assigned", "Assigned"),
    ("failed", "Enabling Failed"),
    ("removing", "Being removed"),
)
_REFUSED_SHOWN: Final = 8


async def _sms(visit: Visit) -> Mapping[str, Any]:
    query = visit.query
    campaigns = await _campaigns(visit)
    wishes = {one["id"]: await leave_of(visit, one["id"]) for one in campaigns if one["scarce"]}
    shown = await visit.see(
        "listNumbers",
        sms_page=True,
        assignment=query.get("assignment"),
        campaign=query.get("campaign"),
        prefix=query.get("prefix"),
        cursor=query.get("cursor"),
        limit=_ROWS,
    )
    return {
        "brands": (await visit.see("listBrands"))["items"],
        "campaigns": campaigns,
        "wishes": wishes,
        "good": {one["id"] for one in campaigns if one["verified"]},
        "words": {one["id"]: one["word"] for one in campaigns},
        "verified": [one for one in campaigns if one["verified"]],
        "numbers": shown["items"],
        "next": shown["next"],
        "states": _STATES,
        "choices": [(one["id"], one["id"]) for one in campaigns],
        "fee": (await visit.see("getFees"))["registration"],
        "filtered": any(query.get(name) for name in ("assignment", "campaign", "prefix")),
    }


async def _campaigns(visit: Visit) -> list[dict[str, Any]]:
    """Return the company's campaigns that are of any use, each with its word for the badge and how full it is."""
    found = (await visit.see("listCampaigns"))["items"]
    return [_campaign(one) for one in found if one["status"] not in _SPENT or one["numbers"]]


def _campaign(one: dict[str, Any]) -> dict[str, Any]:
    lacks = one["lacks"]
    why = None if lacks is None else CATALOGUE[Code(lacks)]
    left = None if one["most"] is None else max(0, one["most"] - one["numbers"])
    word = "VERIFIED" if lacks is None else "PENDING" if lacks in _WAITS else lacks.partition("_")[2].upper()
    return one | {
        "word": word,
        "purpose": USE_CASES.get(one["use_case"].upper(), words(one["use_case"])),
        "why": "" if why is None else why.title,
        "helps": "" if why is None else why.remediation[0].action,
        "left": left,
        "scarce": left is not None and left <= _SCARCE,
    }


#: Campaigns in these states are of no use, unless numbers are in them still.
_SPENT: Final = {"draft", "deactivated", "expired"}
#: What others are still at; everything else is somebody's no.
_WAITS: Final = {str(Code.CAMPAIGN_PENDING), str(Code.BRAND_UNVERIFIED)}


async def _choose(_: Visit, fields: Fields) -> Went:
    """Lead from the boxes that were ticked to the page that assigns them."""
    dids = fields.texts("did")
    back = fields.text("back") or _HERE
    if not dids:
        return Went(back, "Tick the numbers that are to be assigned.", warning=True)
    return Went(f"{_HERE}/assign?{urlencode({'dids': ','.join(dids)})}", "")


async def _assigning(visit: Visit) -> Mapping[str, Any]:
    return await _assign_page(visit, visit.query.get("dids", "").split(","))


async def _assign_page(visit: Visit, dids: Sequence[str], *, errors: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the page that assigns: the numbers as they are now, and campaigns to choose from. Problem: not_found."""
    numbers = [await visit.get("/v1/numbers/{did}", did) for did in list(dict.fromkeys(dids))[:_ROWS]]
    campaigns = [one for one in await _campaigns(visit) if one["verified"]]
    roomy = [one for one in campaigns if one["left"] is None or one["left"] > 0]
    return {
        "title": "Assign to campaign",
        "numbers": numbers,
        "campaigns": campaigns,
        "chosen": (roomy or campaigns or [{"id": ""}])[0]["id"],
        "errors": errors or {},
    }


async def _assign(visit: Visit, fields: Fields) -> Went | Again:
    """Assign what was named, and tell how many were done, and which not and why."""
    dids = fields.texts("did")
    try:
        body = {"dids": list(dids), "campaign_id": fields.text("campaign") or None}
        done = await visit.done("assignNumbers", body=body)
    except Problem as problem:
        shown = await _assign_page(visit, dids, errors=errors_of(problem, ("campaign",)))
        return Again("sms_assign.html", shown)
    assigned, refused = done.shown["assigned"], done.shown["refused"]
    said = []
    if assigned:
        into = assigned[0]["assignment"]["campaign_id"]
        what = "1 number was" if len(assigned) == 1 else f"{len(assigned)} numbers were"
        waits = any(one["assignment"]["state"] == "pending" for one in assigned)
        said.append(f"{what} assigned to campaign {into}" + (": Pending, up to 48 hours." if waits else "."))
    if refused:
        what = "1 was" if len(refused) == 1 else f"{len(refused)} were"
        said.append(f"{what} not: {_reasons(refused)}")
    return Went(_HERE, " ".join(said) + effective(done), warning=bool(refused))


def _reasons(refused: Sequence[Mapping[str, str]]) -> str:
    """Return why numbers were refused: those with the same reason together, the first few by name."""
    by_code: dict[str, list[Mapping[str, str]]] = {}
    for one in refused:
        by_code.setdefault(one["code"], []).append(one)
    sentences = []
    for those in by_code.values():
        named = ", ".join(phone(one["did"]) for one in those[:_REFUSED_SHOWN])
        more = "" if len(those) <= _REFUSED_SHOWN else f" and {len(those) - _REFUSED_SHOWN} more"
        sentences.append(f"{named}{more}: {those[0]['title']}. {those[0]['fix']}")
    return " ".join(sentences)


async def _removing(visit: Visit) -> Mapping[str, Any]:
    number = await visit.get("/v1/numbers/{did}", visit.names["did"])
    user = None if number["user"] is None else await visit.get("/v1/users/{id}", number["user"])
    return {"number": number, "user": user}


async def _remove(visit: Visit, fields: Fields) -> Went:
    did = visit.names["did"]
    done = await visit.done("removeNumber", {"did": did}, {})
    back = fields.text("back")
    leaves = done.shown["assignment"] is not None
    said = f"{phone(done.shown['did'])} leaves its campaign." if leaves else f"{phone(done.shown['did'])} was removed."
    return Went(back if back.startswith("/console/") else _HERE, said + effective(done))


async def _ask_pool(visit: Visit, _: Fields) -> Went:
    name = visit.names["id"]
    try:
        await visit.do("askForNumberPool", {"id": name})
    except Problem as problem:
        if problem.code == "not_found":
            raise
        return Went(_HERE, sentence(problem), warning=True)
    return Went(_HERE, f"Your provider asks the carriers for a number pool for campaign {name}. It can take weeks.")


_LIVE: Final = ("numbers", "assignments", "brands", "campaigns", "leave_requests")
PAGES: Final[tuple[Page, ...]] = (
    Page(_AT, "SMS", "sms.html", _sms, live=_LIVE),
    Page(f"{_AT}/assign", "Assign to campaign", "sms_assign.html", _assigning, of=For.WRITERS),
    Page(f"{_AT}/{{did}}/remove", "Remove a number", "sms_remove.html", _removing, of=For.WRITERS),
)
FORMS: Final[tuple[Form, ...]] = (
    Form(f"{_AT}/choose", _choose, back=_AT),
    Form(f"{_AT}/assign", _assign, back=_AT),
    Form(f"{_AT}/{{did}}/remove", _remove, back=_AT),
    Form(f"{_AT}/campaigns/{{id}}/number-pool", _ask_pool, back=_AT),
)
DOWNLOADS: Final[tuple[Download, ...]] = ()
