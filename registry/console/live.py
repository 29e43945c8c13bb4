"""Changes as they happen, for pages that are open: server-sent events that name the tables in which rows changed.

The page then fetches itself anew and takes over what is different: the event holds no data, so it tells nobody anything
that they could not look at. One reader of the audit an instant serves all pages of this registry; it sees what other
registries change, too.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import SQLAlchemyError

from registry.database import Database
from registry.tables import audit

_EVERY_S: Final = 0.5
_BATCH: Final = 2_000
#: Pages that may be open at once, on one registry.
LISTENERS_MAX: Final = 1_000

_log = structlog.get_logger()


class Listener:
    """An open page: which tables of its company changed since it was told."""

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self._kinds: set[str] = set()
        self._changed = asyncio.Event()

    def tell(self, kind: str) -> None:
        """Note that a row of a table changed."""
        self._kinds.add(kind)
        self._changed.set()

    async def changed(self, within_s: float) -> frozenset[str]:
        """Wait until something changed, or for so long; return the tables."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._changed.wait()
        self._changed.clear()
        kinds, self._kinds = frozenset(self._kinds), set()
        return kinds


class Live:
    """Reads the audit for the pages that are open, while any is."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: set[Listener] = set()
        self._wanted = asyncio.Event()

    @contextlib.asynccontextmanager
    async def listening(self, tenant: str) -> AsyncIterator[Listener | None]:
        """Listen for a company's changes; None when too many do."""
        if len(self._listeners) >= LISTENERS_MAX:
            yield None
            return
        listener = Listener(tenant)
        self._listeners.add(listener)
        self._wanted.set()
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    async def run(self) -> None:
        """Read until cancelled."""
        seen: int | None = None
        while True:
            if not self._listeners:
                seen = None
                self._wanted.clear()
                await self._wanted.wait()
            try:
                seen = await self._read(seen)
            except (SQLAlchemyError, OSError) as failure:
                _log.error("database_unavailable", error=type(failure).__name__)
            await asyncio.sleep(_EVERY_S)

    async def _read(self, seen: int | None) -> int:
        """Tell what is behind a place of the audit; returns the place now. None: only where it ends."""
        async with self._database.reading() as connection:
            if seen is None:
                return int((await connection.execute(sa.select(sa.func.max(audit.c.id)))).scalar() or 0)
            behind = sa.select(audit.c.id, audit.c.kind, audit.c.tenant).where(audit.c.id > seen)
            rows = (await connection.execute(behind.order_by(audit.c.id).limit(_BATCH))).all()
        for row in rows:
            for listener in self._listeners:
                if row.tenant in {listener.tenant, None}:
                    listener.tell(row.kind)
        return int(rows[-1].id) if rows else seen
