"""A registry that only copies and tells, until it is killed.

``python child.py DATA_DIR STORE_URL GATEWAY_URL READY``; READY is a file that it makes when the copy is in step.
"""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry

from metrics.registry import RegistryMetrics
from registry.database import Database
from registry.notices.book import Pace
from registry.notices.sender import Sender
from registry.projector import Projector
from registry.settings import Settings
from registry.store import RegistryStore
from tests.registry.builders import eventually


async def main(data_dir, store_url, gateway_url, ready):
    """Work for ever; a killed one's claims are free again after two seconds, for a test has no half minute."""
    metrics = RegistryMetrics(CollectorRegistry())
    settings = Settings(data_dir=Path(data_dir), registry_url=store_url)
    none = timedelta(0)
    async with Database.opened(settings) as database, RegistryStore.connected(store_url) as store:
        sender = Sender(
            database,
            metrics,
            gateway_url=gateway_url,
            allow_private_hooks=True,
            pace=Pace(none, none, none),
            poll_s=0.02,
            claim=timedelta(seconds=2),
        )
        projector = Projector(database, store, metrics)

        async def say():
            async def in_step():
                return projector.trouble is None

            await eventually(in_step)
            await asyncio.to_thread(Path(ready).touch)

        await asyncio.gather(projector.run(), sender.run(), say())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
