"""Puts the gateway process together: builds every part, starts them in order, stops them in reverse.

The server is last in and first out: we stop taking messages before we stop keeping them, and stop keeping them before
the stores close. Only this file and worker_app.py name concrete stores and connectors.
"""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry, ProcessCollector

from compliance import Code, Verdict
from gateway.edge.front import Ask, Front
from gateway.edge.http_common import answers_problems, name_server
from gateway.edge.http_messages import MessageRoutes
from gateway.edge.http_people import PeopleRoutes
from gateway.edge.keys import Keys
from gateway.edge.receipts import RECEIPT_WORDS
from gateway.edge.receipts_route import ReceiptRoutes
from gateway.edge.replies import Reply
from gateway.edge.sending import send_one
from gateway.edge.webhooks import parse_secret
from gateway.envelope import Channel
from gateway.leaving import Leaving
from gateway.near.opening import open_near_cache, process_name
from gateway.policies import load_policy
from gateway.problems import PROBLEMS
from gateway.queue.commit import GroupCommit
from gateway.queue.store import open_store
from gateway.send.gather import Gatherer
from gateway.send.pipeline import Pipeline
from gateway.settings import Settings
from gateway.watch import Watch
from metrics.admin import admin_app, serve_admin
from metrics.gateway import GatewayMetrics

#: Seconds that an idle connection is kept for its next request.
_KEEP_ALIVE_S: Final = 60.0
_SHUTDOWN_S: Final = 10.0
#: Connections that may wait to be taken.
_BACKLOG: Final = 1_024

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
    #: Call it before the context ends: it is not ready any more, and serves on until that has been noticed.
    leave: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Plain:
    """What answers the front's requests."""

    keys: Keys
    pipeline: Pipeline
    metrics: GatewayMetrics
    leaving: Leaving

    async def answer(self, ask: Ask) -> Reply:
        """Check the key, then take the message. Raises Problem."""
        principal = await self.keys.check(ask.authorization)
        principal.require("send")
        return await send_one(self.pipeline, principal, ask.keys, ask.body)


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
        near = await stack.enter_async_context(open_near_cache(settings, registry, "gateway"))
        commit = await stack.enter_async_context(GroupCommit(queue, observe=metrics.flushed))
        pipeline = Pipeline(
            gatherer=Gatherer(near, queue, policy, _now),
            queue=queue,
            commit=commit,
            policy=policy,
            metrics=metrics,
            process=process_name("gateway"),
        )
        keys = Keys(near)
        app = web.Application(middlewares=[answers_problems(metrics)])
        app.on_response_prepare.append(name_server)
        app.add_routes(MessageRoutes(keys, pipeline, queue).routes())
        app.add_routes(PeopleRoutes(keys, queue).routes())
        app.add_routes(ReceiptRoutes(queue, metrics, _receipt_keys(settings)).routes())
        watch = await stack.enter_async_context(Watch(near, queue))
        leaving = Leaving(watch.not_ready, settings.pre_stop_s)
        app.on_response_prepare.append(leaving.close_connection)
        admin_port = await stack.enter_async_context(
            serve_admin(admin_app(registry, leaving.not_ready), settings.admin_host, settings.admin_port),
        )
        plain = _Plain(keys, pipeline, metrics, leaving)
        port = await stack.enter_async_context(_serving(app, plain, settings))
        gc.collect()
        gc.freeze()
        yield Running(port=port, admin_port=admin_port, leave=leaving.leave)


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
async def _serving(app: web.Application, plain: _Plain, settings: Settings) -> AsyncIterator[int]:
    """Serve on the public port; several processes may share it. Plain texts are answered by the front."""
    runner = web.AppRunner(
        app,
        access_log=None,
        auto_decompress=False,
        keepalive_timeout=_KEEP_ALIVE_S,
        shutdown_timeout=_SHUTDOWN_S,
    )
    await runner.setup()
    general = runner.server
    assert general is not None, "setup makes it"  # noqa: S101 - for the type checker
    front = Front(
        plain.answer, general, plain.metrics, is_leaving=lambda: plain.leaving.has_begun, keep_alive_s=_KEEP_ALIVE_S
    )
    try:
        server = await asyncio.get_running_loop().create_server(
            front, settings.host, settings.port, reuse_port=True, backlog=_BACKLOG
        )
        try:
            yield int(server.sockets[0].getsockname()[1])
        finally:
            server.close()
            await front.close(_SHUTDOWN_S)
    finally:
        await runner.cleanup()
