"""What employees see of the ledger: what they sent themselves, with the words for why it did not go.

Two questions, both along the index of a user's messages: their conversations, each by its last message, and the
messages of one. Nobody asks for anybody else's: whose they are comes with the key, not with the question.

Not here: what came for them (the gateway's inbox), and what admins see (routes.py).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import sqlalchemy as sa
from aiohttp import web
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from compliance.catalogue import CATALOGUE
from compliance.destinations import read_destination
from registry.action import PageQuery
from registry.admin_keys import Admin, check_employee
from registry.admin_patches import read_query
from registry.database import Database
from registry.http_common import json_response
from registry.ledger import queries
from registry.ledger.asked import read_cursor, write_cursor
from registry.ledger.batch import clean
from registry.ledger.database import LedgerDatabase
from registry.ledger.queries import SCAN, Page, Place, Search
from registry.ledger.tables import events, messages, texts
from registry.problems import Problem

_LONGEST: Final = 200
#: Ends of a message that its last change says more about.
_FAILED: Final = frozenset({"undelivered", "failed", "expired", "blocked", "unknown"})
#: Not sent: the reason says why.
_REFUSED: Final = frozenset({"refused", "blocked"})
_REASONS: Final = {code.value: entry for code, entry in CATALOGUE.items()}


class ThreadsQuery(PageQuery):
    """Which page of the conversations."""


class OwnQuery(PageQuery):
    """Which of one's own messages."""

    counterpart: str | None = Field(
        default=None, max_length=_LONGEST, description="The other side's number, or a colleague's user id."
    )


class OwnApi:
    """The handlers."""

    def __init__(self, database: Database, ledger: LedgerDatabase) -> None:
        self._database = database
        self._ledger = ledger

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.get("/v1/my/threads", self.threads, allow_head=False),
            web.get("/v1/my/messages", self.messages, allow_head=False),
        ]

    async def threads(self, request: web.Request) -> web.Response:
        """Give a page of the caller's conversations, each by the last message that they sent in it."""
        user, tenant = await self._caller(request)
        query = read_query(ThreadsQuery, request.query)
        search, key = Search(user=user), await self._ledger.signing_key()
        after = read_cursor(key, tenant, search, query.cursor)
        async with self._ledger.reading(tenant=tenant) as connection:
            page = await threads(connection, tenant, user, after=after, limit=query.limit)
            shown = await show(connection, page.messages)
        return json_response({"threads": shown, "next": write_cursor(key, tenant, search, page.next)})

    async def messages(self, request: web.Request) -> web.Response:
        """Give a page of what the caller sent, the newest first."""
        user, tenant = await self._caller(request)
        query = read_query(OwnQuery, request.query)
        search, key = Search(user=user, counterpart=_address(query.counterpart)), await self._ledger.signing_key()
        after = read_cursor(key, tenant, search, query.cursor)
        async with self._ledger.reading(tenant=tenant) as connection:
            page = await queries.page(connection, tenant, search, after=after, limit=query.limit)
            shown = await show(connection, page.messages)
        return json_response({"messages": shown, "next": write_cursor(key, tenant, search, page.next)})

    async def _caller(self, request: web.Request) -> tuple[str, str]:
        """Return which employee asks, and their company. Problem: unauthenticated, forbidden."""
        async with self._database.reading() as connection:
            caller: Admin = await check_employee(connection, request)
        if caller.user is None:
            raise Problem("forbidden")
        return caller.user, caller.tenant


async def threads(
    connection: AsyncConnection, tenant: str, user: str, *, after: Place | None, limit: int, scan: int = SCAN
) -> Page:
    """Return the last message to each counterpart, the newest first, of a user's newest messages behind a place.

    It looks at scan messages at most, so a counterpart of before may come again on a later page.
    """
    near = _newest(tenant, user, after).limit(scan).subquery()
    newest_first = (near.c.accepted_ms.desc(), near.c.id.desc())
    nth = sa.func.row_number().over(partition_by=near.c.recipient, order_by=newest_first)
    ranked = sa.select(near, nth.label("nth")).subquery()
    last = sa.select(ranked).where(ranked.c.nth == 1).order_by(ranked.c.accepted_ms.desc(), ranked.c.id.desc())
    found = list(await connection.execute(last.limit(limit + 1)))
    if len(found) > limit:
        return Page(found[:limit], Place(found[limit - 1].accepted_ms, found[limit - 1].id))
    places = _newest(tenant, user, after).with_only_columns(messages.c.accepted_ms, messages.c.id)
    end = (await connection.execute(places.offset(scan - 1).limit(1))).first()
    return Page(found, None if end is None else Place(end.accepted_ms, end.id))


async def recent(ledger: LedgerDatabase, tenant: str, user: str, limit: int) -> list[dict[str, Any]]:
    """Return the last messages that a user sent, for a page without script."""
    async with ledger.reading(tenant=tenant) as connection:
        page = await queries.page(connection, tenant, Search(user=user), after=None, limit=limit)
        return await show(connection, page.messages)


def _newest(tenant: str, user: str, after: Place | None) -> sa.Select[Any]:
    wanted = (
        sa.select(messages)
        .where(messages.c.tenant == tenant, messages.c.user_id == user)
        .order_by(messages.c.accepted_ms.desc(), messages.c.id.desc())
    )
    if after is None:
        return wanted
    behind = sa.tuple_(messages.c.accepted_ms, messages.c.id) < sa.tuple_(
        sa.literal(after.accepted_ms, sa.BigInteger), sa.literal(after.id)
    )
    return wanted.where(messages.c.accepted_ms <= after.accepted_ms, behind)


async def show(connection: AsyncConnection, rows: Sequence[sa.Row[Any]]) -> list[dict[str, Any]]:
    """Show messages to who sent them, in the gateway's words for them."""
    names = [row.id for row in rows]
    wrote = await connection.execute(sa.select(texts.c.message_id, texts.c.text).where(texts.c.message_id.in_(names)))
    written: dict[str, str] = dict(map(tuple, wrote))
    failed = [row.id for row in rows if row.status in _FAILED]
    told = await connection.execute(
        sa.select(events.c.message_id, events.c.code)
        .where(events.c.message_id.in_(failed), events.c.kind == "status")
        .order_by(events.c.message_id, events.c.seq)
    )
    codes: dict[str, str] = dict(map(tuple, told))
    return [_shown(row, written.get(row.id), codes.get(row.id)) for row in rows]


def _shown(row: sa.Row[Any], text: str | None, code: str | None) -> dict[str, Any]:
    # What was taken and then not sent was judged again: the last change says why.
    entry = _REASONS.get(code or "") if row.status == "blocked" else None
    entry = entry or _REASONS.get(row.reason)
    return {
        "id": row.id,
        "client_message_id": row.client_message_id,
        "sent_at": _instant(row.accepted_ms),
        "kind": row.kind,
        "channel": row.channel,
        "from": row.sender,
        "to": row.recipient,
        "text": text,
        "media": orjson.loads(row.media),
        "segments": row.segments,
        "verdict": row.verdict,
        "reason": {"code": entry.code.value if entry else row.reason, "text": entry.user if entry else ""},
        "remediation": [one.plain() for one in entry.remediation] if entry and row.status in _REFUSED else [],
        "send_after": _instant(row.not_before_ms),
        "status": row.status,
        "status_at": _instant(row.status_ms),
        "status_code": code or None,
    }


def _address(given: str | None) -> str | None:
    """Return the other side as the ledger has it; numbers are read as people write them."""
    if given is None:
        return None
    said = clean(given)
    return read_destination(said)[1] or said


def _instant(ms: int) -> datetime | None:
    return datetime.fromtimestamp(ms / 1000, UTC) if ms else None
