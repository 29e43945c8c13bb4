"""Provisioning as one part of the registry process: the client, the worker's task, and the routes of its events.

Not here: where it stands among the other parts (registry/app.py).
"""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web

from metrics.registry import RegistryMetrics
from registry.database import Database
from registry.provisioning.client import AggregatorClient
from registry.provisioning.hook import NumbersHook
from registry.provisioning.jobs import Patience
from registry.provisioning.worker import Worker
from registry.settings import Settings
from registry.tasks import kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioning:
    """Provisioning that runs, or does not where no aggregator is set."""

    #: For whoever else asks the aggregator, at the same rate.
    client: AggregatorClient | None = None
    hook: NumbersHook | None = None

    def routes(self) -> list[web.RouteDef]:
        """List what is to be served at the registry's HTTP port."""
        return [] if self.hook is None else self.hook.routes()


@contextlib.asynccontextmanager
async def provisioning(settings: Settings, database: Database, metrics: RegistryMetrics) -> AsyncIterator[Provisioning]:
    """Work off what is wished for, for a while. ValueError for a secret that is none."""
    if not settings.aggregator_url:
        yield Provisioning()
        return
    patience = patience_of(settings)
    async with AggregatorClient.opened(
        settings.aggregator_url,
        settings.aggregator_key,
        reads_per_s=settings.aggregator_reads_per_s,
        writes_per_s=settings.aggregator_writes_per_s,
    ) as client:
        worker = Worker(database, client, patience, metrics)
        hook = NumbersHook(database, worker, patience, metrics, secrets=settings.aggregator_hook_secrets)
        async with kept("provisioning", worker.run):
            yield Provisioning(client=client, hook=hook)


def patience_of(settings: Settings) -> Patience:
    """Return how long things may take."""
    return Patience(
        aggregator=timedelta(seconds=settings.provisioning_patience_s),
        carriers=timedelta(seconds=settings.provisioning_grace_s),
        poll=timedelta(seconds=settings.provisioning_poll_s),
    )
