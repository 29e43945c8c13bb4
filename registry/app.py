"""Puts `a2p-registry serve` together: database, projector, barrier, the work that follows from changes, and the APIs.

The only file that names concrete parts. They start in order and stop in reverse.

Not here: what any of them does.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry

from metrics.admin import admin_app, listening, serve_admin
from metrics.registry import RegistryMetrics
from metrics.registry_http import RegistryHttpMetrics
from registry.admin_routes import AdminApi
from registry.audit.anchors import FILE_NAME, keep_anchors
from registry.barrier import Barrier
from registry.bulk.routes import BulkApi
from registry.console.parts import Tools, console
from registry.database import Database
from registry.drift.parts import sweep_of
from registry.drift.senders import LedgerSenders
from registry.flows.desk import Limits
from registry.http_common import answer_problems, counted, name_server
from registry.ledger.parts import kept_ledger
from registry.lifetime import stop_event
from registry.notices.serving import kept_notices
from registry.people import retirements
from registry.people.user_tokens import TokenSigner
from registry.performing import Performing, Rules
from registry.projector import Projector
from registry.provisioning.part import provisioning
from registry.requests.serving import kept_requests
from registry.restorations.keeper import kept_restorations
from registry.settings import Settings
from registry.store import RegistryStore
from registry.tasks import kept, stop
from registry.tcr.parts import kept_tcr

_SHUTDOWN_SECONDS: Final = 5.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """A running registry."""

    http_port: int
    admin_port: int
    #: Ends only by a fault, which is its exception: projector.HistoryError, or a bug.
    projecting: asyncio.Task[None]


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Registry]:
    """Start every part; on the way out stop them in reverse. OSError when a port is taken."""
    async with contextlib.AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database.opened(settings))
        store = await stack.enter_async_context(RegistryStore.connected(settings.registry_url))
        instruments = CollectorRegistry()
        metrics = RegistryMetrics(instruments)
        projector = Projector(database, store, metrics)
        listens = asyncio.Event()
        signer = TokenSigner(database)

        def trouble() -> str | None:
            return projector.trouble if listens.is_set() and signer.has_pair else "starting"

        admin = admin_app(instruments, trouble)
        admin_port = await stack.enter_async_context(serve_admin(admin, settings.admin_host, settings.admin_port))
        projecting = asyncio.create_task(projector.run())
        stack.push_async_callback(stop, projecting)
        barrier = Barrier(store, metrics)
        stack.push_async_callback(stop, asyncio.create_task(barrier.run()))
        rules = _rules(settings)
        performing = Performing(database, barrier, rules)
        stack.push_async_callback(performing.finish)
        ledger = await stack.enter_async_context(kept_ledger(settings, database, metrics))
        tcr = await stack.enter_async_context(kept_tcr(settings, database, barrier, metrics))
        numbers = await stack.enter_async_context(provisioning(settings, database, metrics))
        bulk = BulkApi(database=database, limits=rules.limits)
        await stack.enter_async_context(kept("anchors", lambda: keep_anchors(database, settings.data_dir / FILE_NAME)))
        await _start_watching(stack, settings, database, metrics)
        sweeping = sweep_of(
            settings,
            database,
            metrics,
            aggregator=numbers.client,
            tcr=tcr.client,
            senders=LedgerSenders(ledger.ledger),
        )
        sweep = await stack.enter_async_context(sweeping)
        await stack.enter_async_context(kept("sweep", sweep.run))
        await stack.enter_async_context(kept("token_keys", signer.run))
        tools = Tools(settings=settings, database=database, ledger=ledger.ledger, store=store)
        pages = await stack.enter_async_context(console(performing, tools, signer))
        api = AdminApi(database, performing)
        routes = [*pages, *api.routes(), *ledger.routes(), *tcr.routes(), *numbers.routes(), *bulk.routes()]
        http_port = await stack.enter_async_context(_serve_http(settings, routes, RegistryHttpMetrics(instruments)))
        stack.callback(barrier.stop)
        listens.set()
        yield Registry(http_port=http_port, admin_port=admin_port, projecting=projecting)


async def serve(settings: Settings, *, supervised: bool) -> None:
    """Run until told to stop. Raises what running() raises, and projector.HistoryError."""
    stop = stop_event(supervised=supervised)
    async with running(settings) as registry:
        log.info("registry_started", http_port=registry.http_port, admin_port=registry.admin_port)
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({stopping, registry.projecting}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if registry.projecting.done():
            registry.projecting.result()
    log.info("registry_stopped")


async def _start_watching(
    stack: contextlib.AsyncExitStack, settings: Settings, database: Database, metrics: RegistryMetrics
) -> None:
    """Start what follows from changes: notices, requests that became possible, opt-outs taken back, keys that end."""
    await stack.enter_async_context(kept_notices(settings, database, metrics))
    await stack.enter_async_context(kept_requests(database, _rules(settings).limits))
    await stack.enter_async_context(kept_restorations(settings, database))
    await stack.enter_async_context(kept("retirements", lambda: retirements.run(database)))


def _rules(settings: Settings) -> Rules:
    """Return what the settings say about the admin API."""
    limits = Limits(
        numbers_per_campaign=settings.numbers_per_campaign,
        patience=timedelta(seconds=settings.provisioning_patience_s),
        allow_private_hooks=settings.allow_private_hooks,
    )
    return Rules(limits=limits, states_by_hand=settings.states_by_hand)


@contextlib.asynccontextmanager
async def _serve_http(
    settings: Settings, routes: list[web.RouteDef], metrics: RegistryHttpMetrics
) -> AsyncIterator[int]:
    """Serve the admin API; yields its port."""
    app = web.Application(middlewares=[counted(metrics), answer_problems])
    app.on_response_prepare.append(name_server)
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        async with listening(runner, settings.http_host, settings.http_port) as port:
            yield port
    finally:
        await runner.cleanup()
