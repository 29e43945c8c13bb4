"""The ledger for pages: the same looks as the API's (registry/ledger/looks.py), once it is known who asks.

Who may look at a company is decided in the registry's database, as everywhere; the ledger is asked afterwards.

Not here: the pages (views/log.py, views/traffic.py).
"""

from datetime import UTC, datetime
from typing import Any

from registry.action import Look
from registry.admin_patches import read_query
from registry.console.visit import Visit
from registry.ledger import looks, queries
from registry.ledger.asked import CountsQuery, EraseBody, MessagesQuery, span_of
from registry.ledger.queries import SCAN, Told
from registry.performing import Who


async def messages(visit: Visit, scan: int = SCAN, /, **query: Any) -> dict[str, Any]:
    """Return a page of messages; what is None in the query is left out. Problem as the API's.

    scan: how many messages are looked at, at most.
    """
    wanted = read_query(MessagesQuery, {name: str(value) for name, value in query.items() if value is not None})
    caller = await _caller(visit, visit.looks)
    return await looks.listed(visit.tools.ledger, caller.tenant, wanted, scan=scan)


async def message(visit: Visit, name: str) -> dict[str, Any]:
    """Return one message whole. Problem: not_found."""
    caller = await _caller(visit, visit.looks)
    return await looks.one(visit.tools.ledger, caller.tenant, name)


async def told(visit: Visit, since: datetime, channel: str | None) -> Told:
    """Return how messages were decided by the hour, from an hour's beginning on, and why some were blocked."""
    caller = await _caller(visit, visit.looks)
    span = span_of(read_query(CountsQuery, {"by": "hour", "since": since.isoformat()}), datetime.now(UTC))
    async with visit.tools.ledger.reading(tenant=caller.tenant) as connection:
        return await queries.told(
            connection, caller.tenant, since_ms=span.since_ms, until_ms=span.until_ms, channel=channel
        )


async def erase(visit: Visit, name: str) -> dict[str, Any]:
    """Erase the text of one message. Problem: not_found, forbidden."""
    caller, tools = await _caller(visit, visit.changes), visit.tools
    return await looks.erased(tools.database, tools.ledger, caller.tenant, caller.actor, EraseBody(message=name))


async def _caller(visit: Visit, who: Who) -> Look:
    async def run(look: Look) -> Look:
        return look

    return await visit.performing.look(who, run)
