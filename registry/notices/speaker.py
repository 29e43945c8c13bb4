"""Who says it: each company's own system user, named Texting registration, and the keys with which it sends.

It is a user of the company, because an instant message is from one colleague to another; its role is nobody's to give
or take (flows/desk.py), it has no number, and so none of its texts leaves the company.

A key is minted when it is first needed, held in memory, and revoked after KEY_LIFE or at the end. One that a killed
process left behind is revoked by the next.

Not here: what is sent (instant.py).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.credentials import Minted, mint
from registry.database import Database
from registry.flows.desk import SYSTEM_ROLE, Desk
from registry.records import ApiKey, User
from registry.tables import api_keys, users

NAME: Final = "Texting registration"
LABEL: Final = "notices to admins"
ACTOR: Final = "notices"
KEY_LIFE: Final = timedelta(hours=6)
#: Longer than any process keeps one.
_LEFT_BEHIND: Final = KEY_LIFE + timedelta(hours=1)
#: A key that no gateway knows after so long was revoked by somebody, or nothing reaches the gateways anyway.
_KNOWN_BY_THEN: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    minted: Minted
    since: datetime


class Speaker:
    """The keys of the system users, by company, for one purpose: label says which, scopes what for."""

    def __init__(self, database: Database, *, scopes: tuple[str, ...] = ("send",), label: str = LABEL) -> None:
        self._database = database
        self._scopes = scopes
        self._label = label
        self._held: dict[str, _Held] = {}

    async def key(self, tenant: str, now: datetime) -> str:
        """Return a key of the company's system user; both are made where there is none."""
        held = self._held.get(tenant)
        if held is None or now - held.since > KEY_LIFE:
            async with self._database.writing() as connection:
                desk = Desk(connection=connection, tenant=tenant, actor=ACTOR, now=now)
                user = await system_user(desk)
                minted = mint(tenant=tenant, user=user.id, scopes=self._scopes, label=self._label)
                record = replace(minted.record, created_at=now)
                await desk.save([record, *([] if held is None else [replace(held.minted.record, revoked_at=now)])])
            held = self._held[tenant] = _Held(minted=replace(minted, record=record), since=now)
        return held.minted.text

    async def refused(self, tenant: str, now: datetime) -> None:
        """Hear that the gateway does not take a company's key: unless it is new, another will be minted."""
        held = self._held.get(tenant)
        if held is not None and now - held.since >= _KNOWN_BY_THEN:
            del self._held[tenant]
            await self._revoke([held.minted.record], now)

    async def clean(self, now: datetime) -> None:
        """Revoke the keys that ran out, and those that were left behind."""
        old = {tenant: held for tenant, held in self._held.items() if now - held.since > KEY_LIFE}
        async with self._database.reading() as connection:
            left = await _left_behind(connection, self._label, now)
        records = {record.id: record for record in (*left, *(held.minted.record for held in old.values()))}
        await self._revoke(list(records.values()), now)
        for tenant in old:
            del self._held[tenant]

    async def close(self, now: datetime) -> None:
        """Revoke every key that is held."""
        held, self._held = list(self._held.values()), {}
        await self._revoke([one.minted.record for one in held], now)

    async def _revoke(self, records: list[ApiKey], now: datetime) -> None:
        if records:
            async with self._database.writing() as connection:
                desk = Desk(connection=connection, tenant=records[0].tenant, actor=ACTOR, now=now)
                await desk.save([replace(record, revoked_at=now) for record in records])


async def system_user(desk: Desk) -> User:
    """Return the company's system user, made if need be; desk is of one writing transaction."""
    theirs = await desk.all(User, users.c.tenant == desk.tenant, users.c.role == SYSTEM_ROLE)
    if theirs:
        return theirs[0]
    name = f"system-{desk.tenant}"[:120]
    while await desk.connection.scalar(sa.select(users.c.id).where(users.c.id == name)) is not None:
        name += "-"  # Somebody's own id.
    user = User(id=name, tenant=desk.tenant, name=NAME, role=SYSTEM_ROLE, licence="")
    await desk.save([user])
    return user


async def _left_behind(connection: AsyncConnection, label: str, now: datetime) -> list[ApiKey]:
    query = (
        sa.select(api_keys)
        .join(users, users.c.id == api_keys.c.user)
        .where(
            users.c.role == SYSTEM_ROLE,
            api_keys.c.label == label,
            api_keys.c.revoked_at.is_(None),
            api_keys.c.created_at < now - _LEFT_BEHIND,
        )
    )
    return [ApiKey(**row) for row in (await connection.execute(query)).mappings()]
