"""A file taken as it is, states and all, as a company file is: for the provider's people, from the command line only.

Rows go through the reader of company files (company.py), so that both say the same about the same fault; what is not
possible is listed as drift afterwards. What belongs to another company is not found, and never moved.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from compliance.senders import canonical_sender
from registry import many
from registry.bulk.faults import Fault
from registry.bulk.judged import Judged, Office, Outcome
from registry.bulk.reading import Row
from registry.commands import RowKey, RowName, Seen, find, row_key
from registry.company import Entry, Known, read_rows
from registry.keeping import There, keep, left
from registry.records import Assignment, Brand, Extension, Number, Record, User
from registry.rows import BadRow
from registry.tables import brands, campaigns, extensions

_INSTANTS: Final = ("sms_enabled_at", "number_changed_at", "licence_changed_at")


async def judge_given(connection: AsyncConnection, office: Office, kind: str, rows: Sequence[Row]) -> Judged:
    """Judge a batch of rows that are to be as the file has them; kind is numbers, users or assignments."""
    seen, known = await _look(connection, office.tenant, kind, rows)
    there = There({(of, key): one for of, found in seen.items() for key, one in found.items() if one is not None})
    numbers = _with_links(seen)
    good = [row for row in rows if not row.faults]
    data = [_company_row(office.tenant, kind, row, numbers) for row in good]
    read = dict(
        zip((id(row) for row in good), read_rows("users" if kind == "users" else "numbers", data, known), strict=True)
    )
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
    removed = [name for name in gone if name not in put]
    return Judged(outcomes=outcomes, put=list(put.values()), remove=removed, seen=seen)


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


async def _look(connection: AsyncConnection, tenant: str, kind: str, rows: Sequence[Row]) -> tuple[Seen, Known]:
    """Read what the rows of a batch are about and may refer to, and what those that are there do."""
    dids: set[RowKey] = {(did,) for row in rows if (did := canonical_sender(row.cells.get("did") or "")) is not None}
    dids = set() if kind == "users" else dids
    numbers, links = await find(connection, Number, dids), await find(connection, Assignment, dids)
    good = [row.cells for row in rows if not row.faults]

    def named(column: str, kept: Iterable[str | None] = ()) -> set[RowKey]:
        return {(cell,) for cells in good if (cell := cells.get(column)) is not None} | {
            (one,) for one in kept if one is not None
        }

    people = named("user", [number.user for number in numbers.values()]) | named("id")
    users = await find(connection, User, people)
    theirs = await find(connection, Brand, named("brand_id", [link.brand_id for link in links.values()]))
    joined = named("campaign_id", [link.campaign_id for link in links.values()])
    found = await connection.execute(
        sa.select(campaigns.c.id, brands.c.tenant)
        .select_from(campaigns.join(brands))
        .where(many.among(connection, [campaigns.c.id], joined))
    )
    digits = named("extension")
    held = await connection.execute(
        sa.select(extensions.c.digits, extensions.c.user).where(
            extensions.c.tenant == tenant, many.among(connection, [extensions.c.digits], digits)
        )
    )
    holders = {row.digits: row.user for row in held}
    known = Known(
        tenants={tenant},
        users={user.id: user.tenant for user in users.values()},
        brands={brand.id: brand.tenant for brand in theirs.values()},
        campaigns={row.id: row.tenant for row in found},
        extensions={(tenant, one): user for one, user in holders.items()},
    )
    dialled = (Extension(tenant=tenant, digits=one, user=user) for one, user in holders.items())
    seen: Seen = {
        Number: {key: numbers.get(key) for key in dids},
        Assignment: {key: links.get(key) for key in dids},
        User: {key: users.get(key) for key in people},
        Extension: {(tenant, one): None for (one,) in digits} | {row_key(one): one for one in dialled},
    }
    return seen, known


def _with_links(seen: Seen) -> dict[str, tuple[Number, Assignment | None]]:
    """Return the numbers that are there, each with its assignment."""
    links = seen[Assignment]
    found = {}
    for key, number in seen[Number].items():
        if isinstance(number, Number):
            link = links[key]
            found[key[0]] = (number, link if isinstance(link, Assignment) else None)
    return found


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
