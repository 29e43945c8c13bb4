import pytest

from compliance.codes import Code
from compliance.decision import NOTHING, ends
from compliance.rules.sender_number import check
from tests.builders import DID, a_case, a_message, a_number, a_sender, an_owner

NOT_OWNED = ends(Code.DID_NOT_OWNED_BY_SENDER)


class TestSenderNumber:
    @pytest.mark.parametrize("sender", [DID, "12025550111", "2025550111", "(202) 555-0111"])
    def test_the_senders_own_number_has_no_finding(self, sender):
        """However it is written."""
        assert check(a_case(message=a_message(sender=sender))) == NOTHING

    @pytest.mark.parametrize("sender", [None, "", "+442079460958", "911", "202-555-011", "ACME", "(202) 555-O111"])
    def test_what_is_no_north_american_number_ends_the_matter(self, sender):
        """Nobody's own number is abroad, short or a word; None is for chat only."""
        assert check(a_case(message=a_message(sender=sender))) == ends(Code.INVALID_SENDER)

    @pytest.mark.parametrize("sender", [None, "911"])
    def test_an_invalid_sender_is_said_before_a_foreign_one(self, sender):
        """There is no number whose owner could be asked for."""
        case = a_case(message=a_message(sender=sender), sender=a_sender(number=None))

        assert check(case) == ends(Code.INVALID_SENDER)

    @pytest.mark.parametrize(
        "number",
        [
            None,
            a_number(owner=None),
            a_number(owner=an_owner(tenant="t2")),
            a_number(owner=an_owner(user="u2")),
            a_number(owner=an_owner(tenant="t2", user="u2")),
        ],
    )
    def test_a_number_that_is_not_the_senders_ends_the_matter(self, number):
        """Unknown, without an owner, of a neighbour, or of a colleague: the answer is the same."""
        assert check(a_case(sender=a_sender(number=number))) == NOT_OWNED
