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
from registry.company import Entry, Known, row_reader
from registry.keeping import There, keep, left
from registry.quickly import replaced
from registry.records import Assignment, Brand, Extension, Number, Record, User
from registry.rows import BadRow
from registry.tables import brands, campaigns, extensions

_INSTANTS: Final = ("sms_enabled_at", "number_changed_at", "licence_changed_at")
_OF_NUMBER: Final = ("user", "kind", "sms", *_INSTANTS, "toll_free_verification")
#: Columns of a file that are fields of an assignment.
_OF_ASSIGNMENT: Final = (("assignment", "state"), ("campaign_id", "campaign_id"), ("brand_id", "brand_id"))


async def judge_given(connection: AsyncConnection, office: Office, kind: str, rows: Sequence[Row]) -> "JudgeGiven":
    """Read what a batch of rows that are to be as the file has them is about; kind is numbers, users or assignments."""
    seen, known = await _look(connection, office.tenant, kind, rows)
    return JudgeGiven(office, kind, seen, known)


class JudgeGiven:
    """Judges rows that are to be as the file has them; a Judge."""

    def __init__(self, office: Office, kind: str, seen: Seen, known: Known) -> None:
        self._office = office
        self._kind = kind
        self._known = known
        self._read = row_reader("users" if kind == "users" else "numbers", known)
        #: The rows of the database, as the rows of the file leave them; and as they were when judged() was last asked.
        self._rows: dict[RowName, Record] = {
            (of, key): one for of, found in seen.items() for key, one in found.items() if one is not None
        }
        self._there = There(self._rows)
        self._before: dict[RowName, Record | None] = {}
        self._roles: list[User] = []
        #: What rows about new numbers come to: they are alike by the thousand, but for the number and its user.
        self._alike: dict[tuple[Any, ...], tuple[Record, ...]] = {}

    def row(self, row: Row) -> Outcome:
        """As Judge."""
        if row.faults:
            return Outcome(faults=row.faults)
        did = None if self._kind == "users" else canonical_sender(row.cells.get("did") or "")
        number = self._rows.get((Number, (did,))) if did is not None else None
        before = number if isinstance(number, Number) else None
        if did is not None and before is None and self._kind == "numbers":
            return self._new(row, did)
        return self._one(row, did, before)

    def _new(self, row: Row, did: str) -> Outcome:
        """Judge a row about a new number: as one before it that was alike, where there was one."""
        user = row.cells.get("user")
        alike = tuple(cell for cell in row.cells.items() if cell[0] not in {"did", "user"})
        known = self._alike.get(alike)
        person = None if user is None else self._there.user(user)
        if known is None or (user is not None and not self._is_ours(person)):
            outcome = self._one(row, did, None)
            if not outcome.faults:
                of_number = (self._rows.get((kind, (did,))) for kind in (Number, Assignment))
                self._alike[alike] = tuple(record for record in of_number if record is not None)
            return outcome
        number, *links = known
        records = [replaced(number, did=did, user=user), *(replaced(link, did=did) for link in links)]
        return Outcome(changed=self._enter(records))

    def _is_ours(self, person: User | None) -> bool:
        return person is not None and person.tenant == self._office.tenant and person.left_at is None

    def _one(self, row: Row, did: str | None, number: Number | None) -> Outcome:
        """Judge a row by itself; number is the one that it is about, where there is one."""
        entry, bad = self._read(self._company_row(row.cells, did, number))
        faults = self._faults(entry, bad, number)
        if entry is None or faults:
            return Outcome(faults=faults)
        if left(self._there, entry.put):
            return Outcome(faults=(Fault("", "has_left"),))
        return Outcome(changed=self._enter(keep(self._there, entry.put, self._office.now), entry.remove))

    def judged(self) -> Judged:
        """As Judge."""
        before, self._before = self._before, {}
        roles, self._roles = self._roles, []
        put, remove, seen = list[Record](), list[RowName](), dict[type[Record], dict[RowKey, Record | None]]()
        for name, was in before.items():
            now = self._rows.get(name)
            if now == was:
                continue
            seen.setdefault(name[0], {})[name[1]] = was
            if now is None:
                remove.append(name)
            else:
                put.append(now)
        return Judged(put=put, remove=remove, seen=seen, roles=roles)

    def _enter(self, records: Iterable[Record], gone: Iterable[RowName] = ()) -> tuple[str, ...]:
        """Let later rows find what a good row leaves; returns what it changed."""
        changed: dict[str, None] = {}
        rows = self._rows
        for record in records:
            kind = type(record)
            name = kind, row_key(record)
            before = rows.get(name)
            if record == before:
                continue
            self._before.setdefault(name, before)
            rows[name] = record
            if kind is Number:
                changed["did" if before is None else "row"] = None
            else:
                changed[kind.__name__.lower()] = None
            if isinstance(record, User) and isinstance(before, User) and record.role != before.role:
                self._roles.append(record)
            if isinstance(record, Extension):
                self._known.extensions[record.tenant, record.digits] = record.user
        for name in gone:
            if (before := rows.pop(name, None)) is not None:
                self._before.setdefault(name, before)
                changed[name[0].__name__.lower()] = None
        return tuple(changed)

    def _company_row(self, cells: Mapping[str, str | None], did: str | None, number: Number | None) -> dict[str, Any]:
        """Return a row as a company file has it; what the file has no column for is as it is."""
        tenant = self._office.tenant
        if self._kind == "users":
            return {"tenant": tenant, **cells}
        data: dict[str, Any] = {"did": did or cells.get("did"), "tenant": tenant}
        for name in _OF_NUMBER:
            if name in cells and self._kind == "numbers":
                data[name] = cells[name]
            elif number is not None:
                value = getattr(number, name)
                data[name] = value.isoformat() if name in _INSTANTS and value is not None else value
        link = None if number is None else self._rows.get((Assignment, (number.did,)))
        assignment = {
            ours: cells[name] if name in cells else None if link is None else getattr(link, ours)
            for name, ours in _OF_ASSIGNMENT
        }
        data["assignment"] = assignment if assignment["state"] is not None else None
        return data

    def _faults(self, entry: Entry | None, bad: Sequence[BadRow], number: Number | None) -> tuple[Fault, ...]:
        """Return what is wrong with a row; number is the one that it is about, where there is one."""
        if number is not None and number.tenant != self._office.tenant:
            return (Fault("did", "not_found"),)
        if bad or entry is None:
            return tuple(Fault(_column(one.field), "bad_value", one.problem.capitalize() + ".") for one in bad)
        return (Fault("did", "not_found"),) if number is None and self._kind == "assignments" else ()


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
    of_campaign = sa.select(campaigns.c.id, brands.c.tenant).select_from(campaigns.join(brands))
    found = await connection.execute(of_campaign.where(many.among(connection, [campaigns.c.id], joined)))
    holders: dict[str, str] = {}
    if digits := named("extension"):
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


def _column(field: str) -> str:
    return {"assignment.state": "assignment"}.get(field, field.rpartition(".")[2])
