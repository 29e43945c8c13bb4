"""A registry's database with one number, an aggregator emulator, a worker between them, and a clock that is set."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from prometheus_client import CollectorRegistry

from loadtests.aggregator import app
from loadtests.aggregator.rules import read_rules
from loadtests.aggregator.settings import Settings
from metrics.registry import RegistryMetrics
from registry.commands import change, find
from registry.flows import campaigns as campaign_flows
from registry.flows import numbers as number_flows
from registry.flows.desk import Desk, Limits
from registry.provisioning import jobs
from registry.provisioning.client import AggregatorClient
from registry.provisioning.jobs import Patience
from registry.provisioning.worker import Worker
from registry.records import Assignment
from registry.tables import audit
from tests.registry.builders import DID, a_brand, a_campaign, a_number, a_tenant, a_user

KEY = "aggregator-key"
PATIENCE = Patience(aggregator=timedelta(hours=48), carriers=timedelta(hours=24), poll=timedelta(seconds=30))
_PATIENCE_S = 30


class Clock:
    """A time that moves when a test says so."""

    def __init__(self):
        self.now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def __call__(self):
        """Return the time."""
        self.now += timedelta(microseconds=1)  # No two instants are the same.
        return self.now

    def pass_by(self, **duration):
        """Let time go by."""
        self.now += timedelta(**duration)


class World:
    """Everything, and what people do."""

    def __init__(self, database, aggregator, client, clock):
        self.database = database
        self.aggregator = aggregator
        self.client = client
        self.clock = clock
        self.metrics = RegistryMetrics(CollectorRegistry())
        self.worker = Worker(database, client, PATIENCE, self.metrics, now=clock, poll_s=0.01)

    @contextlib.asynccontextmanager
    async def desk(self):
        """An admin's place of work."""
        async with self.database.writing() as connection:
            limits = Limits(numbers_per_campaign=10**6)  # The emulator has the limit that tests are about.
            yield Desk(connection=connection, tenant="acme", actor="test", now=self.clock(), limits=limits)

    async def assign(self, did=DID, campaign="CACME"):
        """Use Assign to campaign."""
        async with self.desk() as desk:
            await number_flows.assign(desk, did, campaign)

    async def remove(self, did=DID):
        """Remove the number from the SMS page."""
        async with self.desk() as desk:
            await number_flows.remove(desk, did)

    async def deactivate(self, campaign="CACME"):
        """Deactivate a campaign."""
        async with self.desk() as desk:
            await campaign_flows.deactivate(desk, campaign, campaign)

    async def put(self, *records):
        """Have rows as they are given."""
        async with self.database.writing() as connection:
            await change(connection, actor="test", put=records)

    def rules(self, *rules):
        """Have the emulator follow rules."""
        self.aggregator.rules.use(read_rules({"rules": list(rules)}))

    def finish(self, reason=None, did=DID):
        """End what is under way at the aggregator."""
        self.aggregator.book.finish(did, reason=reason)

    async def settle(self, did=DID):
        """Wait until nothing is under way at the aggregator, and OSR has followed."""
        async with asyncio.timeout(_PATIENCE_S):
            while did in self.aggregator.book._timers:  # noqa: ASYNC110  the emulator's clock
                await asyncio.sleep(0.001)

    async def turn(self):
        """Work until nothing is due."""
        async with asyncio.timeout(_PATIENCE_S):
            while await self.worker.work_once():
                pass

    async def later(self, **duration):
        """Let the aggregator end what is under way, time go by, and the worker look."""
        await self.settle()
        self.clock.pass_by(**duration)
        await self.turn()

    async def link(self, did=DID):
        """The assignment."""
        async with self.database.reading() as connection:
            return (await find(connection, Assignment, [(did,)])).get((did,))

    async def state(self, did=DID):
        """The assignment's state in SQL, "" for none."""
        link = await self.link(did)
        return "" if link is None else link.state

    async def job(self, did=DID):
        """The job."""
        async with self.database.reading() as connection:
            return await jobs.find_job(connection, did)

    async def trail(self):
        """The states that provisioning has made of assignments, in order, and "" where it removed one."""
        async with self.database.reading() as connection:
            rows = await connection.execute(sa.select(audit).where(audit.c.actor == "provisioning"))
            return [row.after and row.after.split('"state":"')[1].split('"')[0] for row in rows]

    def shown(self, did=DID):
        """State and campaign at the aggregator."""
        number = self.aggregator.book.find(did)
        return None if number is None else (number.state, number.campaign_id)

    def asked(self, *operations):
        """The calls that were made, in order."""
        wanted = operations or ("add", "remove")
        return [call.operation for call in self.aggregator.calls.log if call.operation in wanted]


@pytest.fixture
def clock():
    """Noon."""
    return Clock()


@pytest.fixture
async def aggregator():
    """An emulator that does everything at once, unless a rule says otherwise."""
    quick = Settings(port=0, scale=0, reads_per_s=1e6, writes_per_s=1e6)
    async with app.running(quick) as aggregator:
        yield aggregator


@pytest.fixture
async def client(aggregator):
    """Our client of it, in a hurry."""
    async with AggregatorClient.opened(aggregator.url, KEY, reads_per_s=1e6, writes_per_s=1e6, timeout_s=5) as client:
        yield client


@pytest.fixture
async def world(database, aggregator, client, clock):
    """A company with a verified campaign and a number that is in none."""
    world = World(database, aggregator, client, clock)
    await world.put(a_tenant(), a_user(), a_brand(), a_campaign(), a_campaign("COTHER"), a_number(sms="disabled"))
    return world
