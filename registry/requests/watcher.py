"""Looks at open requests again whenever something changed that they hang on, behind a cursor over the audit.

A request becomes possible in the transaction that also writes the notice for the employee. If it turns out impossible
again before that was handed over, the notice is withdrawn and the request is open as before; what the employee was told
stays told.

Verdicts are found while reading; only requests whose verdict is another now are looked at once more while writing. A
change that is committed in between is behind the cursor, and so looked at next.

Not here: how a notice is carried (registry.notices).
"""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import orjson
import sqlalchemy as sa
import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.database import Database
from registry.flows.desk import Desk, Limits
from registry.lifecycle.numbers import REQUEST
from registry.problems import Problem
from registry.records import Request, User
from registry.requests.book import missing
from registry.tables import audit, requests
from registry.work_tables import notice_deliveries, notices, sweeps

CURSOR: Final = "requests"
#: Rows of the audit at a time.
BATCH: Final = 500
_POLL_S: Final = 1.0
_BACKOFF_S: Final = 5.0
#: So long a notice waits before it is handed over: gateways have the change well within that.
_GRACE: Final = timedelta(seconds=3)
_KIND: Final = "request_possible"
#: Tables whose rows decide whether a text may go, and belong to a company.
_OF_COMPANY: Final = ("tenants", "users", "extensions", "brands", "campaigns", "numbers", "assignments", "opt_outs")
#: The table whose rows are about recipients, whosever.
_OF_RECIPIENT: Final = "contacts"

log = structlog.get_logger()


class _Touched(NamedTuple):
    """What changed since the last look."""

    #: Company to who changed something of it last.
    tenants: dict[str, str]
    recipients: dict[str, str]
    #: Where the cursor goes.
    to: int
    #: How many rows of the audit that were; 0 with a cursor to set: the first look.
    rows: int

    def actor(self, request: Request) -> str | None:
        """Return who made the last change that a request hangs on; None where there is none."""
        return self.recipients.get(request.recipient) or self.tenants.get(request.tenant)


async def watch(database: Database, *, now: datetime, limits: Limits | None = None) -> int:
    """Look once; returns how many rows of the audit were read. At most BATCH: call again while it returns as many."""
    limits = limits or Limits()
    async with database.reading() as connection:
        cursor = await _cursor(connection)
        touched = await _touched(connection, cursor)
        if touched is None:
            return 0
        changed = [
            one.id
            for one in await _affected(connection, touched, all_=cursor is None)
            if await _differs(connection, one, now, limits)
        ]
    async with database.writing() as connection:
        for name in changed:
            await _settle(connection, name, touched, now, limits)
        await _move(connection, cursor, touched.to, now)
    return touched.rows


async def keep_watching(database: Database, limits: Limits) -> None:
    """Look until cancelled; a database that does not answer is waited for."""
    while True:
        try:
            read = await watch(database, now=datetime.now(UTC), limits=limits)
        except (OperationalError, InterfaceError, OSError) as failure:
            log.warning("requests_not_watched", error=type(failure).__name__)
            await asyncio.sleep(_BACKOFF_S)
            continue
        if read < BATCH:
            await asyncio.sleep(_POLL_S)


async def _touched(connection: AsyncConnection, cursor: str | None) -> _Touched | None:
    """Read what changed; None when nothing did."""
    if cursor is None:
        last = await connection.scalar(sa.select(sa.func.coalesce(sa.func.max(audit.c.id), 0))) or 0
        return _Touched({}, {}, last, 0)
    columns = (audit.c.id, audit.c.actor, audit.c.kind, audit.c.tenant, audit.c.row_key)
    found = await connection.execute(
        sa.select(*columns).where(audit.c.id > int(cursor)).order_by(audit.c.id).limit(BATCH)
    )
    rows = found.all()
    if not rows:
        return None
    tenants = {row.tenant: row.actor for row in rows if row.kind in _OF_COMPANY and row.tenant is not None}
    recipients = {orjson.loads(row.row_key)[0]: row.actor for row in rows if row.kind == _OF_RECIPIENT}
    return _Touched(tenants, recipients, rows[-1].id, len(rows))


async def _affected(connection: AsyncConnection, touched: _Touched, *, all_: bool) -> list[Request]:
    """Return the requests that may have another verdict now."""
    which = sa.true() if all_ else requests.c.tenant.in_(touched.tenants) | requests.c.recipient.in_(touched.recipients)
    rows = await connection.execute(
        sa.select(requests).where(requests.c.state.in_(("open", "possible")), which).order_by(requests.c.id)
    )
    return [Request(**row) for row in rows.mappings()]


async def _differs(connection: AsyncConnection, request: Request, now: datetime, limits: Limits) -> bool:
    """Say whether a request's state is not what the verdict says, and can still follow it."""
    if request.state == "possible" and await _untold(connection, request) is None:
        return False
    return (request.state == "possible") != await _may_send(_desk(connection, request, now, limits), request)


async def _settle(connection: AsyncConnection, name: str, touched: _Touched, now: datetime, limits: Limits) -> None:
    """Bring a request's state in line with the verdict, and tell the employee or withdraw what was not told yet."""
    row = (await connection.execute(sa.select(requests).where(requests.c.id == name))).mappings().first()
    request = None if row is None else Request(**row)
    if request is None or not await _differs(connection, request, now, limits):
        return
    desk = _desk(connection, request, now, limits)
    if request.state == "open":
        closed_by = touched.actor(request) or desk.actor
        state = REQUEST.after(request.state, "possible")
        await desk.save([replace(request, state=state, closed_at=now, closed_by=closed_by)])
        await _tell(desk, request)
    elif (notice := await _untold(connection, request)) is not None:
        state = REQUEST.after(request.state, "reopened")
        await desk.save([replace(request, state=state, closed_at=None, closed_by=None)])
        withdrawn = sa.update(notices).where(notices.c.id == notice).values(next_at=None, fault="withdrawn")
        await connection.execute(withdrawn)


async def _may_send(desk: Desk, request: Request) -> bool:
    try:
        return (await missing(desk, request)).can_send
    except Problem:  # The person or the number left.
        return False


async def _tell(desk: Desk, request: Request) -> None:
    """Write the notice for the employee."""
    user = await desk.one(User, request.user)
    item = {
        "subject": f"request:{request.id}",
        "at": desk.now.isoformat(timespec="seconds"),
        "name": request.user if user is None else user.name,
        "user": request.user,
    }
    await desk.connection.execute(
        sa.insert(notices).values(
            tenant=request.tenant,
            kind=_KIND,
            subject=item["subject"],
            at=desk.now,
            params=orjson.dumps({"count": 1, "items": [item], "to": request.user}).decode(),
            once=f"{_KIND}:{request.id}:{desk.now.timestamp():.6f}",
            attempts=0,
            next_at=desk.now + _GRACE,
        )
    )


async def _untold(connection: AsyncConnection, request: Request) -> int | None:
    """Return the notice about a request that nobody has been given yet."""
    given = sa.select(notice_deliveries.c.notice).where(notice_deliveries.c.notice == notices.c.id).exists()
    waiting = sa.and_(notices.c.next_at.is_not(None), notices.c.im_at.is_(None), ~given)
    query = sa.select(notices.c.id).where(
        notices.c.kind == _KIND, notices.c.subject == f"request:{request.id}", waiting
    )
    found: int | None = await connection.scalar(query.limit(1))
    return found


def _desk(connection: AsyncConnection, request: Request, now: datetime, limits: Limits) -> Desk:
    return Desk(connection=connection, tenant=request.tenant, actor="requests", now=now, limits=limits)


async def _cursor(connection: AsyncConnection) -> str | None:
    found: str | None = await connection.scalar(sa.select(sweeps.c.cursor).where(sweeps.c.name == CURSOR))
    return found


async def _move(connection: AsyncConnection, before: str | None, to: int, now: datetime) -> None:
    """Set the cursor; another process that was quicker is not set back."""
    if before is None and await _cursor(connection) is None:
        await connection.execute(sa.insert(sweeps).values(name=CURSOR, cursor=str(to), at=now))
    elif before is not None:
        moved = sa.update(sweeps).where(sweeps.c.name == CURSOR, sweeps.c.cursor == before)
        await connection.execute(moved.values(cursor=str(to), at=now))
