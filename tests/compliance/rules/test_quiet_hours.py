from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from compliance.codes import Code
from compliance.decision import NOTHING, flags
from compliance.destinations import AREA_CODES
from compliance.rules.quiet_hours import check
from tests.builders import CANADA, TOLL_FREE, a_campaign, a_case, a_message, a_sender

FOUND = flags(Code.FLAG_QUIET_HOURS)
SECOND = timedelta(seconds=1)
MONDAY = 16  # November 2026
WEEKDAYS, SATURDAY, SUNDAY = range(MONDAY, MONDAY + 5), MONDAY + 5, MONDAY + 6
EVERY_DAY = range(MONDAY, MONDAY + 7)
US_CLASSES = frozenset({"us", "us_territory"})
#: States with a law of their own.
SPECIAL = frozenset("FL OK MD MA NJ MS AL LA CT NV TX RI KY MI MN NM".split())
LOS_ANGELES = ZoneInfo("America/Los_Angeles")
CALIFORNIA = "+14155550143"
NIGHT = datetime(2026, 11, MONDAY, 3, tzinfo=LOS_ANGELES)


def found(to, at, text="Come and see us", in_reply_to=None, **campaign):
    """Ask the rule about a text of a marketing campaign."""
    campaign = {"use_case": "marketing"} | campaign
    message = a_message(to=to, text=text, in_reply_to_inbound_at=in_reply_to)
    return check(a_case(at=at, message=message, sender=a_sender(campaign=a_campaign(**campaign))))


def a_number_in(region):
    """Build a number of the region's first area code that lies in one zone, and that zone."""
    npa, row = next(item for item in AREA_CODES.items() if item[1].region == region and len(item[1].zones) == 1)
    return f"+1{npa}5550143", ZoneInfo(row.zones[0])


class TestWindows:
    @pytest.mark.parametrize(
        ("regions", "days", "start", "end"),
        [
            ("FL OK MD MA NJ", EVERY_DAY, 8, 20),
            ("MS AL LA", range(MONDAY, SUNDAY), 8, 20),
            ("CT NV", EVERY_DAY, 9, 20),
            ("TX", range(MONDAY, SUNDAY), 9, 21),
            ("TX", [SUNDAY], 12, 21),
            ("RI", WEEKDAYS, 9, 18),
            ("RI", [SATURDAY], 10, 17),
            ("KY", EVERY_DAY, 10, 21),
            ("MI MN NM", EVERY_DAY, 9, 21),
            ("CA NY DC WA HI PR GU VI", EVERY_DAY, 8, 21),
        ],
    )
    def test_start_is_in_and_end_is_out(self, regions, days, start, end):
        """By the local clock and the local weekday."""
        for region in regions.split():
            to, zone = a_number_in(region)
            for day in days:
                opens = datetime(2026, 11, day, start, tzinfo=zone)
                closes = datetime(2026, 11, day, end, tzinfo=zone)
                assert found(to, opens - SECOND) == FOUND, (region, day)
                assert found(to, opens) == NOTHING, (region, day)
                assert found(to, closes - SECOND) == NOTHING, (region, day)
                assert found(to, closes) == FOUND, (region, day)

    @pytest.mark.parametrize("region", ["MS", "AL", "LA", "RI"])
    @pytest.mark.parametrize("hour", [0, 8, 12, 19, 23])
    def test_some_have_no_window_on_sunday(self, region, hour):
        """At no hour."""
        to, zone = a_number_in(region)

        assert found(to, datetime(2026, 11, SUNDAY, hour, tzinfo=zone)) == FOUND

    def test_every_other_region_has_the_usual_window(self):
        """Eight to nine also on Sunday, in each zone of each area code."""
        for npa, row in AREA_CODES.items():
            if row.destination not in US_CLASSES or row.region in SPECIAL:
                continue
            eights = [datetime(2026, 11, SUNDAY, 8, tzinfo=ZoneInfo(zone)).astimezone(UTC) for zone in row.zones]
            opens, closes = max(eights), min(eights) + timedelta(hours=13)
            around = [found(f"+1{npa}5550143", at) for at in (opens - SECOND, opens, closes - SECOND, closes)]
            assert around == [FOUND, NOTHING, NOTHING, FOUND], npa

    @pytest.mark.parametrize(
        ("to", "west", "east"),
        [
            # Florida's panhandle: until 20:00 in New York, from 08:00 in Chicago.
            ("+18505550143", "America/Chicago", "America/New_York"),
            # Nevada: 09:00 to 20:00.
            ("+17755550143", "America/Los_Angeles", "America/Boise"),
        ],
    )
    def test_all_candidate_zones_must_agree(self, to, west, east):
        """The area code does not say which one it is."""
        start = {"+18505550143": 8, "+17755550143": 9}[to]
        opens = datetime(2026, 11, MONDAY, start, tzinfo=ZoneInfo(west))
        closes = datetime(2026, 11, MONDAY, 20, tzinfo=ZoneInfo(east))

        assert found(to, datetime(2026, 11, MONDAY, start, tzinfo=ZoneInfo(east))) == FOUND
        assert found(to, opens - SECOND) == FOUND
        assert found(to, opens) == NOTHING
        assert found(to, closes - SECOND) == NOTHING
        assert found(to, closes) == FOUND
        assert found(to, datetime(2026, 11, MONDAY, 19, 59, tzinfo=ZoneInfo(west))) == FOUND

    @pytest.mark.parametrize(("month", "day"), [(3, 7), (3, 8), (3, 9), (10, 31), (11, 1), (11, 2)])
    def test_the_clock_is_the_local_one_on_days_when_it_changes(self, month, day):
        """2026: forward on 8 March, back on 1 November."""
        opens = datetime(2026, month, day, 8, tzinfo=LOS_ANGELES).astimezone(UTC)

        assert found(CALIFORNIA, opens - SECOND) == FOUND
        assert found(CALIFORNIA, opens) == NOTHING

    def test_every_area_code_has_a_region_and_a_zone(self):
        """Without a zone every hour would do."""
        ours = {npa: row for npa, row in AREA_CODES.items() if row.destination in US_CLASSES}

        assert [npa for npa, row in ours.items() if not row.region or not row.zones] == []
        assert [npa for npa, row in ours.items() if any(ZoneInfo(zone).key != zone for zone in row.zones)] == []


class TestWhoIsAsked:
    @pytest.mark.parametrize(
        ("use_case", "sub_use_cases", "expected"),
        [
            ("marketing", (), FOUND),
            ("mixed", ("marketing",), FOUND),
            ("low_volume", ("2fa", "marketing"), FOUND),
            ("mixed", (), NOTHING),
            ("low_volume", ("2fa",), NOTHING),
            ("ucaas_low", ("marketing",), NOTHING),
            ("customer_care", ("marketing",), NOTHING),
            ("MARKETING", (), NOTHING),
        ],
    )
    def test_marketing_only(self, use_case, sub_use_cases, expected):
        """By its own name, or in a mixed campaign that names it."""
        assert found(CALIFORNIA, NIGHT, use_case=use_case, sub_use_cases=sub_use_cases) == expected

    @pytest.mark.parametrize("to", [CANADA, TOLL_FREE])
    def test_the_united_states_only(self, to):
        """Nobody sleeps at a toll-free number; Canada has its own law."""
        assert found(to, NIGHT) == NOTHING

    def test_without_a_campaign_there_is_no_finding(self):
        """Nothing says that it is marketing."""
        assert check(a_case(at=NIGHT, sender=a_sender(campaign=None))) == NOTHING

    def test_a_code_may_come_at_night(self):
        """Somebody is waiting for it."""
        assert found(CALIFORNIA, NIGHT, text="Your verification code is 483920") == NOTHING
        assert found(CALIFORNIA, NIGHT, text="Your verification code is on its way") == FOUND

    @pytest.mark.parametrize(
        ("age", "expected"),
        [
            (timedelta(seconds=-1), FOUND),
            (timedelta(0), NOTHING),
            (timedelta(minutes=60), NOTHING),
            (timedelta(minutes=60, seconds=1), FOUND),
        ],
    )
    def test_a_reply_may_come_at_night(self, age, expected):
        """Within the hour, ends included."""
        assert found(CALIFORNIA, NIGHT, in_reply_to=NIGHT - age) == expected
