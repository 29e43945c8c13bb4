"""Our rows, TCR and an aggregator on real sockets, our clients, a sweep and a worker: for tests of what differs.

Nothing is told by a webhook here: what differs is found by asking, or not at all.
"""

import asyncio
import contextlib
from datetime import timedelta
from functools import partial

import orjson
import sqlalchemy as sa
from prometheus_client import CollectorRegistry

from loadtests.aggregator import app as aggregator_app
from loadtests.aggregator.rules import read_rules
from loadtests.aggregator.settings import Settings as AggregatorSettings
from metrics.registry import RegistryMetrics
from registry.commands import change
from registry.drift.actions import ACTIONS
from registry.drift.classes import CLASSES
from registry.drift.sides import Rules, Sides
from registry.drift.sweep import Sweep
from registry.provisioning.client import AggregatorClient
from registry.provisioning.jobs import Patience, find_job
from registry.provisioning.worker import Worker
from registry.records import Assignment
from registry.tcr.catching_up import catch_up
from registry.tcr.client import TcrClient
from registry.work_tables import drift
from tests.registry.builders import (
    BASICS,
    DID,
    OTHER_DID,
    a_campaign,
    a_number,
    an_assignment,
)
from tests.registry.drift.builders import NOW, a_desk
from tests.registry.tcr.conftest import emulating

KEY = "aggregator-key"
PATIENCE = Patience(aggregator=timedelta(hours=48), carriers=timedelta(hours=24), poll=timedelta(seconds=30))
STRANGER = "+12025550177"
NUMBER, OTHER, CAMPAIGN, BRAND = f"number:{DID}", f"number:{OTHER_DID}", "campaign:CACME", "brand:BACME"
CARRIERS = {"att": "approved", "tmobile": "approved", "verizon": "approved", "us_cellular": "review"}
#: What a side other than the store can say.
THEIRS = {kind for kind in CLASSES if "aggregator" in kind or "tcr" in kind or kind.startswith(("carrier", "brand_"))}
THEIRS |= {"shown_not_effective", "assignment_without_job", "orphan_assignment", "provisioning_stuck"}


def the_company(**more):
    """What TCR and the aggregator know of acme: as our rows have it."""
    campaign = {
        "brand_id": "BACME",
        "use_case": "low_volume",
        "status": "active",
        "sharing": "accepted",
        "dca_complete": True,
        "carriers": CARRIERS,
    }
    return {
        "format": "a2p-company/1",
        "brands": [{"id": "BACME", "legal_name": "Acme LLC", "status": "verified", "vetting_score": 78}],
        "campaigns": [campaign | {"id": "CACME"}, campaign | {"id": "COTHER"}],
        "numbers": [{"did": DID, "assignment": {"state": "assigned", "campaign_id": "CACME"}}],
    } | more


class World:
    """Our rows, both emulators, our clients of them, a sweep and a worker; and a time that tests move."""

    def __init__(self, database, aggregator, numbers, tcr, registry):
        self.database, self.aggregator, self.numbers, self.tcr, self.registry = (
            database,
            aggregator,
            numbers,
            tcr,
            registry,
        )
        self.now = NOW
        self.metrics = CollectorRegistry()
        self.senders = None
        self.worker = Worker(database, numbers, PATIENCE, RegistryMetrics(CollectorRegistry()), now=self.clock)
        self.sweep = self.a_sweep(RegistryMetrics(self.metrics))

    def clock(self):
        """No two instants are the same."""
        self.now += timedelta(microseconds=1)
        return self.now

    def a_sweep(self, metrics, **sides):
        """A sweep over both, or over others."""
        both = {
            "aggregator": self.numbers,
            "tcr": self.registry,
            "catch_up": partial(catch_up, self.database, sides.get("tcr", self.registry)),
        }
        return Sweep(self.database, Sides(**both | sides), Rules(), metrics, pause_s=0)

    async def turn(self):
        """Walk to the end of a turn."""
        while not await self.sweep.step(self.clock()):
            pass

    async def put(self, *records):
        """Have rows as they are given."""
        async with self.database.writing() as connection:
            await change(connection, actor="test", put=records)

    @contextlib.asynccontextmanager
    async def desk(self):
        """An admin's place of work."""
        async with self.database.writing() as connection:
            yield a_desk(connection, now=self.clock())

    async def retry(self, kind, name):
        """Decide that something is to be tried again."""
        (action,) = (one for one in ACTIONS if one.id == "retryDrift")
        async with self.desk() as desk:
            return await action.run(desk, {"kind": kind, "object": name}, None)

    async def listed(self, state="open", among=THEIRS):
        """What is in a state: class and object."""
        async with self.database.reading() as connection:
            rows = await connection.execute(sa.select(drift.c.kind, drift.c.object).where(drift.c.state == state))
            return {tuple(row) for row in rows if row.kind in among}

    async def one(self, kind, name):
        """A row."""
        async with self.database.reading() as connection:
            return await a_desk(connection).one(kind, name)

    async def link(self, did=DID):
        """A number's campaign and state; None for none."""
        link = await self.one(Assignment, did)
        return None if link is None else (link.campaign_id, link.state)

    async def job(self, did=DID):
        """What the aggregator is asked for a number."""
        async with self.database.reading() as connection:
            return await find_job(connection, did)

    def shown(self, did=DID):
        """Campaign and state at the aggregator, and the campaign that carriers see."""
        number = self.aggregator.book.find(did)
        return number.campaign_id, number.state, self.aggregator.book.osr(did)

    def behave(self, *rules):
        """Have the aggregator follow rules."""
        self.aggregator.rules.use(read_rules({"rules": list(rules)}))

    async def settle(self, *dids):
        """Work until nothing is left to do at the aggregator."""
        async with asyncio.timeout(30):
            while await self.worker.work_once() or self.aggregator.book._timers:
                self.now += PATIENCE.poll
                await asyncio.sleep(0.001)
        for did in dids:
            assert await self.job(did) is None


@contextlib.asynccontextmanager
async def a_world(database, tmp_path, company=None, *, account=None, ours_per_s=1e6, **aggregator):
    """Have a world; aggregator are its settings, account those of our client of TCR."""
    file = tmp_path / "company.json"
    file.write_bytes(orjson.dumps(company or the_company()))
    quick = {"scale": 0, "reads_per_s": 1e6, "writes_per_s": 1e6} | aggregator
    async with (
        aggregator_app.running(AggregatorSettings(port=0, company=file, **quick)) as there,
        AggregatorClient.opened(there.url, KEY, reads_per_s=ours_per_s, writes_per_s=1e6, timeout_s=1) as numbers,
        emulating(company=file) as tcr,
        TcrClient.connected(tcr.account(**account or {})) as registry,
    ):
        yield World(database, there, numbers, tcr, registry)


DIDS = [f"+1202555{place:04}" for place in range(200, 225)]


async def many(world):
    """Have some numbers that are in order on both sides, and some campaigns."""
    records = [record for did in DIDS for record in (a_number(did, user=None, sms="disabled"), an_assignment(did))]
    await world.put(*BASICS, a_campaign("COTHER"), *records)
    for did in DIDS:
        world.aggregator.book.put(did, {"campaignId": "CACME"})
