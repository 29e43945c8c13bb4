"""What a file that gives states does not say of a record: kept as the database has it.

A company file knows nothing of number pools, reasons, the SMS page or who left. So an import takes these from the rows
that are there, and imported twice, a file changes nothing the second time.

What has left stays as it left: an old file gives back neither a number that was ported out, nor one to who is gone.

Not here: how rows are written (importer.py, bulk/).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from registry.commands import find, row_key
from registry.quickly import replaced
from registry.records import Assignment, Brand, Campaign, Extension, Number, Record, Tenant, User

R = TypeVar("R", bound=Record)

#: The fields that no file holds, by kind of record.
_KEPT: Final[Mapping[type[Record], tuple[str, ...]]] = {
    Tenant: ("provider",),
    User: ("left_at",),
    Brand: ("faults",),
    Campaign: ("number_pool", "faults", "created_at"),
    Number: ("sms_page", "left_at"),
}
#: What is looked up here, in any order.
_KINDS: Final[tuple[type[Record], ...]] = (*_KEPT, Assignment, Extension)


class There(NamedTuple):
    """The rows that the database has for some records, and the people whom these name, by kind and primary key."""

    rows: Mapping[tuple[type[Any], tuple[str, ...]], Record]

    def of(self, record: R) -> R | None:
        """Return the row that a record is to take the place of."""
        found = self.rows.get((type(record), row_key(record)))
        return found if type(found) is type(record) else None

    def user(self, name: str) -> User | None:
        """Return a person."""
        found = self.rows.get((User, (name,)))
        return found if isinstance(found, User) else None


async def what_is_there(connection: AsyncConnection, records: Iterable[Record]) -> There:
    """Look up what keep() and left() need for some records."""
    listed = list(records)
    rows: dict[tuple[type[Record], tuple[str, ...]], Record] = {}
    for kind in _KINDS:
        keys = {row_key(record) for record in listed if type(record) is kind}
        if kind is User:
            keys |= {(name,) for record in listed if (name := _person(record)) is not None}
        if kind is Number:
            keys |= {(record.did,) for record in listed if isinstance(record, Assignment)}
        rows |= {(kind, key): found for key, found in (await find(connection, kind, keys)).items()}
    return There(rows)


def keep(there: There, records: Iterable[Record], now: datetime) -> list[Record]:
    """Return the records of one row with what the database has of the fields that no file holds."""
    listed = list(records)
    linked = any(isinstance(record, Assignment) for record in listed)
    return [_kept(there, record, now, linked=linked) for record in listed]


def left(there: There, records: Iterable[Record]) -> bool:
    """Say whether a row is about somebody or something that left, so that it is to stay as it is."""
    for record in records:
        match record:
            case Number() | User() if (before := there.of(record)) is not None and before.left_at is not None:
                return True
        name = _person(record)
        person = None if name is None else there.user(name)
        if person is not None and person.left_at is not None:
            return True
    return False


def _person(record: Record) -> str | None:
    return record.user if isinstance(record, Number | Extension) else None


def _kept(there: There, record: Record, now: datetime, *, linked: bool) -> Record:
    before = there.of(record)
    if isinstance(record, Assignment):
        same = isinstance(before, Assignment) and (before.state, before.campaign_id) == (
            record.state,
            record.campaign_id,
        )
        if same and isinstance(before, Assignment):
            return replaced(record, since=before.since, fault=before.fault)
        return replaced(record, since=now)
    if before is not None and type(record) in _KEPT:
        return replaced(record, **{name: getattr(before, name) for name in _KEPT[type(record)]})
    if isinstance(record, Number) and before is None:
        # (new to us: it stands on the page if it can text, could once, or is in a campaign)
        on_page = record.sms == "enabled" or record.sms_enabled_at is not None or linked
        return replaced(record, sms_page=on_page)
    return record
