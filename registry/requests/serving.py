"""The requests' part of `a2p-registry serve`: one task.

Not here: what it does (watcher.py).
"""

import contextlib
from collections.abc import AsyncIterator

from registry.database import Database
from registry.flows.desk import Limits
from registry.requests.watcher import keep_watching
from registry.tasks import kept


@contextlib.asynccontextmanager
async def kept_requests(database: Database, limits: Limits) -> AsyncIterator[None]:
    """Look at open requests again whenever something changed, while the block runs."""
    async with kept("requests", lambda: keep_watching(database, limits)):
        yield
