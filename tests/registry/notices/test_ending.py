"""A campaign that TCR does not renew: its company hears of it thirty days, a week and a day ahead."""

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from registry.notices.ending import DAYS, KIND, learn
from registry.work_tables import campaign_ends
from tests.registry.builders import DID, a_campaign
from tests.registry.notices.changes import acme, give_out, look, noted, there

END = date(2027, 3, 31)
ENDS_AT = datetime(2027, 3, 31, tzinfo=UTC)


async def told(database, *days, end=END):
    """Learn an end, and look so many days ahead of it, one after the other; the notices of it."""
    await acme(database)
    async with database.writing() as connection:
        await learn(connection, {"CACME": end}, ENDS_AT - timedelta(days=90))
    for ahead in days:
        await look(database, at=ENDS_AT - timedelta(days=ahead))
        await give_out(database, ENDS_AT - timedelta(days=ahead) + timedelta(seconds=1))
    return [params for kind, params in await noted(database) if kind == KIND]


async def test_each_moment_is_told_once(database):
    """However often it is looked; with the day, and the numbers that stop then."""
    notices = await told(database, 31, 30, 29.9, 8, 7, 6, 1, 0.5)

    assert len(notices) == len(DAYS)
    (item,) = notices[0]["items"]
    assert (item["name"], item["ends_at"], item["numbers"], item["number_count"]) == (
        "CACME",
        ENDS_AT.isoformat(),
        [DID],
        1,
    )
    assert "Campaign CACME of" in notices[0]["text"]
    assert "ends on" in notices[0]["text"]
    assert f"1 number cannot send texts from then on: {DID}." in notices[0]["text"]


@pytest.mark.parametrize(("days", "times"), [((3,), 1), ((3, 1), 2), ((0.5,), 1), ((31,), 0), ((-1,), 0)])
async def test_who_learns_it_late_is_told_of_the_nearest(database, days, times):
    """Not of every moment that is past; and nothing of what is over."""
    assert len(await told(database, *days)) == times


async def test_one_that_is_renewed_is_forgotten(database):
    """And one that ends on another day is told of anew."""
    await told(database, 30)
    async with database.writing() as connection:
        await learn(connection, {"CACME": END + timedelta(days=365)}, ENDS_AT - timedelta(days=20))
    await look(database, at=ENDS_AT + timedelta(days=365 - 30))
    async with database.writing() as connection:
        await learn(connection, {"CACME": None}, ENDS_AT - timedelta(days=10))
        assert await connection.scalar(sa.select(sa.func.count()).select_from(campaign_ends)) == 0
    await look(database, at=ENDS_AT + timedelta(days=364))

    assert len([kind for kind, _ in await noted(database) if kind == KIND]) == 2


async def test_the_same_word_again_is_no_news(database):
    """A sweep asks again and again."""
    await told(database, 30)
    async with database.writing() as connection:
        await learn(connection, {"CACME": END}, ENDS_AT - timedelta(days=29))
    await look(database, at=ENDS_AT - timedelta(days=28))

    assert len([kind for kind, _ in await noted(database) if kind == KIND]) == 1


@pytest.mark.parametrize("status", ["expired", "deactivated"])
async def test_one_that_ended_before_is_not_told(database, status):
    """Its end was news of its own."""
    await acme(database)
    async with database.writing() as connection:
        await learn(connection, {"CACME": END}, ENDS_AT - timedelta(days=90))
    await there(database, a_campaign(status=status))
    await look(database, at=ENDS_AT - timedelta(days=7))

    assert [kind for kind, _ in await noted(database) if kind == KIND] == []
