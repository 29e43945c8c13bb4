"""The flows of people: who joins, another role or name, another licence, a login taken away, and leaving.

A change of licence takes SMS away from all of a person's numbers, even when the same numbers stay (R5 of the console's
rules); an admin enables one again.
"""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from registry.flows.desk import Desk
from registry.lifecycle import standing as steps
from registry.lifecycle.numbers import LICENCE, licence_state
from registry.lifecycle.standing import Standing
from registry.people.keys import narrowed
from registry.people.logins import remove_login
from registry.people.rights import ADMIN_ROLE, PROVIDER_ROLES
from registry.problems import Problem, wrong_field
from registry.records import ApiKey, Extension, Number, Record, Tenant, User
from registry.tables import api_keys, extensions, numbers, users


async def join(desk: Desk, *, name: str, role: str, licence: str, extension: str | None) -> User:
    """Take a person into the tenant. Problem: extension_taken; forbidden for a role that is not to be given."""
    await _check_role(desk, role)
    user = User(id=f"u-{secrets.token_hex(8)}", tenant=desk.tenant, name=name, role=role, licence=licence)
    await desk.save([user, *await _extension(desk, user, extension)])
    return user


async def change_user(desk: Desk, name: str, *, given: Mapping[str, Any], extension: str | None = None) -> User:
    """Change a person's name, role or licence, and the extension where one is given; another licence takes SMS away.

    Keys follow the role: what it does not have, they have no longer. Problem: extension_taken, last_admin; forbidden
    for a role that is not to be given or taken.
    """
    before = await desk.user(name)
    user = replace(before, **given)
    put: list[Record] = [user, *await _extension(desk, user, extension)]
    if user.role != before.role:
        await _check_role(desk, before.role)
        await _check_role(desk, user.role)
        if not await _others_administer(desk, before):
            raise wrong_field("/role", "last_admin")
        put += await narrowed(desk.connection, [user], desk.now)
    if user.licence != before.licence:
        LICENCE.observed(licence_state(before.licence), licence_state(user.licence))
        put += [
            replace(number, licence_changed_at=desk.now, sms=_lost(number))
            for number in await desk.all(Number, numbers.c.user == user.id)
        ]
    await desk.save(put)
    return user


async def leave(desk: Desk, name: str) -> None:
    """Let a person go: the numbers into the pool with SMS off, the extension and the login's email address free.

    Their keys are revoked.

    Problem: last_admin; forbidden where the role is the provider's to take.
    """
    user = await desk.user(name)
    await _check_role(desk, user.role)
    if not await _others_administer(desk, user):
        raise Problem("last_admin")
    gone = replace(user, left_at=desk.now)
    put: list[Record] = [gone, *await narrowed(desk.connection, [gone], desk.now)]
    theirs = await desk.all(Number, numbers.c.user == user.id)
    put += [replace(number, user=None, sms=_lost(number), number_changed_at=desk.now) for number in theirs]
    free = await desk.all(Extension, extensions.c.user == user.id)
    await desk.save(put, [(Extension, (one.tenant, one.digits)) for one in free])
    await remove_login(desk.connection, user.id, desk.actor, desk.now)


async def withdraw_login(desk: Desk, name: str) -> None:
    """Take away what a person signs in to the console with. Their sign-ins end; keys that programs have go on.

    Problem: not_found, also where they have none; last_admin, who would be locked out; forbidden for one of the
    provider's people, but from an operator.
    """
    user = await desk.user(name)
    await _check_role(desk, user.role)
    if not await _others_administer(desk, user):
        raise Problem("last_admin")
    if not await remove_login(desk.connection, user.id, desk.actor, desk.now):
        raise Problem("not_found")
    of_sign_ins = [api_keys.c.user == user.id, api_keys.c.sha256 == "", api_keys.c.revoked_at.is_(None)]
    await desk.save([replace(key, revoked_at=desk.now) for key in await desk.all(ApiKey, *of_sign_ins)])


async def _others_administer(desk: Desk, user: User) -> bool:
    """Say whether the company has an administrator without this one; an operator can always name another."""
    if user.role != ADMIN_ROLE or desk.operator:
        return True
    admins = [users.c.tenant == desk.tenant, users.c.role == ADMIN_ROLE, users.c.left_at.is_(None)]
    return bool(await desk.all(User, *admins, users.c.id != user.id, most=1))


def _lost(number: Number) -> str:
    return steps.lose(Standing(sms=number.sms)).sms


async def _extension(desk: Desk, user: User, digits: str | None) -> list[Record]:
    """Return the extension as it is to be; a person may have had others, which stay."""
    if digits is None:
        return []
    holders = await desk.all(Extension, extensions.c.tenant == user.tenant, extensions.c.digits == digits)
    if any(holder.user != user.id for holder in holders):
        raise wrong_field("/extension", "extension_taken")
    return [Extension(tenant=user.tenant, digits=digits, user=user.id)]


async def _check_role(desk: Desk, role: str) -> None:
    """Refuse a role of the provider's but from an operator, and in the provider's own company. Problem: forbidden."""
    if role not in PROVIDER_ROLES:
        return
    tenant = await desk.one(Tenant, desk.tenant)
    if not desk.operator or tenant is None or not tenant.provider:
        raise Problem("forbidden")
