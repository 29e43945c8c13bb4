from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from compliance.codes import Code
from compliance.decision import NOTHING, blocks
from compliance.pacific import PACIFIC
from compliance.rules.toll_free import check
from tests.builders import CURRENT, SEED, a_case, a_message, a_number, a_sender, some_usage

NOT_VERIFIED = blocks(Code.TOLLFREE_NOT_VERIFIED)
ALLOWED = replace(CURRENT, toll_free_allowed=True)

FREE_UNTIL = datetime(2023, 4, 1, tzinfo=PACIFIC)
NONE_UNTIL = datetime(2023, 11, 8, tzinfo=PACIFIC)
PENDING_UNTIL = datetime(2024, 1, 31, tzinfo=PACIFIC)
SECOND = timedelta(seconds=1)


def a_toll_free_case(policy=ALLOWED, verification=None, at=FREE_UNTIL, **fields):
    """Build a leg from a toll-free number."""
    sender = a_sender(number=a_number(kind="toll_free", toll_free_verification=verification))
    return a_case(policy, sender=sender, at=at, **fields)


class TestTollFree:
    @pytest.mark.parametrize("number", [None, a_number(), a_number(kind="service"), a_number(kind="personal")])
    def test_other_numbers_have_no_finding(self, number):
        """Whatever the platform allows."""
        assert check(a_case(sender=a_sender(number=number))) == NOTHING

    @pytest.mark.parametrize("verification", [None, "none", "pending", "verified"])
    def test_without_the_option_none_may_text(self, verification):
        """Not even a verified one."""
        case = a_toll_free_case(CURRENT, verification)

        assert check(case) == blocks(Code.TOLLFREE_SMS_NOT_SUPPORTED)

    @pytest.mark.parametrize("at", [FREE_UNTIL - SECOND, FREE_UNTIL, PENDING_UNTIL, PENDING_UNTIL + SECOND])
    def test_a_verified_number_may_always(self, at):
        """At any date and volume."""
        assert check(a_toll_free_case(verification="verified", at=at, usage=some_usage(toll_free_day=10**6))) == NOTHING

    @pytest.mark.parametrize("verification", [None, "none", "pending", "bogus"])
    def test_at_first_everybody_may(self, verification):
        """Until 2023-04-01 Pacific, at any volume."""
        usage = some_usage(toll_free_day=10**6)

        assert check(a_toll_free_case(verification=verification, at=FREE_UNTIL - SECOND, usage=usage)) == NOTHING
        assert check(a_toll_free_case(verification=verification, at=FREE_UNTIL, usage=usage)) == NOT_VERIFIED

    @pytest.mark.parametrize(
        ("verification", "limit", "until"),
        [
            (None, 500, NONE_UNTIL),
            ("none", 500, NONE_UNTIL),
            ("bogus", 500, NONE_UNTIL),
            ("pending", 2_000, PENDING_UNTIL),
        ],
    )
    @pytest.mark.parametrize("policy", [ALLOWED, replace(SEED, toll_free_allowed=True)])
    def test_then_a_daily_allowance_until_a_date(self, policy, verification, limit, until):
        """The message's own units count; the same under every policy; an unknown state gets the least."""
        for at in (FREE_UNTIL, until - SECOND):
            full = a_toll_free_case(policy, verification, at, usage=some_usage(toll_free_day=limit))
            last = a_toll_free_case(policy, verification, at, usage=some_usage(toll_free_day=limit - 1))
            assert check(full) == NOT_VERIFIED
            assert check(last) == NOTHING
        assert check(a_toll_free_case(policy, verification, until)) == NOT_VERIFIED

    def test_units_are_segments_or_one(self):
        """Two segments do not fit where one does; an MMS is one."""
        two = a_message(text="a" * 161)
        usage = some_usage(toll_free_day=499)

        assert check(a_toll_free_case(message=two, usage=usage)) == NOT_VERIFIED
        assert check(a_toll_free_case(message=two._replace(participants=2), usage=usage)) == NOTHING
