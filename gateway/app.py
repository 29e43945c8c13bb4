"""Puts the gateway process together: builds every part, starts them in order, stops them in reverse.

The server is last in and first out: we stop taking messages before we stop keeping them, and stop keeping them before
the stores close. Only this file and worker_app.py name concrete stores and connectors.
"""

import contextlib
import gc
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry, ProcessCollector

from compliance import Code, Verdict
from gateway.edge.http_common import answers_problems, name_server
from gateway.edge.http_messages import MessageRoutes
from gateway.edge.http_people import PeopleRoutes
from gateway.edge.keys import Keys
from gateway.edge.receipts import RECEIPT_WORDS
from gateway.edge.receipts_route import ReceiptRoutes
from gateway.edge.webhooks import parse_secret
from gateway.envelope import Channel
from gateway.policies import load_policy
from gateway.problems import PROBLEMS
from gateway.queue.commit import GroupCommit
from gateway.queue.store import open_store
from gateway.send.gather import Gatherer
from gateway.send.pipeline import Pipeline
from gateway.send.registry_store import RegistryStore
from gateway.settings import Settings
from gateway.watch import Watch
from metrics.admin import admin_app, serve_admin
from metrics.gateway import GatewayMetrics

#: Seconds that an idle connection is kept for its next request.
_KEEP_ALIVE_S: Final = 60.0
_SHUTDOWN_S: Final = 10.0

#: Every route there is, for labels: templates, never addresses.
ROUTES: Final = (
    "/v1/messages",
    "/v1/messages/batch",
    "/v1/messages/{id}",
    "/v1/messages/{id}/events",
    "/v1/messages/{id}/decision",
    "/v1/decisions",
    "/v1/inbox",
    "/v1/media",
    "/v1/media/{id}",
    "/v1/opt-outs",
    "/v1/reasons",
    "/v1/problems",
    "/carriers/{name}/receipts",
    "none",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A gateway that answers."""

    port: int
    admin_port: int


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Running]:
    """Run a gateway until the context ends.

    Raises QueueUnavailable when the queue store is away, unsafe, or not ours.
    """
    async with contextlib.AsyncExitStack() as stack:
        policy = load_policy(settings.policy)
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        metrics = _metrics(registry)
        queue = await stack.enter_async_context(open_store(settings.queue_url, partitions=settings.partitions))
        store = RegistryStore(settings.registry_url)
        stack.push_async_callback(store.close)
        commit = await stack.enter_async_context(GroupCommit(queue, observe=metrics.flushed))
        pipeline = Pipeline(
            gatherer=Gatherer(store, queue, policy, _now),
            queue=queue,
            commit=commit,
            policy=policy,
            metrics=metrics,
            process=process_name("gateway"),
        )
        keys = Keys(store)
        app = web.Application(middlewares=[answers_problems(metrics)])
        app.on_response_prepare.append(name_server)
        app.add_routes(MessageRoutes(keys, pipeline, queue).routes())
        app.add_routes(PeopleRoutes(keys, queue).routes())
        app.add_routes(ReceiptRoutes(queue, metrics, _receipt_keys(settings)).routes())
        watch = await stack.enter_async_context(Watch(store, queue, metrics.registry_age))
        admin_port = await stack.enter_async_context(
            serve_admin(admin_app(registry, watch.not_ready), settings.admin_host, settings.admin_port),
        )
        port = await stack.enter_async_context(_serving(app, settings))
        gc.collect()
        gc.freeze()
        yield Running(port=port, admin_port=admin_port)


def process_name(kind: str) -> str:
    """Name this process in records: kind and process id. Not the host: customers read their records."""
    return f"{kind}:{os.getpid()}"


def _now() -> datetime:
    return datetime.now(UTC)


def _receipt_keys(settings: Settings) -> dict[str, list[bytes]]:
    """Return the secrets that each carrier's receipts may be signed with; ValueError for one that is none."""
    secrets = [parse_secret(secret.get_secret_value()) for secret in settings.carrier_receipt_secrets]
    return {settings.carrier_name: secrets}


def _metrics(registry: CollectorRegistry) -> GatewayMetrics:
    return GatewayMetrics(
        registry,
        channels=list(Channel),
        verdicts=list(Verdict),
        reasons=list(Code),
        input_codes=list(PROBLEMS),
        folded=RECEIPT_WORDS,
        routes=ROUTES,
    )


@contextlib.asynccontextmanager
async def _serving(app: web.Application, settings: Settings) -> AsyncIterator[int]:
    """Serve on the public port; several processes may share it."""
    runner = web.AppRunner(
        app,
        access_log=None,
        auto_decompress=False,
        keepalive_timeout=_KEEP_ALIVE_S,
        shutdown_timeout=_SHUTDOWN_S,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, settings.port, reuse_port=True)
        await site.start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
