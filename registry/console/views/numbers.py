"""Numbers: the company's inventory; one number with all that is known of it, and what can be done to it.

Whose a number is is changed here; that it texts, on its person's page; its campaign, on the SMS page. Operators take
numbers in, let them go, and move them to other companies.
"""

from collections.abc import Mapping
from typing import Any, Final

from registry.console.faults import errors_of
from registry.console.pages import Again, Download, Fields, For, Form, Page, Went
from registry.console.rendering import phone
from registry.console.visit import Visit, effective, path_of
from registry.problems import Problem

_AT: Final = "/phone-system/numbers"
_NUMBER: Final = "/v1/numbers/{did}"
_KINDS: Final = (("local", "Local"), ("toll_free", "Toll-free"), ("service", "Service"), ("personal", "Personal"))
_SMS: Final = (("enabled", "On"), ("disabled", "Off"), ("superseded", "Moved to another number"))
#: Stands for nobody in the form that gives; no id has a space.
_POOL: Final = "the pool"
_PEOPLE: Final = 20
_COMPANIES: Final = 500
_CHANGED: Final = "Somebody changed this number since you opened the page. Look, and make your change once more."


def _page(did: str) -> str:
    return path_of("phone-system", "numbers", did)


async def _list(visit: Visit) -> Mapping[str, Any]:
    query = visit.query
    pool = "yes" if query.get("pool") else None
    shown = await visit.see(
        "listNumbers",
        kind=query.get("kind"),
        sms=query.get("sms"),
        prefix=query.get("prefix"),
        pool=pool,
        cursor=query.get("cursor"),
    )
    filtered = any(query.get(name) for name in ("kind", "sms", "prefix", "pool"))
    return {
        "numbers": shown["items"],
        "next": shown["next"],
        "kinds": _KINDS,
        "states": _SMS,
        "filtered": filtered,
        "names": dict(_KINDS),
    }


async def _one(visit: Visit) -> Mapping[str, Any]:
    number = await visit.get(_NUMBER, visit.names["did"])
    user = None if number["user"] is None else await visit.get("/v1/users/{id}", number["user"])
    told = None
    if user is not None:
        texting = await visit.see("getTexting", {"id": user["id"]})
        told = next((one for one in texting["numbers"] if one["did"] == number["did"]), None)
    return {
        "title": phone(number["did"]),
        "number": number,
        "user": user,
        "told": told,
        "names": dict(_KINDS),
        "states": dict(_SMS),
    }


async def _giving(visit: Visit) -> Mapping[str, Any]:
    return await _give_page(visit)


async def _give_page(visit: Visit, *, error: str = "", chosen: str = "") -> dict[str, Any]:
    """Return the page that gives a number to somebody: those whose name is searched for."""
    number = await visit.get(_NUMBER, visit.names["did"])
    people = await visit.see("listUsers", search=visit.query.get("search"), limit=_PEOPLE)
    user = None if number["user"] is None else await visit.get("/v1/users/{id}", number["user"])
    return {
        "title": f"Give {phone(number['did'])} to somebody",
        "number": number,
        "version": number.version,
        "user": user,
        "people": [one for one in people["items"] if one["id"] != number["user"]],
        "more": people["next"] is not None,
        "chosen": chosen,
        "error": error,
    }


async def _give(visit: Visit, fields: Fields) -> Went | Again:
    did, whom = visit.names["did"], fields.text("user")
    if not whom:
        return Again("numbers_give.html", await _give_page(visit, error="Choose who gets the number."))
    wanted = {"user": None if whom == _POOL else whom}
    try:
        await visit.patch(_NUMBER, did, wanted, fields.text("version"))
    except Problem as problem:
        if problem.code == "not_found":
            raise
        is_late = problem.code == "version_conflict"
        error = _CHANGED if is_late else " ".join(errors_of(problem, ()).values())
        return Again("numbers_give.html", await _give_page(visit, error=error), status=409 if is_late else 422)
    if wanted["user"] is None:
        return Went(_page(did), f"{phone(did)} is in the pool, with SMS off.")
    user = await visit.get("/v1/users/{id}", whom)
    return Went(
        path_of("phone-system", "users", whom), f"{user['name']} has {phone(did)} now. SMS is off: switch it on here."
    )


async def _new(_: Visit) -> Mapping[str, Any]:
    return _new_form({}, {})


def _new_form(typed: Mapping[str, str], errors: Mapping[str, str]) -> dict[str, Any]:
    return {
        "title": "Add a number",
        "typed": {"did": "", "kind": "local", "user": "", **typed},
        "errors": errors,
        "kinds": _KINDS,
    }


async def _add(visit: Visit, fields: Fields) -> Went | Again:
    typed = {name: fields.text(name) for name in ("did", "kind", "user")}
    try:
        done = await visit.done("addNumber", body=typed | {"user": typed["user"] or None})
    except Problem as problem:
        return Again("numbers_new.html", _new_form(typed, errors_of(problem, ("did", "kind", "user"))))
    did = done.shown["did"]
    return Went(_page(did), f"{phone(did)} is in the company's inventory. SMS is off." + effective(done))


async def _going(visit: Visit) -> Mapping[str, Any]:
    return await _going_page(visit)


async def _going_page(visit: Visit, errors: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the page that lets a number go, to another provider or to another company."""
    number = await visit.get(_NUMBER, visit.names["did"])
    user = None if number["user"] is None else await visit.get("/v1/users/{id}", number["user"])
    companies = (await visit.see("listTenants", limit=_COMPANIES))["items"]
    return {
        "title": f"Let {phone(number['did'])} go",
        "number": number,
        "user": user,
        "companies": [(one["id"], one["name"]) for one in companies if one["id"] != visit.person.acting_for],
        "errors": errors or {},
    }


async def _port_out(visit: Visit, fields: Fields) -> Went | Again:
    did = visit.names["did"]
    if not fields.ticked("sure"):
        return Again("numbers_go.html", await _going_page(visit, {"sure": "Tick it: this cannot be undone."}))
    await visit.do("portOutNumber", {"did": did})
    return Went(f"/console{_AT}", f"{phone(did)} left.")


async def _move(visit: Visit, fields: Fields) -> Went | Again:
    did = visit.names["did"]
    try:
        await visit.do("moveNumber", {"did": did}, {"tenant": fields.text("tenant")})
    except Problem as problem:
        if problem.code == "not_found":
            raise
        return Again("numbers_go.html", await _going_page(visit, errors_of(problem, ("tenant",))))
    return Went(f"/console{_AT}", f"{phone(did)} is in the other company's pool now.")


_LIVE: Final = ("numbers", "assignments", "users")
_ONE: Final = f"{_AT}/{{did}}"
PAGES: Final[tuple[Page, ...]] = (
    Page(_AT, "Numbers", "numbers.html", _list, live=_LIVE),
    Page(f"{_AT}/new", "Add a number", "numbers_new.html", _new, of=For.OPERATORS),
    Page(_ONE, "Number", "numbers_one.html", _one, live=(*_LIVE, "campaigns", "brands")),
    Page(f"{_ONE}/give", "Give a number", "numbers_give.html", _giving, of=For.WRITERS),
    Page(f"{_ONE}/go", "Let a number go", "numbers_go.html", _going, of=For.OPERATORS),
)
FORMS: Final[tuple[Form, ...]] = (
    Form(f"{_AT}/new", _add, of=For.OPERATORS),
    Form(f"{_ONE}/give", _give),
    Form(f"{_ONE}/port-out", _port_out, of=For.OPERATORS, back=_ONE),
    Form(f"{_ONE}/move", _move, of=For.OPERATORS, back=_ONE),
)
DOWNLOADS: Final[tuple[Download, ...]] = ()
