"""The flows of keys: made, renewed, and narrowed when a person's role changes or the person leaves.

The secret is in the answer to the call that made the key, and nowhere else. Renewing makes a second key with the same
rights. The old one ends at once, unless an instant is named, until which both work: a program is then switched over
without a break (retirements.py takes the old one back).

Nobody gives what they do not have: rights.py.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.audit import deeds
from registry.credentials import Minted, mint
from registry.flows.desk import SYSTEM_ROLE, Desk
from registry.people import rights
from registry.problems import Problem, wrong_field
from registry.records import ApiKey, Tenant, User
from registry.tables import api_keys
from registry.work_tables import key_retirements

#: The longest that an old key may go on beside the new one.
OVERLAP_MAX: Final = timedelta(days=30)


async def create(desk: Desk, *, user: str | None, scopes: Sequence[str], label: str) -> Minted:
    """Make a key of the tenant, or of one of its users. Problem: scope_not_yours, scope_beyond_role, unknown_user."""
    await _check_scopes(desk, scopes)
    if user is not None:
        await _check_role(desk, user, scopes)
    minted = mint(tenant=desk.tenant, user=user, scopes=rights.ordered(scopes), label=label, at=desk.now)
    await desk.save([minted.record])
    return minted


async def rotate(desk: Desk, name: str, revoke_at: datetime | None = None) -> tuple[Minted, ApiKey]:
    """Make a second key with the rights of one, and end the old one at an instant (None: at once).

    Problem: not_found; not_from_here for a key that was revoked; scope_not_yours for one that is wider.
    """
    old = await key_of(desk, name)
    if old.revoked_at is not None:
        raise Problem("not_from_here")
    if rights.PROVIDER_SCOPES & set(old.scopes):
        await _check_scopes(desk, old.scopes)
    if revoke_at is not None and revoke_at > desk.now + OVERLAP_MAX:
        days = OVERLAP_MAX.days
        raise wrong_field("/revoke_at", "invalid_value", f"Name an instant within {days} days.")
    minted = mint(tenant=old.tenant, user=old.user, scopes=old.scopes, label=old.label, at=desk.now)
    ends_now = revoke_at is None or revoke_at <= desk.now
    left = replace(old, revoked_at=desk.now) if ends_now else old
    await desk.save([minted.record, left])
    await _plan(desk, old.id, None if ends_now else revoke_at)
    return minted, left


async def key_of(desk: Desk, name: str) -> ApiKey:
    """Return the tenant's key; Problem not_found."""
    key = await desk.one(ApiKey, name)
    if key is None or key.tenant != desk.tenant:
        raise Problem("not_found")
    owner = await desk.one(User, key.user)
    if owner is not None and owner.role == SYSTEM_ROLE:
        raise Problem("not_found")
    return key


async def ends_at(connection: AsyncConnection, names: Collection[str]) -> dict[str, datetime]:
    """Return when keys end that are to, by their ids."""
    table = key_retirements
    rows = await connection.execute(sa.select(table.c.key, table.c.at).where(table.c.key.in_(list(names))))
    return {row.key: row.at for row in rows}


async def narrowed(connection: AsyncConnection, people: Iterable[User], now: datetime) -> list[ApiKey]:
    """Return the keys of people as they are to be: no wider than the role, and revoked where the person left.

    What is not changed is left out. A key that nothing is left of is revoked.
    """
    by_id = {person.id: person for person in people}
    if not by_id:
        return []
    rows = await connection.execute(
        sa.select(api_keys).where(api_keys.c.user.in_(list(by_id)), api_keys.c.revoked_at.is_(None)),
    )
    found = [ApiKey(**row) for row in rows.mappings()]
    return [one for key in found if (one := _narrowed(key, by_id[key.user or ""], now)) != key]


def _narrowed(key: ApiKey, person: User, now: datetime) -> ApiKey:
    scopes = tuple(scope for scope in key.scopes if scope in rights.of_role(person.role))
    if person.left_at is not None or not scopes:
        return replace(key, revoked_at=now)
    return replace(key, scopes=scopes)


async def _check_scopes(desk: Desk, scopes: Sequence[str]) -> None:
    tenant = await desk.one(Tenant, desk.tenant)
    place = rights.too_wide(scopes, operator=desk.operator, provider=tenant is not None and tenant.provider)
    if place is not None:
        fix = "Leave it out: an operator gives it, and to keys of the provider's own company."
        raise wrong_field(f"/scopes/{place}", "scope_not_yours", fix)


async def _check_role(desk: Desk, name: str, scopes: Sequence[str]) -> None:
    try:
        user = await desk.user(name)
    except Problem:
        raise wrong_field("/user", "unknown_user") from None
    allowed = rights.of_role(user.role)
    for place, scope in enumerate(scopes):
        if scope not in allowed:
            fix = f"Leave it out, or give the person another role: with this one a key has {_listed(allowed)} at most."
            raise wrong_field(f"/scopes/{place}", "scope_beyond_role", fix)


def _listed(scopes: Collection[str]) -> str:
    return ", ".join(rights.ordered(scopes))


async def _plan(desk: Desk, key: str, at: datetime | None) -> None:
    """Note when a key ends; the last word counts."""
    table = key_retirements
    before = await desk.connection.scalar(sa.select(table.c.at).where(table.c.key == key))
    await desk.connection.execute(sa.delete(table).where(table.c.key == key))
    if at is not None:
        values: dict[str, Any] = {"key": key, "at": at, "wished_by": desk.actor}
        await desk.connection.execute(sa.insert(table).values(values))
    await deeds.note(
        desk.connection,
        deeds.KEY_ENDS,
        (key,),
        at=desk.now,
        actor=desk.actor,
        tenant=desk.tenant,
        before=None if before is None else {"ends_at": before},
        after=None if at is None else {"ends_at": at},
    )
