"""Puts the sweep together, for `a2p-registry serve` and for one turn from the command line.

Not here: what any part does.
"""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

from metrics.registry import RegistryMetrics
from registry.database import Database
from registry.drift.copies import StoreReader
from registry.drift.sides import AggregatorSide, Rules, SendersSide, Sides
from registry.drift.sweep import Sweep
from registry.flows.desk import Limits
from registry.settings import Settings
from registry.tcr.catching_up import catch_up
from registry.tcr.client import TcrClient


@contextlib.asynccontextmanager
async def sweep_of(
    settings: Settings,
    database: Database,
    metrics: RegistryMetrics,
    *,
    aggregator: AggregatorSide | None = None,
    tcr: TcrClient | None = None,
    senders: SendersSide | None = None,
    with_store: bool = True,
) -> AsyncIterator[Sweep]:
    """Have a sweep over the sides that there are."""

    async def follow(name: str) -> object:
        return None if tcr is None else await catch_up(database, tcr, name)

    async with contextlib.AsyncExitStack() as stack:
        store = await stack.enter_async_context(StoreReader.connected(settings.registry_url)) if with_store else None
        sides = Sides(
            aggregator=aggregator,
            tcr=tcr,
            catch_up=None if tcr is None else follow,
            store=store,
            senders=senders,
        )
        rules = Rules(
            limits=Limits(numbers_per_campaign=settings.numbers_per_campaign),
            patience=timedelta(seconds=settings.provisioning_patience_s),
            grace=timedelta(seconds=settings.provisioning_grace_s),
        )
        yield Sweep(database, sides, rules, metrics)
