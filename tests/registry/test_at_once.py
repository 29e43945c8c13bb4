"""What a page looks at: one instant for all of it, found out once who looks, nothing asked twice, nothing changed."""

import pytest
import sqlalchemy as sa

from registry.admin_keys import Admin
from registry.commands import change
from registry.flows.desk import Desk
from registry.performing import Performing, Rules
from registry.records import Number, User
from registry.tables import numbers, users
from tests.registry.builders import BASICS, DID, a_user
from tests.registry.flows.desks import NOW


@pytest.fixture
async def performing(database):
    """One over a small company; nothing waits for what becomes effective."""
    async with database.writing() as connection:
        await change(connection, actor="test", put=BASICS)
    return Performing(database, None, Rules())


async def _who(_):
    return Admin(tenant="acme", actor="user:ben")


async def _name(look):
    return await look.connection.scalar(sa.select(users.c.name).where(users.c.id == "ben"))


async def test_all_of_it_is_of_one_instant(performing, database):
    """A change in the middle is not seen by what is looked at after it; the next page sees it."""
    async with performing.at_once() as page:
        assert await page.look(_who, _name) == "Ben"
        async with database.writing() as connection:
            await change(connection, actor="test", put=[a_user(name="Benjamin")])
        assert await page.look(_who, _name) == "Ben"
    assert await performing.look(_who, _name) == "Benjamin"


async def test_who_looks_is_found_out_once_for_each_caller(performing):
    """And two callers on one page are not each other."""
    asked = []

    async def other(_):
        asked.append("other")
        return Admin(tenant="solo", actor="user:sol")

    async def tenant(look):
        return look.tenant

    async with performing.at_once() as page:
        assert [await page.look(other, tenant) for _ in range(3)] == ["solo"] * 3
        assert await page.look(_who, tenant) == "acme"
    assert asked == ["other"]


async def test_nothing_is_changed_from_there(performing):
    """What the page shows would be of before."""

    async def work(_):
        raise AssertionError

    async with performing.at_once() as page:
        with pytest.raises(RuntimeError):
            await page.change(_who, work)


async def test_a_row_is_read_once(performing, database):
    """Within a page; a change reads what it needs anew each time, for it may have written it."""

    async def ask(desk):
        one = await desk.one(User, "ben")
        return one, await desk.all(Number, numbers.c.user == "ben"), await desk.all(Number, numbers.c.did == DID)

    statements = []
    engine = database._engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))

    async def twice(look):
        desk = Desk(connection=look.connection, tenant="acme", actor="test", now=NOW)
        first = await ask(desk)
        count = len(statements)
        assert await ask(desk) == first
        assert first[1] == first[2] != []
        return len(statements) - count

    async with performing.at_once() as page:
        assert await page.look(_who, twice) == 0
    assert await performing.look(_who, twice) == 3


async def test_another_value_is_another_question(performing):
    """However alike the two look in SQL."""
    questions = [
        (numbers.c.user == "ben",),
        (numbers.c.user == "nobody",),
        (numbers.c.user.in_(["ben"]),),
        (numbers.c.user.in_(["nobody"]),),
        (numbers.c.did.in_(sa.select(numbers.c.did).where(numbers.c.tenant == "acme")),),
        (numbers.c.did.in_(sa.select(numbers.c.did).where(numbers.c.tenant == "solo")),),
    ]

    async def ask(look):
        desk = Desk(connection=look.connection, tenant="acme", actor="test", now=NOW)
        return [[one.did for one in await desk.all(Number, *where)] for where in questions for _ in range(2)]

    async with performing.at_once() as page:
        found = await page.look(_who, ask)
    assert found == [[DID], [DID], [], []] * 3
