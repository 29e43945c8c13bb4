"""What people see of the ledger: lists of messages, one message whole, counts, and the erasure of texts.

Keys are the registry's, the data is the ledger's; a company sees its own and nothing else. What belongs to others is as
unknown as what is not there.

Not here: how questions are read (asked.py) and answers look (shown.py).
"""

from datetime import UTC, datetime
from typing import Final

from aiohttp import web

from compliance.journal import instant_of
from registry.admin_keys import Admin, check_caller
from registry.admin_patches import read_body, read_query
from registry.database import Database
from registry.http_common import json_response, read_json_body
from registry.ledger import erasure, queries, shown
from registry.ledger.asked import CountsQuery, EraseBody, MessagesQuery, read_cursor, span_of, write_cursor
from registry.ledger.database import LedgerDatabase
from registry.problems import Problem

_OK: Final = 200
_ACCEPTED: Final = 202
#: How long a caller waits for an erasure; the registry goes on without them.
_PATIENCE_S: Final = 5.0


class LedgerApi:
    """The handlers."""

    def __init__(self, database: Database, ledger: LedgerDatabase) -> None:
        self._database = database
        self._ledger = ledger

    @property
    def ledger(self) -> LedgerDatabase:
        """The ledger, for whoever else looks into it."""
        return self._ledger

    def routes(self) -> list[web.RouteDef]:
        """List the routes; a name stands before a pattern."""
        return [
            web.get("/v1/messages", self.list, allow_head=False),
            web.get("/v1/messages/counts", self.counts, allow_head=False),
            web.post("/v1/messages/erase", self.erase),
            web.get("/v1/messages/{id}", self.get, allow_head=False),
        ]

    async def list(self, request: web.Request) -> web.Response:
        """Give a page of messages, the newest first."""
        admin = await self._caller(request)
        query = read_query(MessagesQuery, request.query)
        search, key = query.search(), await self._ledger.signing_key()
        after = read_cursor(key, admin.tenant, search, query.cursor)
        async with self._ledger.reading() as connection:
            page = await queries.page(connection, admin.tenant, search, after=after, limit=query.limit)
        following = write_cursor(key, admin.tenant, search, page.next)
        return json_response({"messages": [shown.message(row) for row in page.messages], "next": following})

    async def get(self, request: web.Request) -> web.Response:
        """Give one message with its text, its decision, and all that became of it."""
        admin = await self._caller(request)
        name = request.match_info["id"]
        found = None
        if instant_of(name) is not None:
            async with self._ledger.reading() as connection:
                found = await queries.whole(connection, admin.tenant, name)
        if found is None:
            raise Problem("not_found")
        return json_response(shown.whole(found))

    async def counts(self, request: web.Request) -> web.Response:
        """Count what was decided, by hour or day."""
        admin = await self._caller(request)
        query = read_query(CountsQuery, request.query)
        by_day, since_ms, until_ms = span_of(query, datetime.now(UTC))
        async with self._ledger.reading() as connection:
            found = await queries.counts(
                connection,
                admin.tenant,
                by_day=by_day,
                since_ms=since_ms,
                until_ms=until_ms,
                channel=query.channel,
            )
        return json_response({"by": query.by, "counts": [shown.count(one) for one in found]})

    async def erase(self, request: web.Request) -> web.Response:
        """Erase texts: 200 once they are gone, 202 while the registry is still at it."""
        admin = await self._caller(request, writes=True)
        kind, subject = read_body(EraseBody, await read_json_body(request)).subject()
        if kind == "message" and instant_of(subject) is None:
            raise Problem("not_found")
        begun = await erasure.begin(self._ledger, tenant=admin.tenant, actor=admin.actor, kind=kind, subject=subject)
        if begun is None:
            raise Problem("not_found")
        found = await erasure.carry_on(self._ledger, begun, within_s=_PATIENCE_S)
        return json_response(shown.erasure(found), status=_ACCEPTED if found.done_ms is None else _OK)

    async def _caller(self, request: web.Request, *, writes: bool = False) -> Admin:
        async with self._database.reading() as connection:
            return await check_caller(connection, request, writes=writes)
