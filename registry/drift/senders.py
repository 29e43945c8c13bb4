"""Who sent of late, from the ledger."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from registry.ledger.database import LedgerDatabase
from registry.ledger.tables import messages

#: The latest messages that senders are picked from.
_LATEST: Final = 20_000


class LedgerSenders:
    """As SendersSide."""

    def __init__(self, ledger: LedgerDatabase) -> None:
        self._ledger = ledger

    async def recent(self, most: int) -> Sequence[str]:
        """Return numbers of ours, each once, the one that sent last first. OSError, SQLAlchemyError."""
        latest = (
            sa.select(messages.c.sender, messages.c.accepted_ms)
            .where(messages.c.refused == 0)
            .order_by(messages.c.accepted_ms.desc())
            .limit(_LATEST)
            .subquery()
        )
        found = (
            sa.select(latest.c.sender)
            .where(latest.c.sender.is_not(None))
            .group_by(latest.c.sender)
            .order_by(sa.func.max(latest.c.accepted_ms).desc(), latest.c.sender)
            .limit(most)
        )
        async with self._ledger.reading() as connection:
            return list((await connection.execute(found)).scalars())
