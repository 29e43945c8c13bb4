"""The logins of the console: whose an email address is, their password's hash and time zone, and invitations.

An email is one person's, over all companies. An invitation is a link with a secret that an admin hands over; it is good
for some days and for one password.

Not here: how passwords are hashed and checked (console/passwords.py).
"""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.audit import deeds
from registry.flows.desk import Desk
from registry.people.rights import PROVIDER_ROLES
from registry.problems import Problem, wrong_field
from registry.work_tables import logins

INVITED: Final = timedelta(days=7)
_EMAIL: Final = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,189}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """One person's login."""

    email: str
    tenant: str
    user: str
    #: Argon2; "" while there is none.
    password: str
    changed_at: datetime
    invitation: str | None
    invited_until: datetime | None
    #: IANA name of the zone in which they want to see times; None: that of the company that they look at.
    time_zone: str | None


async def login_of(connection: AsyncConnection, **where: str) -> Login | None:
    """Return a login by its email, user or invitation (the digest); None when there is none."""
    conditions = [logins.c[name] == value for name, value in where.items()]
    row = (await connection.execute(sa.select(logins).where(*conditions))).mappings().first()
    return None if row is None else Login(**row)


async def put_login(
    connection: AsyncConnection, *, email: str, user: str, tenant: str, now: datetime, actor: str, **values: Any
) -> None:
    """Write a person's login, whatever email they had before. Problem: invalid_value, email_taken.

    actor: who gives it, for the audit.
    """
    email = read_email(email)
    before, other = await login_of(connection, user=user), await login_of(connection, email=email)
    if other is not None and other.user != user:
        raise wrong_field("/email", "email_taken")
    row = {"email": email, "user": user, "tenant": tenant, "changed_at": now, **values}
    if before is None:
        await connection.execute(sa.insert(logins).values({"password": ""} | row))
    else:
        await connection.execute(sa.update(logins).where(logins.c.user == user).values(row))
    await _audit(connection, user, before, actor, now)


async def set_password(connection: AsyncConnection, user: str, kept: str, now: datetime) -> None:
    """Give a person another password, which they chose; an invitation has done its work."""
    before = await login_of(connection, user=user)
    values = {"password": kept, "changed_at": now, "invitation": None, "invited_until": None}
    await connection.execute(sa.update(logins).where(logins.c.user == user).values(values))
    await _audit(connection, user, before, f"user:{user}", now)


async def set_time_zone(connection: AsyncConnection, user: str, zone: str | None, now: datetime) -> None:
    """Show a person times in a zone of their own from now on; None: in their company's again."""
    before = await login_of(connection, user=user)
    if before is None or before.time_zone != zone:
        await connection.execute(sa.update(logins).where(logins.c.user == user).values(time_zone=zone))
        await _audit(connection, user, before, f"user:{user}", now)


async def remove_login(connection: AsyncConnection, user: str, actor: str, now: datetime) -> bool:
    """Forget how a person signs in: the email address is free for somebody else. False: there is none.

    actor: who has it forgotten, for the audit. Their sign-ins go on; those end with their keys.
    """
    before = await login_of(connection, user=user)
    if before is None:
        return False
    await connection.execute(sa.delete(logins).where(logins.c.user == user))
    await _audit(connection, user, before, actor, now)
    return True


async def _audit(connection: AsyncConnection, user: str, before: Login | None, actor: str, now: datetime) -> None:
    """Have it in the audit how somebody signs in from now on."""
    after = await login_of(connection, user=user)
    there = after or before
    tenant = None if there is None else there.tenant
    sides = {"before": _told(before), "after": _told(after)}
    await deeds.note(connection, deeds.LOGINS, (user,), at=now, actor=actor, tenant=tenant, **sides)


def _told(login: Login | None) -> deeds.Fields | None:
    """Return what the audit has of a login: no password's hash, and no invitation."""
    if login is None:
        return None
    return {
        "email": login.email,
        "has_password": bool(login.password),
        "changed_at": login.changed_at,
        "invited_until": login.invited_until,
        "time_zone": login.time_zone,
    }


async def invite(desk: Desk, user_id: str, email: str) -> tuple[str, datetime]:
    """Invite a person to choose a password; returns the secret of the link, and until when it is good.

    A password that they have goes on until then. Problem: not_found, invalid_value, email_taken; forbidden for one of
    the provider's people, but from an operator.
    """
    user = await desk.user(user_id)
    if user.role in PROVIDER_ROLES and not desk.operator:
        raise Problem("forbidden")
    secret, until = secrets.token_urlsafe(24), desk.now + INVITED
    await put_login(
        desk.connection,
        email=email,
        user=user.id,
        tenant=user.tenant,
        now=desk.now,
        actor=desk.actor,
        invitation=digest(secret),
        invited_until=until,
    )
    return secret, until


def digest(secret: str) -> str:
    """Return what is kept of an invitation's secret."""
    return sha256(f"invitation:{secret}".encode()).hexdigest()


def read_email(typed: str) -> str:
    """Return an email address as it is kept. Problem: invalid_value."""
    email = typed.strip().lower()
    if _EMAIL.fullmatch(email) is None:
        raise wrong_field("/email", "invalid_value", "Type an email address, such as ann@example.com.")
    return email
