"""Which changes an admin is told of: rows of the audit, before and after, become causes of notices.

Told is what changes for those who text, and what an admin did not do with their own hands. Who or what made a change
is in the audit: what an import brings in is nobody's news.

Not here: how causes become notices (book.py).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from compliance.pacific import start_of
from registry.provisioning.reasons import helps_with
from registry.tables import api_keys, assignments, brands, campaigns, numbers, tenants, users

Fields = Mapping[str, Any]

#: Actors whose changes are told to nobody; the word before the colon.
QUIET: Final = frozenset({"import", "bulk", "notices"})
_TCR: Final = "tcr"
#: Numbers kept with a cause; the rest are counted.
NUMBERS_MAX: Final = 100
#: A change of a campaign and those of its numbers lie this close together.
_TOGETHER: Final = timedelta(seconds=2)
_PROGRAMME_START: Final = date(2023, 2, 15)

_VERIFIED: Final = frozenset({"verified", "vetted_verified"})
_BRANDS: Final = {
    "verified": "brand_approved",
    "vetted_verified": "brand_approved",
    "self_declared": "brand_declared",
    "unverified": "brand_rejected",
    "suspended": "brand_suspended",
    "deleted": "brand_deleted",
}
_CAMPAIGNS: Final = {
    "rejected": "campaign_rejected",
    "suspended": "campaign_suspended",
    "expired": "campaign_expired",
    "deactivated": "campaign_deactivated",
}
_CARRIERS: Final = ("att", "tmobile", "verizon", "us_cellular")

log = structlog.get_logger()


class Row(NamedTuple):
    """A row of the audit."""

    id: int
    at: datetime
    actor: str
    #: The table.
    kind: str
    before: Fields | None
    after: Fields | None


class Cause(NamedTuple):
    """Something to be told."""

    #: Of kinds.py.
    kind: str
    tenant: str
    #: What it is about, such as campaign:CAAAAA1.
    subject: str
    at: datetime
    #: The change; the same one is told once.
    once: str
    #: What the sentence and the webhook need.
    item: Fields
    #: The employee who gets it; None: the admins.
    to: str | None = None


async def find_causes(connection: AsyncConnection, rows: Sequence[Row]) -> list[Cause]:
    """Find what is to be told of changes that were made one after the other."""
    found: list[Cause] = []
    for row in rows:
        finder = _FINDERS.get(row.kind)
        if finder is None or row.after is None or row.actor.partition(":")[0] in QUIET:
            continue
        try:
            found += await finder(_Search(connection, row, rows))
        except (KeyError, TypeError, ValueError) as error:  # Another version's row must not hold up the others.
            log.warning("notice_unreadable", error=type(error).__name__)
    return found


class _Search:
    """One change, with where to look for what belongs to it."""

    def __init__(self, connection: AsyncConnection, row: Row, rows: Sequence[Row]) -> None:
        self.connection = connection
        self.row = row
        self.before: Fields = row.before or {}
        self.after: Fields = row.after or {}
        self._rows = rows

    def became(self, field: str) -> str | None:
        """Return what a field is now, if it was something else before; None where it is no news."""
        if not self.is_news or self.before.get(field) == self.after.get(field):
            return None
        return str(self.after.get(field))

    @property
    def is_news(self) -> bool:
        """It was there before, or TCR made it from a form: then it may have been decided at once."""
        return self.row.before is not None or self.row.actor == _TCR

    async def cause(self, kind: str, tenant: str, subject: str, **item: Any) -> Cause:
        """Put a cause together."""
        by = await self._person()
        given = {"subject": subject, "at": self.row.at.isoformat(timespec="seconds")} | item
        kept = {name: value for name, value in given.items() if value not in (None, [], ())}
        once = f"{kind}:{self.row.id}" + (f":{item['carrier']}" if "carrier" in item else "")
        return Cause(kind, tenant, subject, self.row.at, once, kept | ({} if by is None else {"by": by}))

    async def brand(self) -> tuple[str, str] | None:
        """Return the tenant and the name of a campaign's brand."""
        where = brands.c.id == self.after["brand_id"]
        row = (await self.connection.execute(sa.select(brands.c.tenant, brands.c.legal_name).where(where))).first()
        return None if row is None else (row.tenant, row.legal_name)

    async def numbers_of(self, *which: sa.ColumnElement[bool], campaign: str | None = None) -> dict[str, Any]:
        """Return the numbers that could text for some campaigns: those in it, and those that this change took out."""
        query = (
            sa.select(assignments.c.did)
            .select_from(assignments.join(numbers).join(campaigns, assignments.c.campaign_id == campaigns.c.id))
            .where(assignments.c.state == "assigned", numbers.c.left_at.is_(None), *which)
        )
        dids = set((await self.connection.execute(query)).scalars())
        dids |= {
            str(row.before["did"])
            for row in self._rows
            if row.kind == "assignments" and row.before is not None and row.actor == self.row.actor
            if campaign is not None and row.before["campaign_id"] == campaign and row.before["state"] == "assigned"
            if abs(row.at - self.row.at) <= _TOGETHER
        }
        return {"numbers": sorted(dids)[:NUMBERS_MAX], "number_count": len(dids)} if dids else {}

    async def scalar(self, query: sa.Select[Any]) -> Any:
        """Return the one value of a query; None where there is none."""
        return await self.connection.scalar(query)

    async def _person(self) -> str | None:
        """Return the user who made the change, if it was one and we know which."""
        what, _, name = self.row.actor.partition(":")
        if what == "user":
            return name
        return await self.scalar(sa.select(api_keys.c.user).where(api_keys.c.id == name)) if what == "key" else None


async def _brand(search: _Search) -> list[Cause]:
    status, fields = search.became("status"), search.after
    if status not in _BRANDS or (status in _VERIFIED and search.before.get("status") in _VERIFIED):
        return []
    stops = (
        {} if status in _VERIFIED | {"self_declared"} else await search.numbers_of(campaigns.c.brand_id == fields["id"])
    )
    item = {"name": fields["legal_name"], "brand": fields["id"], "reasons": fields.get("faults")}
    return [await search.cause(_BRANDS[status], fields["tenant"], f"brand:{fields['id']}", **item, **stops)]


async def _campaign(search: _Search) -> list[Cause]:
    fields, owner = search.after, await search.brand()
    if not search.is_news or owner is None:
        return []
    (tenant, brand), name = owner, fields["id"]
    item = {"name": name, "brand": brand, "reasons": fields.get("faults")}
    kind = _CAMPAIGNS.get(search.became("status") or "")
    if kind is None and search.became("sharing") == "declined":
        kind = "campaign_rejected"
    if kind is not None:
        item |= await search.numbers_of(assignments.c.campaign_id == name, campaign=name)
        return [await search.cause(kind, tenant, f"campaign:{name}", **item)]
    if _usable(fields) and not _usable(search.before):
        item.pop("reasons")
        return [await search.cause("campaign_approved", tenant, f"campaign:{name}", **item)]
    stopped = [(carrier, state) for carrier in _CARRIERS if (state := search.became(carrier)) in _REFUSALS]
    return [
        await search.cause("campaign_carrier_stopped", tenant, f"campaign:{name}", **item, carrier=carrier, state=state)
        for carrier, state in stopped
    ]


_REFUSALS: Final = ("rejected", "suspended")


def _usable(campaign: Fields) -> bool:
    said = [campaign.get(name) for name in ("status", "sharing", "dca_complete")]
    return said == ["active", "accepted", True]


async def _assignment(search: _Search) -> list[Cause]:
    fields = search.after
    if search.became("state") != "failed":
        return []
    did, fault = fields["did"], fields.get("fault")
    tenant = await search.scalar(sa.select(numbers.c.tenant).where(numbers.c.did == did))
    if tenant is None:
        return []
    item = {"name": did, "campaign": fields.get("campaign_id"), "reasons": [fault] if fault else None}
    return [await search.cause("number_failed", tenant, f"number:{did}", **item, todo=fault and helps_with(fault))]


async def _number(search: _Search) -> list[Cause]:
    fields, before = search.after, search.row.before
    if before is None or not _was_on_early(before) or _was_on_early(fields):
        return []
    did, tenant = fields["did"], before["tenant"]
    since = await search.scalar(sa.select(tenants.c.customer_since).where(tenants.c.id == tenant))
    in_campaign = await search.scalar(sa.select(assignments.c.state).where(assignments.c.did == did))
    if since is None or since >= _PROGRAMME_START or in_campaign is not None or fields.get("left_at") is not None:
        return []
    return [await search.cause("grandfathering_ended", tenant, f"number:{did}", name=did)]


def _was_on_early(number: Fields) -> bool:
    """Say whether a number could text before registration was asked for, and is as it was."""
    start = start_of(_PROGRAMME_START)
    changes = [number[name] for name in ("number_changed_at", "licence_changed_at")]
    enabled = number["sms_enabled_at"]
    return (
        number["kind"] == "local"
        and number["sms"] == "enabled"
        and enabled is not None
        and datetime.fromisoformat(enabled) < start
        and all(at is None or datetime.fromisoformat(at) < start for at in changes)
    )


async def _request(search: _Search) -> list[Cause]:
    fields = search.after
    tenant, subject, user = fields["tenant"], f"request:{fields['id']}", fields["user"]
    name = await search.scalar(sa.select(users.c.name).where(users.c.id == user))
    if search.row.before is None and fields["state"] == "open":
        return [await search.cause("request_opened", tenant, subject, name=name, user=user)]
    if search.became("state") == "possible":
        cause = await search.cause("request_possible", tenant, subject, name=name, user=user)
        return [cause._replace(to=user)]
    return []


async def _application(search: _Search) -> list[Cause]:
    """Find a form that was not even taken; what becomes of one that was is its brand's or campaign's."""
    fields = search.after
    if search.became("state") != "refused":
        return []
    subject = f"application:{fields['id']}"
    item = {"name": fields["id"], "what": fields["kind"], "reasons": fields.get("faults")}
    return [await search.cause("application_refused", fields["tenant"], subject, **item)]


async def _leave(search: _Search) -> list[Cause]:
    """Find what the carriers said; that nobody needs it any more is no news."""
    fields, outcome = search.after, search.after["outcome"]
    if outcome not in {"approved", "declined"} or outcome == search.before.get("outcome"):
        return []
    of_pool = fields["kind"] == "number_pool"
    subject = f"{'campaign' if of_pool else 'application'}:{fields['subject']}"
    what = "a number pool" if of_pool else f"the use case {fields['use_case']}"
    item = {"name": fields["subject"], "what": what}
    return [await search.cause(f"leave_{outcome}", fields["tenant"], subject, **item)]


_FINDERS: Final[Mapping[str, Callable[[_Search], Awaitable[list[Cause]]]]] = {
    "brands": _brand,
    "campaigns": _campaign,
    "assignments": _assignment,
    "numbers": _number,
    "requests": _request,
    "applications": _application,
    "leave_requests": _leave,
}
#: The tables whose changes can be news.
TABLES: Final = tuple(_FINDERS)
