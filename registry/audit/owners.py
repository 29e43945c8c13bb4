"""Whose rows of the audit are: the company that a change is of, and sees.

A campaign is its brand's company's, an assignment its number's. What moved from one company to another is neither's to
see, for the row tells of both; what belongs to nobody is nobody's.
"""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry import many
from registry.records import Assignment, Brand, Campaign, Contact, Number, Record, Tenant, TokenKey
from registry.tables import brands, numbers

#: Gives the connection when nothing else uses it.
Idle = Callable[[], Awaitable[AsyncConnection]]
#: Rows that were read, by kind and key; None where there is none of that key.
Seen = Mapping[type[Any], Mapping[Any, Record | None]]
#: A record before and after a change.
Sides = tuple[Record | None, Record | None]


class _Parents(NamedTuple):
    """The companies of those that others belong to."""

    brands: Mapping[str, str]
    numbers: Mapping[str, str]


async def owners(idle: Idle, changes: Sequence[Sides], seen: Seen) -> list[str | None]:
    """Return the company of each change, before or after the rows are written; seen has other rows, as they are."""
    records: dict[type[Any], list[Any]] = {}
    for sides in changes:
        for record in sides:
            if record is not None:
                records.setdefault(type(record), []).append(record)
    parents = _Parents(
        brands=await _tenants(
            idle,
            (brands.c.id, brands.c.tenant),
            {campaign.brand_id for campaign in records.get(Campaign, ())},
            {brand.id: brand.tenant for brand in (*_known(seen, Brand), *records.get(Brand, ()))},
        ),
        numbers=await _tenants(
            idle,
            (numbers.c.did, numbers.c.tenant),
            {link.did for link in records.get(Assignment, ())},
            {number.did: number.tenant for number in (*_known(seen, Number), *records.get(Number, ()))},
        ),
    )
    found = []
    for before, after in changes:
        whose = {_owner(record, parents) for record in (before, after) if record is not None}
        found.append(whose.pop() if len(whose) == 1 else None)
    return found


def _known(seen: Seen, kind: type[Any]) -> Iterator[Any]:
    return (record for record in seen.get(kind, {}).values() if record is not None)


async def _tenants(
    idle: Idle,
    columns: tuple[sa.Column[str], sa.Column[str]],
    wanted: Collection[str],
    known: Mapping[str, str],
) -> dict[str, str]:
    """Return whose some rows are: known from the change itself, or looked up."""
    missing = [(key,) for key in sorted(set(wanted) - set(known))]
    found = dict(known)
    if missing:
        connection = await idle()
        rows = await connection.execute(sa.select(*columns).where(many.among(connection, columns[:1], missing)))
        found |= dict(rows.all())
    return found


def _owner(record: Any, parents: _Parents) -> str | None:
    kind = type(record)
    if kind is Assignment:
        return parents.numbers.get(record.did)
    if kind is Campaign:
        return parents.brands.get(record.brand_id)
    if kind is Contact or kind is TokenKey:
        return None
    owner: str = record.id if kind is Tenant else record.tenant
    return owner
