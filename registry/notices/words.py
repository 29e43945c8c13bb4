"""What a notice says: its sentence for people, and the body of its webhook. Pure.

The things that a notice is about are JSON objects: subject, name, at, and what the kind has besides (kinds.py).

Not here: which things (causes.py).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson

from compliance.shapes import render_instant
from registry.notices.kinds import Kind

#: What a notice is about, one thing each.
Items = Sequence[Mapping[str, Any]]

#: So many are named in a sentence; the rest are counted.
_NAMED: Final = 10
_REASONS: Final = 5
_TEXT_MAX: Final = 1_500
_CARRIERS: Final = {"att": "AT&T", "tmobile": "T-Mobile", "verizon": "Verizon", "us_cellular": "UScellular"}
#: What is kept of a thing for ourselves.
_COMMON: Final = ("subject", "name", "at")


def sentence(kind: Kind, items: Items, count: int, zone: str) -> str:
    """Say what happened, what to do and where; count is of all things, items may be the first of them."""
    words = _words(items[0], zone) if count == 1 else {}
    words |= {
        "count": f"{count:,}",
        "names": _listed([str(item.get("name", "")) for item in items], count),
        "stops": _stops(items, "cannot send texts now"),
        "stops_then": _stops(items, "cannot send texts from then on").strip(),
    }
    said = _plain((kind.one if count == 1 else kind.many).format_map(_Blank(words)))
    todo = (str(items[0].get("todo") or "") if count == 1 else "") or kind.todo
    page = f"Page: {kind.page}." if kind.page else ""
    return " ".join(part for part in (said, f"What to do: {todo}" if todo else "", page) if part)[:_TEXT_MAX]


def webhook_body(kind: Kind, items: Items, count: int, *, at: datetime, tenant: str, text: str) -> bytes:
    """Return the body: type, timestamp and data, as Standard Webhooks advises. The same bytes at every attempt."""
    names = (*_COMMON, *kind.fields)
    shown = [{name: item[name] for name in names if item.get(name) is not None} for item in items]
    data = {"tenant": tenant, "text": text, "count": count, "items": shown}
    return orjson.dumps({"type": kind.name, "timestamp": render_instant(at), "data": data})


def _words(item: Mapping[str, Any], zone: str) -> dict[str, str]:
    """Return what the braces of a sentence about one thing can name."""
    found = {name: str(value) for name, value in item.items() if type(value) is str}
    found |= {name: shown_instant(found[name], zone) for name in ("at", "ends_at") if name in found}
    found["carrier"] = _CARRIERS.get(found.get("carrier", ""), "A carrier")
    found["who"] = found.get("name") or "Somebody"
    found["reasons"] = " ".join(_ended(str(one)) for one in (item.get("reasons") or ())[:_REASONS])
    return found


def _stops(items: Items, what: str) -> str:
    """Say which numbers stop; "" where none does."""
    count = sum(item.get("number_count") or 0 for item in items)
    dids = [did for item in items for did in item.get("numbers") or ()]
    if not count:
        return ""
    return f" {'1 number' if count == 1 else f'{count:,} numbers'} {what}: {_listed(dids, count)}."


def _listed(names: Sequence[str], count: int) -> str:
    shown = list(dict.fromkeys(name for name in names if name))[:_NAMED]
    rest = count - len(shown)
    return ", ".join(shown) + (f" and {rest:,} more" if rest > 0 and shown else "")


def shown_instant(written: str, zone: str) -> str:
    """Write an instant as the company's clocks show it, such as Nov 20, 2026, 8:00 AM EST."""
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        return written
    try:
        local = at.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        local = at.astimezone(UTC)
    hour = local.hour % 12 or 12
    return f"{local:%b} {local.day}, {local.year}, {hour}:{local:%M} {local:%p} {local:%Z}"


def _plain(said: str) -> str:
    """Write as one line of what can be shown: names and reasons are others' words."""
    return " ".join("".join(char if char.isprintable() else " " for char in said).split())


def _ended(said: str) -> str:
    """End what others wrote like a sentence."""
    said = _plain(said)
    return said if said.endswith((".", "!", "?")) or not said else f"{said}."


class _Blank(dict[str, str]):
    """Words; one that is not known is left out of the sentence."""

    def __missing__(self, key: str) -> str:
        return ""
