"""Makes whole the messages whose first line a gap swallowed, once their envelope was found elsewhere.

Not here: where it is looked for (follower.py).
"""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.ledger.batch import Batch, Standing
from registry.ledger.bulk import insert, many
from registry.ledger.database import LedgerDatabase
from registry.ledger.tables import decisions, messages, texts
from registry.ledger.writer import tally, watched

_STANDING = (
    messages.c.status,
    messages.c.status_ms,
    messages.c.changes,
    messages.c.attempts,
    messages.c.doubts,
)


async def unknown(database: LedgerDatabase, *, since_ms: int) -> list[str]:
    """Return the messages of which nothing is known but what became of them."""
    wanted = sa.select(messages.c.id).where(
        messages.c.tenant == "", messages.c.accepted_ms >= since_ms, messages.c.refused == 0
    )
    async with database.reading() as connection:
        return list(await connection.scalars(wanted))


async def fill(database: LedgerDatabase, envelopes: Mapping[str, bytes]) -> int:
    """Add what the envelopes say; returns of how many messages."""
    if not envelopes:
        return 0
    async with database.writing() as connection:
        batch = Batch(watches=await watched(connection))
        for name, standing in (await _still_unknown(connection, envelopes)).items():
            batch.add_envelope(name, envelopes[name], standing)
        for some in many(batch.legs):
            await connection.execute(sa.delete(messages).where(messages.c.id.in_(some)))
        await insert(connection, messages, batch.new_messages())
        await insert(connection, texts, batch.texts)
        await insert(connection, decisions, batch.decisions)
        await tally(connection, batch)
    return len(batch.legs)


async def _still_unknown(connection: AsyncConnection, names: Mapping[str, bytes]) -> dict[str, Standing]:
    found: dict[str, Standing] = {}
    for some in many(names):
        wanted = sa.select(messages.c.id, *_STANDING).where(messages.c.id.in_(some), messages.c.tenant == "")
        found |= {name: Standing(*standing) for name, *standing in await connection.execute(wanted)}
    return found
