"""Home: for admins how far the company is, as steps, and what needs them; for everybody else whether they can text."""

from collections.abc import Mapping
from typing import Any, Final

from compliance.catalogue import CATALOGUE
from compliance.codes import Code
from registry.console.pages import HOME, Download, For, Form, Page
from registry.console.visit import Visit, path_of
from registry.preflight.views import VIEWS

#: How many of a kind are named on this page; the rest is on theirs.
_NAMED: Final = 5
#: Counted up to here; beyond, the page says that there are more.
_COUNTED: Final = 20
#: Forms that are read; those that are not done are shown.
_LISTED: Final = 100
_TITLES: Final = {
    "brand": "Register the brand",
    "campaign": "Register the campaign",
    "numbers": "Enable numbers",
    "people": "Get people texting",
}
_PLACES: Final = {
    "brand": ("/registration/brands", "Brands"),
    "campaign": ("/registration/campaigns", "Campaigns"),
    "numbers": ("/phone-system/sms", "SMS page"),
    "people": ("/phone-system/users", "Users"),
}
_DOING: Final = {
    "brand": "Register the brand",
    "campaign": "Register a campaign",
    "numbers": "Enable numbers",
    "people": "Go to the people",
}
_STATES: Final = {"done": "done", "waiting": "waiting", "refused": "wrong"}
#: The steps tell what to do about these.
_OF_STEPS: Final = {None, str(Code.CAMPAIGN_PENDING), str(Code.BRAND_UNVERIFIED)}
#: Somebody has to see to a campaign in these states, even to one without numbers.
_SERIOUS: Final = {"suspended", "rejected"}
_TEXTING: Final = next(one for one in VIEWS if one.id == "getTexting")


async def _home(visit: Visit) -> Mapping[str, Any]:
    person = visit.person
    if person.provider and person.acting_for == person.tenant:
        return {"kind": "provider"}
    if not person.sees_company:
        shown = await visit.performing.view(visit.own, _TEXTING, {"id": person.user}, {})
        return {"kind": "employee", "texting": shown}
    return {"kind": "company", **await _company(visit)}


async def _company(visit: Visit) -> Mapping[str, Any]:
    state = await visit.see("getRegistration")
    counts = {one["step"]: one["counts"] for one in state["steps"]}
    asked = (await visit.see("listRequests", state="open", limit=_COUNTED))["requests"]
    drift = (await visit.see("listDrift", state="open", limit=_COUNTED))["drift"]
    failed = (await visit.see("listNumbers", assignment="failed", limit=_NAMED))["items"] if _failed(counts) else []
    campaigns = (await visit.see("listCampaigns"))["items"]
    forms = (await visit.see("listApplications", limit=_LISTED))["items"]
    return {
        "steps": _steps(state["steps"], admin=visit.person.admin),
        "state": state,
        "counts": counts,
        "asked": asked,
        "drift": drift,
        "failed": failed,
        "trouble": _trouble(campaigns),
        "forms": [one for one in forms if one["state"] in {"draft", "submitting", "refused"}],
        "reviewed": [one for one in campaigns if one["lacks"] == Code.CAMPAIGN_PENDING],
        "counted": _COUNTED,
        "named": _NAMED,
    }


def _failed(counts: Mapping[str, Mapping[str, int]]) -> bool:
    return bool(counts["numbers"]["failed"])


def _steps(given: list[dict[str, Any]], *, admin: bool) -> list[dict[str, Any]]:
    """Return the steps as they look: of those that are to be done, the first is for now and the others for later."""
    shown, is_open = [], True
    for one in given:
        stage = one["stage"]
        state = _STATES.get(stage) or ("now" if is_open else "later")
        # (Whoever waits for the brand cannot go on with the campaign; people can be seen to at any time.)
        is_open = is_open and stage == "done"
        path, label = _PLACES[one["step"]]
        acts = state in {"now", "wrong"} and admin
        shown.append(
            {
                "title": _TITLES[one["step"]],
                "state": state,
                "text": _told(one),
                "href": None if state == "later" else HOME + path,
                "label": _DOING[one["step"]] if acts and state == "now" else f"Open {label}",
            }
        )
    return shown


def _told(step: Mapping[str, Any]) -> str:
    """Return a step's sentence with what there is of it."""
    counts = step["counts"]
    if step["step"] in {"brand", "campaign"}:
        there = f"{counts['verified']} of {counts['all']} VERIFIED." if counts["all"] else ""
    elif step["step"] == "numbers":
        there = f"{counts['texting']:,} of {counts['all']:,} local numbers can text." if counts["all"] else ""
    else:
        there = f"{counts['texting']:,} of {counts['licensed']:,} people with a licence for it can text."
    said = "" if step["stage"] == "done" else step["text"]
    return f"{said} {there}".strip()


def _trouble(campaigns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the campaigns that somebody has to see to, each with what helps."""
    found = []
    for one in campaigns:
        matters = bool(one["numbers"]) or one["status"] in _SERIOUS
        if not matters or one["lacks"] in _OF_STEPS:
            continue
        reason = CATALOGUE[Code(one["lacks"])]
        helps = reason.remediation[0].action
        href = path_of("registration", "campaigns", one["id"])
        found.append({"id": one["id"], "title": reason.title, "helps": helps, "href": href, "status": one["status"]})
    return found


_LIVE: Final = ("brands", "campaigns", "applications", "assignments", "numbers", "users")
PAGES: Final[tuple[Page, ...]] = (Page("", "Home", "home.html", _home, of=For.EVERYBODY, live=_LIVE),)
FORMS: Final[tuple[Form, ...]] = ()
DOWNLOADS: Final[tuple[Download, ...]] = ()
