"""The notices' part of `a2p-registry serve`: one task.

Not here: what it does (sender.py).
"""

import contextlib
from collections.abc import AsyncIterator

from metrics.registry import RegistryMetrics
from registry.database import Database
from registry.notices.sender import Sender
from registry.settings import Settings
from registry.tasks import kept


@contextlib.asynccontextmanager
async def kept_notices(settings: Settings, database: Database, metrics: RegistryMetrics) -> AsyncIterator[Sender]:
    """Find and carry notices while the block runs."""
    sender = Sender(
        database,
        metrics,
        gateway_url=settings.gateway_url,
        allow_private_hooks=settings.allow_private_hooks,
    )
    async with kept("notices", sender.run):
        yield sender
