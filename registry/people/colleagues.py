"""The directory for employees: whom they can write an instant message to, by name and extension.

Less than what admins see of people: no roles, no licences, and no numbers.

Not here: the list for admins (views.py).
"""

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from pydantic import Field

from registry.action import Look, PageQuery
from registry.flows.desk import SYSTEM_ROLE
from registry.lists import page_of
from registry.pages import contains
from registry.tables import extensions, users

_SEARCH_MAX: Final = 100
_IDS_MAX: Final = 6_000
#: Names that one question may be about.
_MOST_IDS: Final = 100
FIELDS: Final = ("id", "name")


class ColleagueQuery(PageQuery):
    """Which colleagues."""

    search: str | None = Field(
        default=None,
        min_length=1,
        max_length=_SEARCH_MAX,
        description="A part of the name, or how an extension begins.",
    )
    ids: str | None = Field(
        default=None,
        max_length=_IDS_MAX,
        description=f"Only these user ids, the first {_MOST_IDS}, with commas between them; who left is among them.",
    )


async def list_colleagues(look: Look, _: Mapping[str, str], query: ColleagueQuery) -> dict[str, Any]:
    """List the people of one's company by name: those who have not left, or who is asked for by id."""
    wanted = sa.select(users).where(users.c.tenant == look.tenant)
    if query.ids is not None:
        names = [name for name in query.ids.split(",") if name and "\x00" not in name]
        wanted = wanted.where(users.c.id.in_(names[:_MOST_IDS]))
    else:
        wanted = wanted.where(users.c.left_at.is_(None), users.c.role != SYSTEM_ROLE)
    if query.search is not None:
        wanted = wanted.where(_is_called(look, query.search.replace("\x00", "\ufffd")))
    rows, after = await page_of(look, "colleagues", query, wanted, [users.c.name, users.c.id])
    short = await _extensions(look, [row["id"] for row in rows])
    items = [
        {name: row[name] for name in FIELDS}
        | {
            "extensions": short.get(row["id"], []),
            "here": row["left_at"] is None and row["role"] != SYSTEM_ROLE,
        }
        for row in rows
    ]
    return {"items": items, "next": after}


def _is_called(look: Look, part: str) -> sa.ColumnElement[bool]:
    by_name = contains(look.connection, users.c.name, part)
    if not (part.isascii() and part.isdigit()):
        return by_name
    begins = sa.select(extensions.c.user).where(
        extensions.c.tenant == look.tenant, extensions.c.digits.startswith(part, autoescape=True)
    )
    return by_name | users.c.id.in_(begins)


async def _extensions(look: Look, names: list[str]) -> dict[str, list[str]]:
    rows = await look.connection.execute(
        sa.select(extensions.c.user, extensions.c.digits)
        .where(extensions.c.tenant == look.tenant, extensions.c.user.in_(names))
        .order_by(extensions.c.digits)
    )
    found: dict[str, list[str]] = {}
    for user, digits in rows:
        found.setdefault(user, []).append(digits)
    return found
