"""Erases what people wrote: of one message, of a person by number, of a whole company.

The texts go, the record of what was decided stays. An erasure is on record before the first text goes, and is carried
on by whoever finds it unfinished; where it takes long, it takes many small transactions.

A text may have been written before and come to the ledger after: the journal may be behind, and a message is first told
of when a worker takes it. So an erasure is watched for as long as that can be, and such texts are never written at all.

Not here: the watch (batch.py), texts whose time is over (retention.py).
"""

import time
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from compliance.masking import mask
from registry.ledger.database import LedgerDatabase
from registry.ledger.queries import Place
from registry.ledger.tables import erasures, messages, texts

#: A message waits for seven days at most before a worker takes it; a day for the ledger to catch up.
WATCHED_MS: Final = 8 * 86_400_000
_AT_ONCE: Final = 500


class Erasure(NamedTuple):
    """One erasure as it stands."""

    id: int
    tenant: str
    kind: str
    subject: str
    at_ms: int
    done_ms: int | None
    texts: int


async def is_there(database: LedgerDatabase, *, tenant: str, kind: str, subject: str) -> bool:
    """Say whether there is something to erase; only a message can be none of the tenant's."""
    if kind != "message":
        return True
    found = sa.select(messages.c.id).where(messages.c.id == subject, messages.c.tenant == tenant)
    async with database.reading(tenant=tenant) as connection:
        return await connection.scalar(found) is not None


async def begin(database: LedgerDatabase, *, tenant: str, actor: str, kind: str, subject: str) -> Erasure:
    """Put an erasure on record. kind: message, number or tenant."""
    now_ms = int(time.time() * 1000)
    async with database.writing(tenant=tenant) as connection:
        watched_until_ms = 0 if kind == "message" else now_ms + WATCHED_MS
        row = {"tenant": tenant, "at_ms": now_ms, "actor": actor, "kind": kind, "subject": subject}
        made = await connection.execute(
            sa.insert(erasures).values(**row, watched_until_ms=watched_until_ms, texts=0).returning(erasures.c.id)
        )
        number = int(made.scalar_one())
    return Erasure(number, tenant, kind, subject, now_ms, None, 0)


async def carry_on(database: LedgerDatabase, erasure: Erasure, *, within_s: float) -> Erasure:
    """Erase until all is done, or the time is over."""
    until = time.monotonic() + within_s
    for column in _columns(erasure):
        after: Place | None = None
        while True:
            async with database.writing(tenant=erasure.tenant) as connection:
                some = await _some(connection, erasure, column, after)
                gone = await _erase(connection, erasure, [place.id for place in some])
            erasure = erasure._replace(texts=erasure.texts + gone)
            if len(some) < _AT_ONCE:
                break
            after = some[-1]
            if time.monotonic() > until:
                return erasure
    async with database.writing(tenant=erasure.tenant) as connection:
        done_ms = int(time.time() * 1000)
        await connection.execute(sa.update(erasures).where(erasures.c.id == erasure.id).values(done_ms=done_ms))
    return erasure._replace(done_ms=done_ms)


async def unfinished(database: LedgerDatabase) -> list[Erasure]:
    """Return the erasures that somebody has to carry on."""
    columns = (erasures.c[name] for name in Erasure._fields)
    async with database.reading() as connection:
        rows = await connection.execute(sa.select(*columns).where(erasures.c.done_ms.is_(None)).order_by(erasures.c.id))
        return [Erasure(*row) for row in rows]


async def forget_numbers(database: LedgerDatabase) -> None:
    """Mask the numbers of erasures that need not be watched any more."""
    over = sa.select(erasures.c.id, erasures.c.subject).where(
        erasures.c.kind == "number",
        erasures.c.watched_until_ms <= int(time.time() * 1000),
        erasures.c.done_ms.is_not(None),
        erasures.c.subject.like("+%"),
        sa.func.length(erasures.c.subject) == sa.func.length(sa.func.replace(erasures.c.subject, " ", "")),
    )
    async with database.writing() as connection:
        for number, subject in (await connection.execute(over.limit(_AT_ONCE))).all():
            masked = sa.update(erasures).where(erasures.c.id == number).values(subject=mask(subject))
            await connection.execute(masked)


def _columns(erasure: Erasure) -> tuple[sa.Column[Any], ...]:
    if erasure.kind == "number":
        return (messages.c.sender, messages.c.recipient)
    return (messages.c.id,) if erasure.kind == "message" else (messages.c.tenant,)


async def _some(
    connection: AsyncConnection, erasure: Erasure, column: sa.Column[Any], after: Place | None
) -> list[Place]:
    """Return the next messages that it is about, in the order of their index."""
    subject = erasure.tenant if erasure.kind == "tenant" else erasure.subject
    wanted = (
        sa.select(messages.c.accepted_ms, messages.c.id)
        .where(messages.c.tenant == erasure.tenant, column == subject)
        .order_by(messages.c.accepted_ms, messages.c.id)
        .limit(_AT_ONCE)
    )
    if erasure.kind != "message":
        wanted = wanted.where(messages.c.accepted_ms <= erasure.at_ms)
    if after is not None:
        place = sa.tuple_(sa.literal(after.accepted_ms, sa.BigInteger), sa.literal(after.id))
        behind = sa.tuple_(messages.c.accepted_ms, messages.c.id) > place
        wanted = wanted.where(messages.c.accepted_ms >= after.accepted_ms, behind)
    return [Place(accepted_ms, name) for accepted_ms, name in await connection.execute(wanted)]


async def _erase(connection: AsyncConnection, erasure: Erasure, names: list[str]) -> int:
    """Delete the texts of these messages, and say at the messages what became of them; returns how many there were."""
    gone = (await connection.execute(sa.delete(texts).where(texts.c.message_id.in_(names)))).rowcount
    first = sa.update(messages).where(messages.c.id.in_(names), messages.c.erasure.is_(None))
    await connection.execute(first.values(erasure=erasure.id))
    counted = sa.update(erasures).where(erasures.c.id == erasure.id).values(texts=erasures.c.texts + gone)
    await connection.execute(counted)
    return int(gone)
