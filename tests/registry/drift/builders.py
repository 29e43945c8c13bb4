"""Those around the registry, as tests have them, and a sweep over them."""

from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry

from metrics.registry import RegistryMetrics
from registry.commands import change
from registry.drift.sides import Rules, Sides
from registry.drift.sweep import Sweep
from registry.flows.desk import Desk, Limits
from registry.provisioning.client import Page, Shown
from registry.tcr.errors import TcrNotFoundError
from registry.tcr.values import AsOf, Operations, Sharing, TcrBrand, TcrCampaign
from tests.registry.builders import BASICS

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=9)
_AS_OF = AsOf(earliest=NOW, latest=NOW)


def shown(did, campaign_id="CACME", *, status="ADDED", operation="ASSIGNMENT"):
    """A number as the aggregator shows it."""
    return Shown(
        did=did,
        status=status,
        operation=operation,
        campaign_id=campaign_id,
        reference="w1-a1",
        reasons=(),
        version=1,
        updated_at=LONG_AGO,
    )


class Aggregator:
    """Has numbers, and what carriers see; remembers whom it was asked about."""

    def __init__(self, *numbers, unseen=()):
        self.numbers = {one.did: one for one in numbers}
        self.unseen = set(unseen)
        self.asked = []

    async def read(self, did):
        """A number."""
        self.asked.append(did)
        return self.numbers.get(did)

    async def changed(self, *, after=0, limit=100):
        """All of them, two a page."""
        del limit
        listed = sorted(self.numbers.values(), key=lambda one: one.did)
        some = listed[after : after + 2]
        return Page(numbers=tuple(some), next=after + 2, more=after + 2 < len(listed))

    async def look_up(self, did):
        """What carriers see."""
        return None if did in self.unseen else self.numbers[did].campaign_id


class Tcr:
    """Has brands and campaigns as (status, sharing, carriers)."""

    def __init__(self, brands=(), campaigns=()):
        self.brands, self.campaigns = dict(brands), dict(campaigns)

    async def brand(self, brand_id):
        """A brand."""
        if brand_id not in self.brands:
            raise TcrNotFoundError("not_found")
        return TcrBrand(brand_id, self.brands[brand_id], is_mock=False, reference="", as_of=_AS_OF)

    async def brand_feedback(self, brand_id):
        """Nothing: it is still being looked at."""
        del brand_id
        return ()

    def _campaign(self, campaign_id):
        if campaign_id not in self.campaigns:
            raise TcrNotFoundError("not_found")
        return self.campaigns[campaign_id]

    async def campaign(self, campaign_id):
        """A campaign."""
        status = self._campaign(campaign_id)[0]
        return TcrCampaign(campaign_id, "", status, is_mock=False, reference="", as_of=_AS_OF)

    async def sharing(self, campaign_id):
        """Its sharing."""
        return Sharing(self._campaign(campaign_id)[1], "", _AS_OF)

    async def operations(self, campaign_id):
        """Its carriers."""
        return Operations(self._campaign(campaign_id)[2], _AS_OF)


class Senders:
    """Numbers that sent of late."""

    def __init__(self, *dids):
        self.dids = dids

    async def recent(self, most):
        """The last one first."""
        return self.dids[:most]


def a_desk(connection, **fields):
    """Where acme's admin works."""
    return Desk(**{"connection": connection, "tenant": "acme", "actor": "key:k", "now": NOW} | fields)


async def fill(database, *records):
    """A tenant that is in order, with some records in place of its own or beside them."""
    async with database.writing() as connection:
        await change(connection, actor="test", put=[*BASICS, *records])


def a_sweep(database, rules=None, **sides):
    """A sweep, and its metrics."""
    metrics = CollectorRegistry()
    rules = rules or Rules(limits=Limits())
    return Sweep(database, Sides(**sides), rules, RegistryMetrics(metrics), pause_s=0), metrics


async def turn(sweep, now=NOW):
    """Walk to the end of a turn."""
    while not await sweep.step(now):
        pass
