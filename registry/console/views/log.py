"""Messages > Log: what was sent and refused, with the decision explained rule by rule.

Not here: what a decision means (registry/console/explained.py) and carriers' codes in words (carrier_codes.py).
"""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from compliance.codes import Code
from registry.bulk.cells import csv_line, neutral
from registry.console import ledger
from registry.console.carrier_codes import code_in_words, status_in_words
from registry.console.explained import PAGE_NAMES, explain, title_of
from registry.console.naming import people_of
from registry.console.pages import Again, Download, Fields, For, Form, Page, Went
from registry.console.rendering import phone
from registry.console.visit import Visit, path_of
from registry.ledger.batch import clean
from registry.ledger.queries import SCAN
from registry.problems import Problem

#: Columns of the file, as the API names them.
_COLUMNS: Final = (
    *("id", "accepted_at", "user", "from", "to", "channel", "origin", "verdict", "reason", "campaign_id"),
    *("segments", "status", "status_at", "attempts"),
)
_FILE_PAGE: Final = 500
#: So many of the ledger's pages are looked through once the first has nothing, before somebody is asked to go on.
_FURTHER: Final = 3
_PLAIN: Final = ("number", "counterpart", "user", "reason", "verdict", "channel", "status")
_TIMES: Final = ("since", "until")
_ASKED: Final = (*_PLAIN, *_TIMES)
_SPENT: Final = "The list changed what it is about. Here it is from the beginning."
_NOT_A_TIME: Final = "Give a day and a time, such as 2026-11-20T09:00."
_KINDS: Final = {"contradicted": "A receipt says otherwise", "doubt": "The carrier took it a second time"}


def _question(visit: Visit) -> tuple[dict[str, str], dict[str, str]]:
    """Return what is asked of the ledger, and what of it cannot be read, by field."""
    asked: dict[str, str] = {name: visit.query[name] for name in _PLAIN if name in visit.query}
    wrong: dict[str, str] = {}
    for name in _TIMES:
        if name in visit.query:
            at = _instant(visit.query[name], visit.person.time_zone)
            if at is None:
                wrong[name] = _NOT_A_TIME
            else:
                asked[name] = at.isoformat()
    return asked, wrong


def _instant(typed: str, zone: str) -> datetime | None:
    """Read what a date field gives, in the person's zone."""
    try:
        at = datetime.fromisoformat(typed)
        return (at.replace(tzinfo=ZoneInfo(zone)) if at.tzinfo is None else at).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


async def _list(visit: Visit) -> Mapping[str, Any]:
    asked, wrong = _question(visit)
    found: dict[str, Any] = {"messages": [], "next": None}
    told = ""
    if not wrong:
        try:
            found = await _some(visit, asked)
        except Problem as problem:
            if problem.code == "invalid_cursor":
                told, found = _SPENT, await _first(visit, asked)
            elif problem.faults:
                wrong = {fault.pointer.strip("/"): "This cannot be looked for." for fault in problem.faults}
            else:
                raise
    return {
        "messages": found["messages"],
        "next": found["next"],
        "names": await people_of(visit, (one["user"] for one in found["messages"])),
        "reasons": sorted(((code.value, title_of(code)) for code in Code), key=lambda pair: pair[1]),
        "title_of": title_of,
        "status_in_words": status_in_words,
        "errors": wrong,
        "told": told,
        "filtered": any(name in visit.query for name in _ASKED),
        "zone": visit.person.time_zone,
        "question": urlencode({name: visit.query[name] for name in _ASKED if name in visit.query}),
    }


async def _some(visit: Visit, asked: Mapping[str, str]) -> dict[str, Any]:
    """Return a page with something on it, if it is not too far: a rare thing may be many of the ledger's pages away."""
    found = await ledger.messages(visit, SCAN, **asked, cursor=visit.query.get("cursor"))
    if found["messages"] or found["next"] is None:
        return found
    return await ledger.messages(visit, _FURTHER * SCAN, **asked, cursor=found["next"])


async def _first(visit: Visit, asked: Mapping[str, str]) -> dict[str, Any]:
    return await ledger.messages(visit, **asked)


async def _message(visit: Visit) -> Mapping[str, Any]:
    message = await ledger.message(visit, visit.names["id"])
    explained = explain(message)
    return {
        "title": f"Message to {phone(message['to'])}",
        "m": message,
        "why": explained,
        "names": await people_of(visit, [message["user"], *_users(explained.facts)]),
        "events": [_event(one) for one in message["events"]],
        "status_in_words": status_in_words,
        "title_of": title_of,
        "page_names": PAGE_NAMES,
    }


def _users(facts: Any) -> list[str]:
    """Return the people that facts name."""
    if facts is None:
        return []
    owners = (facts.sender.number and facts.sender.number.owner, facts.recipient.directory)
    return [owner.user for owner in owners if owner is not None and owner.user]


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    words = status_in_words(event["status"])
    said = _KINDS.get(event["kind"])
    return {
        **event,
        "words": f"{said}: {words[:1].lower()}{words[1:]}" if said else words,
        "said": code_in_words(event["code"]),
    }


async def _ask_erase(visit: Visit) -> Mapping[str, Any]:
    return {"m": await ledger.message(visit, visit.names["id"]), "errors": {}}


async def _erase(visit: Visit, fields: Fields) -> Went | Again:
    name = visit.names["id"]
    if not fields.ticked("sure"):
        shown = {
            "title": "Erase the text",
            "m": await ledger.message(visit, name),
            "errors": {"sure": "Tick this to erase the text."},
        }
        return Again("log_erase.html", shown)
    done = await ledger.erase(visit, name)
    said = "The text is erased." if done["done"] else "The text is being erased; this takes a moment."
    return Went(path_of("messages", "log", name), said)


async def _export(visit: Visit) -> AsyncIterator[bytes]:
    """Write the found messages as CSV, as they are read: without what was written, which is on each message's page."""
    asked, wrong = _question(visit)
    yield csv_line(_COLUMNS)
    cursor: str | None = None
    while not wrong:
        found = await ledger.messages(visit, **asked, cursor=cursor, limit=_FILE_PAGE)
        yield b"".join(csv_line([_cell(one[name]) for name in _COLUMNS]) for one in found["messages"])
        cursor = found["next"]
        if cursor is None:
            return


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return "" if value is None else neutral(clean(str(value)))


_ONE: Final = "/messages/log/{id}"
PAGES: Final[tuple[Page, ...]] = (
    Page("/messages/log", "Message log", "log_list.html", _list),
    Page(_ONE, "Message", "log_message.html", _message),
    Page(f"{_ONE}/erase", "Erase the text", "log_erase.html", _ask_erase, of=For.WRITERS),
)
FORMS: Final[tuple[Form, ...]] = (Form(f"{_ONE}/erase", _erase, For.WRITERS, back=_ONE),)
DOWNLOADS: Final[tuple[Download, ...]] = (Download("/messages/log.csv", "messages.csv", "text/csv", _export),)
