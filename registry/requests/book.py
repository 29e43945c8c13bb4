"""Opens, finds and dismisses requests. One is open for a person, a number and a recipient at a time.

A request that no admin could fulfil is not taken: one for a text that may go already, and one that only the recipient,
or nobody at all, can make possible.
"""

import secrets
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from compliance.catalogue import CATALOGUE
from compliance.codes import Code
from compliance.destinations import read_destination
from compliance.senders import canonical_sender
from registry.flows.desk import Desk
from registry.lifecycle.cycle import ABSENT, NotAllowedError
from registry.lifecycle.numbers import REQUEST
from registry.preflight.facts import Asked
from registry.preflight.look import Preflight, look
from registry.problems import Problem, wrong_field
from registry.records import Number, Request
from registry.tables import requests

#: What one person can have open; an app that asks in a loop stops there.
MOST_OPEN: Final = 100
_CODES: Final = frozenset(str(code) for code in CATALOGUE)


class Wanted(NamedTuple):
    """What the employee's app sends."""

    #: The number that they wanted to text from; None: their own.
    number: str | None
    to: str
    #: The code of the refusal.
    reason: str
    note: str


class Opened(NamedTuple):
    """A request, with what is missing."""

    request: Request
    preflight: Preflight
    #: It was there already.
    again: bool


async def open_request(desk: Desk, user: str, wanted: Wanted) -> Opened:
    """Open a request, or return the one that is open for the same.

    Problem: invalid_value, invalid_enum, already_possible, nobody_can_help, too_many_requests.
    """
    if wanted.reason not in _CODES:
        raise wrong_field("/reason", "invalid_enum", "Give the code of the refusal.")
    recipient = read_destination(wanted.to)[1]
    if not recipient:
        raise wrong_field("/to", "invalid_value", "Give the phone number that could not be texted.")
    did = await _own_number(desk, wanted.number)
    same = await desk.all(
        Request,
        requests.c.tenant == desk.tenant,
        requests.c.user == user,
        requests.c.recipient == recipient,
        requests.c.did.is_(None) if did is None else requests.c.did == did,
        requests.c.state == "open",
    )
    preflight = await look(desk.connection, Asked(desk.tenant, recipient, number=did, user=user), desk.limits)
    if same:
        return Opened(same[0], preflight, again=True)
    if preflight.can_send:
        raise Problem("already_possible")
    if preflight.dead_end is not None:
        raise Problem("nobody_can_help")
    await _check_count(desk, user)
    request = Request(
        id=_new_id(desk.now),
        tenant=desk.tenant,
        user=user,
        did=did,
        recipient=recipient,
        reason=str(Code(wanted.reason)),
        note=wanted.note,
        state=REQUEST.after(ABSENT, "opened"),
        opened_at=desk.now,
        closed_at=None,
        closed_by=None,
    )
    await desk.save([request])
    return Opened(request, preflight, again=False)


async def find_request(desk: Desk, name: str, user: str | None = None) -> Request:
    """Return the tenant's request; of an employee (user) only their own. Problem: not_found."""
    found = await desk.one(Request, name)
    if found is None or found.tenant != desk.tenant or user not in {None, found.user}:
        raise Problem("not_found")
    return found


async def dismiss(desk: Desk, name: str, note: str) -> Request:
    """Close an open request, with what the admin writes back."""
    request = await find_request(desk, name)
    try:
        state = REQUEST.after(request.state, "dismissed")
    except NotAllowedError:
        raise Problem("not_from_here") from None
    closed = replace(request, state=state, answer=note, closed_at=desk.now, closed_by=desk.actor)
    await desk.save([closed])
    return closed


async def missing(desk: Desk, request: Request) -> Preflight:
    """Return how it stands with what a request is about. Problem: not_found, unknown_user when it is there no more."""
    asked = Asked(request.tenant, request.recipient, number=request.did, user=request.user)
    return await look(desk.connection, asked, desk.limits)


def shown(request: Request, preflight: Preflight | None = None, *, to_employee: bool = False) -> dict[str, Any]:
    """Return a request as JSON, with what is missing where that was asked for."""
    listed = {
        "id": request.id,
        "user": request.user,
        "from": request.did,
        "to": request.recipient,
        "reason": request.reason,
        "note": request.note,
        "state": request.state,
        "opened_at": request.opened_at,
        "closed_at": request.closed_at,
        "closed_by": request.closed_by,
        "answer": request.answer,
    }
    return listed if preflight is None else listed | {"preflight": preflight.shown(to_employee=to_employee)}


async def _own_number(desk: Desk, given: str | None) -> str | None:
    if given is None:
        return None
    did = canonical_sender(given)
    number = None if did is None else await desk.one(Number, did)
    if number is None or number.tenant != desk.tenant or number.left_at is not None:
        raise wrong_field("/from", "invalid_value", "Give a number of your company, or leave it out.")
    return number.did


async def _check_count(desk: Desk, user: str) -> None:
    count = sa.select(sa.func.count()).where(requests.c.user == user, requests.c.state == "open")
    if (await desk.connection.scalar(count) or 0) >= MOST_OPEN:
        raise Problem("too_many_requests")


def _new_id(now: datetime) -> str:
    """Return an id; ids are in the order of time, so that a list of them is."""
    return f"r-{int(now.timestamp() * 1000):012x}{secrets.token_hex(4)}"
