"""The registry, killed in the middle of what admins do: what it answered is there, and nothing is half done."""

import asyncio
import os
import random
import sys
import time

import aiohttp
import pytest
import sqlalchemy as sa

from loadtests.ports import free_port
from registry.commands import change
from registry.credentials import mint
from registry.database import Database
from registry.tables import assignments, audit, numbers, outbox
from registry.work_tables import provisioning_jobs
from tests.registry.builders import a_brand, a_campaign, a_tenant, a_user, eventually
from tests.registry.flows.desks import a_did, new_number
from tests.valkey import Valkey

KILLS = 4
USERS = [f"u{n}" for n in range(4)]
DIDS = [a_did(n) for n in range(12)]


class Registry:
    """A registry process that can be killed and started again."""

    def __init__(self, settings, store_url):
        self.port, self.admin_port = free_port(), free_port()
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("A2P_")} | {
            "A2P_REGISTRY_DATA_DIR": str(settings.data_dir),
            "A2P_REGISTRY_DATABASE_URL": settings.database_url,
            "A2P_REGISTRY_REGISTRY_URL": store_url,
            "A2P_REGISTRY_HTTP_PORT": str(self.port),
            "A2P_REGISTRY_ADMIN_PORT": str(self.admin_port),
        }
        self.process = None

    async def start(self, session):
        """Start it and wait until it serves."""
        command = [sys.executable, "-m", "registry", "serve"]
        quiet = {"stdout": asyncio.subprocess.DEVNULL, "stderr": asyncio.subprocess.DEVNULL}
        self.process = await asyncio.create_subprocess_exec(*command, env=self.environment, **quiet)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                async with session.get(f"http://127.0.0.1:{self.admin_port}/readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)
        pytest.fail("it did not come up")

    async def kill(self):
        """Kill -9."""
        self.process.kill()
        await self.process.wait()


async def admin(registry, session, key, draw, answered):
    """Do one thing after the other; a registry that is away is tried again."""
    while True:
        did = draw.choice(DIDS)
        what = draw.choice(["enable", "enable", "assign", "disable", "remove"])
        url = f"http://127.0.0.1:{registry.port}/v1/numbers/{did}/{what}"
        try:
            async with session.post(url, headers={"Authorization": f"Bearer {key}"}) as answer:
                body = await answer.json(content_type=None)
                assert answer.status in {200, 202, 409}, body
                if answer.status != 409:
                    answered.append(body["change"]["seq"])
        except (aiohttp.ClientError, ValueError):
            await asyncio.sleep(0.05)


def more_than(answered, count):
    """A condition: more than so many were answered."""

    async def condition():
        return len(answered) > count

    return condition


async def fill(settings):
    """Take in a company; gives a key of its admin."""
    key = mint(tenant="acme", user=None, scopes=("admin",), label="")
    people = [a_user(user) for user in USERS]
    owned = [new_number(did, user=USERS[place % len(USERS)]) for place, did in enumerate(DIDS)]
    put = [a_tenant(), *people, a_brand(), a_campaign(), *owned, key.record]
    async with Database.opened(settings) as database, database.writing() as connection:
        await change(connection, actor="test", put=put)
    return key.text


@pytest.mark.timeout(240)
async def test_killed_in_the_middle_nothing_is_lost_or_half_done(settings):
    """Every answered change is in the database; one number a user is on; every wish has its assignment."""
    key, draw, answered = await fill(settings), random.Random(11), []
    with Valkey() as store:
        registry = Registry(settings, store.url)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as session:
            await registry.start(session)
            admins = [asyncio.create_task(admin(registry, session, key, draw, answered)) for _ in range(4)]
            try:
                for _ in range(KILLS):
                    await eventually(more_than(answered, len(answered) + 4))
                    await asyncio.sleep(draw.random() * 0.2)
                    await registry.kill()
                    await registry.start(session)
            finally:
                for task in admins:
                    task.cancel()
                ended = await asyncio.gather(*admins, return_exceptions=True)
                await registry.kill()
            assert all(isinstance(one, asyncio.CancelledError) for one in ended), ended

    async with Database.opened(settings) as database, database.reading() as connection:
        assert max(answered) <= await connection.scalar(sa.select(sa.func.max(outbox.c.seq)))
        enabled = sa.select(numbers.c.user, sa.func.count()).where(numbers.c.sms == "enabled").group_by(numbers.c.user)
        assert all(count == 1 for _, count in await connection.execute(enabled))
        moving = sa.select(assignments.c.did).where(assignments.c.state.in_(["pending", "removing"]))
        wished = sa.select(provisioning_jobs.c.did)
        assert set((await connection.execute(moving)).scalars()) == set((await connection.execute(wished)).scalars())
        changed = sa.select(sa.func.count()).select_from(audit).where(audit.c.actor.like("key:%"))
        assert await connection.scalar(changed) >= len(set(answered))
