"""Keeps the ledger as it should be, while the registry runs: ends what is too old, carries unfinished erasures on.

Not here: what is too old (retention.py), what an erasure is (erasure.py).
"""

import asyncio
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from metrics.registry import RegistryMetrics
from registry.ledger.database import LedgerDatabase
from registry.ledger.erasure import carry_on, forget_numbers, unfinished
from registry.ledger.retention import Keep, trim

_EVERY_S: Final = 60.0
#: Between two transactions, so that the journal is followed meanwhile.
_PAUSE_S: Final = 0.02
#: An erasure gives way to others after this.
_TURN_S: Final = 10.0

log = structlog.get_logger()


class Keeper:
    """Does what has to be done now and then."""

    def __init__(self, database: LedgerDatabase, keep: Keep, metrics: RegistryMetrics) -> None:
        self._database = database
        self._keep = keep
        self._metrics = metrics

    async def run(self) -> None:
        """Work until cancelled. A database that is away is waited out; the follower says so in the log."""
        while True:
            try:
                await self.once()
            except (SQLAlchemyError, OSError):
                self._metrics.ledger_failed()
            await asyncio.sleep(_EVERY_S)

    async def once(self) -> None:
        """Do all that is due."""
        for erasure in await unfinished(self._database):
            await carry_on(self._database, erasure, within_s=_TURN_S)
        await forget_numbers(self._database)
        rows = 0
        async for trimmed in trim(self._database, self._keep):
            self._metrics.ledger_trimmed(trimmed.rows)
            rows += trimmed.rows
            await asyncio.sleep(_PAUSE_S)
        if rows:
            log.info("ledger_trimmed", rows=rows)
