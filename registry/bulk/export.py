"""Writes a company's rows out, a page at a time: memory is bounded, and no transaction waits for whoever reads slowly.

Pages follow the primary key, each of one instant; a row that changes meanwhile is as it was or as it is. What was
written can be read again and changes nothing: as wishes, and with --as-import as states.

Not here: cells that a spreadsheet would run (cells.py).
"""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Final, Literal

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.bulk.cells import neutral
from registry.bulk.columns import Kind
from registry.bulk.numbers import shown_campaign
from registry.commands import find
from registry.database import Database
from registry.flows.desk import SYSTEM_ROLE
from registry.quickly import maker
from registry.records import Assignment, Number, User
from registry.tables import assignments, extensions, numbers, users

Format = Literal["csv", "ndjson"]
_PAGE: Final = 1_000

Cells = dict[str, str | None]


async def export(database: Database, kind: Kind, tenant: str, form: Format) -> AsyncIterator[tuple[int, bytes]]:
    """Give a file in parts, the header first, each with how many rows it has."""
    if form == "csv":
        yield 0, _csv([kind.columns])
    after = ""
    while True:
        async with database.reading() as connection:
            after, rows = await _page(connection, kind, tenant, after)
        if not rows:
            return
        if form == "csv":
            yield len(rows), _csv([[neutral(row.get(name) or "") for name in kind.columns] for row in rows])
        else:
            yield len(rows), b"".join(orjson.dumps(_json(kind, row)) + b"\n" for row in rows)


async def _page(connection: AsyncConnection, kind: Kind, tenant: str, after: str) -> tuple[str, list[Cells]]:
    """Return the rows behind a key, and the key of the last of them."""
    if kind.name == "users":
        return await _people(connection, tenant, after)
    query = (
        sa.select(numbers)
        .where(numbers.c.tenant == tenant, numbers.c.left_at.is_(None), numbers.c.did > after)
        .order_by(numbers.c.did)
        .limit(_PAGE)
    )
    if kind.name == "assignments":
        query = query.where(numbers.c.did.in_(sa.select(assignments.c.did)))
    found = list(map(maker(Number, numbers.columns.keys()), await connection.execute(query)))
    links = await find(connection, Assignment, {(number.did,) for number in found})
    last = found[-1].did if found else after
    return last, [_number(number, links.get((number.did,))) for number in found]


def _number(number: Number, link: Assignment | None) -> Cells:
    return {
        "did": number.did,
        "user": number.user,
        "kind": number.kind,
        "enabled": "yes" if number.sms == "enabled" else "no",
        "campaign_id": shown_campaign(link),
        "sms": number.sms,
        "assignment": None if link is None else link.state,
        "brand_id": None if link is None else link.brand_id,
        "sms_enabled_at": _instant(number.sms_enabled_at),
        "number_changed_at": _instant(number.number_changed_at),
        "licence_changed_at": _instant(number.licence_changed_at),
        "toll_free_verification": number.toll_free_verification,
    }


async def _people(connection: AsyncConnection, tenant: str, after: str) -> tuple[str, list[Cells]]:
    # (of several extensions one is shown; reading it again leaves the others)
    extension = sa.select(sa.func.min(extensions.c.digits)).where(extensions.c.user == users.c.id).scalar_subquery()
    rows = await connection.execute(
        sa.select(*users.c, extension.label("extension"))
        .where(users.c.tenant == tenant, users.c.left_at.is_(None), users.c.role != SYSTEM_ROLE, users.c.id > after)
        .order_by(users.c.id)
        .limit(_PAGE)
    )
    made = maker(User, users.columns.keys())
    found: list[Cells] = []
    for *values, digits in rows:
        user = made(values)
        found.append(
            {"id": user.id, "name": user.name, "role": user.role, "licence": user.licence, "extension": digits}
        )
    return str(found[-1]["id"]) if found else after, found


def _json(kind: Kind, row: Cells) -> dict[str, Any]:
    shown: dict[str, Any] = {name: row.get(name) for name in kind.columns}
    if "enabled" in shown:
        shown["enabled"] = shown["enabled"] == "yes"
    return shown


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue().encode()


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
