"""A process that provisions until it is killed: ``python child.py DATABASE_URL AGGREGATOR_URL``."""

import asyncio
import sys
from datetime import timedelta

from prometheus_client import CollectorRegistry

from metrics.registry import RegistryMetrics
from registry.database import Database
from registry.provisioning.client import AggregatorClient
from registry.provisioning.jobs import Patience
from registry.provisioning.worker import Worker
from registry.settings import Settings


async def main(database_url, aggregator_url):
    """Work for ever; a killed one's claims are free again after half a second, for a test has no half minute."""
    patience = Patience(aggregator=timedelta(hours=1), carriers=timedelta(hours=1), poll=timedelta(milliseconds=100))
    async with (
        Database.opened(Settings(database_url=database_url)) as database,
        AggregatorClient.opened(aggregator_url, "aggregator-key", reads_per_s=1e6, writes_per_s=1e6) as client,
    ):
        metrics = RegistryMetrics(CollectorRegistry())
        claim = timedelta(milliseconds=500)
        print("working", flush=True)
        await Worker(database, client, patience, metrics, poll_s=0.02, claim=claim).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
