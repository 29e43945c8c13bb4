"""Follows the journals for as long as the registry runs: reads, writes, and says how far behind it is.

Whatever is away is waited out: the queue store, the ledger's database. Nothing of the registry waits for the ledger.

Where a gap swallowed a message's first line, the envelope is looked for in the message's state, which the queue store
keeps for a day after its end.

Not here: reading (journals.py), writing (writer.py), what goes out of date (retention.py).
"""

import asyncio
import time
from typing import Final

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from compliance.journal import LENGTH
from metrics.registry import RegistryMetrics
from registry.ledger.batch import Batch
from registry.ledger.database import LedgerDatabase
from registry.ledger.journals import Journals, Piece
from registry.ledger.repair import fill, unknown
from registry.ledger.writer import MovedError, Start, start, write

#: Entries that are read of a partition at once, each with up to 16 lines: what is made of them takes some 20 ms, and
#: everything else in this process waits for as long.
COUNT: Final = 64
_POLL_S: Final = 0.2
#: A message's state is in the queue store until a day after its end, at most: seven days of waiting, four hours of
#: trying, three days for the receipt, and that day.
_STATE_KEPT_S: Final = 12 * 86_400
_LOST_AT_ONCE: Final = 500
_BACKOFF_FIRST_S: Final = 0.2
_BACKOFF_MAX_S: Final = 5.0

log = structlog.get_logger()


class Follower:
    """Makes rows of what the journals say."""

    def __init__(
        self, journals: Journals, database: LedgerDatabase, metrics: RegistryMetrics, *, count: int = COUNT
    ) -> None:
        """count: entries of a partition that are read at once."""
        self._journals = journals
        self._database = database
        self._metrics = metrics
        self._count = count
        #: One word for why nothing is written; None while it works.
        self.trouble: str | None = "starting"
        #: Entries that are still to be read, by partition; empty until the first look.
        self._behind: dict[int, int] = {}
        self._alarmed = False
        self._replaced: set[int] = set()
        #: Where reading goes on; None: it must be looked up.
        self._begun: Start | None = None
        #: Messages whose first line is lost, to be looked for.
        self._lost: list[str] = []

    async def run(self) -> None:
        """Work until cancelled."""
        backoff = _BACKOFF_FIRST_S
        while True:
            try:
                while True:
                    wrote = await self.step()
                    self._fine()
                    backoff = _BACKOFF_FIRST_S
                    if not wrote:
                        await asyncio.sleep(_POLL_S)
            except (RedisError, TimeoutError) as error:
                self._fail("queue_store", error)
            except (SQLAlchemyError, OSError) as error:
                self._fail("ledger_database", error)
            except Exception as error:  # noqa: BLE001 - a fault of ours; the journal waits, and the next try may do
                self._fail("fault", error)
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, _BACKOFF_MAX_S)

    async def step(self) -> bool:
        """Read and write until nothing is new; False when nothing was. Raises what reading and writing raise."""
        wrote = False
        begun = self._begun or await self._begin()
        while ready := await self._journals.with_news(begun.cursors):
            try:
                self._begun = begun = await self._round(begun, ready)
                wrote = True
            except MovedError:
                self._metrics.ledger_moved()
                self._begun = begun = await start(self._database, len(begun.cursors))
        await self._look_for_lost()
        return wrote

    async def _begin(self) -> Start:
        partitions = await self._journals.partitions()
        begun = await start(self._database, partitions)
        if partitions:
            self._begun = begun
            self._lost = await unknown(self._database, since_ms=int((time.time() - _STATE_KEPT_S) * 1000))
        return begun

    async def _round(self, begun: Start, ready: list[int]) -> Start:
        batch, pieces = Batch(watches=begun.watches), list[Piece]()
        for partition in ready:
            piece = await self._journals.read(partition, begun.cursors[partition], self._count)
            for entry in piece.entries:
                batch.add(partition, entry)
            pieces.append(piece)
        started = time.monotonic()
        self._lost += await write(self._database, begun, batch, pieces)
        self._metrics.ledger_wrote(batch.rows, time.monotonic() - started)
        for piece in pieces:
            self._tell(piece)
        if batch.unreadable:
            self._metrics.ledger_unreadable(sum(batch.unreadable.values()))
            log.error("ledger_unreadable", entries=sum(batch.unreadable.values()))
        self._tell_lag(pieces)
        return begun._replace(cursors=begun.cursors | {piece.partition: piece.after for piece in pieces})

    def _tell(self, piece: Piece) -> None:
        """Say what is missing, in the log and in the metrics; the row of it is committed already."""
        if piece.lost:
            self._metrics.ledger_gap(piece.lost)
            log.error("ledger_gap", partition=piece.partition, entries=piece.lost)
        if piece.replaced and piece.partition not in self._replaced:
            self._metrics.ledger_gap(0)
            log.error("ledger_journal_replaced", partition=piece.partition)
        (self._replaced.add if piece.replaced else self._replaced.discard)(piece.partition)

    def _tell_lag(self, pieces: list[Piece]) -> None:
        self._behind |= {piece.partition: piece.behind for piece in pieces}
        self._metrics.ledger_lag(sum(self._behind.values()))
        alarming = max(self._behind.values(), default=0) > LENGTH // 2
        if alarming and not self._alarmed:
            log.error("ledger_falling_behind", entries=max(self._behind.values()))
        self._alarmed = alarming

    async def _look_for_lost(self) -> None:
        """Look for the envelopes of messages whose first line is lost; what is not there now never will be."""
        while self._lost:
            some = self._lost[:_LOST_AT_ONCE]
            found = await self._journals.envelopes((int(name.partition("-")[0]), name) for name in some)
            filled = await fill(self._database, found)
            log.warning("ledger_repaired", messages=filled, missing=len(some) - filled)
            del self._lost[: len(some)]

    def _fail(self, trouble: str, error: Exception) -> None:
        if self.trouble != trouble:  # Once, not at each try: it may be away for days.
            cause = error if trouble == "fault" else None
            log.error("ledger_stopped", trouble=trouble, error=type(error).__name__, exc_info=cause)
        self.trouble = trouble
        self._begun = None
        self._metrics.ledger_failed()

    def _fine(self) -> None:
        if self.trouble not in {None, "starting"}:
            log.info("ledger_goes_on")
        self.trouble = None
