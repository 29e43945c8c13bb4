"""Instants: whole seconds, and dates in Pacific time, in which carriers count days and policies set dates.

"Pacific" is the time zone America/Los_Angeles; a date stands for its 00:00 there.
"""

import math
from datetime import date, datetime
from zoneinfo import ZoneInfo

PACIFIC = ZoneInfo("America/Los_Angeles")


def start_of(day: date) -> datetime:
    """Return 00:00 Pacific of a day."""
    return datetime(day.year, day.month, day.day, tzinfo=PACIFIC)


def date_of(at: datetime) -> date:
    """Return the Pacific date of an instant."""
    return at.astimezone(PACIFIC).date()


def second_of(at: datetime) -> int:
    """Return the second of an instant, as stored records have it: comparing these, a replay cannot disagree."""
    return math.floor(at.timestamp())
