"""What the commands `a2p-registry audit ...` do.

Not here: their options (registry/__main__.py).
"""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from registry.audit.anchors import append_anchor, read_anchors
from registry.audit.listing import Filters, Place, list_page
from registry.audit.verifying import Progress, verify
from registry.database import Database
from registry.settings import Settings

Say = Callable[[str], None]
_PAGE: Final = 500


async def verify_all(settings: Settings, path: Path, say: Say, progress: Progress) -> bool:
    """Check the chain, against the anchors too; False when something is wrong with it. A good end becomes an anchor.

    anchors.AnchorError when the file is not one of anchors.
    """
    anchors = await asyncio.to_thread(read_anchors, path)
    async with Database.opened(settings) as database, database.reading() as connection:
        head, finding = await verify(connection, anchors, progress)
    say(f"{head.length:,} rows of the audit are as they were written.")
    if finding is not None:
        say(finding)
        return False
    if head.length and head.length not in anchors:
        await asyncio.to_thread(append_anchor, path, head)
    against = f"{len(anchors):,} earlier anchors agree" if anchors else "there was no earlier anchor to compare with"
    say(f"It ends with {head.hash}; {against} ({path}).")
    return True


async def show_rows(settings: Settings, filters: Filters, say: Say, *, limit: int, as_json: bool) -> None:
    """Say the newest rows that fit, one a line."""
    before: Place | None = None
    async with Database.opened(settings) as database, database.reading() as connection:
        while limit > 0:
            page = await list_page(connection, filters, before=before, limit=min(limit, _PAGE))
            for row in page.rows:
                say(orjson.dumps(row, option=orjson.OPT_UTC_Z).decode() if as_json else _line(row))
            limit -= len(page.rows)
            if page.next is None:
                return
            before = page.next


def _line(row: Mapping[str, Any]) -> str:
    what = f"{row['at'].isoformat(timespec='seconds')}  {row['actor']} {row['action']} {row['kind']}"
    named = f"{row['id']}  {what} {':'.join(row['key'])}"
    if row["before"] is None or row["after"] is None:
        return named
    names = sorted(row["before"].keys() | row["after"].keys())
    pairs = ((name, row["before"].get(name), row["after"].get(name)) for name in names)
    changes = (f"{name} {_value(old)} -> {_value(new)}" for name, old, new in pairs if old != new)
    return f"{named}: {', '.join(changes) or 'what proves it'}"


def _value(value: Any) -> str:
    """Write a value so that no sign in it moves a terminal's cursor."""
    return orjson.dumps(value).decode()
