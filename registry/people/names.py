"""Whose names stand behind the ids that the audit and the ledger hold: people, keys, and the platform's own parts.

Not here: lists of people and keys (views.py).
"""

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from pydantic import Field

from registry.action import Look, Query
from registry.tables import api_keys, users

_AT_ONCE: Final = 500
_LONGEST: Final = 64 * 1024


class NamesQuery(Query):
    """Whose names."""

    of: str = Field(
        max_length=_LONGEST,
        description="Actors as the audit has them, such as user:acme-ana or key:Zk3v0tQm9xWd, with"
        " blanks between them; 500 at most.",
    )


async def list_names(look: Look, _: Mapping[str, str], query: NamesQuery) -> dict[str, Any]:
    """Name people by their names and keys by their labels; who is not the company's own is left out.

    The provider's people see each other's names, too. Somebody who left keeps their name.
    """
    asked = dict.fromkeys(query.of.replace("\x00", "\ufffd").split()[:_AT_ONCE] if query.of else ())
    found: dict[str, str] = {}
    for prefix, table, label in (("user:", users, users.c.name), ("key:", api_keys, api_keys.c.label)):
        ids = [one.removeprefix(prefix) for one in asked if one.startswith(prefix)]
        if not ids:
            continue
        wanted = sa.select(table.c.id, label).where(table.c.id.in_(ids))
        if not look.provider:
            wanted = wanted.where(table.c.tenant == look.tenant)
        found |= {f"{prefix}{name}": text for name, text in await look.connection.execute(wanted) if text}
    return {"names": found}
