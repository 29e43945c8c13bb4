"""What people see of the ledger: lists of messages, one message whole, counts, and the erasure of texts.

Keys are the registry's, the data is the ledger's; a company sees its own and nothing else. What belongs to others is as
unknown as what is not there.

Not here: what is done (looks.py), how questions are read (asked.py) and answers look (shown.py).
"""

from typing import Final

from aiohttp import web

from registry.admin_keys import Admin, check_caller
from registry.admin_patches import read_body, read_query
from registry.database import Database
from registry.http_common import json_response, read_json_body
from registry.ledger import looks
from registry.ledger.asked import CountsQuery, EraseBody, MessagesQuery
from registry.ledger.database import LedgerDatabase
from registry.ledger.own import OwnApi

_OK: Final = 200
_ACCEPTED: Final = 202


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
            *OwnApi(self._database, self._ledger).routes(),
        ]

    async def list(self, request: web.Request) -> web.Response:
        """Give a page of messages, the newest first."""
        admin = await self._caller(request)
        return json_response(await looks.listed(self._ledger, admin.tenant, read_query(MessagesQuery, request.query)))

    async def get(self, request: web.Request) -> web.Response:
        """Give one message with its text, its decision, and all that became of it."""
        admin = await self._caller(request)
        return json_response(await looks.one(self._ledger, admin.tenant, request.match_info["id"]))

    async def counts(self, request: web.Request) -> web.Response:
        """Count what was decided, by hour or day."""
        admin = await self._caller(request)
        return json_response(await looks.counted(self._ledger, admin.tenant, read_query(CountsQuery, request.query)))

    async def erase(self, request: web.Request) -> web.Response:
        """Erase texts: 200 once they are gone, 202 while the registry is still at it."""
        admin = await self._caller(request, writes=True)
        body = read_body(EraseBody, await read_json_body(request))
        found = await looks.erased(self._database, self._ledger, admin.tenant, admin.actor, body)
        return json_response(found, status=_OK if found["done"] else _ACCEPTED)

    async def _caller(self, request: web.Request, *, writes: bool = False) -> Admin:
        async with self._database.reading() as connection:
            return await check_caller(connection, request, writes=writes)
