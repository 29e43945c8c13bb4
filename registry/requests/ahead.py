"""Reads ahead what several requests will be looked at for, so that five take hardly more statements than one.

What is read is remembered by the reading (registry/remembered.py) under the names by which it is asked for; whoever
asks for something else reads it as ever.

Not here: what is made of it (book.py, registry/preflight/facts.py).
"""

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from registry import documents
from registry.action import Look
from registry.commands import find
from registry.flows.numbers import numbers_on
from registry.records import Assignment, Number, OptOut, Record, Request, User
from registry.remembered import know

R = TypeVar("R", bound=Record)


async def read_ahead(names: Sequence[str], look: Look) -> None:
    """Read what requests are about: people, numbers, recipients."""
    connection = look.connection
    asked = [one for one in await _known(connection, Request, set(names)) if one.tenant == look.tenant]
    people = {one.user for one in asked}
    dids = {one.did for one in asked if one.did is not None}
    recipients = {one.recipient for one in asked}
    await _known(connection, User, people)
    owned = await _known(connection, Number, dids)
    owners = people | {one.user for one in owned if one.user is not None}
    for owner, theirs in (await numbers_on(connection, owners)).items():
        know(connection, ("on", owner), {owner: theirs})
    await _known(connection, Assignment, dids)
    keys = {(look.tenant, one) for one in recipients}
    opted_out = await find(connection, OptOut, keys)
    for key in keys:
        know(connection, (OptOut, *key), {key: opted_out[key]} if key in opted_out else {})
    wanted = {documents.USERS: people, documents.NUMBERS: dids | recipients, documents.LINES: recipients}
    rendered = await documents.render(connection, {kind: {(one,) for one in some} for kind, some in wanted.items()})
    for name, document in rendered.items():
        know(connection, name, {name: document})


async def _known(connection: AsyncConnection, kind: type[R], names: set[str]) -> list[R]:
    """Return records by their ids, and have them known as Desk.one() asks for them, those that are not there, too."""
    found: dict[Any, R] = await find(connection, kind, {(name,) for name in names})
    for name in names:
        know(connection, (kind, name), {(name,): found[(name,)]} if (name,) in found else {})
    return list(found.values())
