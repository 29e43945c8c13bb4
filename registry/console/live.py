"""Changes as they happen, for pages that are open: server-sent events that name the tables in which rows changed.

The page then fetches itself anew and takes over what is different: the event holds no data, so it tells nobody anything
that they could not look at. One reader of the audit an instant serves all pages of this registry; it sees what other
registries change, too. A page says how far in the audit it was when it was read, and a browser that comes again says
how far it was told: nothing is missed between the page and its first event, nor while the connection was away.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Final

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import SQLAlchemyError

from registry.database import Database
from registry.tables import audit

_EVERY_S: Final = 0.5
#: Rows of the audit that are looked at, at most: several large transactions of an import.
_BATCH: Final = 20_000
#: Stands for all tables, for a page that is further behind than is looked at.
EVERYTHING: Final = "*"
#: Pages that may be open at once, on one registry.
LISTENERS_MAX: Final = 1_000

_NEWEST: Final = sa.select(sa.func.max(audit.c.id))
#: In which tables each company's rows changed, and where in the audit that was last.
_CHANGED: Final = (
    sa.select(audit.c.tenant, audit.c.kind, sa.func.max(audit.c.id))
    .where(audit.c.id > sa.bindparam("since"))
    .group_by(audit.c.tenant, audit.c.kind)
)

_log = structlog.get_logger()


class Listener:
    """An open page: which tables of its company changed since it was told."""

    def __init__(self, tenant: str, at: int) -> None:
        self.tenant = tenant
        #: How far in the audit it has been told; the page itself is at least so new.
        self.at = at
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

    async def place(self) -> int:
        """Return where the audit ends: what a page that is read from here on shows is at least so new."""
        async with self._database.reading() as connection:
            return int((await connection.execute(_NEWEST)).scalar() or 0)

    @contextlib.asynccontextmanager
    async def listening(self, tenant: str, at: int) -> AsyncIterator[Listener | None]:
        """Listen for a company's changes behind a place of the audit; None when too many do."""
        if len(self._listeners) >= LISTENERS_MAX:
            yield None
            return
        listener = Listener(tenant, at)
        self._listeners.add(listener)
        self._wanted.set()
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            if not self._listeners:
                self._wanted.clear()
                await self._wanted.wait()
            try:
                await self._read(tuple(self._listeners))
            except (SQLAlchemyError, OSError) as failure:
                _log.error("database_unavailable", error=type(failure).__name__)
            await asyncio.sleep(_EVERY_S)

    async def _read(self, listeners: Sequence[Listener]) -> None:
        """Tell each what is behind its place: the tables, or that there was too much to look at."""
        async with self._database.reading() as connection:
            newest = int((await connection.execute(_NEWEST)).scalar() or 0)
            since = max(min((one.at for one in listeners), default=newest), newest - _BATCH)
            changed = (await connection.execute(_CHANGED, {"since": since})).all() if since < newest else ()
        for listener in listeners:
            if not since <= listener.at <= newest:  # Ahead: of a database that was put back to an older one.
                listener.tell(EVERYTHING)
            for tenant, kind, last in changed:
                if last > listener.at and tenant in {listener.tenant, None}:
                    listener.tell(kind)
            listener.at = newest
