import pytest

from compliance.codes import Code
from compliance.decision import NOTHING, defers
from compliance.rules.throughput_att import check
from tests.builders import (
    CANADA,
    PUERTO_RICO,
    TOLL_FREE,
    US,
    a_campaign,
    a_case,
    a_message,
    a_recipient,
    a_sender,
    some_usage,
)

FOUND = defers(Code.THROUGHPUT_ATT_CAMPAIGN)

#: Class, SMS segments a minute, MMS a minute.
BY_CAMPAIGN = [
    *[(att_class, 4_500, 2_400) for att_class in "ABKX"],
    *[(att_class, 2_400, 1_200) for att_class in "CDP"],
    *[(att_class, 240, 150) for att_class in "EF"],
    ("S", 9_000, 2_400),
    ("T", 75, 50),
    ("W", 15, 50),
    *[(unknown, 75, 50) for unknown in (None, "", "Z", "a", "AB")],
]
BY_NUMBER = [("G", 60, 50), ("N", 60, 50)]


def found(att_class="T", carrier="att", to=US, *, mms=False, text="Hi", **usage):
    """Ask the rule about a campaign of this class whose minute is that full."""
    return check(
        a_case(
            message=a_message(to=to, text=text, participants=2 if mms else 1),
            sender=a_sender(campaign=a_campaign(att_class=att_class)),
            recipient=a_recipient(carrier=carrier),
            usage=some_usage(**usage),
        ),
    )


class TestLimits:
    @pytest.mark.parametrize(("att_class", "sms", "mms"), BY_CAMPAIGN)
    def test_by_campaign(self, att_class, sms, mms):
        """Counter and message together may reach the limit; an unknown class counts as T."""
        for is_mms, limit in ((False, sms), (True, mms)):
            assert found(att_class, mms=is_mms, att_campaign_minute=limit - 1, att_number_minute=10**6) == NOTHING
            assert found(att_class, mms=is_mms, att_campaign_minute=limit) == FOUND

    @pytest.mark.parametrize(("att_class", "sms", "mms"), BY_NUMBER)
    def test_by_number(self, att_class, sms, mms):
        """Classes G and N count each sender number by itself."""
        for is_mms, limit in ((False, sms), (True, mms)):
            assert found(att_class, mms=is_mms, att_number_minute=limit - 1, att_campaign_minute=10**6) == NOTHING
            assert found(att_class, mms=is_mms, att_number_minute=limit) == FOUND

    def test_a_message_is_admitted_whole_or_not_at_all(self):
        """Two segments do not fit where one does; an MMS is one unit."""
        two = "a" * 161

        assert found(text=two, att_campaign_minute=73) == NOTHING
        assert found(text=two, att_campaign_minute=74) == FOUND
        assert found(text=two, mms=True, att_campaign_minute=49) == NOTHING


class TestWhere:
    @pytest.mark.parametrize(
        ("carrier", "expected"),
        [
            ("att", FOUND),
            (None, FOUND),
            # One that nobody has heard of may be AT&T.
            ("cricket", FOUND),
            ("", FOUND),
            ("tmobile", NOTHING),
            ("verizon", NOTHING),
            ("us_cellular", NOTHING),
        ],
    )
    def test_at_att_or_who_may_be(self, carrier, expected):
        """Another known carrier is not asked."""
        assert found(carrier=carrier, att_campaign_minute=75) == expected

    @pytest.mark.parametrize(
        ("to", "expected"), [(US, FOUND), (PUERTO_RICO, FOUND), (CANADA, NOTHING), (TOLL_FREE, NOTHING)]
    )
    def test_subscribers_in_the_united_states_only(self, to, expected):
        """Territories included."""
        assert found(to=to, att_campaign_minute=75) == expected

    def test_without_a_campaign_there_is_no_limit(self):
        """There is no class to go by."""
        case = a_case(
            sender=a_sender(campaign=None),
            recipient=a_recipient(carrier="att"),
            usage=some_usage(att_campaign_minute=10**6),
        )

        assert check(case) == NOTHING
