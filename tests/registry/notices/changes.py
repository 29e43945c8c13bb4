"""What changes in a test, and what was noted of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import sqlalchemy as sa

from registry.commands import change
from registry.notices import deliveries
from registry.notices.book import Pace
from registry.notices.watcher import BATCH, watch
from registry.work_tables import notice_deliveries, notices
from tests.registry.builders import BASICS, a_user

#: Nothing waits for anything.
AT_ONCE = Pace(timedelta(0), timedelta(0), timedelta(0))


def now():
    """The time."""
    return datetime.now(UTC)


async def put(database, *records, actor="tcr"):
    """Make rows be as given."""
    async with database.writing() as connection:
        await change(connection, actor=actor, put=records)


async def there(database, *records):
    """Make rows be as given, and nobody's news."""
    await put(database, *records, actor="import")


async def acme(database, *more):
    """Acme with an admin, whose past is nobody's news."""
    await put(database, *BASICS, a_user("boss", name="Bo", role="admin"), *more)
    await look(database)


async def look(database, *, pace=AT_ONCE, at=None):
    """Look for news until there is none."""
    while await watch(database, now=at or now(), pace=pace) >= BATCH:
        pass


async def noted(database):
    """Every notice: its kind, and what it is about."""
    async with database.reading() as connection:
        rows = (await connection.execute(sa.select(notices).order_by(notices.c.id))).all()
    return [(row.kind, orjson.loads(row.params)) for row in rows]


async def give_out(database, at=None):
    """Give out what is due; the texts."""
    async with database.writing() as connection:
        await deliveries.give_out(connection, at or now())
    return [params.get("text") for _, params in await noted(database)]


async def delivered_to(database):
    """Every delivery: recipient and state."""
    async with database.reading() as connection:
        rows = await connection.execute(
            sa.select(notice_deliveries).order_by(notice_deliveries.c.notice, notice_deliveries.c.recipient)
        )
        return [(row.notice, row.recipient, row.state, row.fault) for row in rows]


def but(record, **fields):
    """A record with other fields."""
    return replace(record, **fields)
