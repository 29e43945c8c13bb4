"""The kept counts of numbers: after whatever was written, in whichever way, they are what counting would give."""

import contextlib
import random
from collections import Counter
from dataclasses import asdict, replace

import sqlalchemy as sa

from registry import counts
from registry.commands import change
from registry.records import Assignment
from registry.tables import assignments, numbers, users
from registry.work_tables import number_counts, people_counts, people_with_several, unassigned_counts
from tests.registry.builders import a_brand, a_campaign, a_number, a_tenant, a_user, an_assignment
from tests.registry.flows.desks import NOW

DIDS = [f"+1202555{place:04}" for place in range(40)]
OWNERS = {"acme": ("ben", "ann", None), "solo": ("sol", None)}


async def kept(connection):
    """What the table says, without what has come to none."""
    columns = [column for column in number_counts.columns if column.name != "count"]
    rows = await connection.execute(sa.select(*columns, number_counts.c.count).where(number_counts.c.count != 0))
    return {tuple(row[:-1]): row[-1] for row in rows}


async def counted(connection):
    """The same, counted one by one."""
    wanted = sa.select(numbers, assignments.c.state, assignments.c.campaign_id).select_from(
        numbers.outerjoin(assignments)
    )
    found = {}
    for one in await connection.execute(wanted):
        key = (one.tenant, one.campaign_id or "", one.state or "", one.sms, one.kind)
        key += (
            "pool" if one.user is None else "user",
            "here" if one.left_at is None else "left",
            "sms" if one.sms_page else "",
        )
        found[key] = found.get(key, 0) + 1
    return found


async def kept_apart(connection):
    """What the tables of people and of blocks say, without what has come to none."""
    people = await connection.execute(sa.select(people_counts).where(people_counts.c.count != 0))
    several = await connection.execute(sa.select(people_with_several))
    blocks = await connection.execute(sa.select(unassigned_counts).where(unassigned_counts.c.count != 0))
    return [sorted(tuple(row) for row in rows) for rows in (people, several, blocks)]


async def found_apart(connection):
    """The same, looked for among all rows."""
    there = [one for one in await connection.execute(sa.select(users)) if one.left_at is None and one.role != "system"]
    people = Counter((one.tenant, one.licence) for one in there)
    rows = list(
        await connection.execute(
            sa.select(numbers, assignments.c.state).select_from(numbers.outerjoin(assignments)).order_by(numbers.c.did)
        )
    )
    here = [one for one in rows if one.left_at is None]
    on = Counter((one.tenant, one.user) for one in here if one.user and (one.kind, one.sms) == ("local", "enabled"))
    blocks = Counter((one.tenant, one.did[:10]) for one in here if one.sms_page and one.state is None)
    several = sorted(who for who, count in on.items() if count > 1)
    return [_with_counts(people), several, _with_counts(blocks)]


def _with_counts(counter):
    return sorted((*key, count) for key, count in counter.items())


def drawn(pick, did):
    """A number as it might be, with an assignment or none."""
    tenant = pick.choice(("acme", "acme", "solo"))
    number = a_number(
        did,
        tenant=tenant,
        user=pick.choice(OWNERS[tenant]),
        kind=pick.choice(("local", "local", "toll_free")),
        sms=pick.choice(("enabled", "disabled", "superseded")),
        left_at=pick.choice((None, None, NOW)),
        sms_page=pick.choice((True, False)),
    )
    campaign = {"acme": pick.choice(("CACME", "CTWO")), "solo": "CSOLO"}[tenant]
    fields = {"state": pick.choice(("assigned", "pending", "failed", "removing")), "campaign_id": campaign}
    if pick.random() < 0.1:
        fields["campaign_id"] = None
    return number, an_assignment(did, brand_id=None, **fields) if pick.random() < 0.7 else None


async def base(database):
    """Two companies with people and campaigns, and no numbers."""
    async with database.writing() as connection:
        people = [a_user(), a_user("ann"), a_user("sol", tenant="solo")]
        owners = [a_tenant(), a_tenant("solo"), *people, a_brand(), a_brand("BSOLO", tenant="solo")]
        mine = [a_campaign(), a_campaign("CTWO"), a_campaign("CSOLO", brand_id="BSOLO")]
        await change(connection, actor="test", put=[*owners, *mine])


async def test_they_are_right_after_any_changes(database):
    """Numbers come, go, move, change hands and campaigns, one at a time and many at once; also by plain SQL."""
    await base(database)
    pick, seen = random.Random(11), []
    for turn in range(60):
        async with database.writing() as connection:
            put, remove = [], []
            for did in pick.sample(DIDS, pick.choice((1, 2, 30))):
                number, link = drawn(pick, did)
                put += [number] if link is None else [number, link]
                if link is None:
                    remove.append((Assignment, (did,)))
            await change(connection, actor="test", put=put, remove=remove)
            if turn % 5 == 0:
                those = assignments.c.did.in_(pick.sample(DIDS, 10))
                await connection.execute(sa.update(assignments).where(those).values(state="failed", campaign_id=None))
                await connection.execute(sa.update(numbers).where(numbers.c.did < DIDS[7]).values(user=None))
            if turn % 9 == 0:
                gone = DIDS[pick.randrange(30) :]
                await connection.execute(sa.delete(assignments).where(assignments.c.did.in_(gone)))
                await connection.execute(sa.delete(numbers).where(numbers.c.did.in_(gone)))
            if turn % 7 == 0:
                some = sa.update(users).where(users.c.id.in_(pick.sample(("ben", "ann", "sol"), 2)))
                left = pick.choice((None, NOW))
                await connection.execute(some.values(licence=pick.choice(("X2", "Basic")), left_at=left))
            if turn == 30:
                await connection.execute(sa.insert(users), [asdict(a_user("new", role="system")), asdict(a_user("n2"))])
                await connection.execute(sa.delete(users).where(users.c.id == "n2"))
            assert await kept(connection) == await counted(connection)
            assert await kept_apart(connection) == await found_apart(connection)
            seen.append([len(rows) for rows in await kept_apart(connection)])
    assert all(len(set(of)) > 1 for of in list(zip(*seen, strict=True))[1:])
    async with database.reading() as connection:
        assert sum((await kept(connection)).values()) > 10


async def test_blocks_with_numbers_that_have_no_assignment(database):
    """A few are named, each once; of more it is said that there are."""
    await base(database)
    async with database.writing() as connection:
        dids = [f"+1202555{place:04}" for place in (1, 2, 150, 9900)]
        await change(connection, actor="test", put=[a_number(did, user=None, sms_page=True) for did in dids])
        blocks = ["+120255500", "+120255501", "+120255599"]
        assert sorted(await counts.blocks_without(connection, "acme", 4)) == blocks
        assert await counts.blocks_without(connection, "acme", 3) is None
        await change(connection, actor="test", put=[an_assignment(dids[-1])])
        assert sorted(await counts.blocks_without(connection, "acme", 4)) == blocks[:2]
        assert await counts.blocks_without(connection, "solo", 4) == []


async def test_a_change_that_is_taken_back_counts_nothing(database):
    """They are of the transaction that the rows are of."""
    await base(database)
    with contextlib.suppress(InterruptedError):
        async with database.writing() as connection:
            await change(connection, actor="test", put=[a_number(), an_assignment()])
            assert await kept(connection) != {}
            raise InterruptedError
    async with database.reading() as connection:
        assert await kept(connection) == {} == await counted(connection)


async def test_what_does_not_matter_is_not_counted_anew(database):
    """A number whose other fields change stands where it stood."""
    await base(database)
    async with database.writing() as connection:
        await change(connection, actor="test", put=[a_number(), an_assignment()])
        before = await kept(connection)
        await change(
            connection, actor="test", put=[replace(a_number(), toll_free_verification="x", number_changed_at=NOW)]
        )
        assert await kept(connection) == before == await counted(connection)


class TestWhatIsAsked:
    """Against counting one by one, over the same random rows."""

    async def test_numbers_people_and_campaigns(self, database):
        """Somebody with several numbers is one person, also where an import switched on more than one."""
        await base(database)
        pick = random.Random(5)
        people = [a_user(f"u{place}") for place in range(12)]
        async with database.writing() as connection:
            await change(connection, actor="test", put=people)
            for _ in range(12):
                put = []
                for did in pick.sample(DIDS, 25):
                    number, link = drawn(pick, did)
                    if number.tenant == "acme":
                        number = replace(number, user=pick.choice(people).id, sms=pick.choice(("enabled", "disabled")))
                    put += [number] if link is None else [number, link]
                await change(connection, actor="test", put=put)
                await self._same(connection, pick.choice((["CACME"], ["CACME", "CTWO"], [])))

    async def _same(self, connection, good):
        rows = await connection.execute(
            sa.select(numbers, assignments.c.state, assignments.c.campaign_id).select_from(
                numbers.outerjoin(assignments)
            )
        )
        every = list(rows)
        local = [one for one in every if (one.tenant, one.kind, one.left_at) == ("acme", "local", None)]
        text = [one for one in local if (one.state, one.sms) == ("assigned", "enabled") and one.campaign_id in good]
        states = [one.state for one in local]
        assert await counts.local_numbers(connection, "acme", good) == (
            *(len(local), len(text), states.count("pending"), states.count("failed")),
        )
        people = {one.user for one in text if one.user is not None}
        assert await counts.people_texting(connection, "acme", good) == len(people)
        held = [one for one in every if one.campaign_id == "CTWO" and one.state in counts.HOLDING]
        assert await counts.held_by(connection, "CTWO") == len(held)
        assert await counts.everywhere(connection) == sum(one.left_at is None for one in every)
        failed = [one for one in every if (one.tenant, one.state, one.left_at) == ("acme", "failed", None)]
        assert await counts.assigned(connection, "acme", "failed") == len(failed)
        alone = any(one.state is not None and not one.sms_page for one in every if one.tenant == "acme")
        assert await counts.for_assignment_only(connection, "acme") == alone
