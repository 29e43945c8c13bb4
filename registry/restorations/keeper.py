"""The task that hands over what admins said about opt-outs, the oldest first, until the gateway has decided on each.

A gateway that is away is waited for, however long; why it waits stands in the row. Each registry has such a task: that
two hand over the same is no harm, and the first answer is what is written down.

Not here: what is handed over (handing.py).
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import aiohttp
import sqlalchemy as sa
import structlog
from sqlalchemy.exc import InterfaceError, OperationalError

from registry.database import Database
from registry.flows.desk import Desk
from registry.notices.speaker import Speaker
from registry.records import Restoration
from registry.restorations import book
from registry.restorations.handing import GatewayAwayError, Handed, KeyUnknownError, NotHandedError, hand
from registry.settings import Settings
from registry.tables import restorations, users
from registry.tasks import kept

ACTOR: Final = "restorations"
LABEL: Final = "opt-outs taken back"
#: Rows of one look.
BATCH: Final = 100
_POLL_S: Final = 0.5
_AWAY_S: Final = 3.0
#: A row that the gateway did not decide on is tried again after so long.
_AGAIN: Final = timedelta(seconds=5)
#: A new key is known to every gateway well within that.
_NEW_KEY: Final = timedelta(seconds=10)
_CLEAN: Final = timedelta(minutes=10)
_BY_MOST: Final = 100

log = structlog.get_logger()


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class Keeper:
    """Hands over. run() until cancelled."""

    def __init__(
        self, database: Database, *, gateway_url: str, now: Callable[[], datetime] = utc_now, poll_s: float = _POLL_S
    ) -> None:
        self._database = database
        self._gateway_url = gateway_url
        self._now = now
        self._poll_s = poll_s
        self._speaker = Speaker(database, scopes=("admin",), label=LABEL)
        #: Rows that wait, and until when.
        self._later: dict[str, datetime] = {}
        self._clean_at = now()

    async def run(self) -> None:
        """Work until cancelled; waits out a database or a gateway that is away."""
        async with aiohttp.ClientSession() as session:
            try:
                while True:
                    try:
                        reached = await self.turn(session)
                    except (OperationalError, InterfaceError, OSError) as failure:
                        log.warning("restorations_failed", error=type(failure).__name__)
                        reached = False
                    await asyncio.sleep(self._poll_s if reached else _AWAY_S)
            finally:
                with contextlib.suppress(OperationalError, InterfaceError, OSError):
                    await self._speaker.close(self._now())

    async def turn(self, session: aiohttp.ClientSession) -> bool:
        """Try all that is due once; whether the gateway could be reached, as far as it was tried."""
        now = self._now()
        self._later = {name: at for name, at in self._later.items() if at > now}
        if now >= self._clean_at:
            self._clean_at = now + _CLEAN
            await self._speaker.clean(now)
        for asked, by in await self._pending():
            try:
                await self._try(session, asked, by)
            except GatewayAwayError as away:
                await self._settle(asked, Handed(book.PENDING, fault=str(away)))
                return False
            except NotHandedError as failure:
                self._later[asked.id] = self._now() + _AGAIN
                await self._settle(asked, Handed(book.PENDING, fault=str(failure)))
        return True

    async def _try(self, session: aiohttp.ClientSession, asked: Restoration, by: str) -> None:
        key = await self._speaker.key(asked.tenant, self._now())
        try:
            handed = await hand(session, self._gateway_url, key, asked, by)
        except KeyUnknownError:
            await self._speaker.refused(asked.tenant, self._now())
            if self._now() - asked.asked_at < _NEW_KEY:  # (a key of a moment ago; nobody need read of that)
                return
            raise
        await self._settle(asked, handed)

    async def _pending(self) -> list[tuple[Restoration, str]]:
        """Return what waits and is due, the oldest first, with who vouches as people are called."""
        query = (
            sa.select(restorations, users.c.name.label("person"))
            .select_from(restorations.outerjoin(users, sa.literal("user:") + users.c.id == restorations.c.asked_by))
            .where(restorations.c.state == book.PENDING)
            .order_by(restorations.c.id)
        )
        if self._later:
            query = query.where(restorations.c.id.not_in(list(self._later)))
        async with self._database.reading() as connection:
            rows = (await connection.execute(query.limit(BATCH))).mappings().all()
        fields = Restoration.__slots__
        return [(Restoration(**{name: row[name] for name in fields}), _by(row)) for row in rows]

    async def _settle(self, asked: Restoration, handed: Handed) -> None:
        if handed.state == book.PENDING and handed.fault == asked.fault:
            return
        async with self._database.writing() as connection:
            desk = Desk(connection=connection, tenant=asked.tenant, actor=ACTOR, now=self._now())
            await book.settle(desk, asked.id, state=handed.state, outcome=handed.outcome, fault=handed.fault)


def _by(row: sa.RowMapping) -> str:
    """Say who vouches, for the gateway: a name, and what the audit has."""
    called = row["asked_by"] if row["person"] is None else f"{row['person']} ({row['asked_by']})"
    return "".join(sign if sign.isprintable() else " " for sign in called)[:_BY_MOST]


@contextlib.asynccontextmanager
async def kept_restorations(settings: Settings, database: Database) -> AsyncIterator[Keeper]:
    """Hand over while the block runs."""
    keeper = Keeper(database, gateway_url=settings.gateway_url)
    async with kept("restorations", keeper.run):
        yield keeper
