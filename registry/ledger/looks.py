"""What an admin does with the ledger, whichever way they come: the API (routes.py) and the console ask the same here.

The caller is known by now (registry.admin_keys, registry.console.sessions): every function asks for one company.

Not here: HTTP, and the questions' SQL (queries.py).
"""

from datetime import UTC, datetime
from typing import Any, Final

from compliance.journal import instant_of
from compliance.masking import mask
from registry.audit import deeds
from registry.database import Database
from registry.ledger import erasure, queries, shown
from registry.ledger.asked import CountsQuery, EraseBody, MessagesQuery, read_cursor, span_of, write_cursor
from registry.ledger.database import LedgerDatabase
from registry.problems import Problem

#: How long a caller waits for an erasure; the registry goes on without them.
_PATIENCE_S: Final = 5.0


async def listed(
    ledger: LedgerDatabase, tenant: str, query: MessagesQuery, *, scan: int = queries.SCAN
) -> dict[str, Any]:
    """Return a page of a company's messages, the newest first, of so many looked at. Problem: invalid_cursor."""
    search, key = query.search(), await ledger.signing_key()
    after = read_cursor(key, tenant, search, query.cursor)
    async with ledger.reading(tenant=tenant) as connection:
        page = await queries.page(connection, tenant, search, after=after, limit=query.limit, scan=scan)
    following = write_cursor(key, tenant, search, page.next)
    return {"messages": [shown.message(row) for row in page.messages], "next": following}


async def one(ledger: LedgerDatabase, tenant: str, name: str) -> dict[str, Any]:
    """Return one message with its text, its decision, and all that became of it. Problem: not_found."""
    found = None
    if instant_of(name) is not None:
        async with ledger.reading(tenant=tenant) as connection:
            found = await queries.whole(connection, tenant, name)
    if found is None:
        raise Problem("not_found")
    return shown.whole(found)


async def counted(ledger: LedgerDatabase, tenant: str, query: CountsQuery) -> dict[str, Any]:
    """Return how a company's messages were decided, by hour or day. Problem: more than one answer may hold."""
    by_day, since_ms, until_ms = span_of(query, datetime.now(UTC))
    async with ledger.reading(tenant=tenant) as connection:
        found = await queries.counts(
            connection, tenant, by_day=by_day, since_ms=since_ms, until_ms=until_ms, channel=query.channel
        )
    return {"by": query.by, "counts": [shown.count(each) for each in found]}


async def erased(
    database: Database, ledger: LedgerDatabase, tenant: str, actor: str, body: EraseBody
) -> dict[str, Any]:
    """Erase texts of a company's; what is not done when this returns, the registry goes on with. Problem: not_found."""
    kind, subject = body.subject()
    if kind == "message" and instant_of(subject) is None:
        raise Problem("not_found")
    if not await erasure.is_there(ledger, tenant=tenant, kind=kind, subject=subject):
        raise Problem("not_found")
    await audit_erasure(database, tenant=tenant, actor=actor, kind=kind, subject=subject)
    begun = await erasure.begin(ledger, tenant=tenant, actor=actor, kind=kind, subject=subject)
    return shown.erasure(await erasure.carry_on(ledger, begun, within_s=_PATIENCE_S))


async def audit_erasure(database: Database, *, tenant: str, actor: str, kind: str, subject: str) -> None:
    """Have it in the audit that texts are to be erased, before any is; of a number what the ledger keeps for good."""
    what = mask(subject) if kind == "number" else subject
    async with database.writing(tenant=tenant) as connection:
        await deeds.note(
            connection,
            deeds.ERASURES,
            (kind, what) if what else (kind,),
            at=datetime.now(UTC),
            actor=actor,
            tenant=tenant,
            after={"kind": kind, "subject": what},
        )
