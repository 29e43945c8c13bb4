from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from compliance import shapes
from compliance.shapes import ShapeError


class TestInstants:
    @pytest.mark.parametrize(
        ("written", "instant"),
        [
            ("2026-11-20T13:00:00Z", datetime(2026, 11, 20, 13, tzinfo=UTC)),
            ("2026-11-20T05:00:00-08:00", datetime(2026, 11, 20, 13, tzinfo=UTC)),
            ("2026-11-20T18:45:00+05:45", datetime(2026, 11, 20, 13, tzinfo=UTC)),
            ("2026-11-20T13:00:00.250Z", datetime(2026, 11, 20, 13, 0, 0, 250_000, tzinfo=UTC)),
            ("1900-01-01T00:00:00Z", datetime(1900, 1, 1, tzinfo=UTC)),
            ("9998-12-31T23:59:59Z", datetime(9998, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ],
    )
    def test_an_offset_makes_it_one(self, written, instant):
        """Whichever it is."""
        assert shapes.instant({"at": written}, "at", "facts") == instant

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            ({}, r"facts\.at: missing"),
            ({"at": None}, r"facts\.at: must be an RFC 3339 instant"),
            ({"at": 5}, r"facts\.at: must be an RFC 3339 instant"),
            ({"at": "noon"}, r"facts\.at: must be an RFC 3339 instant"),
            ({"at": "2026-02-30T00:00:00Z"}, r"facts\.at: must be an RFC 3339 instant"),
            ({"at": "2026-11-20T13:00:00"}, r"facts\.at: has no offset"),
            ({"at": "1899-12-31T23:59:59Z"}, r"facts\.at: must be in the years 1900 to 9998"),
            ({"at": "9999-01-01T00:00:00Z"}, r"facts\.at: must be in the years 1900 to 9998"),
        ],
    )
    def test_what_is_none_is_named(self, data, message):
        """Local time names no instant, and at the ends of the calendar some zones have no local time."""
        with pytest.raises(ShapeError, match=message):
            shapes.instant(data, "at", "facts")

    @pytest.mark.parametrize(
        ("instant", "written"),
        [
            (None, None),
            (datetime(2026, 11, 20, 13, 0, 0, 999_999, tzinfo=UTC), "2026-11-20T13:00:00Z"),
            (datetime(2026, 11, 20, 13, tzinfo=timezone(timedelta(0))), "2026-11-20T13:00:00Z"),
            (datetime(2026, 11, 20, 5, tzinfo=timezone(timedelta(hours=-8))), "2026-11-20T05:00:00-08:00"),
        ],
    )
    def test_it_is_written_to_the_second(self, instant, written):
        """With Z for UTC, and its own offset otherwise."""
        assert shapes.render_instant(instant) == written

    def test_one_instant_is_written_as_each_zone_has_it(self):
        """What was written for UTC is not given to another offset, though the instants are equal."""
        utc = datetime(2026, 11, 20, 13, tzinfo=UTC)
        pacific = utc.astimezone(timezone(timedelta(hours=-8)))
        assert [shapes.render_instant(one) for one in (utc, pacific, utc)] == [
            "2026-11-20T13:00:00Z",
            "2026-11-20T05:00:00-08:00",
            "2026-11-20T13:00:00Z",
        ]


class TestDays:
    def test_a_date_is_one(self):
        """Null and left out are none, where that is allowed."""
        assert shapes.day({"on": "2026-11-20"}, "on", "usage") == date(2026, 11, 20)
        assert shapes.day_or_none({"on": None}, "on", "usage") is None
        assert shapes.day_or_none({}, "on", "usage") is None

    @pytest.mark.parametrize("value", [None, 20261120, "2026-11", "2026-02-30", "2026-11-20T00:00:00Z"])
    def test_anything_else_is_none(self, value):
        """An instant neither: its date depends on the zone."""
        with pytest.raises(ShapeError, match=r"usage\.on: must be a date"):
            shapes.day({"on": value}, "on", "usage")
