"""Takes back keys whose time has come: those that were renewed with an instant until which both work.

What is due is read from the database every second, by every registry; the one writer at a time decides, so that a key
is revoked once, with its audit record and outbox entry. A registry that was down does it when it starts.

Not here: who may renew a key (keys.py).
"""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import SQLAlchemyError

from registry.commands import change, find
from registry.database import Database
from registry.records import ApiKey
from registry.work_tables import key_retirements

ACTOR: Final = "retirement"
#: How often it is looked; a key ends at most so much later, and the time that any change takes.
_EVERY_S: Final = 1.0
_BATCH: Final = 500

_log = structlog.get_logger()


async def run(database: Database) -> None:
    """Revoke what is due until cancelled."""
    while True:
        try:
            await retire_due(database, datetime.now(UTC))
        except (SQLAlchemyError, OSError) as failure:
            _log.error("database_unavailable", error=type(failure).__name__)
        await asyncio.sleep(_EVERY_S)


async def retire_due(database: Database, now: datetime) -> int:
    """Revoke the keys whose time has come; returns how many there were."""
    table = key_retirements
    due = sa.select(table.c.key).where(table.c.at <= now).order_by(table.c.at).limit(_BATCH)
    async with database.reading() as connection:
        if (await connection.execute(due.limit(1))).first() is None:
            return 0
    async with database.writing() as connection:
        names = list((await connection.execute(due)).scalars())
        keys = await find(connection, ApiKey, {(name,) for name in names})
        live = [replace(key, revoked_at=now) for key in keys.values() if key.revoked_at is None]
        await change(connection, actor=ACTOR, put=live)
        await connection.execute(sa.delete(table).where(table.c.key.in_(names)))
    return len(live)
