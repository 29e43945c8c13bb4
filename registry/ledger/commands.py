"""What the commands `a2p-registry ledger ...` do.

Not here: their options (registry/__main__.py).
"""

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime

import sqlalchemy as sa
from redis.exceptions import RedisError

from registry.database import Database
from registry.ledger import erasure
from registry.ledger.database import LedgerDatabase
from registry.ledger.journals import Cursor, Journals
from registry.ledger.looks import audit_erasure
from registry.ledger.retention import Keep, trim
from registry.ledger.tables import cursors, decisions, erasures, events, gaps, messages, texts
from registry.settings import Settings

Say = Callable[[str], None]
_FOREVER_S = 365 * 86_400.0
#: Who erases, for the audit and the ledger.
_ACTOR = "command"


async def show_status(settings: Settings, say: Say) -> bool:
    """Say what is in the ledger and how far it is; False when it is not whole, or nobody can say how far it is."""
    async with LedgerDatabase.made(settings) as ledger, ledger.reading() as connection:
        for table in (messages, events, texts, decisions):
            number = await connection.scalar(sa.select(sa.func.count()).select_from(table))
            say(f"{table.name}: {number:,}")
        oldest = await connection.scalar(sa.select(sa.func.min(texts.c.accepted_ms)))
        say(f"oldest text: {'none' if oldest is None else datetime.fromtimestamp(oldest / 1000, UTC).isoformat()}")
        rows = list(await connection.execute(sa.select(cursors).order_by(cursors.c.partition)))
        found = await connection.scalar(sa.select(sa.func.count()).select_from(gaps))
        open_ones = sa.select(sa.func.count()).select_from(erasures).where(erasures.c.done_ms.is_(None))
        say(f"erasures that are not done: {await connection.scalar(open_ones)}")
    lost, unreadable = sum(row.lost for row in rows), sum(row.unreadable for row in rows)
    say(f"gaps: {found}, journal entries lost in them: {lost:,}, lines that could not be read: {unreadable:,}")
    known = {row.partition: Cursor(row.entry_ms, row.entry_seq, row.entry_number) for row in rows}
    behind = await _behind(settings, known)
    say("behind the journal: nobody can say" if behind is None else f"behind the journal: {behind:,} entries")
    return behind is not None and not found and not unreadable


async def _behind(settings: Settings, known: dict[int, Cursor]) -> int | None:
    """Return how many entries are still to be read; None where the queue store is not there, or not named."""
    if not settings.queue_url:
        return None
    with contextlib.suppress(RedisError, OSError, TimeoutError):
        async with Journals.connected(settings.queue_url) as journals:
            pieces = [
                await journals.read(partition, known.get(partition, Cursor()), 1)
                for partition in range(await journals.partitions())
            ]
        return sum(piece.behind + len(piece.entries) for piece in pieces)
    return None


async def trim_now(settings: Settings, say: Say) -> None:
    """Delete what has been kept for long enough."""
    rows: dict[str, int] = {}
    async with LedgerDatabase.made(settings) as ledger:
        await erasure.forget_numbers(ledger)
        async for trimmed in trim(ledger, Keep.of(settings)):
            rows[trimmed.kind] = rows.get(trimmed.kind, 0) + trimmed.rows
    for kind in Keep._fields:
        say(f"{kind}: {rows.get(kind, 0):,} rows deleted")


async def erase_now(settings: Settings, say: Say, *, tenant: str, kind: str, subject: str) -> bool:
    """Erase texts, and those of erasures that were not done; False when there is no such message."""
    async with LedgerDatabase.made(settings) as ledger:
        if not await erasure.is_there(ledger, tenant=tenant, kind=kind, subject=subject):
            return False
        async with Database.opened(settings) as database:
            await audit_erasure(database, tenant=tenant, actor=_ACTOR, kind=kind, subject=subject)
        await erasure.begin(ledger, tenant=tenant, actor=_ACTOR, kind=kind, subject=subject)
        for one in await erasure.unfinished(ledger):
            done = await erasure.carry_on(ledger, one, within_s=_FOREVER_S)
            say(f"erasure {done.id}: {done.texts:,} texts")
    return True
