"""What a company's admins see of the audit: who changed what of theirs.

Not here: HTTP (admin_routes.py), the rows (listing.py).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

from apidocs.table import closed, nullable
from registry.action import Look, PageQuery, View
from registry.audit.listing import Filters, Place, list_page
from registry.ledger.asked import Instant
from registry.pages import cursor, key_of
from registry.problems import Problem

_LISTING: Final = "audit"
#: Ids are positive, and no database has more of them.
_IDS: Final = range(1, 1 << 63)


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:  # Beyond the years that there are.
        raise ValueError from None


At = Annotated[Instant, AfterValidator(_in_utc)]
Word = Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f]+$")]


class AuditQuery(PageQuery):
    """Which rows."""

    actor: Word | None = Field(default=None, description="Who did it, such as key:Zk3v0tQm9xWd, import or tcr.")
    kind: Word | None = Field(default=None, description="What was changed, such as numbers or campaigns.")
    object: Word | None = Field(default=None, description="Which one, such as a number in E.164 or a campaign's id.")
    since: At | None = Field(default=None, description="From this instant on (RFC 3339, with its offset).")
    until: At | None = Field(default=None, description="Before this instant.")


async def _list(look: Look, _: Mapping[str, str], query: AuditQuery) -> dict[str, Any]:
    before = _place(key_of(look.tenant, _LISTING, query.cursor, length=2))
    filters = Filters(
        tenant=look.tenant,
        actor=query.actor,
        kind=query.kind,
        object=query.object,
        since=query.since,
        until=query.until,
    )
    page = await list_page(look.connection, filters, before=before, limit=query.limit)
    following = None if page.next is None else cursor(look.tenant, _LISTING, [page.next.at, page.next.id])
    return {"audit": page.rows, "next": following}


def _place(key: list[Any] | None) -> Place | None:
    """Return the place that a cursor names. Problem: invalid_cursor."""
    if key is None:
        return None
    at, number = key
    if type(at) is not str or type(number) is not int or number not in _IDS:
        raise Problem("invalid_cursor")
    try:
        return Place(_in_utc(datetime.fromisoformat(at)), number)
    except ValueError:
        raise Problem("invalid_cursor") from None


_TEXT: Final = {"type": "string"}
_ROW: Final = closed(
    {
        "id": {"type": "integer"},
        "at": {"type": "string", "format": "date-time"},
        "actor": _TEXT,
        "action": {"type": "string", "enum": ["created", "changed", "removed"]},
        "kind": _TEXT,
        "key": {"type": "array", "items": _TEXT},
        "before": nullable({"type": "object"}),
        "after": nullable({"type": "object"}),
        "intact": {"type": "boolean", "description": "The row says what its hash in the audit's chain is of."},
    }
)

VIEWS: Final[tuple[View, ...]] = (
    View(
        path="/v1/audit",
        id="listAudit",
        query=AuditQuery,
        run=_list,
        about="Who changed what of the company's, the newest first: each record whole, before and after. What an actor "
        "of another company or nobody's did to something that changed companies is not among them.",
        shows=closed({"audit": {"type": "array", "items": _ROW}, "next": nullable(_TEXT)}),
    ),
)
