from datetime import date, datetime, timedelta

import pytest

from compliance.codes import Code
from compliance.decision import NOTHING, defers
from compliance.pacific import PACIFIC
from compliance.rules.daily_cap_tmobile import check
from tests.builders import (
    CANADA,
    PUERTO_RICO,
    TOLL_FREE,
    US,
    a_brand,
    a_campaign,
    a_case,
    a_message,
    a_recipient,
    a_sender,
    some_usage,
)

FOUND = defers(Code.DAILY_CAP_TMO_BRAND)
TODAY = date(2026, 11, 20)
DAY = timedelta(days=1)


def found(used, carrier="tmobile", use_case="ucaas_low", message=None, used_on=None, at=None, **brand):
    """Ask the rule about a brand that has used so much of its day."""
    fields = {} if at is None else {"at": at}
    return check(
        a_case(
            message=message or a_message(),
            sender=a_sender(campaign=a_campaign(use_case=use_case), brand=a_brand(**brand)),
            recipient=a_recipient(carrier=carrier),
            usage=some_usage(tmobile_brand_day=used, tmobile_brand_day_of=used_on),
            **fields,
        ),
    )


class TestCaps:
    @pytest.mark.parametrize(
        ("score", "cap"),
        [
            (100, 200_000),
            (75, 200_000),
            (74, 40_000),
            (50, 40_000),
            (49, 10_000),
            (25, 10_000),
            (24, 2_000),
            (0, 2_000),
            (None, 2_000),
        ],
    )
    @pytest.mark.parametrize("use_case", ["ucaas_low", "low_volume"])
    def test_by_vetting_score(self, use_case, score, cap):
        """Counter and message together may reach the cap; low volume has none of its own."""
        assert found(cap - 1, use_case=use_case, vetting_score=score) == NOTHING
        assert found(cap, use_case=use_case, vetting_score=score) == FOUND

    @pytest.mark.parametrize(
        ("use_case", "status"),
        [("sole_proprietor", "verified"), ("ucaas_low", "self_declared"), ("sole_proprietor", "self_declared")],
    )
    def test_who_declares_itself_gets_a_thousand(self, use_case, status):
        """Whatever its score."""
        assert found(999, use_case=use_case, status=status, vetting_score=100) == NOTHING
        assert found(1_000, use_case=use_case, status=status, vetting_score=100) == FOUND

    @pytest.mark.parametrize("use_case", ["ucaas_low", "sole_proprietor"])
    def test_a_government_has_no_cap(self, use_case):
        """Whatever else it is."""
        assert found(10**9, use_case=use_case, government=True, vetting_score=None) == NOTHING

    def test_a_message_is_admitted_whole_or_not_at_all(self):
        """Two segments do not fit where one does; an MMS is one unit."""
        two = a_message(text="a" * 161)

        assert found(1_998, message=two, vetting_score=0) == NOTHING
        assert found(1_999, message=two, vetting_score=0) == FOUND
        assert found(1_999, message=two._replace(participants=2), vetting_score=0) == NOTHING


class TestDay:
    @pytest.mark.parametrize(
        ("used_on", "expected"),
        [(None, FOUND), (TODAY, FOUND), (TODAY + DAY, FOUND), (TODAY - DAY, NOTHING), (TODAY - 400 * DAY, NOTHING)],
    )
    def test_a_counter_of_an_earlier_day_is_zero(self, used_on, expected):
        """A later day means that a clock was set back: it counts in full."""
        assert found(200_000, used_on=used_on) == expected

    def test_zero_is_zero(self):
        """A message of a thousand segments just fits into an empty day of a thousand."""
        for segments, expected in ((1_000, NOTHING), (1_001, FOUND)):
            message = a_message(text="a" * 153 * segments)
            assert found(10**6, message=message, status="self_declared", used_on=TODAY - DAY) == expected

    def test_the_day_begins_at_midnight_pacific(self):
        """Not at midnight UTC, and not at the recipient's."""
        midnight = datetime(2026, 11, 21, tzinfo=PACIFIC)

        assert found(200_000, used_on=TODAY, at=midnight - timedelta(seconds=1)) == FOUND
        assert found(200_000, used_on=TODAY, at=midnight) == NOTHING


class TestWhere:
    @pytest.mark.parametrize("carrier", [None, "att", "verizon", "us_cellular", "metro"])
    def test_at_t_mobile_only(self, carrier):
        """Not when the carrier is not known."""
        assert found(10**9, carrier=carrier) == NOTHING

    @pytest.mark.parametrize(
        ("to", "expected"), [(US, FOUND), (PUERTO_RICO, FOUND), (CANADA, NOTHING), (TOLL_FREE, NOTHING)]
    )
    def test_subscribers_in_the_united_states_only(self, to, expected):
        """Territories included."""
        assert found(10**9, message=a_message(to=to)) == expected

    @pytest.mark.parametrize("sender", [a_sender(campaign=None), a_sender(brand=None)])
    def test_without_campaign_or_brand_there_is_no_cap(self, sender):
        """Nothing says which."""
        case = a_case(
            sender=sender,
            recipient=a_recipient(carrier="tmobile"),
            usage=some_usage(tmobile_brand_day=10**9),
        )

        assert check(case) == NOTHING
