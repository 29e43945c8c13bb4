"""API keys: made, renewed and revoked; and, apart from them, who is signed in.

A key's secret is on the page that made it, this once, and nowhere else.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from registry.console.faults import errors_of
from registry.console.pages import Again, Download, Fields, For, Form, Page, Went
from registry.console.visit import Visit, effective
from registry.people.rights import PROVIDER_ROLES, of_role, ordered
from registry.problems import Problem

_AT: Final = "/keys"
_HERE: Final = f"/console{_AT}"
_KEY: Final = "/v1/keys/{id}"
_SIGN_INS: Final = 50
_ABOUT: Final[Mapping[str, tuple[str, str]]] = {
    "send": ("Send", "Send texts, and ask beforehand whether one would go."),
    "read": ("Read", "See messages, their states, and what came in."),
    "admin": ("Admin", "See and change everything of the company, keys among it. For programs that administer."),
    "support": ("Support", "See every company. The provider's own."),
    "operator": ("Operator", "Change every company. The provider's own."),
}
_LATER: Final = (("now", "Now"), ("1", "In 1 day"), ("7", "In 7 days"), ("30", "In 30 days"))


async def _keys(visit: Visit) -> Mapping[str, Any]:
    query = visit.query
    user, ended = query.get("user"), bool(query.get("ended"))
    shown = await visit.see("listKeys", user=user, revoked=ended, sign_ins=False, cursor=query.get("cursor"))
    signed_in = await visit.see("listKeys", user=user, revoked=False, sign_ins=True, limit=_SIGN_INS)
    owner = None if user is None else await visit.get("/v1/users/{id}", user)
    return {
        "keys": shown["items"],
        "next": shown["next"],
        "signed_in": signed_in["items"],
        "more_signed_in": signed_in["next"] is not None,
        "owner": owner,
        "ended": ended,
        "about": _ABOUT,
        "my_key": visit.person.key,
    }


async def _new(visit: Visit) -> Mapping[str, Any]:
    return await _new_form(visit, visit.query.get("user", ""))


async def _new_form(
    visit: Visit,
    user: str,
    *,
    label: str = "",
    scopes: tuple[str, ...] = ("send", "read"),
    errors: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    owner = None if not user else await visit.get("/v1/users/{id}", user)
    return {
        "title": "Make a key",
        "owner": owner,
        "label": label,
        "scopes": [(one, *_ABOUT[one], one in scopes) for one in _to_give(visit, owner)],
        "errors": errors or {},
    }


def _to_give(visit: Visit, owner: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return the scopes that this page offers; whether each may be given is createKey's to say."""
    own = visit.person.operator and visit.person.acting_for == visit.person.tenant
    wide = ordered(tuple(_ABOUT)) if own else tuple(one for one in ordered(tuple(_ABOUT)) if one not in PROVIDER_ROLES)
    return wide if owner is None else tuple(one for one in wide if one in of_role(owner["role"]))


async def _make(visit: Visit, fields: Fields) -> Again:
    user, label, scopes = fields.text("user"), fields.text("label"), fields.texts("scopes")
    try:
        done = await visit.done("createKey", body={"user": user or None, "scopes": list(scopes), "label": label})
    except Problem as problem:
        errors = errors_of(problem, ("label", "scopes", "user"))
        if not scopes:
            errors = {"scopes": "Tick what the key is for."}
        shown = await _new_form(visit, user, label=label, scopes=scopes, errors=errors)
        return Again("keys_new.html", shown)
    return _secret(done.shown, "The new key", effective(done), "")


def _secret(shown: Mapping[str, Any], title: str, awaits: str, old: str) -> Again:
    given = {"title": title, "key": shown["key"], "secret": shown["secret"], "awaits": awaits.strip(), "old": old}
    return Again("keys_secret.html", given, status=200)


async def _renewing(visit: Visit) -> Mapping[str, Any]:
    key = await visit.get(_KEY, visit.names["id"])
    return {"title": "Renew a key", "key": key, "choices": _LATER, "about": _ABOUT}


async def _renew(visit: Visit, fields: Fields) -> Again:
    days = fields.text("ends")
    ends = datetime.now(UTC) + timedelta(days=int(days)) if days in {"1", "7", "30"} else None
    body = {} if ends is None else {"revoke_at": ends.isoformat()}
    done = await visit.done("rotateKey", {"id": visit.names["id"]}, body)
    old = done.shown["old"]["revoke_at"] if ends is not None else ""
    return _secret(done.shown, "The renewed key", effective(done), old)


async def _revoking(visit: Visit) -> Mapping[str, Any]:
    key = await visit.get(_KEY, visit.names["id"])
    owner = None if key["user"] is None else await visit.get("/v1/users/{id}", key["user"])
    return {"title": "Revoke a key", "key": key, "owner": owner}


async def _revoke(visit: Visit, fields: Fields) -> Went:
    await visit.patch(_KEY, visit.names["id"], {"revoked": True})
    said = "The sign-in was ended." if fields.ticked("sign_in") else "The key was revoked: nothing gets in with it."
    return Went(_HERE, said)


_ONE: Final = f"{_AT}/{{id}}"
PAGES: Final[tuple[Page, ...]] = (
    Page(_AT, "API keys", "keys.html", _keys, live=("api_keys",)),
    Page(f"{_AT}/new", "Make a key", "keys_new.html", _new, of=For.WRITERS),
    Page(f"{_ONE}/renew", "Renew a key", "keys_renew.html", _renewing, of=For.WRITERS),
    Page(f"{_ONE}/revoke", "Revoke a key", "keys_revoke.html", _revoking, of=For.WRITERS),
)
FORMS: Final[tuple[Form, ...]] = (
    Form(f"{_AT}/new", _make),
    Form(f"{_ONE}/renew", _renew, back=_AT),
    Form(f"{_ONE}/revoke", _revoke, back=_AT),
)
DOWNLOADS: Final[tuple[Download, ...]] = ()
