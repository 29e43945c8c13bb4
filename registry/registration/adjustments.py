"""What is to be put on bills, for the provider's people and their billing system: listed, streamed, marked as billed.

An adjustment is named by its company and its kind: a company owes each kind once. Its month is that of when it was
booked, in UTC. One that was taken back before it was billed is in no list; the audit has it.

Not here: what is owed, and when not any more (fee.py).
"""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import orjson
import sqlalchemy as sa
from pydantic import AfterValidator, Field

from apidocs.table import closed, nullable
from registry.action import Action, Look, PageQuery, View
from registry.admin_patches import Patch
from registry.bulk.cells import csv_line, neutral
from registry.commands import change, find
from registry.database import Database
from registry.flows.desk import Desk
from registry.lists import listed, page_of
from registry.problems import wrong_field
from registry.records import Fee
from registry.tables import fees, tenants

Format = Literal["csv", "json"]
#: Of one call; whole months go through the command.
_MARKED_MAX: Final = 500
_PAGE: Final = 500
_MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])", re.ASCII)
#: As they are shown and written, in this order.
COLUMNS: Final = ("tenant", "company", "kind", "at", "cents", "currency", "application", "billed_at")
_KEY: Final = (fees.c.tenant, fees.c.kind)


def month_of(given: str) -> tuple[datetime, datetime]:
    """Return when a month such as 2026-11 begins, and the one behind it, in UTC; ValueError when it is none."""
    match = _MONTH.fullmatch(given)
    if match is None:
        raise ValueError("this is no month, such as 2026-11")
    year, month = int(match[1]), int(match[2])
    return datetime(year, month, 1, tzinfo=UTC), datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)


def _a_month(given: str) -> str:
    month_of(given)
    return given


class AdjustmentQuery(PageQuery):
    """Which adjustments."""

    tenant: str | None = Field(default=None, max_length=128, pattern=r"^[^\x00]*$", description="Of this company only.")
    month: Annotated[str, AfterValidator(_a_month)] | None = Field(
        default=None, max_length=7, description="Booked in this month (UTC), such as 2026-11."
    )
    billed: bool | None = Field(default=None, description="Only those that are on a bill, or only those that are not.")


class Named(Patch):
    """An adjustment by its name."""

    tenant: str = Field(max_length=128)
    kind: str = Field(max_length=40)


class Marked(Patch):
    """Which adjustments are on bills now."""

    adjustments: list[Named] = Field(min_length=1, max_length=_MARKED_MAX)


async def _list(look: Look, _: Mapping[str, str], query: AdjustmentQuery) -> dict[str, Any]:
    wanted = _wanted(query.tenant, query.month, billed=query.billed)
    rows, after = await page_of(look, "adjustments", query, wanted, _KEY)
    return {"items": [{name: row[name] for name in COLUMNS} for row in rows], "next": after}


def _wanted(tenant: str | None, month: str | None, *, billed: bool | None) -> sa.Select[Any]:
    wanted = sa.select(fees, tenants.c.name.label("company")).join(tenants, tenants.c.id == fees.c.tenant)
    if tenant is not None:
        wanted = wanted.where(fees.c.tenant == tenant)
    if month is not None:
        begins, ends = month_of(month)
        wanted = wanted.where(fees.c.at >= begins, fees.c.at < ends)
    if billed is not None:
        wanted = wanted.where(fees.c.billed_at.is_not(None) if billed else fees.c.billed_at.is_(None))
    return wanted


async def _mark(desk: Desk, _: Mapping[str, str], body: Marked) -> dict[str, Any]:
    """Mark all or, where one is not there, none."""
    keys = [(one.tenant, one.kind) for one in body.adjustments]
    plain = {key for key in keys if not any("\x00" in part for part in key)}
    there = await find(desk.connection, Fee, plain)
    for place, key in enumerate(keys):
        if key not in there:
            raise wrong_field(f"/adjustments/{place}", "not_found", "It is not owed, or not any more.")
    marked = [one if one.billed_at else replace(one, billed_at=desk.now) for one in there.values()]
    await desk.save(marked)
    return {"items": [{name: getattr(one, name) for name in _MARKED} for one in marked]}


_MARKED: Final = ("tenant", "kind", "billed_at")


async def written(
    database: Database, form: Format, *, tenant: str | None, month: str | None, billed: bool | None
) -> AsyncIterator[tuple[list[Fee], bytes]]:
    """Give a file in parts, each with the adjustments in it: memory is bounded, and nobody waits for a slow reader."""
    yield [], csv_line(COLUMNS) if form == "csv" else b"["
    after, count = ("", ""), 0
    while True:
        page = _wanted(tenant, month, billed=billed).where(sa.tuple_(*_KEY) > sa.tuple_(*after))
        async with database.reading() as connection:
            rows = (await connection.execute(page.order_by(*_KEY).limit(_PAGE))).mappings().all()
        if not rows:
            break
        lines = [_line(row, form, is_first=not (count or place)) for place, row in enumerate(rows)]
        yield [_fee(row) for row in rows], b"".join(lines)
        after, count = (rows[-1]["tenant"], rows[-1]["kind"]), count + len(rows)
    if form == "json":
        yield [], b"\n]\n"


async def mark_written(database: Database, some: list[Fee], actor: str) -> list[Fee]:
    """Mark adjustments as billed that were written into a file; gives those that were taken back meanwhile.

    One that somebody else marked stays as it is.
    """
    async with database.writing() as connection:
        there = await find(connection, Fee, {(one.tenant, one.kind) for one in some})
        now = datetime.now(UTC)
        unbilled = [one for one in there.values() if one.billed_at is None]
        await change(connection, actor=actor, put=[replace(one, billed_at=now) for one in unbilled])
    return [one for one in some if (one.tenant, one.kind) not in there]


def _line(row: sa.RowMapping, form: Format, *, is_first: bool) -> bytes:
    if form == "json":
        shown = orjson.dumps({name: row[name] for name in COLUMNS}, option=orjson.OPT_UTC_Z)
        return (b"\n" if is_first else b",\n") + shown
    return csv_line(neutral(_cell(row[name])) for name in COLUMNS)


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return "" if value is None else str(value)


def _fee(row: sa.RowMapping) -> Fee:
    return Fee(**{name: row[name] for name in Fee.__slots__})


_TEXT: Final = {"type": "string"}
_INSTANT: Final = {"type": "string", "format": "date-time"}
_SHOWN: Final = {
    **dict.fromkeys(("tenant", "company", "kind", "currency", "application"), _TEXT),
    "at": _INSTANT,
    "cents": {"type": "integer", "description": "Before tax."},
    "billed_at": nullable(_INSTANT),
}
ACTIONS: Final[tuple[Action, ...]] = (
    Action(
        "POST",
        "/v1/adjustments/billed",
        "markBilled",
        Marked,
        _mark,
        "Note that adjustments were put on bills: all of them, or none where one is not owed any more. One that was"
        " noted before stays as it was noted first.",
        operator=True,
        problems=("missing_field", "not_found"),
        shows=closed(
            {
                "items": {"type": "array", "items": closed({name: _SHOWN[name] for name in _MARKED})},
                "change": {"type": "object"},
            }
        ),
    ),
)
VIEWS: Final[tuple[View, ...]] = (
    View(
        "/v1/adjustments",
        "listAdjustments",
        AdjustmentQuery,
        _list,
        "What companies owe once, as adjustments on their next bills, by company; for the provider's people. A company"
        " finds its own at /v1/fees.",
        provider=True,
        shows=listed(_SHOWN),
    ),
)
