"""Audit: who changed what of the company's, and when, each change as a readable difference.

Not here: the rows and their chain (registry/audit).
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import orjson

from registry.console.naming import names_of
from registry.console.pages import Download, Form, Page
from registry.console.rendering import phone, words
from registry.console.visit import Visit
from registry.problems import Problem

_PLAIN: Final = ("kind", "object", "actor")
_TIMES: Final = ("since", "until")
#: Tables whose changes the audit holds, as people call a row of them.
_KINDS: Final[Mapping[str, str]] = {
    "api_keys": "API key",
    "applications": "Application",
    "assignments": "Assignment",
    "brands": "Brand",
    "campaigns": "Campaign",
    "contacts": "Contact",
    "drift": "Drift",
    "erasures": "Erasure of texts",
    "extensions": "Extension",
    "fees": "Adjustment on the bill",
    "key_retirements": "Planned end of an API key",
    "leave_requests": "Leave of the carriers",
    "logins": "Login",
    "notice_hooks": "Notice address",
    "numbers": "Number",
    "opt_outs": "Opt-out",
    "requests": "Request",
    "restorations": "Opt-out settled",
    "tenants": "Company",
    "users": "Person",
    "visits": "Visit of the provider",
}
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,18}(Z|[+-][0-9]{2}:[0-9]{2})", re.ASCII)
_VERBS: Final = {"created": "added", "changed": "changed", "removed": "removed"}


class Difference(NamedTuple):
    """One field that is another now."""

    field: str
    before: str
    after: str


async def _list(visit: Visit) -> Mapping[str, Any]:
    asked: dict[str, Any] = {name: visit.query[name] for name in _PLAIN if name in visit.query}
    errors: dict[str, str] = {}
    for name in _TIMES:
        if name in visit.query:
            try:
                asked[name] = _instant(visit.query[name], visit.person.time_zone).isoformat()
            except (ValueError, OverflowError):
                errors[name] = "Give a day and a time, such as 2026-11-20T09:00."
    if asked.get("object", "").startswith(("+1 ", "(")):  # A number as people write it.
        asked["object"] = "+" + "".join(sign for sign in asked["object"] if sign.isdigit())
    found: dict[str, Any] = {"audit": [], "next": None}
    if not errors:
        try:
            found = await visit.see("listAudit", **asked, cursor=visit.query.get("cursor"))
        except Problem as problem:
            if not problem.faults:
                raise
            errors = {fault.pointer.strip("/"): "This cannot be looked for." for fault in problem.faults}
    return {
        "rows": [_row(row, ZoneInfo(visit.person.time_zone)) for row in found["audit"]],
        "next": found["next"],
        "names": await names_of(visit, (row["actor"] for row in found["audit"])),
        "kinds": sorted(_KINDS.items(), key=lambda pair: pair[1]),
        "errors": errors,
        "broken": [row["id"] for row in found["audit"] if not row["intact"]],
        "filtered": any(name in visit.query for name in (*_PLAIN, *_TIMES)),
        "zone": visit.person.time_zone,
    }


def _instant(typed: str, zone: str) -> datetime:
    at = datetime.fromisoformat(typed)
    return (at.replace(tzinfo=ZoneInfo(zone)) if at.tzinfo is None else at).astimezone(UTC)


def _row(row: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    before, after = row["before"] or {}, row["after"] or {}
    fields = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {
        **row,
        "what": _KINDS.get(row["kind"], words(row["kind"])),
        "which": ", ".join(phone(part) for part in row["key"]),
        "first": row["key"][0] if row["key"] else "",
        "verb": _VERBS.get(row["action"], row["action"]),
        "differences": [
            Difference(words(name), _value(before.get(name), zone), _value(after.get(name), zone)) for name in fields
        ],
    }


def _value(value: Any, zone: ZoneInfo) -> str:
    """Write a value as people read it; instants in the person's zone."""
    match value:
        case None | "" | []:
            return "none"
        case bool():
            return "yes" if value else "no"
        case str() if _INSTANT.fullmatch(value):
            return f"{datetime.fromisoformat(value).astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"
        case str():
            return phone(value) if value.startswith("+") else value
        case list():
            return ", ".join(_value(one, zone) for one in value)
        case dict():
            return orjson.dumps(value).decode()
        case _:
            return str(value)


PAGES: Final[tuple[Page, ...]] = (Page("/audit", "Audit", "audit.html", _list),)
FORMS: Final[tuple[Form, ...]] = ()
DOWNLOADS: Final[tuple[Download, ...]] = ()
