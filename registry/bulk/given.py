"""A file taken as it is, states and all, as a company file is: for the provider's people, from the command line only.

Rows go through the reader of company files (company.py), so that both say the same about the same fault; what is not
possible is listed as drift afterwards. What belongs to another company is not found, and never moved.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from compliance.senders import canonical_sender
from registry import many
from registry.bulk.faults import Fault
from registry.bulk.judged import Judged, Office, Outcome
from registry.bulk.reading import Row
from registry.commands import RowName, find, row_key
from registry.company import Entry, Known, read_rows
from registry.keeping import keep, left, what_is_there
from registry.records import Assignment, Brand, Number, Record, User
from registry.rows import BadRow
from registry.tables import brands, campaigns, extensions

_INSTANTS: Final = ("sms_enabled_at", "number_changed_at", "licence_changed_at")


async def judge_given(connection: AsyncConnection, office: Office, kind: str, rows: Sequence[Row]) -> Judged:
    """Judge a batch of rows that are to be as the file has them; kind is numbers, users or assignments."""
    numbers = await _numbers(connection, rows) if kind != "users" else {}
    known = await _known(connection, office.tenant, rows, numbers)
    good = [row for row in rows if not row.faults]
    data = [_company_row(office.tenant, kind, row, numbers) for row in good]
    read = dict(
        zip((id(row) for row in good), read_rows("users" if kind == "users" else "numbers", data, known), strict=True)
    )
    there = await what_is_there(connection, (one for entry, _ in read.values() if entry for one in entry.put))
    outcomes: list[Outcome] = []
    put: dict[tuple[type[Record], tuple[str, ...]], Record] = {}
    gone: dict[RowName, None] = {}
    for row in rows:
        if row.faults:
            outcomes.append(Outcome(faults=row.faults))
            continue
        entry, bad = read[id(row)]
        did = canonical_sender(row.cells.get("did") or "")
        faults = _faults(office, kind, did, entry, bad, numbers)
        if entry is not None and not faults and left(there, entry.put):
            faults = (Fault("", "has_left"),)
        if entry is None or faults:
            outcomes.append(Outcome(faults=faults))
            continue
        outcomes.append(_take(entry, keep(there, entry.put, office.now), put, gone, there.rows))
    return Judged(outcomes=outcomes, put=list(put.values()), remove=[name for name in gone if name not in put])


def _take(
    entry: Entry,
    records: Sequence[Record],
    put: dict[tuple[type[Record], tuple[str, ...]], Record],
    gone: dict[RowName, None],
    there: Mapping[tuple[type[Record], tuple[str, ...]], Record],
) -> Outcome:
    """Note what a good row writes; returns what it changed."""
    changed: list[str] = []
    for record in records:
        name = (type(record), row_key(record))
        before = put.get(name, None if name in gone else there.get(name))
        if record != before:
            put[name] = record
            gone.pop(name, None)
            changed += (
                ["did" if before is None else "row"] if isinstance(record, Number) else [type(record).__name__.lower()]
            )
    for name in entry.remove:
        if name in put or name in there:
            changed.append(name[0].__name__.lower())
            put.pop(name, None)
            gone[name] = None
    return Outcome(changed=tuple(dict.fromkeys(changed)))


async def _numbers(connection: AsyncConnection, rows: Sequence[Row]) -> dict[str, tuple[Number, Assignment | None]]:
    keys = {(did,) for row in rows if (did := canonical_sender(row.cells.get("did") or "")) is not None}
    links = await find(connection, Assignment, keys)
    return {key[0]: (number, links.get(key)) for key, number in (await find(connection, Number, keys)).items()}


async def _known(
    connection: AsyncConnection,
    tenant: str,
    rows: Sequence[Row],
    numbers: Mapping[str, tuple[Number, Assignment | None]],
) -> Known:
    """Return what the rows of a batch may refer to, and what those that are there do."""
    there = [one for pair in numbers.values() for one in pair if one is not None]

    def named(column: str) -> set[tuple[str, ...]]:
        cells = (row.cells.get(column) for row in rows if not row.faults)
        kept = (getattr(one, column, None) for one in there)
        return {(cell,) for cell in (*cells, *kept) if cell is not None}

    users = await find(connection, User, named("user") | named("id"))
    theirs = await find(connection, Brand, named("brand_id"))
    ids = [(name,) for (name,) in named("campaign_id")]
    found = await connection.execute(
        sa.select(campaigns.c.id, brands.c.tenant)
        .select_from(campaigns.join(brands))
        .where(many.among(connection, [campaigns.c.id], ids))
    )
    digits = [(one,) for (one,) in named("extension")]
    held = await connection.execute(
        sa.select(extensions.c.digits, extensions.c.user).where(
            extensions.c.tenant == tenant, many.among(connection, [extensions.c.digits], digits)
        )
    )
    return Known(
        tenants={tenant},
        users={user.id: user.tenant for user in users.values()},
        brands={brand.id: brand.tenant for brand in theirs.values()},
        campaigns={row.id: row.tenant for row in found},
        extensions={(tenant, row.digits): row.user for row in held},
    )


def _company_row(
    tenant: str, kind: str, row: Row, numbers: Mapping[str, tuple[Number, Assignment | None]]
) -> dict[str, Any]:
    """Return a row as a company file has it; what the file has no column for is as it is."""
    cells = row.cells
    if kind == "users":
        return {"tenant": tenant, **cells}
    did = canonical_sender(cells.get("did") or "") or cells.get("did")
    data: dict[str, Any] = {"did": did, "tenant": tenant}
    number, link = numbers.get(did or "", (None, None))
    for name in ("user", "kind", "sms", *_INSTANTS, "toll_free_verification"):
        if name in cells and kind == "numbers":
            data[name] = cells[name]
        elif number is not None:
            value = getattr(number, name)
            data[name] = value.isoformat() if name in _INSTANTS and value is not None else value
    known = {} if link is None else {"state": link.state, "campaign_id": link.campaign_id, "brand_id": link.brand_id}
    given = {
        ours: cells[name]
        for name, ours in (("assignment", "state"), ("campaign_id", "campaign_id"), ("brand_id", "brand_id"))
        if name in cells
    }
    assignment = known | given
    data["assignment"] = assignment if assignment.get("state") is not None else None
    return data


def _faults(
    office: Office,
    kind: str,
    did: str | None,
    entry: Entry | None,
    bad: Sequence[BadRow],
    numbers: Mapping[str, tuple[Number, Assignment | None]],
) -> tuple[Fault, ...]:
    if entry is not None and kind == "users":
        return ()
    number = None if did is None else numbers.get(did, (None, None))[0]
    if number is not None and number.tenant != office.tenant:
        return (Fault("did", "not_found"),)
    if bad:
        return tuple(Fault(_column(one.field), "bad_value", one.problem.capitalize() + ".") for one in bad)
    return (Fault("did", "not_found"),) if number is None and kind == "assignments" else ()


def _column(field: str) -> str:
    return {"assignment.state": "assignment"}.get(field, field.rpartition(".")[2])
