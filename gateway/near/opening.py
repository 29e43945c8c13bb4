"""Opens the near cache of a process, with its instruments."""

import contextlib
import math
import os
import secrets
from collections.abc import AsyncIterator

from prometheus_client import CollectorRegistry

from gateway.near.cache import NearCache
from gateway.near.store import RegistryStore
from gateway.settings import Settings
from metrics.near import NearMetrics


@contextlib.asynccontextmanager
async def open_near_cache(settings: Settings, registry: CollectorRegistry, kind: str) -> AsyncIterator[NearCache]:
    """Follow the registry store until the context ends; kind is gateway or worker. One that is away is waited for."""
    metrics = NearMetrics(registry, kind)
    store = RegistryStore(settings.registry_url)
    # A name of its own for each life: what the last one said must not be taken for what this one has.
    near = NearCache(
        store,
        metrics,
        process=f"{process_name(kind)}:{secrets.token_hex(4)}",
        most_numbers=settings.near_numbers,
    )
    metrics.age_of(lambda: _age_s(near))
    try:
        async with near:
            yield near
    finally:
        await store.close()


def process_name(kind: str) -> str:
    """Name this process in records: kind and process id. Not the host: customers read their records."""
    return f"{kind}:{os.getpid()}"


def _age_s(near: NearCache) -> float:
    reading = near.reading()
    return math.inf if reading is None or reading.age_ms is None else reading.age_ms / 1_000
