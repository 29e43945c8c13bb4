"""The console's lists of numbers, campaigns and brands: what they show, filters, pages; on both databases."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from registry import lists, many
from registry.action import Look
from registry.admin_patches import read_query
from registry.flows.desk import Limits
from registry.lists import BrandQuery, CampaignQuery, NumberQuery
from registry.records import Assignment
from registry.tables import assignments, numbers, users
from registry.work_tables import provisioning_jobs
from tests.registry.builders import a_brand, a_campaign, a_number, a_tenant, a_user, an_assignment
from tests.registry.flows.desks import NOW
from tests.registry.registration.desks import put

STATES = ("assigned", "pending", "failed", "removing")
COLUMN = {"assigned": "Assigned (CACME)", "pending": "Pending", "failed": "Enabling Failed", "removing": "Pending"}
STATUS = {"assigned": "Enabled", "pending": "Pending", "failed": "Enabling Failed", "removing": "Pending"}


def did(number):
    """The number-th number."""
    return f"+1{2025550000 + number}"


async def page(database, view, model, /, tenant="acme", **query):
    """One page of a list."""
    given = {name: str(value) for name, value in query.items()}
    async with database.reading() as connection:
        look = Look(connection=connection, tenant=tenant, actor="key:k", operator=False)
        return await view(look, {}, read_query(model, given))


async def shown(database, **query):
    """The numbers of a page, by number."""
    found = await page(database, lists._numbers, NumberQuery, **query)
    return {one["did"]: one for one in found["items"]}


async def company(database):
    """Acme with a number in each state and one in none; solo with one."""
    links = [an_assignment(did(place), state=state) for place, state in enumerate(STATES)]
    await put(
        database,
        *(a_tenant(), a_tenant("solo"), a_user(), a_user("ann", name="Ann"), a_user("sol", tenant="solo")),
        *(a_brand(), a_brand("BSOLO", tenant="solo"), a_campaign(), a_campaign("CSOLO", brand_id="BSOLO")),
        *(a_number(did(place), sms_page=True) for place in range(len(STATES))),
        a_number(did(10), user=None, sms="disabled", sms_enabled_at=None),
        a_number(did(11), user="ann", sms="superseded", kind="toll_free"),
        a_number(did(12), left_at=NOW),
        a_number(did(20), tenant="solo", user="sol"),
        *links,
        an_assignment(did(20), campaign_id="CSOLO", brand_id="BSOLO"),
    )


class TestNumbers:
    async def test_each_shows_what_the_sms_page_does(self, database):
        """Assigned (<Campaign ID>), Pending, Enabling Failed; with whose it is. What left is not there."""
        await company(database)
        found = await shown(database)

        assert list(found) == [did(n) for n in (0, 1, 2, 3, 10, 11)]
        for place, state in enumerate(STATES):
            one = found[did(place)]
            assert (one["campaign"], one["assignment"], one["campaign_id"]) == (COLUMN[state], state, "CACME")
            assert (one["status"], one["user"], one["user_name"]) == (STATUS[state], "ben", "Ben")
            assert one["text"]
        assert (found[did(10)]["campaign"], found[did(10)]["user_name"]) == ("", None)

    async def test_an_assigned_number_without_a_campaign_failed(self, database):
        """As the judge has it; a state that nobody knows failed, too."""
        assert lists.campaign_column(Assignment(did="x", state="assigned", campaign_id=None, brand_id=None)) == (
            "Enabling Failed"
        )
        assert lists.campaign_column(Assignment(did="x", state="odd", campaign_id="C", brand_id="B")) == (
            "Enabling Failed"
        )

    async def test_what_is_told_of_a_wait_is_the_platforms_patience(self, database):
        """As the setting has it."""
        await company(database)
        assert (await shown(database))[did(1)]["takes"] == "It can take up to 48 hours."
        async with database.reading() as connection:
            look = Look(connection, "acme", "test", operator=False, limits=Limits(patience=timedelta(hours=6)))
            found = await lists._numbers(look, {}, NumberQuery(assignment="pending"))
        assert [one["takes"] for one in found["items"]] == ["It can take up to 6 hours."]

    async def test_a_number_that_is_stuck_on_its_way_out(self, database):
        """The console says Disabling Failed."""
        await company(database)
        async with database.writing() as connection:
            job = {"did": did(3), "action": "remove", "campaign_id": "CACME", "state": "stuck", "attempts": 9}
            await connection.execute(sa.insert(provisioning_jobs).values(**job, wished_at=NOW, next_at=NOW))

        assert (await shown(database))[did(3)]["status"] == "Disabling Failed"

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"assignment": "none"}, (10, 11)),
            ({"assignment": "assigned"}, (0,)),
            ({"assignment": "pending"}, (1,)),
            ({"assignment": "failed"}, (2,)),
            ({"sms": "disabled"}, (10,)),
            ({"sms": "superseded"}, (11,)),
            ({"kind": "toll_free"}, (11,)),
            ({"campaign": "CACME"}, (0, 1, 2, 3)),
            ({"campaign": "CSOLO"}, ()),
            ({"user": "ann"}, (11,)),
            ({"user": "sol"}, ()),
            ({"user": "\x00"}, ()),
            ({"user": "ben", "assignment": "pending", "sms": "enabled"}, (1,)),
            ({"prefix": "+1202555001"}, (10, 11)),
            ({"prefix": "(202) 555-001"}, (10, 11)),
            ({"prefix": "12025550010"}, (10,)),
            ({"prefix": "202"}, (0, 1, 2, 3, 10, 11)),
            ({"prefix": "+1"}, (0, 1, 2, 3, 10, 11)),
            ({"prefix": "303"}, ()),
            ({"prefix": "%"}, ()),
            ({"prefix": "202%"}, ()),
            ({"prefix": "202_5"}, ()),
            ({"prefix": "5550010"}, ()),
            ({"prefix": "\x00"}, ()),
            ({"prefix": "٢٠٢"}, ()),
        ],
    )
    async def test_filters(self, database, query, found):
        """What is searched for is taken literally, from the first digit on."""
        await company(database)

        assert list(await shown(database, **query)) == [did(n) for n in found]

    @pytest.mark.parametrize("query", [{"assignment": state} for state in ("none", *COLUMN)] + [{"campaign": "CACME"}])
    async def test_few_and_many_are_the_same_numbers(self, database, monkeypatch, query):
        """Few are found from the other side: by their assignment, or by the blocks with some that have none."""
        await company(database)
        await put(database, *(replace(a_number(did(n), user=None), sms_page=n % 2 == 0) for n in (40, 41, 150, 160)))
        await put(database, an_assignment(did(41), state="pending"))
        found = []
        for few, named in ((5_000, 250), (5_000, 0), (0, 250), (0, 0)):
            monkeypatch.setattr(lists, "_FEW", few)
            monkeypatch.setattr(lists, "_NAMED", named)
            found += [[list(await shown(database, **query, **page)) for page in ({}, {"sms_page": True})]]
        assert found[0][0]
        assert found == [found[0]] * 4

    async def test_pages_put_together_are_the_list(self, database):
        """Also when something comes in between: nothing twice, nothing that was there is missed."""
        await company(database)
        seen, after = [], {}
        while after is not None:
            found = await page(database, lists._numbers, NumberQuery, limit=2, **after)
            seen += [one["did"] for one in found["items"]]
            after = None if found["next"] is None else {"cursor": found["next"]}
            await put(database, a_number("+12015550100", user=None, sms="disabled"))

        assert seen == [did(n) for n in (0, 1, 2, 3, 10, 11)]


async def test_campaigns_say_what_they_lack(database):
    """With how many numbers they hold: those that failed hold no place."""
    await company(database)
    await put(database, a_campaign("CPEND", status="pending", faults=("x",)), a_campaign("CDECL", sharing="declined"))
    found = {one["id"]: one for one in (await page(database, lists._campaigns, CampaignQuery))["items"]}

    assert {name: one["lacks"] for name, one in found.items()} == {
        "CACME": None,
        "CPEND": "campaign_pending",
        "CDECL": "campaign_declined",
    }
    assert {name: one["numbers"] for name, one in found.items()} == {"CACME": 3, "CPEND": 0, "CDECL": 0}
    assert (found["CACME"]["verified"], found["CPEND"]["faults"]) == (True, ["x"])
    only = await page(database, lists._campaigns, CampaignQuery, status="pending", brand="BACME")
    assert [one["id"] for one in only["items"]] == ["CPEND"]
    assert (await page(database, lists._campaigns, CampaignQuery, brand="BSOLO"))["items"] == []


async def test_brands_are_listed(database):
    """With what TCR says of them, and how many campaigns they have."""
    await company(database)
    await put(database, a_brand("BTWO", status="unverified", faults=("EIN",)))
    found = (await page(database, lists._brands, BrandQuery))["items"]

    assert [(one["id"], one["verified"], one["campaigns"], one["faults"]) for one in found] == [
        ("BACME", True, 1, []),
        ("BTWO", False, 0, ["EIN"]),
    ]
    only = await page(database, lists._brands, BrandQuery, status="unverified")
    assert [one["id"] for one in only["items"]] == ["BTWO"]


@pytest.mark.timeout(300)
async def test_a_page_of_a_hundred_thousand(database):
    """The last page is as quick as the first, along an index; the bound is a generous one."""
    await put(database, a_tenant(), a_brand(), a_campaign())
    count = 100_000
    row = {"tenant": "acme", "user": None, "kind": "local", "sms": "enabled", "sms_page": True}
    link = {"state": "assigned", "campaign_id": "CACME", "brand_id": "BACME"}
    dids = [f"+1202{5_000_000 + number}" for number in range(count)]
    async with database.writing() as connection:
        await many.insert(connection, numbers, ("did", *row), [(one, *row.values()) for one in dids])
        await many.insert(connection, assignments, ("did", *link), [(one, *link.values()) for one in dids])
        await connection.execute(sa.update(assignments).where(assignments.c.did == dids[-1]).values(state="failed"))
    last = lists.cursor("acme", "numbers", [dids[-60]])
    queries = [
        {},
        {"cursor": last},
        {"prefix": "2025099"},
        {"assignment": "failed"},
        {"campaign": "CACME", "cursor": last},
    ]
    for query in queries:
        began = time.monotonic()
        found = await page(database, lists._numbers, NumberQuery, limit=50, **query)
        assert time.monotonic() - began < 2.0, query
        assert found["items"]
    async with database.reading() as connection:
        first = await connection.scalar(sa.select(sa.func.count()).select_from(numbers))
        assert first == count


async def test_lists_have_their_indexes(database):
    """Every list is read along an index that begins with the company (or the campaign), and ends with its order."""
    wanted = {
        numbers: ("tenant", "did"),
        assignments: ("campaign_id", "did"),
        users: ("tenant", "name", "id"),
    }
    async with database.reading() as connection:
        for table, columns in wanted.items():
            found = await connection.run_sync(lambda sync, name=table.name: sa.inspect(sync).get_indexes(name))
            assert columns in {tuple(one["column_names"]) for one in found}
