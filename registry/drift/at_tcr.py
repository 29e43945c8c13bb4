"""The looks of a sweep at campaigns and brands: where TCR says otherwise, its answer is applied, and compared again.

Each object is asked about outside of any transaction. What is noted goes by the rows as they are then, so a webhook
that came meanwhile is no drift.

Not here: what counts as drift (registered.py, ours.py), and how an answer is applied (registry.tcr.catching_up).
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry import many
from registry.commands import find
from registry.database import Database
from registry.drift import ours, registered
from registry.drift.asking import Asking, UnansweredError
from registry.drift.book import note
from registry.drift.classes import Drift
from registry.drift.healing import ACTOR
from registry.drift.looks import FEW, MANY, tell
from registry.drift.reading import held, page
from registry.drift.sides import Rules, Sides, TcrSide
from registry.flows.desk import Desk
from registry.notices.ending import learn
from registry.records import Brand, Campaign
from registry.tables import brands, campaigns
from registry.tcr.errors import TcrNotFoundError
from registry.tcr.submitter import DEACTIVATE
from registry.tcr.values import Operations, Sharing, TcrBrand, TcrCampaign
from registry.work_tables import tcr_jobs

R = TypeVar("R", Brand, Campaign)
T = TypeVar("T")


class TheirCampaign(NamedTuple):
    """What TCR says of a campaign; None: it does not know it."""

    found: TcrCampaign | None = None
    sharing: Sharing | None = None
    operations: Operations | None = None


class TheirBrand(NamedTuple):
    """What TCR says of a brand; None: it does not know it."""

    found: TcrBrand | None = None
    feedback: Sequence[str] = ()


class TcrLooks:
    """Both looks, over the same sides."""

    def __init__(self, database: Database, sides: Sides, rules: Rules) -> None:
        self._database = database
        self._sides = sides
        self._rules = rules
        self._size = MANY if sides.tcr is None else FEW

    async def campaigns(self, after: str, now: datetime) -> str | None:
        """Look at campaigns."""
        async with self._database.reading() as connection:
            found = await page(connection, Campaign, campaigns.c.id, after, self._size)
            owners = await find(connection, Brand, {(one.brand_id,) for one in found})
        tenants = {one.id: owners[one.brand_id,].tenant for one in found}
        answers = await self._answers(found, _campaign_at)

        async def differing(connection: AsyncConnection) -> list[Drift]:
            rows = await _again(connection, Campaign, answers)
            being_ended = await _being_ended(connection, rows)
            return [
                drift
                for one in rows
                if one.id not in being_ended
                for drift in registered.of_campaign(one, tenants[one.id], *answers[one.id])
            ]

        names = [f"campaign:{name}" for name in answers]
        if answers:
            async with self._database.writing() as connection:
                ends = {name: said.found.ends_on for name, said in answers.items() if said.found is not None}
                await learn(connection, ends, now)
                differ = await differing(connection)
                tell(await note(connection, names, registered.OF_CAMPAIGNS, differ, now))
                await self._end_again(connection, differ, tenants, now)
            await self._catch_up(differ)
        async with self._database.writing() as connection:
            rows = await _again(connection, Campaign, tenants)
            count = await held(connection, rows)
            drift = [one for row in rows for one in ours.of_campaign(row, tenants[row.id], count[row.id], self._rules)]
            tell(await note(connection, [f"campaign:{row.id}" for row in rows], ours.OF_CAMPAIGNS, drift, now))
            await note(connection, names, registered.OF_CAMPAIGNS, await differing(connection), now)
        return found[-1].id if found else None

    async def brands(self, after: str, now: datetime) -> str | None:
        """Look at brands, in the same way."""
        async with self._database.reading() as connection:
            found = await page(connection, Brand, brands.c.id, after, self._size)
        answers = await self._answers(found, _brand_at)

        async def differing(connection: AsyncConnection) -> list[Drift]:
            rows = await _again(connection, Brand, answers)
            return [drift for one in rows for drift in registered.of_brand(one, *answers[one.id])]

        names = [f"brand:{name}" for name in answers]
        if answers:
            async with self._database.writing() as connection:
                differ = await differing(connection)
                tell(await note(connection, names, registered.OF_BRANDS, differ, now))
            await self._catch_up(differ)
        async with self._database.writing() as connection:
            rows = await _again(connection, Brand, [one.id for one in found])
            drift = [one for row in rows for one in ours.of_brand(row)]
            tell(await note(connection, [f"brand:{row.id}" for row in rows], ours.OF_BRANDS, drift, now))
            await note(connection, names, registered.OF_BRANDS, await differing(connection), now)
        return found[-1].id if found else None

    async def _answers(self, found: Iterable[R], ask: Callable[[TcrSide, R], Awaitable[T]]) -> dict[str, T]:
        """Return what TCR says, by id; without those that it does not answer for."""
        answers: dict[str, T] = {}
        if self._sides.tcr is None:
            return answers
        asking = Asking()
        for one in found:
            with suppress(UnansweredError):
                answers[one.id] = await asking.ask(partial(ask, self._sides.tcr, one))
        asking.finish()
        return answers

    async def _catch_up(self, differ: Iterable[Drift]) -> None:
        """Have those follow that TCR has otherwise."""
        if self._sides.catch_up is None:
            return
        asking = Asking()
        for name in sorted({one.object for one in differ}):
            with suppress(UnansweredError):
                await asking.ask(partial(self._sides.catch_up, name))
        asking.finish()

    async def _end_again(
        self, connection: AsyncConnection, differ: Iterable[Drift], tenants: Mapping[str, str], now: datetime
    ) -> None:
        """Have campaigns ended at TCR that were deactivated here, and live on there."""
        for name in (one.object.partition(":")[2] for one in differ if one.kind == "campaign_state_differs_at_tcr"):
            desk = Desk(connection=connection, tenant=tenants[name], actor=ACTOR, now=now, limits=self._rules.limits)
            campaign = await desk.one(Campaign, name)
            if campaign is not None and campaign.status == "deactivated":
                await desk.ask_tcr(DEACTIVATE, name)


async def _campaign_at(tcr: TcrSide, campaign: Campaign) -> TheirCampaign:
    try:
        found = await tcr.campaign(campaign.id)
        return TheirCampaign(found, await tcr.sharing(campaign.id), await tcr.operations(campaign.id))
    except TcrNotFoundError:
        return TheirCampaign()


async def _brand_at(tcr: TcrSide, brand: Brand) -> TheirBrand:
    try:
        found = await tcr.brand(brand.id)
        return TheirBrand(found, await tcr.brand_feedback(brand.id) if registered.undecided(brand, found) else ())
    except TcrNotFoundError:
        return TheirBrand()


async def _again(connection: AsyncConnection, kind: type[R], names: Iterable[str]) -> list[R]:
    """Return records as they are now."""
    return list((await find(connection, kind, {(name,) for name in names})).values())


async def _being_ended(connection: AsyncConnection, found: Collection[Campaign]) -> set[str]:
    """Return the campaigns that TCR is still to be asked to end."""
    those = many.among(connection, [tcr_jobs.c.object], [(one.id,) for one in found])
    wanted = sa.select(tcr_jobs.c.object).where(those, tcr_jobs.c.action == DEACTIVATE)
    return set((await connection.execute(wanted)).scalars())
