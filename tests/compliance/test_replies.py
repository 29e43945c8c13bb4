"""What is answered to STOP, START and HELP."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.inbound import Meaning, meaning_of
from compliance.replies import reply_to
from compliance.segments import count_segments

NUMBER = "+12025550111"
ANSWERED = (Meaning.STOP, Meaning.START, Meaning.HELP)


class TestWords:
    def test_a_confirmation_says_who_and_that_it_is_over(self):
        """One text, of the named program, with the way back and nothing to sell."""
        assert reply_to(Meaning.STOP, brand="Acme Home Services LLC", number=NUMBER) == (
            "Acme Home Services LLC: You are opted out and will receive no further messages. "
            "Text START to receive them again."
        )

    def test_an_opt_in_says_how_to_end_it(self):
        """And how to get help."""
        said = reply_to(Meaning.START, brand="Acme", number=NUMBER)
        assert said == "Acme: You will receive messages again. Text HELP for help, STOP to end them."

    def test_help_names_a_contact(self):
        """The number itself can be called; rates and the way out are named."""
        assert reply_to(Meaning.HELP, brand="Acme", number=NUMBER) == (
            "Acme: For help, call 202-555-0111. Msg & data rates may apply. Text STOP to end messages."
        )

    def test_a_registered_help_message_goes_first(self):
        """It is what the carriers approved, on one line."""
        said = reply_to(Meaning.HELP, brand="Acme", number=NUMBER, help_message="Acme help:\nhelp@acme.example ")
        assert said == "Acme help: help@acme.example"

    @pytest.mark.parametrize("registered", [" ", "HELP", "Stop.", "yes"])
    def test_a_registered_message_that_helps_nobody(self, registered):
        """One that says nothing, or is a word itself, is not sent."""
        assert reply_to(Meaning.HELP, brand="Acme", number=NUMBER, help_message=registered).startswith("Acme: For help")

    @pytest.mark.parametrize("meaning", ANSWERED)
    def test_a_business_without_a_name_answers_all_the_same(self, meaning):
        """An older copy of the registry does not tell the name."""
        assert reply_to(meaning, brand="", number=NUMBER).startswith("This business: ")

    @pytest.mark.parametrize("meaning", sorted(set(Meaning) - set(ANSWERED)))
    def test_nothing_else_is_answered(self, meaning):
        """Asking for it is a mistake of ours."""
        with pytest.raises(ValueError, match="nobody answers"):
            reply_to(meaning, brand="Acme", number=NUMBER)


class TestLoops:
    @pytest.mark.parametrize("meaning", ANSWERED)
    @pytest.mark.parametrize("brand", ["", "Acme", "Acme Home Services LLC", "x" * 200])
    def test_no_answer_reads_as_a_word(self, meaning, brand):
        """Two gateways that answer each other would never end; nor is it taken for a revocation."""
        assert meaning_of(reply_to(meaning, brand=brand, number=NUMBER)) is Meaning.NONE

    @given(name=st.text(), number=st.from_regex(r"\+[0-9]{7,15}", fullmatch=True))
    def test_no_name_makes_an_answer_a_command(self, name, number):
        """Whatever a business calls itself: no answer opts anybody out or in, or asks for help."""
        for meaning in ANSWERED:
            said = reply_to(meaning, brand=name, number=number)
            assert meaning_of(said) in {Meaning.NONE, Meaning.REVOCATION_SUSPECTED}
            assert said.isprintable()


@pytest.mark.parametrize("meaning", ANSWERED)
def test_an_answer_is_one_segment(meaning):
    """With a name of usual length."""
    assert count_segments(reply_to(meaning, brand="Acme Home Services LLC", number=NUMBER)).segments == 1
