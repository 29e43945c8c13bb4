"""Users: the company's people; a person's page with the switches of their numbers; joining, leaving and invitations.

Of the switches one is on: the other goes off by itself. What switching on does is an Action's to say (enableNumber);
this page shows what keeps it from going on (getTexting).
"""

from collections.abc import Mapping
from typing import Any, Final

from registry.console.faults import errors_of
from registry.console.pages import Again, Download, Fields, For, Form, Page, Went
from registry.console.visit import Visit, effective, path_of
from registry.problems import PROBLEMS, Problem

_USER: Final = "/v1/users/{id}"
_ROLES: Final = (("employee", "Employee"), ("admin", "Admin"))
#: Given by operators, in the provider's own company.
_PROVIDER_ROLES: Final = (("support", "Support"), ("operator", "Operator"))
_LICENCES: Final = ("X1", "X2", "X3", "X4", "X5", "X6", "X7", "X8")
_NUMBERS: Final = 50
_CHANGED: Final = (
    "Somebody changed this person since you opened the page. What stands here now is new: look, and make your change"
    " once more."
)
_SWITCHED: Final = "Somebody switched a number of this person since you opened the page. Look, and save once more."


def _page(user: str) -> str:
    return path_of("phone-system", "users", user)


def _roles(visit: Visit, now: str = "") -> list[tuple[str, str]]:
    """Return the roles to choose from; the one that somebody has is among them."""
    wide = visit.person.operator and visit.person.acting_for == visit.person.tenant
    return [*_ROLES, *(one for one in _PROVIDER_ROLES if wide or one[0] == now)]


def _licences(now: str) -> list[tuple[str, str]]:
    """Return the licences to choose from: what somebody has is among them, whatever it is."""
    names = dict.fromkeys((*_LICENCES, *([now] if now else [])))
    return [(one, one if one != "X1" else "X1 (cannot text)") for one in names]


async def _list(visit: Visit) -> Mapping[str, Any]:
    query = visit.query
    shown = await visit.see("listUsers", search=query.get("search"), role=query.get("role"), cursor=query.get("cursor"))
    return {"users": shown["items"], "next": shown["next"], "roles": [*_ROLES, *_PROVIDER_ROLES]}


async def _new(visit: Visit) -> Mapping[str, Any]:
    return _new_form(visit, {}, {})


def _new_form(visit: Visit, typed: Mapping[str, str], errors: Mapping[str, str]) -> dict[str, Any]:
    given = {"name": "", "role": "employee", "licence": "X2", "extension": "", **typed}
    return {"typed": given, "errors": errors, "roles": _roles(visit), "licences": _licences(given["licence"])}


async def _add(visit: Visit, fields: Fields) -> Went | Again:
    typed = {name: fields.text(name) for name in ("name", "role", "licence", "extension")}
    try:
        user = await visit.do("addUser", body={**typed, "extension": typed["extension"] or None})
    except Problem as problem:
        shown = _new_form(visit, typed, errors_of(problem, ("name", "role", "licence", "extension")))
        return Again("users_new.html", {"title": "Add a person", **shown})
    return Went(_page(user["id"]), f"{user['name']} was added. Give them a number next, then switch SMS on.")


async def _one(visit: Visit) -> Mapping[str, Any]:
    return await _edit_page(visit, visit.names["id"])


async def _edit_page(
    visit: Visit,
    name: str,
    *,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    problem: str = "",
) -> dict[str, Any]:
    user = await visit.get(_USER, name)
    texting = await visit.see("getTexting", {"id": name})
    given = {key: user[key] for key in ("name", "role", "licence")}
    given["extension"] = next(iter(texting["extensions"]), "")
    login = await visit.see("getLogin", {"id": name})
    return {
        "title": user["name"],
        "user": user,
        "version": user.version,
        "texting": texting,
        "typed": {**given, **(typed or {})},
        "errors": errors or {},
        "problem": problem,
        "roles": _roles(visit, user["role"]),
        "licences": _licences(user["licence"]),
        "login": login,
        "is_me": name == visit.person.user,
        "on": [one["did"] for one in texting["numbers"] if one["sms"] == "enabled"],
    }


async def _edit(visit: Visit, fields: Fields) -> Went | Again:
    """Change name, role, licence and extension of a person who is still as the page showed them."""
    name = visit.names["id"]
    typed = {key: fields.text(key) for key in ("name", "role", "licence", "extension")}
    now = await visit.get(_USER, name)
    short = (await visit.see("getTexting", {"id": name}))["extensions"]
    wanted: dict[str, Any] = {key: typed[key] for key in ("name", "role", "licence") if typed[key] != now[key]}
    if typed["extension"] and typed["extension"] not in short:
        wanted["extension"] = typed["extension"]
    if not wanted:
        return Went(_page(name), "Nothing was changed.")
    try:
        await visit.patch(_USER, name, wanted, fields.text("version"))
    except Problem as problem:
        if problem.code == "not_found":
            raise
        if problem.code == "version_conflict":
            shown = await _edit_page(visit, name, problem=_CHANGED)
            return Again("users_one.html", {**shown, "live": ()}, status=409)
        errors = errors_of(problem, ("name", "role", "licence", "extension"))
        shown = await _edit_page(visit, name, typed=typed, errors=errors, problem=errors.get("", ""))
        return Again("users_one.html", shown)
    lost = " SMS was switched off on all of their numbers: switch it on again below." if "licence" in wanted else ""
    return Went(_page(name), f"Saved.{lost}", warning=bool(lost) and _had_sms(fields))


def _had_sms(fields: Fields) -> bool:
    return fields.ticked("had_sms")


async def _switch(visit: Visit, fields: Fields) -> Went | Again:
    """Save the switches: what is newly on is enabled, and takes the place of the other; what is off is disabled."""
    name = visit.names["id"]
    wanted, was = set(fields.texts("on")), set(fields.texts("was"))
    theirs = (await visit.see("listNumbers", user=name, limit=_NUMBERS))["items"]
    now = {one["did"] for one in theirs if one["sms"] == "enabled"}
    if now != was:
        return await _again(visit, name, _SWITCHED, status=409)
    added = sorted(did for did in wanted - now if any(one["did"] == did for one in theirs))
    if len(added) > 1:
        return await _again(visit, name, "One number of a person can text: switch one of them on.")
    off = [] if added else sorted(now - wanted)
    said, awaits = [], ""
    for action, did in [*(("enableNumber", did) for did in added), *(("disableNumber", did) for did in off)]:
        try:
            done = await visit.done(action, {"did": did}, {})
        except Problem as problem:
            kind = PROBLEMS[problem.code]
            return await _again(visit, name, f"{kind.title}. {kind.fix}")
        awaits = effective(done)
        said.append(_said(done.shown, superseded=bool(now - {did})))
    return Went(_page(name), (" ".join(said) or "Nothing was changed.") + awaits)


def _said(number: Mapping[str, Any], *, superseded: bool) -> str:
    link = number["assignment"]
    if number["sms"] != "enabled":
        return "SMS was switched off."
    other = " The other number was switched off." if superseded else ""
    if link is not None and link["state"] == "pending":
        return f"SMS is being enabled: Pending, up to 48 hours. Campaign {link['campaign_id']} was assigned.{other}"
    return f"SMS is on.{other}"


async def _again(visit: Visit, name: str, problem: str, *, status: int = 422) -> Again:
    return Again("users_one.html", await _edit_page(visit, name, problem=problem), status=status)


async def _leaving(visit: Visit) -> Mapping[str, Any]:
    name = visit.names["id"]
    user = await visit.get(_USER, name)
    texting = await visit.see("getTexting", {"id": name})
    keys = (await visit.see("listKeys", user=name, revoked="false", limit=_NUMBERS))["items"]
    return {"title": f"Let {user['name']} go", "user": user, "texting": texting, "keys": keys}


async def _leave(visit: Visit, _: Fields) -> Went:
    user = await visit.get(_USER, visit.names["id"])
    await visit.do("removeUser", {"id": visit.names["id"]})
    return Went("/console/phone-system/users", f"{user['name']} left. Their numbers are in the pool.")


async def _invite(visit: Visit, fields: Fields) -> Again:
    name = visit.names["id"]
    email = fields.text("email")
    try:
        invited = await visit.do("inviteUser", {"id": name}, {"email": email})
    except Problem as problem:
        if problem.code in {"not_found", "forbidden"}:
            raise
        errors = errors_of(problem, ("email",))
        shown = await _edit_page(visit, name, typed={"email": email}, errors=errors)
        return Again("users_one.html", shown)
    user = await visit.get(_USER, name)
    return Again("users_invited.html", {"title": "Invitation", "user": user, "invited": invited}, status=200)


async def _login(visit: Visit) -> Mapping[str, Any]:
    """Ask before a login is taken away. Problem: not_found where there is none."""
    user = await visit.get(_USER, visit.names["id"])
    login = await visit.see("getLogin", {"id": visit.names["id"]})
    if login["email"] is None:
        raise Problem("not_found")
    return {"title": f"Take {user['name']}'s login away", "user": user, "login": login}


async def _withdraw(visit: Visit, _: Fields) -> Went:
    user = await visit.get(_USER, visit.names["id"])
    await visit.do("removeLogin", {"id": visit.names["id"]})
    return Went(_page(visit.names["id"]), f"{user['name']} has no login any more.")


_AT: Final = "/phone-system/users"
_LIVE: Final = ("users", "numbers", "assignments", "campaigns", "brands", "extensions")
PAGES: Final[tuple[Page, ...]] = (
    Page(_AT, "Users", "users.html", _list, live=("users", "numbers", "extensions")),
    Page(f"{_AT}/new", "Add a person", "users_new.html", _new, of=For.WRITERS),
    Page(f"{_AT}/{{id}}", "User", "users_one.html", _one, live=_LIVE),
    Page(f"{_AT}/{{id}}/leave", "Let a person go", "users_leave.html", _leaving, of=For.WRITERS),
    Page(f"{_AT}/{{id}}/login", "Take a login away", "users_login.html", _login, of=For.WRITERS),
)
FORMS: Final[tuple[Form, ...]] = (
    Form(f"{_AT}/new", _add),
    Form(f"{_AT}/{{id}}", _edit),
    Form(f"{_AT}/{{id}}/sms", _switch, back=f"{_AT}/{{id}}"),
    Form(f"{_AT}/{{id}}/leave", _leave),
    Form(f"{_AT}/{{id}}/login", _withdraw, back=f"{_AT}/{{id}}"),
    Form(f"{_AT}/{{id}}/invitation", _invite, back=f"{_AT}/{{id}}"),
)
DOWNLOADS: Final[tuple[Download, ...]] = ()
