"""What is asked of the ledger: pages of messages, one message whole, and counts. Always of one tenant.

A page costs the same wherever it is: it begins at a place of an index (keyset), takes what the index can tell apart
first, and looks at no more than SCAN messages. So a search for what is rare may give a page with few messages, or none,
and still a place to go on from; only a page without such a place is the last.

Every value is bound, none is a pattern: %, _ and ' are letters like others.

Not here: how the question is read (asked.py), how an answer looks (shown.py).
"""

from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.ledger.tables import decisions, erasures, events, messages, tallies, texts

#: Messages that one page looks at, at most.
SCAN: Final = 5_000
_DAY_MS: Final = 86_400_000
VERDICTS: Final = ("allow", "flag", "defer", "block")


class Search(NamedTuple):
    """Which messages; None is any."""

    #: Our side's number, and the person's number or colleague's id on the other side.
    number: str | None = None
    counterpart: str | None = None
    user: str | None = None
    reason: str | None = None
    status: str | None = None
    verdict: str | None = None
    channel: str | None = None
    #: From and before, in milliseconds since the epoch.
    since_ms: int | None = None
    until_ms: int | None = None


class Place(NamedTuple):
    """Where a message stands in the order of pages, the newest first."""

    accepted_ms: int
    id: str


class Page(NamedTuple):
    """Some messages, and the place behind which the next page begins; None: there is none."""

    messages: list[sa.Row[Any]]
    next: Place | None


class Whole(NamedTuple):
    """One message with all that is known of it."""

    message: sa.Row[Any]
    events: list[sa.Row[Any]]
    #: What was written, and what was judged where that is something else; None: it is gone.
    text: str | None
    judged: str | None
    record: str | None
    erased_ms: int | None


#: Field of a search to its column, the ones that tell most apart first; those before the last two have an index.
_COLUMNS: Final = {
    "counterpart": messages.c.recipient,
    "number": messages.c.sender,
    "user": messages.c.user_id,
    "reason": messages.c.reason,
    "status": messages.c.status,
    "verdict": messages.c.verdict,
    "channel": messages.c.channel,
}
_INDEXED: Final = frozenset({"counterpart", "number", "user", "reason", "status"})
_NEWEST_FIRST: Final = (messages.c.accepted_ms.desc(), messages.c.id.desc())


async def page(
    connection: AsyncConnection, tenant: str, search: Search, *, after: Place | None, limit: int, scan: int = SCAN
) -> Page:
    """Return a page of the tenant's messages, the newest first."""
    given = {name: column for name, column in _COLUMNS.items() if getattr(search, name) is not None}
    lead = next((name for name in given if name in _INDEXED), None)
    by_index = _in_index(tenant, search, lead, after)
    rest = {name: column for name, column in given.items() if name != lead}
    if not rest:
        found = list(await connection.execute(by_index.limit(limit + 1)))
        return Page(found[:limit], _place(found[limit - 1]) if len(found) > limit else None)
    places = by_index.with_only_columns(messages.c.id, messages.c.accepted_ms)
    # Of what is looked at, no more than decides is read: most rows are not what is looked for.
    near = places.add_columns(*rest.values()).limit(scan).subquery()
    wanted = (
        sa.select(near.c.id)
        .where(*(near.c[column.name] == getattr(search, name) for name, column in rest.items()))
        .order_by(near.c.accepted_ms.desc(), near.c.id.desc())
        .limit(limit + 1)
    )
    whole_rows = sa.select(messages).where(messages.c.id.in_(wanted)).order_by(*_NEWEST_FIRST)
    found = list(await connection.execute(whole_rows))
    if len(found) > limit:
        return Page(found[:limit], _place(found[limit - 1]))
    last = (await connection.execute(places.offset(scan - 1).limit(1))).first()
    return Page(found, None if last is None else _place(last))


def _in_index(tenant: str, search: Search, lead: str | None, after: Place | None) -> sa.Select[Any]:
    wanted = sa.select(messages).where(messages.c.tenant == tenant).order_by(*_NEWEST_FIRST)
    if lead is not None:
        wanted = wanted.where(_COLUMNS[lead] == getattr(search, lead))
    if search.since_ms is not None:
        wanted = wanted.where(messages.c.accepted_ms >= search.since_ms)
    if search.until_ms is not None:
        wanted = wanted.where(messages.c.accepted_ms < search.until_ms)
    if after is not None:
        behind = sa.tuple_(messages.c.accepted_ms, messages.c.id) < sa.tuple_(
            sa.literal(after.accepted_ms, sa.BigInteger), sa.literal(after.id)
        )
        wanted = wanted.where(messages.c.accepted_ms <= after.accepted_ms, behind)
    return wanted


def _place(row: Any) -> Place:
    return Place(row.accepted_ms, row.id)


async def whole(connection: AsyncConnection, tenant: str, name: str) -> Whole | None:
    """Return one message of the tenant's; others' are as unknown as none."""
    found = await connection.execute(sa.select(messages).where(messages.c.id == name, messages.c.tenant == tenant))
    message = found.first()
    if message is None:
        return None
    lines = await connection.execute(
        sa.select(events)
        .where(events.c.message_id == name)
        .order_by(events.c.entry_ms, events.c.entry_seq, events.c.place)
    )
    wrote = (await connection.execute(sa.select(texts).where(texts.c.message_id == name))).first()
    record = await connection.scalar(sa.select(decisions.c.record).where(decisions.c.message_id == name))
    erased_ms = None
    if message.erasure is not None:
        erased_ms = await connection.scalar(sa.select(erasures.c.at_ms).where(erasures.c.id == message.erasure))
    text, judged = (None, None) if wrote is None else (wrote.text, wrote.text if wrote.judged is None else wrote.judged)
    return Whole(message, list(lines), text, judged, record, erased_ms)


class Told(NamedTuple):
    """How a tenant's messages were decided over some time."""

    #: By the hour's beginning, in milliseconds since the epoch: how many of each of VERDICTS, in that order.
    hours: dict[int, tuple[int, ...]]
    #: By reason, of those that were blocked.
    blocked: list[tuple[str, int]]


async def told(
    connection: AsyncConnection, tenant: str, *, since_ms: int, until_ms: int, channel: str | None = None
) -> Told:
    """Return by the hour how messages were decided, and why they were blocked; of whole hours."""
    where = [tallies.c.tenant == tenant, tallies.c.hour_ms >= since_ms, tallies.c.hour_ms < until_ms]
    if channel is not None:
        where.append(tallies.c.channel == channel)
    count = sa.func.sum(tallies.c.messages)
    # A column for each verdict: by the hour alone SQLite adds up along the key, where it would have to sort otherwise.
    each = (sa.cast(sa.func.coalesce(count.filter(tallies.c.verdict == one), 0), sa.BigInteger) for one in VERDICTS)
    hours = await connection.execute(sa.select(tallies.c.hour_ms, *each).where(*where).group_by(tallies.c.hour_ms))
    why = sa.select(tallies.c.reason, sa.cast(count, sa.BigInteger)).where(*where, tallies.c.verdict == "block")
    blocked = await connection.execute(why.group_by(tallies.c.reason))
    return Told({row[0]: row[1:] for row in hours.all()}, [tuple(row) for row in blocked.all()])


class Count(NamedTuple):
    """How many legs were decided in one way in an hour or a day."""

    #: When it begins, in milliseconds since the epoch; days are UTC's.
    at_ms: int
    verdict: str
    reason: str
    messages: int


async def counts(
    connection: AsyncConnection, tenant: str, *, by_day: bool, since_ms: int, until_ms: int, channel: str | None = None
) -> list[Count]:
    """Return how the tenant's messages were decided over time; since and until are whole hours or days."""
    at = tallies.c.hour_ms - tallies.c.hour_ms % _DAY_MS if by_day else tallies.c.hour_ms
    # Once, by name: an expression with bound values is not the same expression to PostgreSQL a second time.
    hours = sa.select(at.label("at_ms"), tallies.c.verdict, tallies.c.reason, tallies.c.messages).where(
        tallies.c.tenant == tenant, tallies.c.hour_ms >= since_ms, tallies.c.hour_ms < until_ms
    )
    if channel is not None:
        hours = hours.where(tallies.c.channel == channel)
    of = hours.subquery().c
    keys = (of.at_ms, of.verdict, of.reason)
    wanted = sa.select(*keys, sa.func.sum(of.messages)).group_by(*keys).order_by(*keys)
    rows = await connection.execute(wanted)
    return [Count(at_ms, verdict, reason, int(n)) for at_ms, verdict, reason, n in rows if n]
