"""What an admin is told comes as an instant message through the real gateway, once, whatever is killed on the way."""

import asyncio
import base64
import os
import random
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import aiohttp
import orjson
import pytest
import sqlalchemy as sa
from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks import Webhook

from loadtests.children import ground
from loadtests.faults.stand import Stand
from loadtests.ports import free_port
from registry.commands import change
from registry.credentials import mint
from registry.database import Database
from registry.notices.speaker import NAME
from registry.settings import Settings
from registry.tables import users
from registry.work_tables import notice_deliveries, notice_hooks, notices
from tests.registry.builders import AT, BASICS, a_campaign, a_user, eventually
from tests.scenarios.databases import on_both

#: One after the other with all that keeps both cores busy.
pytestmark = [on_both, pytest.mark.xdist_group("up"), pytest.mark.timeout(300)]

CHILD = Path(__file__).parents[1] / "registry" / "notices" / "child.py"
ADMINS = ("ada", "bo", "cy")
CAMPAIGNS = tuple(f"C{number:02}" for number in range(12))
KILLS = 5
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


class Company:
    """Acme in its database, and the keys with which its app reads and writes."""

    def __init__(self, database, port):
        self.database = database
        self.url = f"http://127.0.0.1:{port}"
        self.key = mint(tenant="acme", user=None, scopes=("send", "read"), label="app")

    async def fill(self, hook_url):
        """Write everything but news."""
        people = [a_user(name, name=name.title(), role="admin") for name in ADMINS]
        await self.put(*BASICS, *people, *(a_campaign(name) for name in CAMPAIGNS), self.key.record)
        async with self.database.writing() as connection:
            await connection.execute(
                sa.insert(notice_hooks).values(tenant="acme", url=hook_url, secret=SECRET, created_at=AT)
            )

    async def put(self, *records):
        """Make rows be as given, as TCR would."""
        async with self.database.writing() as connection:
            await change(connection, actor="tcr", put=records)

    async def rows(self, table):
        """All rows of a table."""
        async with self.database.reading() as connection:
            return (await connection.execute(sa.select(table))).all()

    async def call(self, method, path, body=None, *, key=None):
        """Call the gateway."""
        headers = {"Authorization": f"Bearer {(key or self.key).text}"}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.url + path, json=body, headers=headers) as answer,
        ):
            return answer.status, await answer.json()

    async def inbox(self, user):
        """Everything that came for a user: from whom, and what."""
        items, after = [], ""
        while True:
            status, page = await self.call("GET", f"/v1/inbox?user={user}&after={after}")
            assert status == 200, page
            if not page["items"]:
                return items
            items += [(item["from_user"], item["text"]) for item in page["items"]]
            after = page["next"]

    async def attempts(self):
        """How many times a delivery was begun."""
        return sum(row.attempts for row in await self.rows(notice_deliveries))

    async def begun(self):
        """How many deliveries to people have been tried and are not noted as done."""
        rows = await self.rows(notice_deliveries)
        return sum(row.attempts > 0 and row.state == "waiting" and row.recipient != "hook" for row in rows)

    async def all_told(self):
        """Whether every notice is given out, and nothing waits."""
        told = await self.rows(notices)
        return all(row.next_at is None for row in told) and {
            row.state for row in await self.rows(notice_deliveries)
        } <= {"delivered"}


@pytest.fixture
async def hook():
    """A company's own server, which is away now and then; what it got, by id."""
    got = Counter()

    async def take(request):
        body = await request.read()
        Webhook(SECRET).verify(body, dict(request.headers))
        got[request.headers["webhook-id"]] += 1
        is_away = got[request.headers["webhook-id"]] == 1 and random.random() < 0.3
        return web.Response(status=500 if is_away else 200)

    app = web.Application()
    app.router.add_post("/", take)
    async with TestServer(app) as server:
        yield str(server.make_url("/")), got


@pytest.fixture
async def acme(hook, tmp_path, registry_databases):
    """Acme behind a real gateway and worker, and the child that tells: a stand whose parts can be killed."""
    with ground(os.environ, None) as place:
        port = free_port()
        stand = Stand(place, port=port, carrier_port=free_port(), settings={})
        data_dir, ready = tmp_path / "data", tmp_path / "ready"
        child = [sys.executable, str(CHILD), str(data_dir), stand.url("registry-store"), f"http://127.0.0.1:{port}"]
        environment = {"PYTHONPATH": str(CHILD.parents[3])} | registry_databases
        url = registry_databases.get("A2P_REGISTRY_DATABASE_URL", "")
        try:
            stand.add_store("queue-store", fsync="always")
            stand.add_store("registry-store", fsync="everysec")
            stand.add_carrier()
            stand.add("teller", "registry", [*child, str(ready)], ready.exists, environment)
            stand.add_ours("gateway-1", "gateway")
            stand.add_ours("worker-1", "worker")
            async with Database.opened(Settings(data_dir=data_dir, database_url=url)) as database:
                company = Company(database, port)
                await company.fill(hook[0])
                for name in stand.parts:
                    stand.start(name)
                await asyncio.to_thread(stand.heal)
                yield company, stand
        finally:
            await asyncio.to_thread(stand.close)


async def test_each_admin_gets_each_notice_once(acme, hook):
    """Whoever tells is killed, once in the middle at least; so is the gateway. Nothing is lost, nothing comes twice."""
    company, stand = acme
    draws = random.Random(20_261_122)
    changed = kills = in_the_middle = 0
    suspended = set()
    while kills < KILLS or not in_the_middle:
        kills += 1
        for name in draws.sample(CAMPAIGNS, 3):
            await company.put(a_campaign(name, status="active" if name in suspended else "suspended"))
            suspended ^= {name}
            changed += 1
            await asyncio.sleep(draws.random() * 0.05)
        before = await company.attempts()
        await eventually(lambda before=before: more_than(company, before))
        await asyncio.sleep(draws.random() * 0.05)
        await asyncio.to_thread(stand.kill, "teller")
        in_the_middle += await company.begun()
        if kills == KILLS // 2:
            await asyncio.to_thread(stand.kill, "gateway-1")
            await asyncio.to_thread(stand.start, "gateway-1")
        await asyncio.to_thread(stand.start, "teller")
    await asyncio.to_thread(stand.heal)
    await eventually(company.all_told)

    told = [orjson.loads(row.params) for row in await company.rows(notices)]
    assert told
    texts = sorted(params["text"] for params in told)
    for admin in ADMINS:
        await eventually(lambda admin=admin: has(company, admin, len(texts)))
        inbox = await company.inbox(admin)
        assert {sender for sender, _ in inbox} == {"system-acme"}
        assert sorted(text for _, text in inbox) == texts
    assert await company.inbox("ben") == []
    assert sum(params["count"] for params in told) <= changed
    ids = {f"notice_{row.id}" for row in await company.rows(notices)}
    assert {name.rpartition("_")[0] for name in hook[1]} == ids


async def more_than(company, before):
    """Whether something was tried since."""
    return await company.attempts() > before


async def has(company, admin, count):
    """Whether as many messages came: an instant message is accepted first, and delivered a moment later."""
    return len(await company.inbox(admin)) >= count


async def test_the_system_user_writes_to_nobody_outside(acme):
    """It has no number, so a text of its is refused, with its own key and with the company's."""
    company, _ = acme
    await company.put(a_campaign(CAMPAIGNS[0], status="suspended"))
    await eventually(company.all_told)
    await eventually(lambda: has(company, "ada", 1))
    (row,) = [row for row in await company.rows(users) if row.role == "system"]
    own = mint(tenant="acme", user=row.id, scopes=("send",), label="a test's")
    await company.put(replace(own.record, created_at=AT))

    async def known():
        status, _ = await company.call("POST", "/v1/messages", {"to": "user:ada", "text": "Hi."}, key=own)
        return status == 202

    await eventually(known)
    for to in ("+13035550111", ["user:ada", "+13035550111"]):
        for key, body in ((own, {}), (company.key, {"user": row.id}), (own, {"from": "+12025550101"})):
            status, answer = await company.call("POST", "/v1/messages", {"to": to, "text": "Hi."} | body, key=key)
            legs = {leg["to"]: leg["verdict"] for leg in answer["legs"]} if status == 202 else {"+13035550111": "block"}
            assert legs["+13035550111"] == "block", answer
    assert (row.id, row.name) == ("system-acme", NAME)
