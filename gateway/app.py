"""Puts the gateway process together: builds every part, starts them in order, stops them in reverse.

The server is last in and first out: we stop taking messages before we stop keeping them, and stop keeping them before
the stores close. Only this file and worker_app.py name concrete stores and connectors.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry, ProcessCollector

from compliance import Code, Verdict
from compliance.inbound import Meaning
from gateway.edge.admission import Admission, Cause
from gateway.edge.guard import Full, Phase
from gateway.edge.http_common import answers_problems, name_server
from gateway.edge.http_events import MOST_OF_USER, EventRoutes
from gateway.edge.http_messages import MessageRoutes
from gateway.edge.http_opt_outs import OptOutRoutes
from gateway.edge.http_people import PeopleRoutes
from gateway.edge.inbound_desk import InboundDesk, Place
from gateway.edge.inbound_replies import Answered, InboundReplies
from gateway.edge.inbound_route import InboundRoutes
from gateway.edge.intake import Intake
from gateway.edge.keys import Keys
from gateway.edge.openapi import DescriptionRoutes
from gateway.edge.origins import Origins
from gateway.edge.public_port import Watched, serving
from gateway.edge.receipts import RECEIPT_WORDS
from gateway.edge.receipts_route import ReceiptRoutes
from gateway.edge.webhooks import parse_secret
from gateway.envelope import Channel
from gateway.garbage import seldom_collected
from gateway.leaving import Leaving
from gateway.live.hub import Hub, open_hub
from gateway.near.opening import open_near_cache, process_name
from gateway.policies import load_policy
from gateway.pressure import Marks, StorePressure
from gateway.problems import PROBLEMS
from gateway.queue.commit import GroupCommit
from gateway.queue.opt_out_index import indexing
from gateway.queue.store import open_store
from gateway.send.gather import Gatherer
from gateway.send.pipeline import Pipeline
from gateway.settings import Settings
from gateway.watch import Watch
from metrics.admin import admin_app, serve_admin
from metrics.edge import EdgeMetrics
from metrics.gateway import GatewayMetrics
from metrics.inbound import InboundMetrics
from metrics.live import LiveMetrics

#: Every route there is, for labels: templates, never addresses.
ROUTES: Final = (
    "/v1/messages",
    "/v1/messages/batch",
    "/v1/messages/{id}",
    "/v1/messages/{id}/events",
    "/v1/messages/{id}/decision",
    "/v1/decisions",
    "/v1/inbox",
    "/v1/events",
    "/v1/media",
    "/v1/media/{id}",
    "/v1/opt-outs",
    "/v1/opt-outs/restore",
    "/v1/opt-outs/{recipient}",
    "/v1/reasons",
    "/v1/problems",
    "/v1/openapi.json",
    "/v1/docs",
    "/carriers/{name}/receipts",
    "/carriers/{name}/inbound",
    "none",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A gateway that answers."""

    port: int
    admin_port: int
    #: Call it before the context ends: it is not ready any more, and serves on until that has been noticed.
    leave: Callable[[], Awaitable[None]]


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Running]:
    """Run a gateway until the context ends.

    Raises QueueUnavailable when the queue store is away, unsafe, or not ours.
    """
    async with contextlib.AsyncExitStack() as stack:
        policy = load_policy(settings.policy)
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        metrics = new_metrics(registry)
        queue = await stack.enter_async_context(open_store(settings.queue_url, partitions=settings.partitions))
        await stack.enter_async_context(indexing(queue.indexer()))
        near = await stack.enter_async_context(open_near_cache(settings, registry, "gateway"))
        commit = await stack.enter_async_context(GroupCommit(queue, observe=metrics.flushed))
        gatherer = Gatherer(near, queue, policy, _now)
        pipeline = Pipeline(
            gatherer=gatherer,
            queue=queue,
            commit=commit,
            policy=policy,
            metrics=metrics,
            process=process_name("gateway"),
        )
        edge = EdgeMetrics(registry, refused=list(Full), phases=list(Phase), causes=list(Cause))
        admission = Admission(edge, wait_s=settings.shed_wait_s)
        keys = Keys(near, proved=admission.learn)
        app = web.Application(middlewares=[answers_problems(metrics)])
        app.on_response_prepare.append(name_server)
        app.add_routes(MessageRoutes(keys, pipeline, queue).routes())
        app.add_routes(PeopleRoutes(keys, queue).routes())
        app.add_routes(OptOutRoutes(keys, queue).routes())
        app.add_routes(DescriptionRoutes().routes())
        app.add_routes(ReceiptRoutes(queue, metrics, _carrier_secrets(settings)).routes())
        replies = InboundReplies(
            near=near, gatherer=gatherer, queue=queue, policy=policy, process=process_name("gateway"), now=_now
        )
        desk = InboundDesk(near, queue, replies, _inbound_metrics(registry, settings))
        app.add_routes(InboundRoutes(desk, _carrier_secrets(settings)).routes())
        pressure = StorePressure(queue, _marks(settings), admission)
        watch = await stack.enter_async_context(Watch(near, queue, pressure.look))
        leaving = Leaving(watch.not_ready, settings.pre_stop_s)
        app.on_response_prepare.append(leaving.close_connection)
        hub = await stack.enter_async_context(_open_hub(settings, registry))
        events = EventRoutes(keys, hub, Origins(settings.web_origins), leaving)
        app.add_routes(events.routes())
        app.on_shutdown.append(events.close)
        admin_port = await stack.enter_async_context(
            serve_admin(admin_app(registry, leaving.not_ready), settings.admin_host, settings.admin_port),
        )
        plain = Intake(keys, pipeline)
        watched = Watched(admission=admission, metrics=metrics, edge=edge, leaving=leaving)
        port = await stack.enter_async_context(serving(app, plain.take, settings, watched))
        leaving.listens = True
        stack.enter_context(seldom_collected())
        yield Running(port=port, admin_port=admin_port, leave=leaving.leave)


@contextlib.asynccontextmanager
async def _open_hub(settings: Settings, registry: CollectorRegistry) -> AsyncIterator[Hub]:
    """Read what happens for whoever is connected, with instruments."""
    metrics = LiveMetrics(registry)
    hub = open_hub(
        settings.queue_url,
        settings.partitions,
        metrics,
        most=settings.max_event_connections,
        most_of_user=MOST_OF_USER,
    )
    async with hub as opened:
        metrics.connections_of(lambda: opened.open)
        yield opened


def _now() -> datetime:
    return datetime.now(UTC)


def _carrier_secrets(settings: Settings) -> dict[str, list[bytes]]:
    """Return the secrets that each carrier's deliveries may be signed with; ValueError for one that is none."""
    secrets = [parse_secret(secret.get_secret_value()) for secret in settings.carrier_receipt_secrets]
    return {settings.carrier_name: secrets}


def _inbound_metrics(registry: CollectorRegistry, settings: Settings) -> InboundMetrics:
    return InboundMetrics(
        registry,
        carriers=[settings.carrier_name],
        meanings=list(Meaning),
        places=list(Place),
        replies=[one for one in Answered if one is not Answered.UNKNOWN],
    )


def new_metrics(registry: CollectorRegistry) -> GatewayMetrics:
    """Make the gateway's counters, their labels' values being what the code knows."""
    return GatewayMetrics(
        registry,
        channels=list(Channel),
        verdicts=list(Verdict),
        reasons=list(Code),
        input_codes=list(PROBLEMS),
        folded=RECEIPT_WORDS,
        routes=ROUTES,
    )


def _marks(settings: Settings) -> Marks:
    return Marks(
        memory=settings.shed_memory,
        disk_free=settings.shed_disk_free,
        log_bytes=settings.shed_log_bytes,
        backlog_s=settings.shed_backlog_s,
    )
