"""How pages are made: Jinja2 with everything escaped, and the words of times, phone numbers and states.

Times are shown in the person's time zone, with its name, and carry the instant for whoever copies them.

Not here: the templates.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import phonenumbers
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from registry.console.plots import bars, legend

_HERE: Final = Path(__file__).parent
ASSETS: Final = _HERE / "assets"
_NORTH_AMERICAN: Final = re.compile(r"\+1[2-9][0-9]{9}", re.ASCII)
_MINUTE: Final = 60
_HOUR: Final = 3_600
_DAY: Final = 86_400
#: How a state looks: good, waiting, bad, or neither.
_TONES: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        "verified vetted_verified self_declared active accepted approved enabled assigned delivered submitted allow"
        " healed possible complete done registered read".split(),
        "good",
    ),
    **dict.fromkeys(
        "pending review queued scheduled draft submitting requested removing defer flag open running waiting due asked"
        " incomplete".split(),
        "waiting",
    ),
    **dict.fromkeys(
        "unverified suspended deleted rejected declined expired deactivated failed undelivered block blocked refused"
        " stuck given_up superseded revoked".split(),
        "bad",
    ),
}


class Rendering:
    """Makes pages from templates."""

    def __init__(self, static: Mapping[str, Any]) -> None:
        """static: names that every template has."""
        self._environment = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(static, bars=bars, legend=legend, asset=asset)
        self._environment.filters.update(
            when=_when, ago=_ago, phone=phone, tone=tone, words=words, count=_count, day=_day, grouped=_grouped
        )

    def page(self, template: str, shown: Mapping[str, Any]) -> str:
        """Return a page; every name in it must be known."""
        return self._environment.get_template(template).render(shown)


@cache
def asset(name: str) -> str:
    """Return the address of an asset, another one whenever its bytes are others: so it may be kept for ever."""
    return f"/console/assets/{name}?v={sha256((ASSETS / name).read_bytes()).hexdigest()[:12]}"


def phone(number: str | None) -> str:
    """Return an E.164 number as people write it: +1 202-555-0123; anything else as it is."""
    if not number or not number.startswith("+"):
        return number or ""
    if _NORTH_AMERICAN.fullmatch(number):  # As the library has it, a hundred times as quick: pages have many.
        return f"+1 {number[2:5]}-{number[5:8]}-{number[8:]}"
    try:
        read = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    return str(phonenumbers.format_number(read, phonenumbers.PhoneNumberFormat.INTERNATIONAL))


def tone(state: str | None) -> str:
    """Return how a state looks: good, waiting, bad or plain."""
    return _TONES.get((state or "").lower(), "plain")


def words(state: str | None) -> str:
    """Return a state as people read it: vetted_verified is Vetted verified."""
    return (state or "").replace("_", " ").capitalize()


def instant(value: Any) -> datetime | None:
    """Read an instant as a view shows it: a datetime, or its RFC 3339 text."""
    if isinstance(value, datetime):
        return value
    return datetime.fromisoformat(value) if isinstance(value, str) and value else None


@pass_context
def _when(context: Context, value: Any) -> Markup | str:
    """Show an instant in the person's time zone."""
    at = instant(value)
    if at is None:
        return ""
    zone = _zone(context)
    local = at.astimezone(zone)
    said = f"{local:%b} {local.day}, {local.year}, {local:%I:%M} {local:%p} {local.tzname()}".replace(", 0", ", ")
    return Markup('<time datetime="{}">{}</time>').format(at.astimezone(UTC).isoformat(timespec="seconds"), said)


@pass_context
def _ago(context: Context, value: Any) -> Markup | str:
    """Show how long ago an instant was; the instant itself when one points at it."""
    at = instant(value)
    if at is None:
        return ""
    passed = (datetime.now(UTC) - at).total_seconds()
    for unit, name in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if passed >= unit:
            many = int(passed // unit)
            said = f"{many} {name}{'' if many == 1 else 's'} ago"
            break
    else:
        said = "just now"
    local = at.astimezone(_zone(context))
    full = f"{local:%Y-%m-%d %H:%M:%S} {local.tzname()}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(at.astimezone(UTC).isoformat(), full, said)


@pass_context
def _day(context: Context, value: Any) -> str:
    """Show the day of an instant in the person's time zone, or a date as it is."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return f"{value:%b} {value.day}, {value.year}"
    at = instant(value)
    if at is None:
        return ""
    local = at.astimezone(_zone(context))
    return f"{local:%b} {local.day}, {local.year}"


def _zone(context: Context) -> ZoneInfo:
    person = context.get("person")
    return ZoneInfo(person.time_zone if person else "UTC")


def _grouped(number: int) -> str:
    """Return a number with a comma at its thousands."""
    return f"{number:,}"


def _count(number: int | Sequence[Any], one: str, many: str = "") -> str:
    """Return a number with its noun: 1 number, 2 numbers."""
    found = number if isinstance(number, int) else len(number)
    return f"{found:,} {one if found == 1 else many or one + 's'}"
