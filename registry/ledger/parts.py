"""Puts the ledger's parts together, for `a2p-registry serve`.

Not here: what any of them does.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from metrics.registry import RegistryMetrics
from registry.database import Database
from registry.ledger.database import LedgerDatabase
from registry.ledger.follower import Follower
from registry.ledger.journals import Journals
from registry.ledger.keeper import Keeper
from registry.ledger.retention import Keep
from registry.ledger.routes import LedgerApi
from registry.settings import Settings
from registry.tasks import kept, stop


@contextlib.asynccontextmanager
async def kept_ledger(settings: Settings, database: Database, metrics: RegistryMetrics) -> AsyncIterator[LedgerApi]:
    """Keep the ledger, and give the handlers of its calls. Without a queue store there is nothing new to follow.

    Raises nothing when a store or the ledger's database is away: the registry runs without.
    """
    async with contextlib.AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(LedgerDatabase.made(settings))
        keeper = Keeper(ledger, Keep.of(settings), metrics)
        await stack.enter_async_context(kept("ledger_keeper", keeper.run))
        if settings.queue_url:
            journals = await stack.enter_async_context(Journals.connected(settings.queue_url))
            following = asyncio.create_task(Follower(journals, ledger, metrics).run())
            stack.push_async_callback(stop, following)
        yield LedgerApi(database, ledger)
