"""Brand x campaign x assignment x licence x the user's other numbers, enumerated: what each step may do."""

import itertools
from dataclasses import replace

import pytest

from compliance.codes import Code
from registry.lifecycle.numbers import ASSIGNMENT, LICENCE, SMS
from registry.lifecycle.registration import BRAND, CAMPAIGN, SHARING
from registry.lifecycle.standing import (
    COMMANDS,
    RefusedError,
    Registered,
    Standing,
    lacking,
    lose,
    provisioned,
    supersede,
)

UNHEARD = "of_a_kind_unheard_of"
BRANDS = sorted(BRAND.states | {UNHEARD})
CAMPAIGNS = sorted(CAMPAIGN.states | {UNHEARD})
SHARINGS = sorted(SHARING.states | {UNHEARD})
ASSIGNMENTS = sorted(ASSIGNMENT.states | {UNHEARD})
SMS_STATES = sorted(SMS.states | {UNHEARD})


def registrations():
    """Every brand with every campaign."""
    for brand, campaign, sharing, dca, use_case in itertools.product(
        BRANDS, CAMPAIGNS, SHARINGS, (False, True), ("low_volume", "sole_proprietor")
    ):
        yield Registered(brand=brand, campaign=campaign, sharing=sharing, dca_complete=dca, use_case=use_case)


#: One registration for each thing that can be lacking, and the good ones.
KINDS = list({(lacking(one), one.use_case): one for one in registrations()}.values())


def standings():
    """Every number with every registration that differs in what is lacking."""
    for registered, assignment, sms, licensed, others, owned, page, room in itertools.product(
        KINDS, ASSIGNMENTS, SMS_STATES, (True, False), (0, 1, 2), (True, False), (True, False), (True, False)
    ):
        yield Standing(
            registered=registered,
            assignment=assignment,
            sms=sms,
            licensed=licensed,
            others=others,
            owned=owned,
            sms_page=page,
            room=room,
        )


def taken(step, standing):
    """What a step makes of a standing; None when it is refused."""
    try:
        return step(standing)
    except RefusedError:
        return None


def test_both_are_verified_in_exactly_these_states():
    """Brand verified or vetted, self-declared for a sole proprietor; campaign active, shared, through every review."""
    good = {(one.brand, one.use_case) for one in registrations() if lacking(one) is None}

    assert good == {
        ("verified", "low_volume"),
        ("vetted_verified", "low_volume"),
        ("verified", "sole_proprietor"),
        ("vetted_verified", "sole_proprietor"),
        ("self_declared", "sole_proprietor"),
    }
    assert all(
        (one.campaign, one.sharing, one.dca_complete) == ("active", "accepted", True)
        for one in registrations()
        if lacking(one) is None
    )


def test_the_whole_product():
    """Brand x campaign x sharing x reviews x assignment x SMS x licence x other numbers: each word with each.

    Enabling and assigning are held to the rule in its own words; at most one number of the person's is on afterwards.
    """
    states = list(itertools.product(ASSIGNMENTS, SMS_STATES, (*sorted(LICENCE.states), UNHEARD), (0, 1, 2)))
    enabled = 0
    for one in registrations():
        sole = one.brand == "self_declared" and one.use_case == "sole_proprietor"
        is_verified = (one.brand in {"verified", "vetted_verified"} or sole) and (
            (one.campaign, one.sharing, one.dca_complete) == ("active", "accepted", True)
        )
        for assignment, sms, licence, others in states:
            licensed = licence == "texting"
            here = Standing(registered=one, assignment=assignment, sms=sms, licensed=licensed, others=others)
            on = taken(COMMANDS["enable"], here)
            assert (on is not None) is (is_verified and licensed and assignment not in {"removing", "failed"}), here
            assert (taken(COMMANDS["assign"], here) is not None) is is_verified, here
            if on is not None:
                enabled += 1
                assert (on.sms, on.others) == ("enabled", 0)
    assert supersede(Standing(sms="enabled")).sms == "superseded"  # (those that were on before)
    assert enabled == 5 * 3 * len(SMS_STATES) * (len(ASSIGNMENTS) - 2)


def test_what_is_lacking_is_the_judge_s_word():
    """A refusal in the console and a refusal of a text speak of the same thing."""
    assert {lacking(one) for one in registrations()} - {None} == {
        Code.BRAND_UNVERIFIED,
        Code.BRAND_SUSPENDED,
        Code.BRAND_DELETED,
        Code.CAMPAIGN_PENDING,
        Code.CAMPAIGN_REJECTED,
        Code.CAMPAIGN_SUSPENDED,
        Code.CAMPAIGN_EXPIRED,
        Code.CAMPAIGN_DEACTIVATED,
        Code.CAMPAIGN_DECLINED,
    }
    assert lacking(replace(next(one for one in registrations() if lacking(one) is None), mock=True)) is (
        Code.MOCK_CAMPAIGN
    )


class TestEveryStanding:
    def test_enable_wants_everything_verified_and_leaves_one_number_on(self):
        """Refused without VERIFIED, licence, owner; done, the user has one enabled number: this one."""
        done = refused = 0
        for standing in standings():
            after = taken(COMMANDS["enable"], standing)
            if after is None:
                refused += 1
                continue
            done += 1
            assert lacking(standing.registered) is None
            assert standing.licensed
            assert standing.owned
            assert (after.sms, after.others) == ("enabled", 0)
            assert after.assignment == standing.assignment or (standing.assignment, after.assignment) == ("", "pending")
            assert standing.room or after.assignment == standing.assignment
        assert done > 50
        assert refused > 1000

    def test_no_step_makes_a_second_enabled_number(self):
        """Only enable switches on, and it takes the others' place."""
        for standing in standings():
            for name, step in COMMANDS.items():
                after = taken(step, standing)
                if after is not None and name != "enable":
                    assert after.sms in {standing.sms, "disabled"}
                    assert after.others == standing.others

    def test_assign_wants_everything_verified_and_room(self):
        """And never says that the aggregator has done it."""
        for standing in standings():
            after = taken(COMMANDS["assign"], standing)
            if after is not None:
                assert lacking(standing.registered) is None
                assert standing.room
                assert after.assignment == "pending"

    def test_no_command_makes_a_number_send_by_itself(self):
        """The aggregator has to confirm; what could not send before can send only where it was assigned already."""
        for standing in standings():
            for step in COMMANDS.values():
                after = taken(step, standing)
                if after is not None and after.can_send and not standing.can_send:
                    assert standing.assignment == "assigned"

    def test_switching_off_and_taking_away_are_always_possible(self):
        """Whatever the registration is like: nobody is kept texting."""
        for standing in standings():
            assert COMMANDS["disable"](standing).sms == "disabled"
            gone = COMMANDS["remove"](standing)
            assert (gone.sms, gone.sms_page) == ("disabled", False)
            assert gone.assignment in {"", "removing"}
            assert lose(standing).sms == "disabled"

    def test_later_events_may_leave_an_enabled_number_that_cannot_send(self):
        """They do not switch it off: it sends again once the campaign is back."""
        sending = next(one for one in standings() if one.can_send)
        suspended = replace(sending, registered=replace(sending.registered, campaign="suspended"))

        assert (suspended.sms, suspended.can_send) == ("enabled", False)

    def test_unknown_words_never_send(self):
        """Neither as brand, campaign, sharing, assignment nor enablement."""
        for standing in standings():
            if UNHEARD in {standing.assignment, standing.sms}:
                assert not standing.can_send
        assert all(
            lacking(one) is not None for one in registrations() if UNHEARD in {one.brand, one.campaign, one.sharing}
        )


@pytest.mark.parametrize(
    ("standing", "code"),
    [
        (Standing(kind="toll_free"), "number_cannot_text"),
        (Standing(owned=False), "number_without_user"),
        (Standing(licensed=False), "licence_cannot_text"),
        (Standing(assignment="removing"), "assignment_removing"),
        (Standing(assignment="failed", sms_page=True), "assign_on_sms_page"),
        (Standing(sms_page=True), "assign_on_sms_page"),
        (Standing(), "brand_unverified"),
    ],
)
def test_a_refusal_says_what_to_do_first(standing, code):
    """The nearest to the number comes first: no use in a campaign for a number that cannot text."""
    with pytest.raises(RefusedError) as refused:
        COMMANDS["enable"](standing)
    assert refused.value.code == code


def test_the_seeds_way():
    """New number, everything VERIFIED: enable, then the aggregator; it sends."""
    good = Registered(brand="verified", campaign="active", sharing="accepted", dca_complete=True)
    enabled = COMMANDS["enable"](Standing(registered=good))

    assert (enabled.sms, enabled.assignment, enabled.can_send) == ("enabled", "pending", False)
    assert provisioned(enabled).can_send


def test_the_way_of_those_who_texted_before():
    """On the SMS page without a campaign: assign there, and nothing else has to be done."""
    good = Registered(brand="verified", campaign="active", sharing="accepted", dca_complete=True)
    legacy = Standing(registered=good, sms="enabled", sms_page=True)

    assert provisioned(COMMANDS["assign"](legacy)).can_send
