"""Carries every change from the outbox into the registry store, in order, and says twice a second that it is alive.

The mark in the store is the only memory: after a crash, a lost reply or a restart the projector reads it and goes on
from there, so a change is applied exactly once. A second projector does no harm: the store takes a change only from
where it stands, so the slower one finds out and looks again.

When the store has no valid copy, the projector makes it anew from the rows, as a new epoch. Readers take a new epoch as
"forget everything".

Not here: what the documents say (documents.py) and what makes a write atomic (functions.lua).
"""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from metrics.registry import RegistryMetrics
from registry.database import Database
from registry.documents import BATCH, Documents, render_all
from registry.store import Mark, RegistryStore, StaleError, boot_time
from registry.tables import outbox, projection

#: Facts count as live for 3 s after an apply: one heartbeat may be lost, or two.
_HEARTBEAT_S: Final = 0.5
#: How often changes of other processes (an import) are looked for.
_POLL_S: Final = 0.2
_BACKOFF_FIRST_S: Final = 0.2
_BACKOFF_MAX_S: Final = 2.0

log = structlog.get_logger()


class HistoryError(Exception):
    """The store has seen changes that this database does not know: one of them is not the one it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where SQL stands."""

    epoch: int
    #: The last outbox.seq; 0 when there is none.
    seq: int


class Projector:
    """Keeps the copy in the registry store equal to SQL."""

    def __init__(self, database: Database, store: RegistryStore, metrics: RegistryMetrics) -> None:
        self._database = database
        self._store = store
        self._metrics = metrics
        #: One word for why the copy is not being kept fresh; None while it is.
        self.trouble: str | None = "starting"

    async def run(self) -> None:
        """Work until cancelled. Waits out a store or a database that is gone.

        HistoryError when the store is ahead of the database: then no copy may be made before a person has looked.
        """
        backoff = _BACKOFF_FIRST_S
        while True:
            try:
                mark = await self._agree()
                backoff = _BACKOFF_FIRST_S
                await self._follow(mark)
            except StaleError as stale:  # Somebody else wrote, or the store lost its data: look again.
                self._fail("stale", stale)
            except (RedisError, OSError) as error:
                self._fail("store", error)
            except OperationalError as error:
                self._fail("database", error)
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, _BACKOFF_MAX_S)

    def _fail(self, trouble: str, error: Exception) -> None:
        self.trouble = trouble
        self._metrics.apply_failed()
        log.warning("projection_failed", trouble=trouble, error=type(error).__name__)  # (the text may quote documents)

    async def _agree(self) -> Mark:
        """Find out where the store stands, and make the copy anew if it has none of the present epoch."""
        await self._store.load_functions()
        mark = await self._store.mark()  # Before the position: SQL only grows, so it cannot look behind by chance.
        async with self._database.reading() as connection:
            position = await read_position(connection)
        if mark is None:
            if await self._store.rebuilding():
                raise StaleError("another process is making the copy")
            async with self._database.writing() as connection:
                epoch = await new_epoch(connection, position.epoch + 1)
            return await self._rebuild(epoch)
        if mark.epoch < position.epoch:
            return await self._rebuild(position.epoch)
        _check(mark, position)
        return mark

    async def _rebuild(self, epoch: int) -> Mark:
        """Make the copy anew; it counts as unavailable until the mark is set over all of it."""
        started, read_at, documents = time.monotonic(), boot_time(), 0
        self.trouble = "rebuilding"
        async with self._database.reading() as connection:
            position = await read_position(connection)
            await self._store.reset(epoch)
            async for batch in render_all(connection):
                await self._store.stage(epoch, batch)
                documents += len(batch)
        mark = await self._store.apply(Mark(epoch=epoch, seq=0), position.seq, {}, read_at=read_at)
        self._metrics.applied(documents, time.monotonic() - started)
        log.info("store_rebuilt", epoch=epoch, seq=mark.seq, documents=documents)
        return mark

    async def _follow(self, mark: Mark) -> None:
        """Apply changes as they come, until something fails.

        What was committed before this began may be known to be effective, because everybody's lease ran out
        (barrier.py). So the facts become live again only with all of it, not with the first batch.
        """
        beat_at, first = time.monotonic(), None
        while True:
            self._database.changed.clear()
            read_at = boot_time()
            async with self._database.reading() as connection:
                position = await read_position(connection)
                to_seq, documents = await _read_batch(connection, mark.seq)
            if position.epoch > mark.epoch:
                raise StaleError("a new epoch was asked for")
            _check(mark, position)
            first = first or position
            self._metrics.outbox_lag(position.seq - mark.seq)
            started = time.monotonic()
            if documents:
                fresh = to_seq >= first.seq
                mark = await self._store.apply(mark, to_seq, documents, read_at=read_at, fresh=fresh)
                self._metrics.applied(len(documents), time.monotonic() - started)
                self._metrics.outbox_lag(position.seq - mark.seq)
            elif started >= beat_at:
                mark = await self._store.apply(mark, mark.seq, {}, read_at=read_at)
                self._metrics.heartbeat()
            else:
                await self._wait(min(_POLL_S, beat_at - started))
                continue
            self.trouble = None
            beat_at = started + _HEARTBEAT_S

    async def _wait(self, seconds: float) -> None:
        """Wait for a change of this process, or for the time to look for those of others."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._database.changed.wait()


def _check(mark: Mark, position: Position) -> None:
    if mark.epoch > position.epoch or mark.seq > position.seq:
        raise HistoryError(
            f"The registry store is at epoch {mark.epoch}, change {mark.seq}; this database is at epoch"
            f" {position.epoch}, change {position.seq}. A copy cannot know more than its original: the database was"
            " restored from an older copy, or one of the two URLs is wrong. If both are as they should be, run"
            " `a2p-registry rebuild`: it makes the store's copy anew from this database.",
        )


async def read_position(connection: AsyncConnection) -> Position:
    """Return where SQL stands."""
    last = sa.select(sa.func.coalesce(sa.func.max(outbox.c.seq), 0)).scalar_subquery()
    epoch, seq = (await connection.execute(sa.select(projection.c.epoch, last))).one()
    return Position(epoch=epoch, seq=seq)


async def new_epoch(connection: AsyncConnection, epoch: int) -> int:
    """Ask for the copy to be made anew as that epoch or, if SQL is there already, the next; returns which.

    connection is one of Database.writing(). A projector notices within its next look.
    """
    position = await read_position(connection)
    epoch = max(epoch, position.epoch + 1)
    await connection.execute(sa.update(projection).values(epoch=epoch))
    return epoch


async def _read_batch(connection: AsyncConnection, after_seq: int) -> tuple[int, Documents]:
    """Return the next documents after a change, and the change up to which they go; of one key only the last."""
    rows = await connection.execute(
        sa.select(outbox.c.seq, outbox.c.key, outbox.c.document)
        .where(outbox.c.seq > after_seq)
        .order_by(outbox.c.seq)
        .limit(BATCH),
    )
    to_seq, documents = after_seq, Documents()
    for seq, key, document in rows:
        to_seq = seq
        documents[key] = document
    return to_seq, documents
