"""Submits what is due until it is killed; its arguments are a data directory and the address of the emulator."""

import asyncio
import sys
from pathlib import Path

from prometheus_client import CollectorRegistry

from metrics.registry import RegistryMetrics
from registry.database import Database
from registry.settings import Settings
from registry.tcr.client import TcrAccount, TcrClient
from registry.tcr.submitter import Submitter
from registry.tcr.telling import Telling


async def submit(data_dir: Path, url: str) -> None:
    """Submit for ever."""
    account = TcrAccount(url=f"{url}/v2", key="tcr-key", secret="tcr-secret", upstream="SAGGR01")
    metrics = RegistryMetrics(CollectorRegistry())
    async with Database.opened(Settings(data_dir=data_dir)) as database, TcrClient.connected(account) as client:
        print("submitting", flush=True)
        await Submitter(database, client, metrics, Telling(metrics)).run()


if __name__ == "__main__":
    asyncio.run(submit(Path(sys.argv[1]), sys.argv[2]))
