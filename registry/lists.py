"""The lists of the console: numbers as the SMS page shows them, campaigns, brands; and how any list is cut into pages.

A page is found by the key of the last row seen, along an index, so that the thousandth is as quick as the first.

What is searched for is taken literally: no sign in it stands for others.

Not here: single objects (admin_objects.py), and the words of a number's progress (provisioning/progress.py).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Literal

import sqlalchemy as sa
from pydantic import Field

from apidocs.table import closed, nullable
from registry.action import Look, PageQuery, View
from registry.counts import assigned, blocks_without, for_assignment_only, held, in_campaign
from registry.flows.numbers import registered
from registry.lifecycle.standing import lacking
from registry.pages import along_index, cursor, key_of
from registry.problems import Problem
from registry.provisioning.progress import Word, progress
from registry.provisioning.steps import Job
from registry.records import Assignment, Brand, Campaign, Number
from registry.tables import assignments, brands, campaigns, numbers, opt_outs, users
from registry.work_tables import number_counts, provisioning_jobs

#: A number begins with these; whoever looks for one types them or not.
_COUNTRY: Final = "+1"
_E164_LENGTH: Final = 12
_PREFIX: Final = re.compile(r"\+?1?([2-9][0-9]{0,9})", re.ASCII)
_SEPARATORS: Final = str.maketrans("", "", " ()-.")
_ID_MAX: Final = 128


async def page_of(
    look: Look,
    listing: str,
    query: PageQuery,
    wanted: sa.Select[Any],
    order: Sequence[sa.Column[Any]],
    *,
    backwards: bool = False,
    near: bool = True,
) -> tuple[list[sa.RowMapping], str | None]:
    """Return a page of rows and the cursor of the page behind it; order names text columns that tell rows apart.

    backwards: the last comes first. near: the rows of a page are near each other in an index. Problem: invalid_cursor.
    """
    seen = key_of(look.tenant, listing, query.cursor, length=len(order))
    if seen is not None:
        if not all(type(value) is str and "\x00" not in value for value in seen):
            raise Problem("invalid_cursor")
        here = order[0] if len(order) == 1 else sa.tuple_(*order)
        there = seen[0] if len(order) == 1 else sa.tuple_(*seen)
        wanted = wanted.where(here < there if backwards else here > there)
    wanted = wanted.order_by(*(column.desc() for column in order) if backwards else order).limit(query.limit + 1)
    await along_index(look.connection, only=near)
    rows = (await look.connection.execute(wanted)).mappings().all()
    page = list(rows[: query.limit])
    if len(rows) <= query.limit:
        return page, None
    return page, cursor(look.tenant, listing, [page[-1][column.name] for column in order])


class NumberQuery(PageQuery):
    """Which numbers."""

    assignment: Literal["none", "pending", "assigned", "failed", "removing"] | None = None
    sms: Literal["enabled", "disabled", "superseded"] | None = None
    kind: Literal["local", "toll_free", "personal", "service"] | None = None
    campaign: str | None = Field(default=None, max_length=_ID_MAX)
    user: str | None = Field(default=None, max_length=_ID_MAX)
    #: Only those that nobody has.
    pool: bool | None = None
    #: Only those that stand on the SMS page: that could text once, or are in a campaign or on the way.
    sms_page: bool | None = None
    #: The first digits of the number, with +1 or without.
    prefix: str | None = Field(default=None, max_length=40)


class CampaignQuery(PageQuery):
    """Which campaigns."""

    brand: str | None = Field(default=None, max_length=_ID_MAX)
    status: str | None = Field(default=None, max_length=_ID_MAX)


class BrandQuery(PageQuery):
    """Which brands."""

    status: str | None = Field(default=None, max_length=_ID_MAX)


class OptOutQuery(PageQuery):
    """Which opt-outs."""

    recipient: str | None = Field(default=None, max_length=40, description="One number, E.164.")


async def _opt_outs(look: Look, _: Mapping[str, str], query: OptOutQuery) -> dict[str, Any]:
    wanted = sa.select(opt_outs).where(opt_outs.c.tenant == look.tenant, opt_outs.c.lifted_at.is_(None))
    if query.recipient is not None:
        wanted = wanted.where(opt_outs.c.recipient == _plain(query.recipient))
    rows, after = await page_of(look, "opt_outs", query, wanted, [opt_outs.c.recipient])
    return {"items": [{name: row[name] for name in _SHOWN_OPT_OUT} for row in rows], "next": after}


async def _numbers(look: Look, _: Mapping[str, str], query: NumberQuery) -> dict[str, Any]:
    wanted = (
        sa.select(numbers, *_LINK, users.c.name.label("user_name"))
        .select_from(numbers.outerjoin(assignments).outerjoin(users, users.c.id == numbers.c.user))
        .where(numbers.c.tenant == look.tenant, numbers.c.left_at.is_(None))
    )
    for column, value in (
        (numbers.c.sms, query.sms),
        (numbers.c.kind, query.kind),
        (numbers.c.user, query.user),
    ):
        if value is not None:
            wanted = wanted.where(column == _plain(value))
    if query.campaign is not None:
        wanted = wanted.where(*await _in_campaign(look, _plain(query.campaign)))
    if query.assignment is not None:
        wanted = wanted.where(*await _assigned(look, query.assignment, on_page=query.sms_page is True))
    if query.kind not in {None, "local"}:
        wanted = wanted.where(_NOT_LOCAL)
    if query.pool is not None:
        wanted = wanted.where(numbers.c.user.is_(None) if query.pool else numbers.c.user.is_not(None))
    if query.sms_page is not None:
        wanted = wanted.where(await _on_page(look, query, shown=query.sms_page))
    if query.prefix is not None:
        wanted = wanted.where(*_begins_with(query.prefix))
    near = query.assignment != "none"
    rows, after = await page_of(look, "numbers", query, wanted, [numbers.c.did], near=near)
    jobs = await _jobs(look, [row["did"] for row in rows])
    patience = look.limits.patience
    return {"items": [_number(row, jobs.get(row["did"]), patience) for row in rows], "next": after}


#: So many numbers are found by their assignment and put in order; where there are more, some are near.
_FEW: Final = 5_000


async def _on_page(look: Look, query: NumberQuery, *, shown: bool) -> sa.ColumnElement[bool]:
    """Return the condition that a number stands on the SMS page, or does not: by itself, or for its assignment."""
    by_itself = numbers.c.sms_page
    if not shown:
        return ~sa.or_(by_itself, assignments.c.did.is_not(None))
    if query.assignment not in {None, "none"}:
        return sa.true()
    if query.assignment == "none" or not await for_assignment_only(look.connection, look.tenant):
        return by_itself.expression
    return sa.or_(by_itself, assignments.c.did.is_not(None))


async def _in_campaign(look: Look, campaign: str) -> Sequence[sa.ColumnElement[bool]]:
    """Return what the numbers of a campaign have in common; few are found from the other side."""
    is_in = assignments.c.campaign_id == campaign
    if await in_campaign(look.connection, look.tenant, campaign) > _FEW:
        return (is_in,)
    return is_in, numbers.c.did.in_(sa.select(_LINKED.c.did).where(_LINKED.c.campaign_id == campaign))


async def _assigned(look: Look, state: str, *, on_page: bool) -> Sequence[sa.ColumnElement[bool]]:
    """Return what numbers with an assignment in a state have in common; none: without one.

    How many there are is known: of none nothing is looked for, and few are found from the other side.
    """
    there = await assigned(look.connection, look.tenant, "" if state == "none" else state)
    if not there:
        return (sa.false(),)
    if state == "none":
        return await _unassigned(look, many=there > _FEW, on_page=on_page)
    if there > _FEW:
        return (assignments.c.state == state,)
    theirs = sa.select(_LINKED.c.did).where(_LINKED.c.state == state)
    if state == "assigned":  # Those of all companies would be very many.
        mine = sa.select(number_counts.c.campaign).where(number_counts.c.tenant == look.tenant)
        theirs = theirs.where(sa.or_(_LINKED.c.campaign_id.in_(mine), _LINKED.c.campaign_id.is_(None)))
    return assignments.c.state == state, numbers.c.did.in_(theirs)


#: So many numbers of the SMS page that have no assignment are found by their blocks.
_NAMED: Final = 250


async def _unassigned(look: Look, *, many: bool, on_page: bool) -> Sequence[sa.ColumnElement[bool]]:
    blocks = await blocks_without(look.connection, look.tenant, _NAMED) if on_page else None
    if blocks is None and many:
        return (assignments.c.did.is_(None),)
    none = ~sa.exists().where(assignments.c.did == _SAME.c.did).correlate(_SAME)
    mine: tuple[sa.ColumnElement[bool], ...] = (_SAME.c.tenant == look.tenant, _SAME.c.left_at.is_(None), none)
    if on_page:
        mine += (_SAME.c.sms_page.expression,)
    if blocks is None:
        return (numbers.c.did.in_(sa.select(_SAME.c.did).where(*mine)),)
    there = [_SAME.c.did.between(f"{block}00", f"{block}99") for block in blocks]
    await along_index(look.connection)
    found = await look.connection.scalars(sa.select(_SAME.c.did).where(*mine, sa.or_(sa.false(), *there)))
    return (numbers.c.did.in_(found.all()),)


_LINKED: Final = assignments.alias("linked")
_SAME: Final = numbers.alias("same")
#: In the words of the index of those that are not.
_NOT_LOCAL: Final = sa.text("numbers.kind <> 'local'")
#: Columns of the assignment that have names of their own beside those of the number.
_LINK: Final = tuple(assignments.c[name].label(f"link_{name}") for name in ("state", "campaign_id", "since", "fault"))
_JOB: Final = tuple(column for column in provisioning_jobs.columns if column.name in Job.__slots__)


async def _jobs(look: Look, dids: Sequence[str]) -> Mapping[str, Job]:
    rows = await look.connection.execute(sa.select(*_JOB).where(provisioning_jobs.c.did.in_(dids)))
    return {row["did"]: Job(**row) for row in rows.mappings()}


def _number(row: sa.RowMapping, job: Job | None, patience: timedelta) -> dict[str, Any]:
    number = Number(**{name: row[name] for name in Number.__slots__})
    link = None
    if row["link_state"] is not None:
        link = Assignment(
            did=number.did,
            state=row["link_state"],
            campaign_id=row["link_campaign_id"],
            brand_id=None,
            since=row["link_since"],
            fault=row["link_fault"],
        )
    # (How long it took of late is told where one number is looked at.)
    far = progress(number, link, job, usual=None, patience=patience)
    return {
        "did": number.did,
        "user": number.user,
        "user_name": row["user_name"],
        "kind": number.kind,
        "sms": number.sms,
        "sms_page": number.sms_page,
        "toll_free_verification": number.toll_free_verification,
        "assignment": None if link is None else link.state,
        "campaign_id": None if link is None else link.campaign_id,
        "campaign": campaign_column(link),
        **far.shown(),
    }


def campaign_column(link: Assignment | None) -> str:
    """Return what the SMS page says of a number's campaign: Assigned (<Campaign ID>), Pending, Enabling Failed, or "".

    Source: the console's SMS page; an assigned number without a campaign is one that failed.
    """
    match link:
        case None:
            return ""
        case Assignment(state="assigned", campaign_id=str(campaign)):
            return f"Assigned ({campaign})"
        case Assignment(state="pending" | "removing"):
            return "Pending"
        case _:
            return "Enabling Failed"


def _begins_with(prefix: str) -> Sequence[sa.ColumnElement[bool]]:
    """Return what numbers with these first digits have in common; a range, so that an index and any collation do."""
    typed = prefix.translate(_SEPARATORS)
    if typed in {"", "+", "1", _COUNTRY}:
        return ()
    match = _PREFIX.fullmatch(typed)
    if match is None:
        return (sa.false(),)
    begins = _COUNTRY + match[1]
    return (numbers.c.did.between(begins.ljust(_E164_LENGTH, "0"), begins.ljust(_E164_LENGTH, "9")),)


def _plain(value: str) -> str:
    """Return a text that a database can compare with; one with NUL is in none."""
    return value.replace("\x00", "\ufffd")


async def _campaigns(look: Look, _: Mapping[str, str], query: CampaignQuery) -> dict[str, Any]:
    numbers_held = held().where(number_counts.c.campaign == campaigns.c.id).scalar_subquery()
    wanted = (
        sa.select(
            campaigns,
            numbers_held.label("numbers"),
            *(brands.c[name].label(f"owner_{name}") for name in Brand.__slots__),
        )
        .select_from(campaigns.join(brands))
        .where(brands.c.tenant == look.tenant)
    )
    for column, value in ((campaigns.c.brand_id, query.brand), (campaigns.c.status, query.status)):
        if value is not None:
            wanted = wanted.where(column == _plain(value))
    rows, after = await page_of(look, "campaigns", query, wanted, [campaigns.c.id])
    return {"items": [_campaign(row, look.limits.numbers_per_campaign) for row in rows], "next": after}


def _campaign(row: sa.RowMapping, most: int) -> dict[str, Any]:
    campaign = Campaign(**{name: row[name] for name in Campaign.__slots__})
    brand = Brand(**{name: row[f"owner_{name}"] for name in Brand.__slots__})
    why = lacking(registered(campaign, brand))
    return {
        **{name: row[name] for name in _CAMPAIGN},
        "faults": list(campaign.faults),
        "numbers": int(row["numbers"]),
        "most": None if campaign.number_pool == "approved" else most,
        "verified": why is None,
        "lacks": why,
    }


async def _brands(look: Look, _: Mapping[str, str], query: BrandQuery) -> dict[str, Any]:
    count = sa.select(sa.func.count()).where(campaigns.c.brand_id == brands.c.id).scalar_subquery()
    wanted = sa.select(brands, count.label("campaigns")).where(brands.c.tenant == look.tenant)
    if query.status is not None:
        wanted = wanted.where(brands.c.status == _plain(query.status))
    rows, after = await page_of(look, "brands", query, wanted, [brands.c.id])
    good = {"verified", "vetted_verified"}
    items = [
        {name: row[name] for name in _BRAND}
        | {"faults": list(row["faults"]), "campaigns": row["campaigns"], "verified": row["status"] in good}
        for row in rows
    ]
    return {"items": items, "next": after}


_CAMPAIGN: Final = (
    "id",
    "brand_id",
    "use_case",
    "status",
    "sharing",
    "dca_complete",
    "mock",
    "att",
    "tmobile",
    "verizon",
    "us_cellular",
    "number_pool",
    "created_at",
)
_BRAND: Final = ("id", "legal_name", "status", "vetting_score", "government")
_TEXT: Final = {"type": "string"}
_FLAG: Final = {"type": "boolean"}
_COUNT: Final = {"type": "integer", "minimum": 0}
_MAYBE: Final = nullable(_TEXT)
_INSTANT: Final = nullable({"type": "string", "format": "date-time"})
_FAULTS: Final = {"type": "array", "items": _TEXT}


def listed(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """Describe a page of some items by their fields."""
    return closed({"items": {"type": "array", "items": closed(item)}, "next": nullable(_TEXT)})


_SHOWN_NUMBER: Final = {
    "did": _TEXT,
    "user": _MAYBE,
    "user_name": _MAYBE,
    "kind": _TEXT,
    "sms": _TEXT,
    "sms_page": _FLAG,
    "toll_free_verification": {**_MAYBE, "description": "Of a toll-free number: none, pending or verified."},
    "assignment": _MAYBE,
    "campaign_id": _MAYBE,
    "campaign": {**_TEXT, "description": "As on the SMS page: Assigned (<Campaign ID>), Pending, Enabling Failed."},
    "status": {"type": "string", "enum": [word.value for word in Word]},
    "since": _INSTANT,
    **dict.fromkeys(("text", "takes", "helps", "hinders"), _TEXT),
}
_SHOWN_CAMPAIGN: Final = {
    **dict.fromkeys(_CAMPAIGN, _TEXT),
    "dca_complete": _FLAG,
    "mock": _FLAG,
    "created_at": _INSTANT,
    "faults": _FAULTS,
    "numbers": _COUNT,
    "most": {**nullable(_COUNT), "description": "How many numbers it may hold; null with a number pool."},
    "verified": {**_FLAG, "description": "With its brand: numbers can be enabled."},
    "lacks": {**_MAYBE, "description": "What keeps it from being VERIFIED, a reason's code."},
}
_SHOWN_BRAND: Final = {
    "id": _TEXT,
    "legal_name": _TEXT,
    "status": _TEXT,
    "vetting_score": nullable({"type": "integer"}),
    "government": _FLAG,
    "faults": _FAULTS,
    "campaigns": _COUNT,
    "verified": _FLAG,
}

_SHOWN_OPT_OUT: Final = {"recipient": _TEXT, "at": _INSTANT, "keyword": _TEXT, "number": _MAYBE}

VIEWS: Final[tuple[View, ...]] = (
    View(
        "/v1/opt-outs",
        "listOptOuts",
        OptOutQuery,
        _opt_outs,
        "Opt-outs that were imported for the company, by number, but for those that an admin took back. Those that"
        " people sent by text are true in the gateway, and not here.",
        shows=listed(_SHOWN_OPT_OUT),
    ),
    View(
        "/v1/numbers",
        "listNumbers",
        NumberQuery,
        _numbers,
        "The company's numbers in order, each as the SMS page shows it.",
        shows=listed(_SHOWN_NUMBER),
    ),
    View(
        "/v1/campaigns",
        "listCampaigns",
        CampaignQuery,
        _campaigns,
        "The company's campaigns, each with how many numbers it holds and what it lacks.",
        shows=listed(_SHOWN_CAMPAIGN),
    ),
    View("/v1/brands", "listBrands", BrandQuery, _brands, "The company's brands.", shows=listed(_SHOWN_BRAND)),
)
