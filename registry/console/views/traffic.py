"""Messages > Traffic: what was decided, by day and by hour, why texts were blocked, and what is being registered.

All of it is of the ledger's counts, which outlive the messages.

Not here: how plots are drawn (registry/console/plots.py).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from compliance.catalogue import reason as entry_of
from compliance.codes import Code
from registry.action import Look
from registry.console import ledger
from registry.console.explained import PAGE_NAMES, title_of
from registry.console.pages import Download, Form, Page
from registry.console.visit import Visit
from registry.counts import assigned
from registry.ledger import queries

_DAYS: Final = 30
_HOURS: Final = 48
#: In the order in which they are stacked and the ledger counts them, with the words of the legend.
VERDICTS: Final = dict(zip(queries.VERDICTS, ("Allowed", "Flagged", "Delayed", "Blocked"), strict=True))
_REASONS: Final = 12
#: The most brands and campaigns that are looked at.
_PAGE: Final = 500


class Plot(NamedTuple):
    """What one plot is drawn from."""

    places: tuple[str, ...]
    series: Mapping[str, tuple[int, ...]]

    @property
    def rows(self) -> list[tuple[str, tuple[int, ...]]]:
        """The same as a table, the newest first, without what is empty."""
        rows = zip(self.places, zip(*self.series.values(), strict=True), strict=True)
        return [row for row in reversed(list(rows)) if any(row[1])]

    @property
    def total(self) -> int:
        """How many there are in all."""
        return sum(sum(values) for values in self.series.values())


class Why(NamedTuple):
    """How often one reason kept texts from going."""

    code: str
    title: str
    messages: int
    #: Of the most frequent one, in per cent, for the bar.
    share: int
    #: The page that fixes it, and what it is called; None: only the sender can do something.
    href: str | None
    page: str | None


class Underway(NamedTuple):
    """How many brands, campaigns or numbers are at one step of being registered."""

    label: str
    #: The page that lists them.
    href: str
    now: int
    #: Of the step with the most, in per cent, for the bar.
    share: int


async def _traffic(visit: Visit) -> Mapping[str, Any]:
    channel = visit.query.get("channel") if visit.query.get("channel") in {"im", "sms", "mms"} else None
    zone = ZoneInfo(visit.person.time_zone)
    now = datetime.now(zone)
    # By the hour, so that a day is the person's own and not UTC's.
    days = [(now - timedelta(days=back)).date() for back in range(_DAYS - 1, -1, -1)]
    first = datetime.combine(days[0], datetime.min.time(), zone).astimezone(UTC)
    found = await ledger.told(visit, first, channel)
    hours = _last_hours(now)
    by_day = _plot(
        ((datetime.fromtimestamp(at_ms / 1000, zone).date(), counts) for at_ms, counts in found.hours.items()),
        days,
        [f"{day:%b} {day.day}" for day in days],
    )
    by_hour = _plot(found.hours.items(), list(hours), list(hours.values()))
    today = {name: values[-1] for name, values in by_day.series.items()}
    sent, blocked = today["allow"] + today["flag"], today["block"]
    return {
        "by_day": by_day,
        "by_hour": by_hour,
        "verdicts": VERDICTS,
        "why": _why(found.blocked),
        "today": today,
        "sent": sent,
        "share": f"{100 * blocked / (sent + blocked):.1f} %" if sent + blocked else "0 %",
        "channel": channel or "",
        "since": first.astimezone(zone).strftime("%Y-%m-%dT%H:%M"),
        "progress": await _progress(visit),
        "zone": visit.person.time_zone,
    }


def _last_hours(now: datetime) -> dict[int, str]:
    """Return when the last hours began, in milliseconds since the epoch, and how now's zone calls that.

    They are UTC's, as the ledger counts: in Newfoundland an hour begins at half past.
    """
    this = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    began = [this - timedelta(hours=back) for back in range(_HOURS - 1, -1, -1)]
    return {int(at.timestamp() * 1000): f"{at.astimezone(now.tzinfo):%a %H:%M}" for at in began}


def _plot(counts: Iterable[tuple[Any, tuple[int, ...]]], places: list[Any], labels: list[str]) -> Plot:
    """Add up what was counted at each place; what is of none of them is left out."""
    tally = {place: [0] * len(VERDICTS) for place in places}
    for place, of in counts:
        if place in tally:
            tally[place] = [n + more for n, more in zip(tally[place], of, strict=True)]
    return Plot(tuple(labels), dict(zip(VERDICTS, zip(*tally.values(), strict=True), strict=True)))


def _why(blocked: list[tuple[str, int]]) -> list[Why]:
    tally = Counter(dict(blocked))
    most = max(tally.values(), default=1)
    return [
        Why(code, title_of(code), count, max(1, 100 * count // most), *_fix(code))
        for code, count in tally.most_common(_REASONS)
    ]


def _fix(code: str) -> tuple[str, str] | tuple[None, None]:
    if code not in set(Code):
        return None, None
    page = entry_of(Code(code)).page
    return (None, None) if page is None else (f"/console/{page}", PAGE_NAMES[page])


async def _progress(visit: Visit) -> list[Underway]:
    """Count what is being registered, step by step; the longest bar is that of the most."""
    brands = (await visit.see("listBrands", limit=_PAGE))["items"]
    campaigns = (await visit.see("listCampaigns", limit=_PAGE))["items"]
    counts = {
        ("Brands being verified", "registration/brands"): sum(not one["verified"] for one in brands),
        ("Campaigns on their way", "registration/campaigns"): sum(
            not one["verified"] and one["status"] not in {"deactivated", "expired"} for one in campaigns
        ),
    }
    for state, label in (("pending", "Numbers being set up"), ("failed", "Numbers that failed")):
        count = await visit.performing.look(visit.looks, partial(_assigned, state))
        counts[label, f"phone-system/sms?assignment={state}"] = count
    most = max(counts.values()) or 1
    return [Underway(label, f"/console/{path}", count, 100 * count // most) for (label, path), count in counts.items()]


async def _assigned(state: str, look: Look) -> int:
    return await assigned(look.connection, look.tenant, state)


PAGES: Final[tuple[Page, ...]] = (
    Page("/messages/traffic", "Traffic", "traffic.html", _traffic, live=("assignments", "campaigns", "brands")),
)
FORMS: Final[tuple[Form, ...]] = ()
DOWNLOADS: Final[tuple[Download, ...]] = ()
