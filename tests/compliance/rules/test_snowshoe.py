from datetime import timedelta

import pytest

from compliance.codes import Code
from compliance.decision import NOTHING, blocks, flags
from compliance.rules.snowshoe import check
from tests.builders import AT, a_case, a_message, some_usage

REFUSED = blocks(Code.SNOWSHOE_SUSPECTED)
DOUBTFUL = flags(Code.SNOWSHOE_SUSPECTED)
LONG = "The office is closed on Monday. See you."


def found(numbers, origin="app", text=LONG, **message):
    """Ask the rule about a text that so many numbers sent."""
    message = a_message(text=text, origin=origin, **message)
    return check(a_case(message=message, usage=some_usage(same_text_numbers_5min=numbers)))


class TestSnowshoe:
    @pytest.mark.parametrize(
        ("numbers", "origin", "expected"),
        [
            (0, "api", NOTHING),
            (9, "api", NOTHING),
            (10, "app", DOUBTFUL),
            (10, "api", DOUBTFUL),
            (29, "api", DOUBTFUL),
            (30, "app", DOUBTFUL),
            (30, "api", REFUSED),
            (31, "api", REFUSED),
            # An origin that nobody has heard of is a program.
            (30, "bot", REFUSED),
            (1_000, "app", DOUBTFUL),
        ],
    )
    def test_ten_numbers_are_suspect_and_thirty_of_a_program_refused(self, numbers, origin, expected):
        """People are never refused for it."""
        assert found(numbers, origin) == expected

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("a" * 39, NOTHING),
            ("a" * 40, REFUSED),
            # The normalised text counts: white space collapses.
            ("a" * 38 + "  b", REFUSED),
            ("a" * 37 + "  b", NOTHING),
            ("Ok, thanks", NOTHING),
            ("", NOTHING),
            ("www.a.test", REFUSED),
            ("call 202-555-0187", REFUSED),
        ],
    )
    def test_short_remarks_do_not_count(self, text, expected):
        """Unless they hold a URL or a phone number."""
        assert found(30, "api", text) == expected

    @pytest.mark.parametrize(
        ("age", "expected"),
        [
            (timedelta(seconds=-1), REFUSED),
            (timedelta(0), NOTHING),
            (timedelta(minutes=60), NOTHING),
            (timedelta(minutes=60, seconds=1), REFUSED),
        ],
    )
    def test_replies_do_not_count(self, age, expected):
        """An answer within the hour, ends included."""
        assert found(30, "api", in_reply_to_inbound_at=AT - age) == expected
