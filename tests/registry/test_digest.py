"""The copy in the store equals the database, whatever was done and whatever was lost in between."""

import asyncio
import random
from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry

from metrics.registry import RegistryMetrics
from registry.documents import render_all
from registry.flows import campaigns, numbers, people
from registry.flows.desk import Desk
from registry.problems import Problem
from registry.projector import Projector
from registry.records import Assignment, Number, User
from registry.tasks import stop
from tests.registry.builders import a_brand, a_campaign, a_number, a_tenant, a_user, eventually
from tests.registry.flows.desks import a_did, fill

#: By dialect: ten thousand once is enough, and PostgreSQL shows the rest with fewer.
OPERATIONS = {"sqlite": 10_000, "postgresql": 1_000}
#: Operations a transaction: the disk is not what is tried here.
TOGETHER = 25
SELDOM_PART = 0.005
DIDS = [a_did(n) for n in range(120)]
USERS = [f"u{n}" for n in range(40)]
CAMPAIGNS = ["C1", "C2", "C3"]


async def imported(desk, draw):
    """A state from outside, as an import or the aggregator brings it."""
    state = draw.choice(["pending", "assigned", "failed"])
    link = Assignment(did=draw.choice(DIDS), state=state, campaign_id=draw.choice(CAMPAIGNS), brand_id="B1")
    await desk.save([link], [(Assignment, (draw.choice(DIDS),))])


async def reviewed(desk, draw):
    """A campaign's state as TCR says it, known or not."""
    status = draw.choice(["active", "active", "suspended", "of a kind unheard of"])
    await desk.save([a_campaign(draw.choice(CAMPAIGNS), brand_id="B1", status=status)])


#: What may be done, each as often as it stands here.
ANYTHING = (
    lambda desk, draw: numbers.enable(desk, draw.choice(DIDS), draw.choice([None, *CAMPAIGNS])),
    lambda desk, draw: numbers.enable(desk, draw.choice(DIDS)),
    lambda desk, draw: numbers.assign(desk, draw.choice(DIDS), draw.choice(CAMPAIGNS)),
    lambda desk, draw: numbers.assign(desk, draw.choice(DIDS)),
    lambda desk, draw: numbers.disable(desk, draw.choice(DIDS)),
    lambda desk, draw: numbers.remove(desk, draw.choice(DIDS)),
    lambda desk, draw: numbers.give(desk, draw.choice(DIDS), draw.choice([None, *USERS])),
    lambda desk, draw: people.change_user(desk, draw.choice(USERS), given={"licence": draw.choice(["X1", "X2", "X4"])}),
    lambda desk, draw: people.change_user(desk, draw.choice(USERS), given={"name": str(draw.random())}),
    imported,
    imported,
    reviewed,
)
#: What would soon leave nothing to do, now and then.
SELDOM = (
    lambda desk, draw: numbers.port_out(desk, draw.choice(DIDS)),
    lambda desk, draw: people.leave(desk, draw.choice(USERS)),
    lambda desk, draw: campaigns.deactivate(desk, "C3", "C3"),
)


async def both(database, redis):
    """The documents that the rows give, and those that the store has."""
    async with database.reading() as connection:
        wanted = {}
        async for batch in render_all(connection):
            wanted |= batch
    keys = [key async for key in redis.scan_iter(match="{reg}:*", count=1000) if await redis.type(key) == b"string"]
    there = dict(zip((key.decode() for key in keys), await redis.mget(keys), strict=True)) if keys else {}
    return wanted, there


@pytest.mark.timeout(600)
async def test_sql_and_the_store_are_equal_after_ten_thousand_operations(database, store, redis):
    """With the store emptied in the middle, while operations go on."""
    await fill(
        database,
        a_tenant(),
        *(a_user(user) for user in USERS),
        a_brand("B1"),
        *(a_campaign(one, brand_id="B1") for one in CAMPAIGNS),
        *(a_number(did, user=USERS[place % len(USERS)]) for place, did in enumerate(DIDS)),
    )
    draw = random.Random(20261122)
    async with database.reading() as connection:
        operations = OPERATIONS[connection.dialect.name]
    projecting = asyncio.create_task(Projector(database, store, RegistryMetrics(CollectorRegistry())).run())
    done = refused = 0
    try:
        for transaction in range(operations // TOGETHER):
            async with database.writing() as connection:
                desk = Desk(connection=connection, tenant="acme", actor="test", now=datetime.now(UTC))
                for _ in range(TOGETHER):
                    try:
                        await draw.choice(ANYTHING if draw.random() > SELDOM_PART else SELDOM)(desk, draw)
                        done += 1
                    except Problem:
                        refused += 1
            if transaction == operations // TOGETHER // 2:
                await redis.flushall()

        async def equal():
            wanted, there = await both(database, redis)
            return wanted == there

        await eventually(equal)
    finally:
        await stop(projecting)

    assert done + refused == operations
    assert done > operations / 3
    assert refused > operations / 100
    async with database.reading() as connection:
        desk = Desk(connection=connection, tenant="acme", actor="test", now=datetime.now(UTC))
        assert await desk.all(User) != []
        assert any(one.left_at is not None for one in await desk.all(Number))
