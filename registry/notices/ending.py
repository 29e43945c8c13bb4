"""Tells a company ahead of time that a campaign ends: TCR named the day, and it is not renewed.

Not here: who asks TCR (drift/at_tcr.py), and what is told when it has ended (causes.py).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.notices.book import Pace, note
from registry.notices.causes import NUMBERS_MAX, Cause
from registry.tables import assignments, brands, campaigns, numbers
from registry.work_tables import campaign_ends

KIND: Final = "campaign_expiring"
#: Days before the end on which it is told: while a new campaign can still be reviewed (which takes weeks), while
#: numbers can still be moved, and when it is time to stop. Who learns it late is told once, of the nearest.
DAYS: Final = (30, 7, 1)
_ENDED: Final = ("expired", "deactivated")


async def learn(connection: AsyncConnection, ends: Mapping[str, date | None], now: datetime) -> None:
    """Keep on which day each campaign ends by TCR's word; None: it goes on. connection is one of Database.writing()."""
    here = campaign_ends.c.campaign.in_(ends)
    known = {row.campaign: row.ends_at for row in await connection.execute(sa.select(campaign_ends).where(here))}
    for campaign, day in ends.items():
        # TCR does not say in which zone: the earliest that it may mean in America is a few hours later.
        ends_at = None if day is None else datetime.combine(day, time.min, UTC)
        if ends_at == known.get(campaign):
            continue
        await connection.execute(sa.delete(campaign_ends).where(campaign_ends.c.campaign == campaign))
        if ends_at is not None:
            row = {"campaign": campaign, "ends_at": ends_at, "learnt_at": now}
            await connection.execute(sa.insert(campaign_ends).values(row))


async def due(connection: AsyncConnection, now: datetime) -> Sequence[Any]:
    """Return the campaigns of whose end a company is to be told now: the campaign, its end, company and brand."""
    told = sa.func.coalesce(campaign_ends.c.told, DAYS[0] + 1)
    columns = (campaign_ends.c.campaign, campaign_ends.c.ends_at, brands.c.tenant, brands.c.legal_name)
    found = await connection.execute(
        sa.select(*columns)
        .select_from(campaign_ends.join(campaigns, campaigns.c.id == campaign_ends.c.campaign).join(brands))
        .where(
            campaign_ends.c.ends_at > now,
            sa.or_(*(sa.and_(told > days, campaign_ends.c.ends_at <= now + timedelta(days=days)) for days in DAYS)),
            campaigns.c.status.not_in(_ENDED),
        )
        .order_by(campaign_ends.c.campaign)
    )
    return found.all()


async def watch_ends(connection: AsyncConnection, *, now: datetime, pace: Pace) -> None:
    """Tell of every end that is due. connection is one of Database.writing()."""
    for one in await due(connection, now):
        days = min(days for days in DAYS if one.ends_at <= now + timedelta(days=days))
        subject = f"campaign:{one.campaign}"
        item = {"subject": subject, "at": now.isoformat(timespec="seconds"), "name": one.campaign}
        item |= {"brand": one.legal_name, "ends_at": one.ends_at.isoformat()}
        item |= await _numbers(connection, one.campaign)
        once = f"{KIND}:{one.campaign}:{one.ends_at.date()}:{days}"
        await note(connection, [Cause(KIND, one.tenant, subject, now, once, item)], now=now, pace=pace)
        here = campaign_ends.c.campaign == one.campaign
        await connection.execute(sa.update(campaign_ends).where(here).values(told=days))


async def _numbers(connection: AsyncConnection, campaign: str) -> dict[str, Any]:
    """Return the numbers that stop with a campaign."""
    found = await connection.scalars(
        sa.select(assignments.c.did)
        .select_from(assignments.join(numbers))
        .where(assignments.c.campaign_id == campaign, assignments.c.state == "assigned", numbers.c.left_at.is_(None))
        .order_by(assignments.c.did)
    )
    dids = found.all()
    return {"numbers": list(dids[:NUMBERS_MAX]), "number_count": len(dids)} if dids else {}
