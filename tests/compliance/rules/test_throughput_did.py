import pytest

from compliance.codes import Code
from compliance.decision import NOTHING, defers
from compliance.rules.throughput_did import check
from tests.builders import a_case, a_number, a_sender, some_usage

FOUND = defers(Code.THROUGHPUT_DID)


class TestThroughputDid:
    @pytest.mark.parametrize(
        ("number", "sent", "found"),
        [
            (a_number(), 0, NOTHING),
            (a_number(), 3, NOTHING),
            (a_number(), 4, FOUND),
            (a_number(), 5, FOUND),
            (a_number(kind="toll_free"), 4, NOTHING),
            (a_number(kind="toll_free"), 19, NOTHING),
            (a_number(kind="toll_free"), 20, FOUND),
            (a_number(kind="toll_free"), 21, FOUND),
            # A kind that nobody has heard of gets no more than a local number.
            (a_number(kind="satellite"), 3, NOTHING),
            (a_number(kind="satellite"), 4, FOUND),
            (None, 3, NOTHING),
            (None, 4, FOUND),
        ],
    )
    def test_messages_a_second(self, number, sent, found):
        """Four, and twenty from a toll-free number; the counter stands before this message."""
        case = a_case(sender=a_sender(number=number), usage=some_usage(number_second=sent))

        assert check(case) == found
