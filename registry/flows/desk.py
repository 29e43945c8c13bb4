"""Where a flow stands: the transaction, whose objects it may touch, who acts, when, and under which limits."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.commands import RowName, change, find
from registry.lifecycle.cycle import ABSENT
from registry.lifecycle.numbers import PROVISIONING
from registry.problems import Problem
from registry.records import Brand, Campaign, Record, User
from registry.remembered import once
from registry.rows import IDENTIFIER
from registry.tables import TABLES
from registry.work_tables import provisioning_jobs, tcr_jobs

R = TypeVar("R", bound=Record)

#: The role of the user that speaks for the registry (notices/): no person, with nothing that anybody could change.
SYSTEM_ROLE: Final = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the platform sets, from the settings."""

    #: How many numbers a campaign may hold without a number pool.
    numbers_per_campaign: int = 49
    #: How long setting a number up may take, as people are told.
    patience: timedelta = timedelta(hours=48)
    #: Hooks for notices may be on this machine, for a demo.
    allow_private_hooks: bool = False


class _Question:
    """Which records are asked for, to tell the same question from others; compared without making SQL of it."""

    def __init__(self, kind: type[Any], where: tuple[sa.ColumnElement[bool], ...], most: int | None) -> None:
        self._kind = kind
        self._where = where
        self._most = most

    def __hash__(self) -> int:
        """Be near those about the same kind."""
        return hash((self._kind, len(self._where), self._most))

    def __eq__(self, other: object) -> bool:
        """Ask the same, values included."""
        return (
            isinstance(other, _Question)
            and (self._kind, len(self._where), self._most) == (other._kind, len(other._where), other._most)
            and all(mine.compare(theirs) for mine, theirs in zip(self._where, other._where, strict=True))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One flow's place of work, within one transaction of Database.writing()."""

    connection: AsyncConnection
    #: Whose objects there are; those of other tenants are as unknown as none.
    tenant: str
    #: For the audit, such as key:<id>, tcr or provisioning.
    actor: str
    now: datetime
    limits: Limits = Limits()
    #: The provider's people act.
    operator: bool = False
    #: The employee whose own key it is, where an Action is for employees.
    employee: str | None = None

    async def save(self, put: Iterable[Record] = (), remove: Iterable[RowName] = ()) -> int:
        """Write rows, with audit and outbox; returns how many differ from before."""
        return await change(self.connection, actor=self.actor, put=put, remove=remove)

    async def one(self, kind: type[R], name: str | None) -> R | None:
        """Return a record by its id, of whatever tenant; what cannot be an id is not looked for."""
        if name is None or not (IDENTIFIER.fullmatch(name) and name.isprintable()):
            return None
        found = await once(self.connection, lambda: (kind, name), lambda: find(self.connection, kind, {(name,)}))
        return found.get((name,))

    async def all(self, kind: type[R], *where: sa.ColumnElement[bool], most: int | None = None) -> list[R]:
        """Return the records of one kind that fit, in the order of their keys: all, or the first so many."""
        table = TABLES[kind]
        wanted = sa.select(table).where(*where).order_by(*table.primary_key.columns).limit(most)

        async def read() -> list[R]:
            return [kind(**row) for row in (await self.connection.execute(wanted)).mappings()]

        return list(await once(self.connection, lambda: _Question(kind, where, most), read))

    async def brand(self, name: str | None) -> Brand:
        """Return the tenant's brand; Problem not_found."""
        brand = await self.one(Brand, name)
        if brand is None or brand.tenant != self.tenant:
            raise Problem("not_found")
        return brand

    async def campaign(self, name: str | None) -> tuple[Campaign, Brand]:
        """Return the tenant's campaign and its brand; Problem not_found."""
        campaign = await self.one(Campaign, name)
        if campaign is None:
            raise Problem("not_found")
        return campaign, await self.brand(campaign.brand_id)

    async def user(self, name: str | None) -> User:
        """Return the tenant's user who has not left; Problem not_found."""
        user = await self.one(User, name)
        if user is None or user.tenant != self.tenant or user.left_at is not None or user.role == SYSTEM_ROLE:
            raise Problem("not_found")
        return user

    async def ask_aggregator(self, did: str, action: str, campaign_id: str | None) -> None:
        """Have a number added to a campaign or removed from it; the last wish for a number counts."""
        await self.connection.execute(sa.delete(provisioning_jobs).where(provisioning_jobs.c.did == did))
        await self.connection.execute(
            sa.insert(provisioning_jobs).values(
                did=did,
                action=action,
                campaign_id=campaign_id,
                state=PROVISIONING.after(ABSENT, "wished"),
                wished_at=self.now,
                next_at=self.now,
                attempts=0,
            ),
        )

    async def ask_tcr(self, action: str, name: str) -> None:
        """Have an application submitted, or a campaign deactivated, at TCR."""
        jobs = tcr_jobs
        await self.connection.execute(sa.delete(jobs).where(jobs.c.action == action, jobs.c.object == name))
        await self.connection.execute(
            sa.insert(jobs).values(action=action, object=name, attempts=0, next_at=self.now),
        )
