"""Puts the worker process together: stores, instruments, carriers, the worker.

Not here: the signals that stop it (commands/work.py), the work itself (worker.py).
"""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, ProcessCollector

from compliance.codes import Code
from gateway.connectors.http_carrier import HttpCarrier, HttpCarrierOptions
from gateway.garbage import seldom_collected
from gateway.near.opening import open_near_cache
from gateway.policies import load_policy
from gateway.queue import TERMINAL
from gateway.queue.store import open_store
from gateway.send.gather import Gatherer
from gateway.settings import Settings
from gateway.watch import Watch
from gateway.work.dispatcher import OUTCOME_WORDS
from gateway.work.recheck import Recheck
from gateway.work.routing import Route, lanes_of
from gateway.work.tenure import WorkerQueue
from gateway.work.worker import Worker
from gateway.work.worker_options import WorkerOptions
from metrics.admin import admin_app, serve_admin
from metrics.worker import WorkerMetrics


async def run_worker(settings: Settings, stopping: asyncio.Event) -> None:
    """Run a worker process until told to stop, then finish what is under way.

    Raises QueueUnavailable when the queue store is away, unsafe, or not ours; PolicyError for a policy that is none.
    """
    async with contextlib.AsyncExitStack() as stack:
        policy = load_policy(settings.policy)
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        queue = await stack.enter_async_context(open_store(settings.queue_url, partitions=settings.partitions))
        near = await stack.enter_async_context(open_near_cache(settings, registry, "worker"))
        watch = await stack.enter_async_context(Watch(near, queue))
        await stack.enter_async_context(
            serve_admin(
                admin_app(registry, lambda: "stopping" if stopping.is_set() else watch.not_ready()),
                settings.admin_host,
                settings.worker_admin_port,
            ),
        )
        stack.enter_context(seldom_collected())
        await work(
            _options(settings),
            [_carrier(settings)],
            queue=queue,
            recheck=Gatherer(near, queue, policy, _now),
            registry=registry,
            stopping=stopping,
        )


def _options(settings: Settings) -> WorkerOptions:
    return WorkerOptions(
        routes=(Route(carrier=settings.carrier_name),),
        lease_ms=settings.lease_ms,
        receipt_window_ms=settings.receipt_window_s * 1_000,
    )


def _carrier(settings: Settings) -> HttpCarrierOptions:
    return HttpCarrierOptions(
        name=settings.carrier_name,
        url=settings.carrier_url,
        token=settings.carrier_token.get_secret_value(),
        receipt_url=f"{settings.public_url.rstrip('/')}/carriers/{settings.carrier_name}/receipts",
        window=settings.carrier_window,
        batch_max=settings.carrier_batch,
        timeout_s=settings.carrier_timeout_s,
    )


def _now() -> datetime:
    return datetime.now(UTC)


async def work(
    options: WorkerOptions,
    carriers: Sequence[HttpCarrierOptions],
    *,
    queue: WorkerQueue,
    recheck: Recheck,
    registry: CollectorRegistry,
    stopping: asyncio.Event,
) -> None:
    """Work until told to stop, then finish what is under way; ValueError for options that contradict each other.

    The connections to carriers are closed last, when nothing is under way any more.
    """
    metrics = worker_metrics(registry, [carrier.name for carrier in carriers])
    async with contextlib.AsyncExitStack() as stack:
        connectors = [await stack.enter_async_context(HttpCarrier(carrier)) for carrier in carriers]
        worker = Worker(queue=queue, connectors=connectors, recheck=recheck, options=options, metrics=metrics)
        await worker.run(stopping)


def worker_metrics(registry: CollectorRegistry, carriers: Sequence[str]) -> WorkerMetrics:
    """Make a worker's instruments, with the closed sets of its labels."""
    return WorkerMetrics(
        registry,
        carriers=carriers,
        lanes=lanes_of(carriers),
        outcomes=list(OUTCOME_WORDS.values()),
        statuses=list(TERMINAL),
        reasons=list(Code),
    )
