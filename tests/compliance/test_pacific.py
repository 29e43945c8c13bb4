from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from compliance.pacific import date_of, second_of, start_of


class TestDates:
    @pytest.mark.parametrize(
        ("day", "start"),
        [
            (date(2023, 2, 15), datetime(2023, 2, 15, 8, tzinfo=UTC)),
            (date(2023, 4, 1), datetime(2023, 4, 1, 7, tzinfo=UTC)),
        ],
    )
    def test_a_day_begins_at_midnight_there(self, day, start):
        """Seven or eight hours behind UTC."""
        assert start_of(day) == start
        assert date_of(start) == day
        assert date_of(start - timedelta(seconds=1)) == day - timedelta(days=1)


class TestSeconds:
    @pytest.mark.parametrize(
        ("at", "second"),
        [
            (datetime(1970, 1, 1, tzinfo=UTC), 0),
            (datetime(1970, 1, 1, 0, 0, 1, 999_999, tzinfo=UTC), 1),
            (datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC), -1),
            (datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), 0),
        ],
    )
    def test_fractions_are_cut(self, at, second):
        """Downwards, also before 1970."""
        assert second_of(at) == second
