"""Messages > Opt-outs: who said STOP, who may have, who came back; Reviews: what went out and is worth a person's look.

An opt-out is true in the gateway's store: one number and the lists are looked up there, as they are now. What an admin
says of one goes on its way (registry/restorations), and how far that is stands with the number.

Not here: how an opt-out is heard (the gateway), and what stops a text (compliance/rules/opt_out.py).
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from compliance.destinations import read_destination
from registry.action import Look
from registry.bulk.cells import csv_line, neutral
from registry.console import ledger
from registry.console.explained import title_of
from registry.console.faults import errors_of
from registry.console.naming import names_of
from registry.console.pages import Again, Download, Fields, For, Form, Page, Went
from registry.console.visit import Visit
from registry.ledger.consent import STATES, Consent, StoreAwayError, consent_of, everybody, listed
from registry.problems import Problem

_AT: Final = "/messages/opt-outs"
_HERE: Final = f"/console{_AT}"
_PAGE: Final = 50
_TEXTS: Final = 5
_LIVE: Final = ("restorations",)
_LISTS: Final = {"out": "Opted out", "suspected": "Suspected", "lifted": "Taken back"}
_COLUMNS: Final = (
    *("state", "recipient", "at", "keyword", "number", "text"),
    *("evidence", "vouched_by", "opted_out_at", "opted_out_keyword"),
)
_NO_NUMBER: Final = "Give a whole phone number, such as +1 646-555-0151."
#: What became of what an admin said: how it is called, and how it looks.
_BECAME: Final[Mapping[str, tuple[str, str]]] = {
    "pending": ("On its way", "waiting"),
    "restored": ("Taken back", "good"),
    "dismissed": ("It was no opt-out", "good"),
    "was_not_out": ("Had not opted out", "plain"),
    "opted_out": ("Opted out", "good"),
    "overtaken": ("Not done", "bad"),
    "refused": ("Not done", "bad"),
}
_WHY: Final[Mapping[str, str]] = {
    "overtaken": "They said STOP, or may have, after you vouched: that stands. Say what they did since.",
    "gateway_unreachable": "The gateway does not answer. It is tried again by itself.",
    "gateway_timed_out": "The gateway does not answer. It is tried again by itself.",
    "gateway_answered_503": "The gateway is not ready. It is tried again by itself.",
    "gateway_refused_key": "The gateway does not know our key yet. It is tried again by itself.",
}


async def _list(visit: Visit) -> Mapping[str, Any]:
    typed, state = visit.query.get("number", ""), visit.query.get("state", "out")
    number = read_destination(typed)[1] if typed else ""
    shown: dict[str, Any] = {
        "typed": typed,
        "number": number,
        "error": _NO_NUMBER if typed and not number else "",
        "became": _became,
        "lists": _LISTS,
        "state": state if state in STATES else "out",
        "away": False,
        "items": [],
        "next": None,
        "counts": {},
        "complete": True,
    }
    if number:
        return shown | await _one(visit, number)
    if typed:
        return shown
    try:
        found = await listed(
            _store(visit), await _tenant(visit), shown["state"], cursor=visit.query.get("cursor"), limit=_PAGE
        )
    except StoreAwayError:
        return shown | {"away": True}
    except ValueError:
        raise Problem("invalid_cursor") from None
    return shown | {"items": found.items, "next": found.next, "counts": found.counts, "complete": found.complete}


async def _one(visit: Visit, number: str) -> dict[str, Any]:
    """Show where one person stands, what is on its way about them, and the last texts to them."""
    settled = (await visit.see("listRestorations", recipient=number))["restorations"]
    return {
        "consent": await consent_of(_store(visit), await _tenant(visit), number),
        "texts": (await ledger.messages(visit, counterpart=number, limit=_TEXTS))["messages"],
        "settled": settled,
        "names": await names_of(visit, (one["asked_by"] for one in settled)),
    }


async def _settled(visit: Visit) -> Mapping[str, Any]:
    found = await visit.see("listRestorations", cursor=visit.query.get("cursor"), limit=_PAGE)
    names = await names_of(visit, (one["asked_by"] for one in found["restorations"]))
    return {"settled": found["restorations"], "next": found["next"], "names": names, "became": _became}


async def _restoring(visit: Visit) -> Mapping[str, Any]:
    return await _form(visit, visit.query.get("number", ""))


async def _form(
    visit: Visit, typed: str, *, evidence: str = "", vouched: bool = False, errors: Mapping[str, str] | None = None
) -> dict[str, Any]:
    number = read_destination(typed)[1] if typed else ""
    consent = None if not number else await consent_of(_store(visit), await _tenant(visit), number)
    return {
        "title": "Take an opt-out back",
        "typed": typed,
        "number": number,
        "consent": consent,
        "evidence": evidence,
        "vouched": vouched,
        "errors": errors or {},
    }


async def _restore(visit: Visit, given: Fields) -> Went | Again:
    typed, evidence, vouched = given.text("recipient"), _written(given, "evidence"), given.ticked("vouched")
    errors: Mapping[str, str] = {}
    if not vouched:
        errors = {"vouched": "Tick it, or leave the opt-out as it is: nobody but the person ends it."}
    else:
        try:
            done = await visit.do("restoreOptOut", body={"recipient": typed, "evidence": evidence})
        except Problem as problem:
            if not problem.faults:
                raise
            errors = errors_of(problem, ("recipient", "evidence"))
        else:
            said = "It is on its way to the gateway, with your evidence. What became of it is below."
            return Went(_of(done["recipient"]), said)
    shown = await _form(visit, typed, evidence=evidence, vouched=vouched, errors=errors)
    return Again("opt_outs_restore.html", shown)


async def _confirm(visit: Visit, given: Fields) -> Went:
    body = {"recipient": given.text("recipient"), "evidence": _written(given, "evidence")}
    done = await visit.do("confirmOptOut", body=body)
    return Went(_of(done["recipient"]), "It is an opt-out: nobody can text this number as soon as the gateway has it.")


async def _export(visit: Visit) -> AsyncIterator[bytes]:
    people = everybody(_store(visit), await _tenant(visit))
    try:
        first = await anext(people, None)
        yield csv_line(_COLUMNS)
        if first is not None:
            yield csv_line(map(neutral, _cells(first)))
        async for one in people:
            yield csv_line(map(neutral, _cells(one)))
    except StoreAwayError:
        raise Problem("opt_outs_away", retry_after_s=1) from None


def _cells(one: Consent) -> Sequence[str]:
    match one.state:
        case "out":
            said = (_at(one.out_at), one.keyword, one.number, "", "", "", "", "")
        case "suspected":
            said = (_at(one.suspected_at), "", one.suspected_number, one.suspected_text, "", "", "", "")
        case _:
            ended = (_at(one.lifted_at), one.lifted_by, "", "")
            said = (*ended, one.evidence, one.vouched_by, _at(one.was_at), one.was_keyword)
    return (one.state, one.recipient, *said)


def _at(at: datetime | None) -> str:
    return "" if at is None else at.isoformat(timespec="seconds")


def _became(one: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return what became of what an admin said: its name, how it looks, and why, if there is something to say."""
    name, look = _BECAME.get(one["outcome"] or one["state"]) or ("Not done", "bad")
    word = one["outcome"] if one["outcome"] == "overtaken" else one["fault"]
    if word is None:
        return name, look, ""
    waits = one["state"] == "pending"
    return name, look, _WHY.get(word) or f"{'It is tried again' if waits else 'The gateway refused it'} ({word})."


def _written(given: Fields, name: str) -> str:
    return given.text(name).replace("\r\n", "\n")


def _of(number: str) -> str:
    return f"{_HERE}?number={quote(number, safe='')}"


def _store(visit: Visit) -> str:
    url: str = visit.tools.settings.queue_url
    return url


async def _tenant(visit: Visit) -> str:
    async def run(look: Look) -> str:
        return look.tenant

    return await visit.performing.look(visit.looks, run)


async def _reviews(visit: Visit) -> Mapping[str, Any]:
    found = await ledger.messages(visit, verdict="flag", cursor=visit.query.get("cursor"))
    names = await names_of(visit, (f"user:{one['user']}" for one in found["messages"]))
    return {"messages": found["messages"], "next": found["next"], "names": names, "title_of": title_of}


PAGES: Final[tuple[Page, ...]] = (
    Page(_AT, "Opt-outs", "opt_outs.html", _list, live=_LIVE),
    Page(f"{_AT}/settled", "Settled by your company", "opt_outs_settled.html", _settled, live=_LIVE),
    Page(f"{_AT}/restore", "Take an opt-out back", "opt_outs_restore.html", _restoring, of=For.WRITERS),
    Page("/messages/reviews", "Reviews", "reviews.html", _reviews),
)
FORMS: Final[tuple[Form, ...]] = (
    Form(f"{_AT}/restore", _restore, of=For.WRITERS),
    Form(f"{_AT}/confirm", _confirm, of=For.WRITERS, back=_AT),
)
DOWNLOADS: Final[tuple[Download, ...]] = (Download(f"{_AT}.csv", "opt-outs.csv", "text/csv", _export),)
