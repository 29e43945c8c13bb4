"""A real process, killed again and again in the middle of its work, towards a real aggregator in another process."""

import asyncio
import contextlib
import random
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
import sqlalchemy as sa

from registry.commands import change
from registry.flows import numbers as flows
from registry.flows.desk import Desk
from registry.provisioning import jobs
from registry.tables import assignments
from registry.work_tables import provisioning_jobs
from tests.registry.builders import a_brand, a_campaign, a_number, a_tenant, a_user
from tests.registry.provisioning.conftest import KEY

ROOT = Path(__file__).resolve().parents[3]
DIDS = [f"+1303555{index:04}" for index in range(16)]
#: The aggregator in this test: quick, and with one call in six cut before or after the write, or lost otherwise.
RULES = [
    {"operation": "add", "probability": 0.1, "answer": "cut_after", "after_s": 0.2},
    {"operation": "remove", "probability": 0.1, "answer": "cut_after", "after_s": 0.2},
    {"probability": 0.05, "answer": "unavailable"},
    {"probability": 0.05, "answer": "cut_before"},
]
KILLS = 4


@contextlib.asynccontextmanager
async def a_process(*arguments):
    """Run a process of ours that says a line when it is ready; it is killed at the end. Yields it and the line."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=ROOT
    )
    try:
        async with asyncio.timeout(90):
            line = (await child.stdout.readline()).decode()
        assert line, (await child.stderr.read()).decode()
        yield child, line
    finally:
        if child.returncode is None:
            child.kill()
        await child.communicate()


@contextlib.asynccontextmanager
async def an_aggregator():
    """Run the emulator in a process of its own; yields its address and a session that has the key."""
    options = ("--port", "0", "--add-seconds", "0.2", "--remove-seconds", "0.1", "--osr-seconds", "0.05")
    limits = ("--reads", "100000", "--writes", "100000", "--campaign-numbers", "1000")
    async with (
        a_process("-m", "loadtests.aggregator", *options, *limits) as (_, line),
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as session,
    ):
        yield re.search(r"http://[0-9.:]+", line)[0], session


async def wish(database, draws, did):
    """Wish for something, at random: into a campaign, into the other, out."""
    async with database.writing() as connection:
        desk = Desk(connection=connection, tenant="acme", actor="test", now=datetime.now(UTC))
        if draws.random() < 0.4:
            with contextlib.suppress(Exception):  # What is in no campaign cannot be removed.
                await flows.remove(desk, did)
        else:
            await flows.assign(desk, did, draws.choice(["C1", "C2"]))


async def look_at_all(database, dids):
    """Have numbers looked at soon, as events do: by themselves the pauses grow, and a test has no hour."""
    async with database.writing() as connection:
        for did in dids:
            await jobs.look_at(connection, did, datetime.now(UTC))


async def rows(database, table):
    """All rows of a table."""
    async with database.reading() as connection:
        return (await connection.execute(sa.select(table))).all()


@pytest.mark.timeout(600)
async def test_killed_anywhere_it_ends_as_if_it_had_not_been(database, settings):
    """Four times killed while wishes change: in the end every number is where it was last wished, on both sides."""
    draws = random.Random(5)
    async with database.writing() as connection:
        company = [a_tenant(), a_user(), a_brand(), a_campaign("C1"), a_campaign("C2")]
        numbers = [a_number(did, user=None, sms="disabled", sms_page=True) for did in DIDS]
        await change(connection, actor="test", put=[*company, *numbers])
    async with an_aggregator() as (url, session):
        async with session.put(f"{url}/control/rules", json={"rules": RULES}) as answer:
            assert answer.status == 200
        child = ("-m", "tests.registry.provisioning.child", settings.sql_url(), url)
        for did in DIDS:
            await wish(database, draws, did)
        for _ in range(KILLS):
            async with a_process(*child) as (victim, _):
                for _ in range(draws.randrange(4)):
                    await asyncio.sleep(draws.uniform(0, 0.15))
                    await wish(database, draws, draws.choice(DIDS))
                victim.kill()
                await victim.wait()
        async with a_process(*child):
            async with asyncio.timeout(120):
                while left := await rows(database, provisioning_jobs):
                    await look_at_all(database, [row.did for row in left])
                    await asyncio.sleep(0.5)
        said = {row.did: row.campaign_id for row in await rows(database, assignments) if row.state == "assigned"}
        while True:
            async with session.get(f"{url}/v1/numbers?limit=1000") as answer:
                if answer.status == 200:
                    shown = (await answer.json())["numbers"]
                    break
            await asyncio.sleep(0.5)  # It refuses some calls, this one too.
        async with session.get(f"{url}/control/calls") as answer:
            statuses = {call["status"] for call in (await answer.json())["calls"]}
    held = {one["phoneNumber"]: one["campaignId"] for one in shown if one["status"] == "ADDED"}
    wished = {row.did: row.campaign_id for row in await rows(database, assignments)}
    assert said == held == wished
    assert {one["status"] for one in shown} <= {"ADDED", "DELETED"}
    assert statuses >= {200, 202, 499, 503}  # It was cut off, and refused, as it was to be.
