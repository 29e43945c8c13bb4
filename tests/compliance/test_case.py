from datetime import timedelta

import pytest

from compliance.case import is_internal
from compliance.destinations import DestinationClass
from compliance.facts import Media, RegistryState
from compliance.segments import Segments
from tests.builders import (
    AT,
    CANADA,
    PUERTO_RICO,
    TOLL_FREE,
    US,
    a_brand,
    a_campaign,
    a_case,
    a_message,
    a_number,
    a_recipient,
    a_sender,
    an_assignment,
    an_owner,
    some_facts,
)


class TestInternal:
    @pytest.mark.parametrize(
        ("directory", "internal"),
        [(None, False), (an_owner(), True), (an_owner(user="u2"), True), (an_owner(tenant="t2"), False)],
    )
    def test_same_tenant_by_the_directory(self, directory, internal):
        """And nothing else."""
        assert is_internal(some_facts(recipient=a_recipient(directory=directory))) is internal


class TestDestination:
    def test_class_and_number(self):
        """As typed, and in its E.164 form."""
        case = a_case(message=a_message(to="(415) 555-0143"))

        assert (case.destination, case.destination_number) == (DestinationClass.US, US)

    @pytest.mark.parametrize(("to", "is_us"), [(US, True), (PUERTO_RICO, True), (CANADA, False), (TOLL_FREE, False)])
    def test_the_united_states_include_their_territories(self, to, is_us):
        """Toll-free numbers are nobody's subscribers."""
        assert a_case(message=a_message(to=to)).is_us is is_us


class TestKind:
    @pytest.mark.parametrize(
        ("message", "is_mms", "units"),
        [
            (a_message(), False, 1),
            (a_message(text="a" * 161), False, 2),
            (a_message(text="a" * 161, participants=2), True, 1),
            (a_message(text="a" * 161, media=(Media(type="image/png", bytes=1),)), True, 1),
            (a_message(text="", media=(Media(type="image/png", bytes=1),) * 3), True, 1),
        ],
    )
    def test_media_or_several_recipients_make_an_mms(self, message, is_mms, units):
        """Which is one unit; an SMS is as many as its segments."""
        case = a_case(message=message)

        assert (case.is_mms, case.units) == (is_mms, units)


class TestDerived:
    def test_segments_and_content_are_derived_once(self):
        """Several rules ask for them."""
        case = a_case(message=a_message(text="Big sale"))

        assert case.segments == Segments("gsm7", 8, 1)
        assert case.content.is_promotional
        assert case.segments is case.segments
        assert case.content is case.content


class TestRegistration:
    @pytest.mark.parametrize(
        ("kind", "checked"),
        [("local", True), ("personal", True), ("service", True), ("bogus", True), ("toll_free", False)],
    )
    def test_toll_free_numbers_are_not_registered(self, kind, checked):
        """They are verified; every other kind is a matter of registration."""
        case = a_case(sender=a_sender(number=a_number(kind=kind)))

        assert case.registration_checked is checked
        assert (case.campaign, case.brand) == ((a_campaign(), a_brand()) if checked else (None, None))

    def test_without_a_number_there_is_nothing_to_check(self):
        """The sender rule has ended the matter."""
        case = a_case(sender=a_sender(number=None))

        assert (case.registration_checked, case.campaign, case.brand) == (False, None, None)

    @pytest.mark.parametrize(
        ("state", "age_s", "origin", "usable"),
        [
            ("live", 0, "api", True),
            ("live", 10**9, "api", True),
            ("stale", 900, "app", True),
            ("stale", 901, "app", False),
            ("stale", 5, "api", True),
            ("stale", 6, "api", False),
            ("stale", 6, "bogus", False),
            ("unavailable", 0, "app", False),
            ("bogus", 0, "app", False),
        ],
    )
    def test_facts_may_be_used_while_they_are_young_enough(self, state, age_s, origin, usable):
        """A program gets far less than a person."""
        case = a_case(message=a_message(origin=origin), registry=RegistryState(state, age_s))

        assert case.registry_usable is usable
        assert (case.campaign, case.brand) == ((a_campaign(), a_brand()) if usable else (None, None))

    @pytest.mark.parametrize(
        ("assignment", "has_campaign"),
        [
            (None, False),
            (an_assignment(state="removing"), False),
            (an_assignment(state="pending"), True),
            (an_assignment(state="failed"), True),
            (an_assignment(state="bogus"), True),
            (an_assignment(campaign_id="C2"), True),
        ],
    )
    def test_campaign_and_brand_are_those_of_an_assignment(self, assignment, has_campaign):
        """Even of a bad one, so that all that is wrong is said."""
        case = a_case(sender=a_sender(number=a_number(assignment=assignment)))

        assert (case.campaign, case.brand) == ((a_campaign(), a_brand()) if has_campaign else (None, None))


class TestReply:
    @pytest.mark.parametrize(
        ("age", "is_reply"),
        [
            (None, False),
            (timedelta(seconds=-1), False),
            (timedelta(0), True),
            (timedelta(hours=1), True),
            (timedelta(hours=1, seconds=1), False),
            # Whole seconds count: a stored record holds no more.
            (timedelta(hours=1, milliseconds=-500), True),
            (timedelta(milliseconds=-500), True),
        ],
    )
    def test_an_answer_within_the_hour(self, age, is_reply):
        """Ends included."""
        at = None if age is None else AT - age

        assert a_case(message=a_message(in_reply_to_inbound_at=at)).is_reply is is_reply

    def test_a_fraction_of_a_second_makes_no_difference(self):
        """11:00:00.9 and 12:00:01.1 are an hour and a second apart, however one measures."""
        inbound_at = AT - timedelta(hours=1) + timedelta(milliseconds=900)
        at = AT + timedelta(seconds=1, milliseconds=100)

        assert not a_case(at=at, message=a_message(in_reply_to_inbound_at=inbound_at)).is_reply
