"""Puts the talk with TCR together: the client and the submitter while TCR's address is set, the hook while ours is.

Not here: what any of them does.
"""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import web

from metrics.registry import RegistryMetrics
from registry.barrier import Barrier
from registry.database import Database
from registry.settings import Settings
from registry.tasks import kept
from registry.tcr.client import TcrAccount, TcrClient
from registry.tcr.hook import Sealed, TcrHook
from registry.tcr.submitter import Submitter
from registry.tcr.telling import Telling


@dataclass(frozen=True, slots=True, kw_only=True)
class TcrParts:
    """What runs."""

    #: None while no address of TCR is set: nothing is asked.
    client: TcrClient | None
    #: None while none of our addresses is set: no webhooks are taken.
    hook: TcrHook | None

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [] if self.hook is None else self.hook.routes()


@contextlib.asynccontextmanager
async def kept_tcr(
    settings: Settings, database: Database, barrier: Barrier, metrics: RegistryMetrics
) -> AsyncIterator[TcrParts]:
    """Talk with TCR for the length of the block, as far as the settings have it."""
    telling = Telling(metrics)
    async with contextlib.AsyncExitStack() as stack:
        client = None
        if settings.tcr_url:
            account = TcrAccount(
                url=settings.tcr_url, key=settings.tcr_key, secret=settings.tcr_secret, upstream=settings.tcr_upstream
            )
            client = await stack.enter_async_context(TcrClient.connected(account, telling.request))
            submitter = Submitter(database, client, metrics, telling, settings.tcr_hook_url)
            await stack.enter_async_context(kept("submitter", submitter.run))
        hook = None
        if settings.tcr_hook_url and settings.tcr_secret:
            hook = TcrHook(database, barrier, Sealed(secret=settings.tcr_secret, url=settings.tcr_hook_url), telling)
            stack.push_async_callback(hook.finish)
        yield TcrParts(client=client, hook=hook)
