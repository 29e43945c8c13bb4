"""Who gets a notice, and how far each of them has it: one row a person, and one for the company's hook.

A notice is given out once: then its words are fixed, and its rows are there. A row is claimed before anything is sent,
so that two registries seldom do the same; one that was claimed by a process that died is due again soon.

Not here: sending (sender.py).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.audit import deeds
from registry.notices.kinds import KINDS
from registry.notices.words import Items, sentence
from registry.tables import requests, tenants, users
from registry.work_tables import notice_deliveries, notice_hooks, notices

HOOK: Final = "hook"
#: The two ways to a recipient; neither waits for the other.
LANES: Final = ("im", "hook")
#: After so long nobody tries any more.
GIVE_UP: Final = timedelta(days=3)
#: How long after each failure the next attempt is; the last one goes on.
_PAUSES_S: Final = {
    "im": (2, 5, 15, 60, 300, 900),
    "hook": (5, 30, 120, 600, 1800, 3600, 7200, 14400),
}
#: A literal: PostgreSQL takes two parameters of the same value for two expressions.
_IS_HOOK: Final = (notice_deliveries.c.recipient == sa.literal_column("'hook'")).label("is_hook")
#: Notices given out in one transaction.
_BATCH: Final = 100


class Delivery(NamedTuple):
    """A notice on its way to one recipient."""

    notice: int
    tenant: str
    kind: str
    at: datetime
    #: As it was fixed when the notice was given out.
    text: str
    items: Items
    #: Of all the things; items may be the first of them.
    things: int
    #: When it was given out.
    given_at: datetime
    #: user:<id>, or hook.
    recipient: str
    #: This one included.
    attempts: int

    @property
    def lane(self) -> str:
        """The way to the recipient."""
        return lane_of(self.recipient)


def lane_of(recipient: str) -> str:
    """Return the way to a recipient."""
    return "hook" if recipient == HOOK else "im"


async def give_out(connection: AsyncConnection, now: datetime) -> int:
    """Fix the words and the recipients of notices that have waited long enough; returns how many notices."""
    given = sa.select(notice_deliveries.c.notice).where(notice_deliveries.c.notice == notices.c.id).exists()
    rows = await connection.execute(
        sa.select(notices.c.id, notices.c.tenant, notices.c.kind, notices.c.subject, notices.c.params)
        .where(notices.c.next_at <= now, ~given)
        .order_by(notices.c.id)
        .limit(_BATCH)
    )
    found = rows.all()
    for row in found:
        await _give_out(connection, row, now)
    return len(found)


async def any_to_give_out(connection: AsyncConnection, now: datetime) -> bool:
    """Say whether give_out would find any."""
    given = sa.select(notice_deliveries.c.notice).where(notice_deliveries.c.notice == notices.c.id).exists()
    query = sa.select(notices.c.id).where(notices.c.next_at <= now, ~given).limit(1)
    return await connection.scalar(query) is not None


async def _give_out(connection: AsyncConnection, row: Any, now: datetime) -> None:
    notice = notices.c.id == row.id
    try:
        params = _params(row.params, row.subject)
    except ValueError:
        params = {}
    if row.kind not in KINDS or not params:  # Written by a newer version; nothing else may wait for it.
        await connection.execute(sa.update(notices).where(notice).values(next_at=None, fault="unreadable"))
        return
    zone = await connection.scalar(sa.select(tenants.c.time_zone).where(tenants.c.id == row.tenant)) or "UTC"
    text = sentence(KINDS[row.kind], params["items"], params["count"], zone)
    recipients = await _recipients(connection, row, params)
    fixed = orjson.dumps(params | {"text": text, "given_at": now}).decode()
    await connection.execute(sa.update(notices).where(notice).values(params=fixed, next_at=now if recipients else None))
    if recipients:
        same = {"notice": row.id, "tenant": row.tenant, "state": "waiting", "attempts": 0, "next_at": now}
        await connection.execute(sa.insert(notice_deliveries), [same | {"recipient": one} for one in recipients])


def _params(raw: str, subject: str) -> dict[str, Any]:
    """Read what a notice holds; somebody else's may hold the one thing itself."""
    params = orjson.loads(raw)
    if type(params) is dict and type(params.get("items")) is list and params["items"]:
        return {"count": len(params["items"])} | params
    return {"count": 1, "items": [{"subject": subject} | (params if type(params) is dict else {})]}


async def _recipients(connection: AsyncConnection, row: Any, params: dict[str, Any]) -> list[str]:
    kind, found = KINDS[row.kind], list[str]()
    if kind.to_requester:
        asked = sa.select(requests.c.user).where(requests.c.id == row.subject.partition(":")[2])
        user = params.get("to") or await connection.scalar(asked)
        found += [f"user:{user}"] if user is not None else []
    elif not kind.hook_only:
        theirs = {item.get("by") for item in params["items"]}
        found += [f"user:{user}" for user in await _admins(connection, row.tenant) if theirs != {user}]
    if await connection.scalar(sa.select(notice_hooks.c.url).where(notice_hooks.c.tenant == row.tenant)) is not None:
        found.append(HOOK)
    return found


async def _admins(connection: AsyncConnection, tenant: str) -> Sequence[str]:
    rows = await connection.execute(
        sa.select(users.c.id)
        .where(users.c.tenant == tenant, users.c.role == "admin", users.c.left_at.is_(None))
        .order_by(users.c.id)
    )
    return rows.scalars().all()


def _in_lane(lane: str) -> sa.ColumnElement[bool]:
    return notice_deliveries.c.recipient == HOOK if lane == "hook" else notice_deliveries.c.recipient != HOOK


async def due_lanes(connection: AsyncConnection, now: datetime) -> set[tuple[str, str]]:
    """Name the lanes in which something is due: tenant, and im or hook."""
    query = sa.select(notice_deliveries.c.tenant, _IS_HOOK).where(notice_deliveries.c.next_at <= now).distinct()
    return {(row.tenant, "hook" if row.is_hook else "im") for row in await connection.execute(query)}


async def claim(
    connection: AsyncConnection, tenant: str, lane: str, *, now: datetime, until: datetime
) -> Delivery | None:
    """Take the oldest delivery that is due in a lane, and keep others from it until an instant; None: there is none."""
    while True:
        query = (
            sa.select(notice_deliveries, notices.c.kind, notices.c.at, notices.c.params, notices.c.subject)
            .select_from(notice_deliveries.join(notices))
            .where(notice_deliveries.c.tenant == tenant, notice_deliveries.c.next_at <= now, _in_lane(lane))
            .order_by(notice_deliveries.c.notice, notice_deliveries.c.recipient)
            .limit(1)
        )
        row = (await connection.execute(query)).first()
        if row is None:
            return None
        why = await _gone(connection, row.tenant, row.recipient)
        if why is None:
            break
        await _end(connection, row.notice, row.recipient, "given_up", now, why)
    await _set(connection, row.notice, row.recipient, attempts=row.attempts + 1, next_at=until)
    params = _params(row.params, row.subject)
    return Delivery(
        notice=row.notice,
        tenant=row.tenant,
        kind=row.kind,
        at=row.at,
        text=str(params.get("text", "")),
        items=params["items"],
        things=params["count"],
        given_at=datetime.fromisoformat(params["given_at"]) if "given_at" in params else row.at,
        recipient=row.recipient,
        attempts=row.attempts + 1,
    )


async def _gone(connection: AsyncConnection, tenant: str, recipient: str) -> str | None:
    """Say why a recipient is none any more."""
    if recipient == HOOK:
        hook = await connection.scalar(sa.select(notice_hooks.c.url).where(notice_hooks.c.tenant == tenant))
        return None if hook is not None else "no_hook"
    user = sa.select(users.c.id).where(
        users.c.id == recipient.removeprefix("user:"), users.c.tenant == tenant, users.c.left_at.is_(None)
    )
    return None if await connection.scalar(user) is not None else "left"


async def delivered(connection: AsyncConnection, delivery: Delivery, now: datetime) -> None:
    """Note that a recipient has it."""
    await _end(connection, delivery.notice, delivery.recipient, "delivered", now, None)


async def failed(connection: AsyncConnection, delivery: Delivery, now: datetime, fault: str, *, draw: float) -> bool:
    """Note that a recipient could not be reached; returns whether it is given up now. draw: 0 to 1, for the pause."""
    pauses = _PAUSES_S[delivery.lane]
    pause_s = pauses[min(delivery.attempts, len(pauses)) - 1] * (0.9 + 0.2 * draw)
    next_at = now + timedelta(seconds=pause_s)
    if next_at > delivery.given_at + GIVE_UP:
        await _end(connection, delivery.notice, delivery.recipient, "given_up", now, fault)
        return True
    await _set(connection, delivery.notice, delivery.recipient, next_at=next_at, fault=fault)
    return False


async def note_hook(
    connection: AsyncConnection, tenant: str, now: datetime, actor: str, after: deeds.Fields | None
) -> None:
    """Have it in the audit where a company's notices go from now on, before it is written; after: None for nowhere."""
    row = (await connection.execute(sa.select(notice_hooks).where(notice_hooks.c.tenant == tenant))).first()
    before = None if row is None else {"url": row.url, "created_at": row.created_at}
    sides = {"before": before, "after": after}
    await deeds.note(connection, deeds.HOOKS, (tenant,), at=now, actor=actor, tenant=tenant, **sides)


async def drop_hook(connection: AsyncConnection, tenant: str, now: datetime, fault: str, *, actor: str) -> int:
    """Take a company's hook away with all that waits for it; returns how many deliveries are given up."""
    waiting = await connection.execute(
        sa.select(notice_deliveries.c.notice).where(
            notice_deliveries.c.tenant == tenant, notice_deliveries.c.recipient == HOOK, _is_waiting()
        )
    )
    found = waiting.scalars().all()
    for notice in found:
        await _end(connection, notice, HOOK, "given_up", now, fault)
    await note_hook(connection, tenant, now, actor, None)
    await connection.execute(sa.delete(notice_hooks).where(notice_hooks.c.tenant == tenant))
    return len(found)


async def count_waiting(connection: AsyncConnection) -> dict[str, int]:
    """Count what waits, by lane."""
    query = sa.select(_IS_HOOK, sa.func.count().label("waiting")).where(_is_waiting()).group_by(_IS_HOOK)
    counted = {"hook" if row.is_hook else "im": row.waiting for row in await connection.execute(query)}
    return {lane: counted.get(lane, 0) for lane in LANES}


def _is_waiting() -> sa.ColumnElement[bool]:
    return notice_deliveries.c.next_at.is_not(None)


async def _end(
    connection: AsyncConnection, notice: int, recipient: str, state: str, now: datetime, fault: str | None
) -> None:
    await _set(connection, notice, recipient, state=state, next_at=None, done_at=now, fault=fault)


async def _set(connection: AsyncConnection, notice: int, recipient: str, **values: Any) -> None:
    """Write a delivery, and what the notice says of all of its deliveries."""
    ours = notice_deliveries.c.notice == notice
    await connection.execute(
        sa.update(notice_deliveries).where(ours, notice_deliveries.c.recipient == recipient).values(**values)
    )
    rows = (await connection.execute(sa.select(notice_deliveries).where(ours))).all()
    await connection.execute(
        sa.update(notices)
        .where(notices.c.id == notice)
        .values(
            im_at=_all_done([row for row in rows if row.recipient != HOOK]),
            hook_at=_all_done([row for row in rows if row.recipient == HOOK]),
            attempts=sum(row.attempts for row in rows),
            next_at=min((row.next_at for row in rows if row.next_at is not None), default=None),
            fault=next((row.fault for row in rows if row.fault is not None), None),
        )
    )


def _all_done(rows: Sequence[Any]) -> datetime | None:
    """Return when the last of some recipients had it; None while one has not."""
    if not rows or any(row.state != "delivered" for row in rows):
        return None
    last: datetime = max(row.done_at for row in rows)
    return last


class Hook(NamedTuple):
    """Where a company wants its notices."""

    url: str
    secret: str


async def hook_of(connection: AsyncConnection, tenant: str) -> Hook | None:
    """Return a company's hook."""
    query = sa.select(notice_hooks.c.url, notice_hooks.c.secret).where(notice_hooks.c.tenant == tenant)
    row = (await connection.execute(query)).first()
    return None if row is None else Hook(row.url, row.secret)
