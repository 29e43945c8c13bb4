"""Whose rows of the audit are: the company that a change is of, and sees.

A campaign is its brand's company's, an assignment its number's. What moved from one company to another is neither's to
see, for the row tells of both; what belongs to nobody is nobody's.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry import many
from registry.records import Assignment, Brand, Campaign, Contact, Number, Record, Tenant, TokenKey
from registry.tables import brands, numbers

#: A record before and after a change.
Sides = tuple[Record | None, Record | None]


class _Parents(NamedTuple):
    """The companies of those that others belong to."""

    brands: Mapping[str, str]
    numbers: Mapping[str, str]


async def owners(connection: AsyncConnection, changes: Sequence[Sides]) -> list[str | None]:
    """Return the company of each change, before or after the rows are written."""
    records = [record for sides in changes for record in sides if record is not None]
    parents = _Parents(
        brands=await _tenants(
            connection,
            (brands.c.id, brands.c.tenant),
            {record.brand_id for record in records if isinstance(record, Campaign)},
            {record.id: record.tenant for record in records if isinstance(record, Brand)},
        ),
        numbers=await _tenants(
            connection,
            (numbers.c.did, numbers.c.tenant),
            {record.did for record in records if isinstance(record, Assignment)},
            {record.did: record.tenant for record in records if isinstance(record, Number)},
        ),
    )
    found = []
    for sides in changes:
        whose = {_owner(record, parents) for record in sides if record is not None}
        found.append(whose.pop() if len(whose) == 1 else None)
    return found


async def _tenants(
    connection: AsyncConnection,
    columns: tuple[sa.Column[str], sa.Column[str]],
    wanted: Collection[str],
    known: Mapping[str, str],
) -> dict[str, str]:
    """Return whose some rows are: known from the change itself, or looked up."""
    missing = [(key,) for key in sorted(set(wanted) - set(known))]
    found = dict(known)
    if missing:
        rows = await connection.execute(sa.select(*columns).where(many.among(connection, columns[:1], missing)))
        found |= dict(rows.all())
    return found


def _owner(record: Record, parents: _Parents) -> str | None:
    match record:
        case Tenant(id=tenant):
            return tenant
        case Campaign(brand_id=brand):
            return parents.brands.get(brand)
        case Assignment(did=did):
            return parents.numbers.get(did)
        case Contact() | TokenKey():
            return None
    return record.tenant
