"""Instants and dates in Pacific time, in which carriers count days and policies set dates.

"Pacific" is the time zone America/Los_Angeles; a date stands for its 00:00 there.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo

PACIFIC = ZoneInfo("America/Los_Angeles")


def start_of(day: date) -> datetime:
    """Return 00:00 Pacific of a day."""
    return datetime(day.year, day.month, day.day, tzinfo=PACIFIC)


def date_of(at: datetime) -> date:
    """Return the Pacific date of an instant."""
    return at.astimezone(PACIFIC).date()
