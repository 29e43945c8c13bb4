"""Who is signed in: a cookie with a random name, of which SQL has the digest, and what the person may right now.

Each sign-in has a key of its own among the company's (without a secret: nobody can show it). It is what the person's
tokens open, it is listed and can be revoked like any other, and it ends with the sign-in, the person, or the role: so
does the sign-in. A sign-in ends by itself after half a day, or two hours in which nobody opened a page or sent a form;
Messages, which asks for a token every few minutes, counts as use while it is open.

Not here: the cookie (frame.py) and the password (passwords.py).
"""

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.admin_keys import Admin
from registry.audit import deeds
from registry.commands import change, find
from registry.console.visit import Person
from registry.database import Database
from registry.people import retirements
from registry.people.rights import PROVIDER_ROLES
from registry.problems import Problem
from registry.records import ApiKey, Tenant, User
from registry.tables import api_keys, tenants, users
from registry.work_tables import key_retirements, logins, sign_ins

_LIVES: Final = timedelta(hours=12)
_IDLE: Final = timedelta(hours=2)
#: How exactly the last click is known.
_SEEN: Final = timedelta(minutes=1)
_SCOPES: Final = ("send", "read")
LABEL: Final = "Sign-in to the console"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A new sign-in."""

    #: For the cookie; never kept, never logged.
    secret: str
    until: datetime


class Sessions:
    """The sign-ins of all people."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, user: User, *, instead_of: str | None = None) -> SignedIn:
        """Sign somebody in; a sign-in that the same browser had ends (instead_of: its secret)."""
        now = datetime.now(UTC)
        new = SignedIn(secret=secrets.token_urlsafe(32), until=now + _LIVES)
        key = ApiKey(
            id=secrets.token_hex(10),
            sha256="",  # (no key has this digest)
            tenant=user.tenant,
            user=user.id,
            scopes=_SCOPES,
            label=LABEL,
            revoked_at=None,
            created_at=now,
        )
        async with self._database.writing() as connection:
            if instead_of is not None:
                await _end(connection, sign_ins.c.id == _digest(instead_of), now)
            await _end(connection, sign_ins.c.until <= now, now, retirements.ACTOR)
            await change(connection, actor=f"user:{user.id}", put=[key])
            await connection.execute(
                sa.insert(sign_ins).values(
                    id=_digest(new.secret),
                    key=key.id,
                    tenant=user.tenant,
                    user=user.id,
                    csrf=secrets.token_urlsafe(24),
                    created_at=now,
                    seen_at=now,
                    until=new.until,
                )
            )
            ends = {"key": key.id, "at": new.until, "wished_by": f"user:{user.id}"}
            await connection.execute(sa.insert(key_retirements).values(ends))
        return new

    async def person(self, secret: str, *, uses: bool = False) -> Person | None:
        """Return whose sign-in a cookie is of; None when there is none (any more).

        uses: somebody does something, so the sign-in goes on; a page that looks by itself whether it is new does not.
        """
        now = datetime.now(UTC)
        async with self._database.reading() as connection:
            row = await _row(connection, secret, now)
        if row is None:
            return None
        if uses and now - row["seen_at"] > _SEEN:
            async with self._database.writing() as connection:
                seen = sa.update(sign_ins).where(sign_ins.c.id == _digest(secret)).values(seen_at=now)
                await connection.execute(seen)
        return _person(row)

    async def end(self, secret: str) -> None:
        """Sign somebody out: the key of the sign-in is revoked, and its tokens open nothing any more."""
        async with self._database.writing() as connection:
            await _end(connection, sign_ins.c.id == _digest(secret), datetime.now(UTC))

    async def end_others(self, user: str, *, but: str | None = None, actor: str | None = None) -> None:
        """Sign somebody out everywhere else, as after a new password (but: the key of the sign-in that stays).

        actor: who had that done, for the audit; None: they themselves.
        """
        others = sign_ins.c.user == user
        those = others if but is None else others & (sign_ins.c.key != but)
        async with self._database.writing() as connection:
            await _end(connection, those, datetime.now(UTC), actor)

    async def act_for(self, secret: str, tenant: str) -> None:
        """Have one of the provider's people look at a company. Problem: not_found; forbidden for anybody else."""
        async with self._database.writing() as connection:
            row = await _row(connection, secret, datetime.now(UTC))
            if row is None or not _person(row).provider:
                raise Problem("forbidden")
            if not await find(connection, Tenant, {(tenant,)}):
                raise Problem("not_found")
            if row.acting_for != tenant:
                await _note_visit(connection, _person(row), tenant)
            acting = sa.update(sign_ins).where(sign_ins.c.id == _digest(secret)).values(acting_for=tenant)
            await connection.execute(acting)

    async def check(self, connection: AsyncConnection, secret: str, *, writes: bool) -> Admin:
        """Return who a sign-in is, within a transaction: an admin of the company that they look at.

        Problem: unauthenticated; forbidden for employees, and for support where something is to be changed.
        """
        row = await _row(connection, secret, datetime.now(UTC))
        if row is None:
            raise Problem("unauthenticated")
        person = _person(row)
        if not (person.admin if writes else person.sees_company):
            raise Problem("forbidden")
        return Admin(
            tenant=person.acting_for,
            actor=f"user:{person.user}",
            operator=person.operator,
            provider=person.provider,
        )

    async def check_self(self, connection: AsyncConnection, secret: str) -> Admin:
        """Return who a sign-in is, as an employee among their own. Problem: unauthenticated."""
        row = await _row(connection, secret, datetime.now(UTC))
        if row is None:
            raise Problem("unauthenticated")
        return Admin(tenant=row["tenant"], actor=f"user:{row['user']}", user=row["user"])

    async def key(self, secret: str) -> ApiKey:
        """Return the key of a sign-in. Problem: unauthenticated."""
        async with self._database.reading() as connection:
            row = await _row(connection, secret, datetime.now(UTC))
            if row is None:
                raise Problem("unauthenticated")
            return (await find(connection, ApiKey, {(row["key"],)}))[(row["key"],)]


_LOOKED_AT: Final = tenants.alias("looked_at")


async def _row(connection: AsyncConnection, secret: str, now: datetime) -> Any:
    """Return a sign-in that goes on, with its person and companies."""
    wanted = (
        sa.select(
            sign_ins,
            users.c.name,
            users.c.role,
            tenants.c.provider,
            _LOOKED_AT.c.id.label("looked_at"),
            _LOOKED_AT.c.name.label("company"),
            sa.func.coalesce(logins.c.time_zone, _LOOKED_AT.c.time_zone).label("time_zone"),
            _LOOKED_AT.c.country,
            _LOOKED_AT.c.currency,
        )
        .select_from(
            sign_ins.join(users, users.c.id == sign_ins.c.user)
            .join(tenants, tenants.c.id == sign_ins.c.tenant)
            .join(_LOOKED_AT, _LOOKED_AT.c.id == sa.func.coalesce(sign_ins.c.acting_for, sign_ins.c.tenant))
            .join(api_keys, api_keys.c.id == sign_ins.c.key)
            # (Who lost the login while a sign-in of theirs began has none.)
            .join(logins, logins.c.user == sign_ins.c.user)
        )
        .where(
            sign_ins.c.id == _digest(secret),
            sign_ins.c.until > now,
            sign_ins.c.seen_at > now - _IDLE,
            users.c.left_at.is_(None),
            api_keys.c.revoked_at.is_(None),
        )
    )
    return (await connection.execute(wanted)).mappings().first()


def _person(row: Any) -> Person:
    provider = bool(row["provider"]) and row["role"] in PROVIDER_ROLES
    # Who is of the provider's no longer looks at no other company.
    is_elsewhere = row["looked_at"] != row["tenant"] and not provider
    return Person(
        user=row["user"],
        name=row["name"],
        role="employee" if is_elsewhere else row["role"],
        tenant=row["tenant"],
        acting_for=row["tenant"] if is_elsewhere else row["looked_at"],
        company=row["company"],
        time_zone=row["time_zone"],
        country=row["country"],
        currency=row["currency"],
        provider=provider,
        operator=provider and row["role"] == "operator",
        key=row["key"],
        csrf=row["csrf"],
        signed_in_at=row["created_at"],
    )


async def _note_visit(connection: AsyncConnection, person: Person, tenant: str) -> None:
    """Have it in a company's audit that somebody of the provider's looks at what is theirs."""
    now, actor = datetime.now(UTC), f"user:{person.user}"
    shown = {"role": person.role}
    await deeds.note(connection, deeds.VISITS, (person.user,), at=now, actor=actor, tenant=tenant, after=shown)


async def _end(
    connection: AsyncConnection, those: sa.ColumnElement[bool], now: datetime, actor: str | None = None
) -> None:
    """End sign-ins, and revoke their keys; actor: who does, None: whose they are."""
    rows = (await connection.execute(sa.select(sign_ins.c.key, sign_ins.c.user).where(those))).all()
    if not rows:
        return
    names = [row.key for row in rows]
    found = await find(connection, ApiKey, {(name,) for name in names})
    by_key = {row.key: row.user for row in rows}
    for key in found.values():
        if key.revoked_at is None:
            await change(connection, actor=actor or f"user:{by_key[key.id]}", put=[replace(key, revoked_at=now)])
    await connection.execute(sa.delete(key_retirements).where(key_retirements.c.key.in_(names)))
    await connection.execute(sa.delete(sign_ins).where(those))


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
