"""How many numbers and people there are of a kind, however many: from counts that the database keeps itself.

Every count is exact, and of the transaction that asks.

Not here: who keeps them (triggers, migrations/versions/r0008_number_counts.py and r0009_kept_apart.py).
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.pages import along_index
from registry.tables import assignments, numbers
from registry.work_tables import number_counts, people_counts, people_with_several, unassigned_counts

#: A number holds its place in a campaign until the aggregator has taken it out.
HOLDING: Final = ("pending", "assigned", "removing")
_OF: Final = number_counts.c
#: Local numbers with SMS on; an index has those (tables.py).
ON: Final = sa.text("numbers.kind = 'local' AND numbers.sms = 'enabled' AND numbers.left_at IS NULL")


class LocalNumbers(NamedTuple):
    """A company's local numbers."""

    all: int
    #: With SMS on, in campaigns that are good.
    texting: int
    pending: int
    failed: int


def held() -> sa.Select[tuple[int]]:
    """Ask how many numbers a campaign holds; the caller says which (number_counts.c.campaign)."""
    return sa.select(sa.func.coalesce(sa.func.sum(_OF.count), 0)).where(_OF.state.in_(HOLDING))


async def held_by(connection: AsyncConnection, campaign_id: str) -> int:
    """Return how many numbers a campaign holds: those on their way out are in it, too."""
    return int(await connection.scalar(held().where(_OF.campaign == campaign_id)) or 0)


async def held_by_each(connection: AsyncConnection, campaign_ids: Collection[str]) -> Mapping[str, int]:
    """Return how many numbers each of these campaigns holds."""
    wanted = sa.select(_OF.campaign, sa.func.sum(_OF.count)).where(_OF.state.in_(HOLDING))
    rows = await connection.execute(wanted.where(_OF.campaign.in_(campaign_ids)).group_by(_OF.campaign))
    return dict.fromkeys(campaign_ids, 0) | {name: int(count) for name, count in rows}


async def local_numbers(connection: AsyncConnection, tenant: str, good: Collection[str]) -> LocalNumbers:
    """Count a company's local numbers; good: the campaigns that are VERIFIED, with their brands."""

    def sum_of(*where: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.coalesce(sa.func.sum(sa.case((sa.and_(*where), _OF.count), else_=0)), 0)

    is_on = (_OF.state == "assigned", _OF.sms == "enabled", _OF.campaign.in_(good))
    wanted = sa.select(
        sa.func.coalesce(sa.func.sum(_OF.count), 0),
        sum_of(*is_on),
        sum_of(_OF.state == "pending"),
        sum_of(_OF.state == "failed"),
    ).where(_OF.tenant == tenant, _OF.kind == "local", _OF.place == "here")
    return LocalNumbers(*map(int, (await connection.execute(wanted)).one()))


async def assigned(connection: AsyncConnection, tenant: str, state: str) -> int:
    """Return how many of a company's numbers have an assignment in a state."""
    wanted = sa.select(sa.func.sum(_OF.count)).where(_OF.tenant == tenant, _OF.state == state, _OF.place == "here")
    return int(await connection.scalar(wanted) or 0)


async def in_campaign(connection: AsyncConnection, tenant: str, campaign_id: str) -> int:
    """Return how many of a company's numbers have an assignment to a campaign, in whichever state."""
    wanted = sa.select(sa.func.sum(_OF.count)).where(_OF.tenant == tenant, _OF.campaign == campaign_id)
    return int(await connection.scalar(wanted) or 0)


async def for_assignment_only(connection: AsyncConnection, tenant: str) -> bool:
    """Say whether any number of a company stands on the SMS page for its assignment alone."""
    wanted = sa.select(_OF.tenant).where(_OF.tenant == tenant, _OF.state != "", _OF.page == "", _OF.count != 0)
    return (await connection.execute(wanted.limit(1))).first() is not None


async def everywhere(connection: AsyncConnection) -> int:
    """Return how many numbers there are of all companies."""
    return int(await connection.scalar(sa.select(sa.func.sum(_OF.count)).where(_OF.place == "here")) or 0)


async def people(connection: AsyncConnection, tenant: str) -> Mapping[str, int]:
    """Return how many people of a company have each licence."""
    wanted = sa.select(people_counts.c.licence, people_counts.c.count)
    rows = await connection.execute(wanted.where(people_counts.c.tenant == tenant, people_counts.c.count != 0))
    return {licence: int(count) for licence, count in rows}


async def people_texting(connection: AsyncConnection, tenant: str, good: Collection[str]) -> int:
    """Return how many people have a number that texts.

    That is the count of the numbers, for somebody has one that is on; who has several, which only an import can bring
    about, stands in a table, and is counted once.
    """
    wanted = sa.select(sa.func.sum(_OF.count)).where(
        _OF.tenant == tenant,
        _OF.campaign.in_(good),
        *(_OF.state == "assigned", _OF.sms == "enabled", _OF.kind == "local", _OF.owner == "user", _OF.place == "here"),
    )
    found = int(await connection.scalar(wanted) or 0)
    if not found:
        return 0
    several = sa.select(people_with_several.c.user).where(people_with_several.c.tenant == tenant)
    twice = list(await connection.scalars(several))
    if twice:
        await along_index(connection)
    for first in range(0, len(twice), _AT_ONCE):
        theirs = (
            sa.select(sa.func.count().label("them"))
            .select_from(numbers.join(assignments))
            .where(
                numbers.c.user.in_(twice[first : first + _AT_ONCE]),
                *(numbers.c.tenant == tenant, ON),
                assignments.c.state == "assigned",
                assignments.c.campaign_id.in_(good),
            )
            .group_by(numbers.c.user)
            .subquery()
        )
        found -= int(await connection.scalar(sa.select(sa.func.sum(theirs.c.them - 1))) or 0)
    return found


async def blocks_without(connection: AsyncConnection, tenant: str, most: int) -> Sequence[str] | None:
    """Return the blocks with numbers on the SMS page that have no assignment; None: there are more than so many."""
    wanted = sa.select(unassigned_counts.c.block, unassigned_counts.c.count)
    wanted = wanted.where(unassigned_counts.c.tenant == tenant, unassigned_counts.c.count > 0).limit(most + 1)
    found = (await connection.execute(wanted)).all()
    return None if sum(count for _, count in found) > most else [block for block, _ in found]


#: People that one statement names.
_AT_ONCE: Final = 500
