from datetime import datetime, timedelta

import pytest

from compliance.codes import Code
from compliance.decision import Verdict
from compliance.facts import Facts, Owner
from gateway.envelope import Channel, TrafficClass
from gateway.near.source import Reading
from gateway.send.gather import Gathered, Leg
from gateway.send.judgement import Judged, judge, release_at, strictest_leg
from tests.builders import (
    AT,
    CANADA,
    CURRENT,
    DID,
    TENANT,
    USER,
    a_campaign,
    a_message,
    a_recipient,
    a_sender,
    some_facts,
    some_usage,
)

COLLEAGUE = Owner(tenant=TENANT, user="u2")


def gathered(*facts: Facts, user: str | None = USER, sender: str | None = DID) -> Gathered:
    """Gather a message whose legs have these facts."""
    legs = tuple(Leg(to=one.message.to, number=one.message.to, facts=one) for one in facts)
    reading = Reading(documents={}, seq=1, age_ms=0)
    return Gathered(user=user, sender=sender, legs=legs, reading=reading, is_known=True, sender_json=b"{}")


def judged(*facts: Facts, send_at: datetime | None = None, expires_at: datetime | None = None, **of: object) -> Judged:
    """Judge such a message; a crash fails the test."""

    def crashed(failure: Exception) -> None:
        raise failure

    return judge(gathered(*facts, **of), CURRENT, send_at=send_at, expires_at=expires_at, crashed=crashed)


def in_app(**fields) -> Facts:
    """Facts of a text that a person typed."""
    return some_facts(message=a_message(origin="app"), **fields)


def from_program(**fields) -> Facts:
    """Facts of a text that a program sent, for a campaign that programs may use."""
    return some_facts(**{"message": a_message(origin="api"), "sender": a_program()} | fields)


def a_program(use_case: str = "low_volume"):
    """A sender with a campaign of a use case."""
    return a_sender(campaign=a_campaign(use_case=use_case))


TOO_FAST = some_usage(number_second=4)
OVER_THE_CAP = {"recipient": a_recipient(carrier="tmobile"), "usage": some_usage(tmobile_brand_day=200_000)}
#: The next midnight in Los Angeles after AT, which is noon there.
MIDNIGHT = AT + timedelta(hours=12)


class TestOneLeg:
    def test_an_allowed_text_goes_at_once(self):
        """Four hours long, and without a cause."""
        (leg,) = judged(in_app()).legs

        assert (leg.accepted, leg.send_after, leg.expires_at) == (True, None, AT + timedelta(hours=4))
        assert (leg.decision.verdict, leg.channel, leg.caused_by) == (Verdict.ALLOW, Channel.SMS, 0)

    def test_a_login_code_is_soon_worth_nothing(self):
        """Ten minutes."""
        (leg,) = judged(from_program(sender=a_program("2fa"))).legs

        assert leg.expires_at == AT + timedelta(minutes=10)

    def test_a_scheduled_text_lives_from_its_start(self):
        """And is judged now."""
        at = AT + timedelta(days=2)
        (leg,) = judged(in_app(), send_at=at).legs

        assert (leg.send_after, leg.expires_at) == (at, at + timedelta(hours=4))

    def test_the_sender_says_when_it_expires(self):
        """Whatever the use case."""
        at = AT + timedelta(minutes=1)

        assert judged(from_program(sender=a_program("2fa")), expires_at=at).legs[0].expires_at == at

    @pytest.mark.parametrize(
        ("origin", "use_case", "expected"),
        [
            ("app", "2fa", TrafficClass.P2P),
            ("api", "2fa", TrafficClass.URGENT),
            ("api", "fraud_alert", TrafficClass.URGENT),
            ("api", "security_alert", TrafficClass.URGENT),
            ("api", "marketing", TrafficClass.BULK),
            ("api", "low_volume", TrafficClass.BULK),
        ],
    )
    def test_who_goes_first(self, origin, use_case, expected):
        """A person's texts among persons', codes and alerts before all, the rest in bulk."""
        facts = some_facts(message=a_message(origin=origin), sender=a_program(use_case))

        assert judged(facts).legs[0].traffic_class is expected


class TestLater:
    def test_a_second_is_waited_for(self):
        """Too many from one number."""
        (leg,) = judged(in_app(usage=TOO_FAST)).legs

        assert (leg.decision.reason, leg.accepted) == (Code.THROUGHPUT_DID, True)
        assert leg.send_after == AT + timedelta(seconds=1)

    def test_a_person_does_not_wait_until_tomorrow(self):
        """Over ten minutes it is a no, which says when it could go."""
        (leg,) = judged(in_app(**OVER_THE_CAP), expires_at=AT + timedelta(days=2)).legs

        assert (leg.decision.reason, leg.accepted, leg.send_after) == (Code.DAILY_CAP_TMO_BRAND, False, MIDNIGHT)

    def test_a_program_does(self):
        """If the message still lives then."""
        facts = from_program(**OVER_THE_CAP)

        assert judged(facts, expires_at=MIDNIGHT + timedelta(seconds=1)).legs[0].accepted
        assert not judged(facts, expires_at=MIDNIGHT).legs[0].accepted
        assert not judged(facts).legs[0].accepted

    def test_a_scheduled_text_waits_no_longer_than_it_wants(self):
        """By then there is room."""
        (leg,) = judged(in_app(**OVER_THE_CAP), send_at=MIDNIGHT + timedelta(hours=9)).legs

        assert (leg.accepted, leg.send_after) == (True, MIDNIGHT + timedelta(hours=9))

    @pytest.mark.parametrize(
        ("code", "after"),
        [
            (Code.THROUGHPUT_DID, timedelta(seconds=1)),
            (Code.THROUGHPUT_ATT_CAMPAIGN, timedelta(seconds=20)),
            (Code.DAILY_CAP_TMO_BRAND, timedelta(hours=12, seconds=-40)),
        ],
    )
    def test_when_there_is_room_again(self, code, after):
        """The next second, the next minute, the next day in Los Angeles."""
        at = AT + timedelta(seconds=40)

        assert release_at(code, at) == at + after


class TestGroups:
    def test_the_strictest_outsider_counts_for_all_of_them(self):
        """Each keeps what the rules say of it alone; who caused it is named."""
        fine = some_facts()
        flagged = some_facts(recipient=a_recipient(line="landline"))
        refused = some_facts(message=a_message(to="+442071234567"))
        colleague = some_facts(recipient=a_recipient(directory=COLLEAGUE))

        one = judged(fine, flagged, colleague, refused)

        assert [leg.own.verdict for leg in one.legs] == ["allow", "flag", "allow", "block"]
        assert [leg.decision.verdict for leg in one.legs] == ["block", "block", "allow", "block"]
        assert [leg.caused_by for leg in one.legs] == [3, 3, 2, 3]
        assert [leg.accepted for leg in one.legs] == [False, False, True, False]
        assert (one.accepted, one.partial) == (True, True)
        assert strictest_leg(one.legs) is one.legs[0]

    def test_of_equals_the_first(self):
        """One reason is enough."""
        first = some_facts(message=a_message(to="911"))
        second = some_facts(message=a_message(to="+442071234567"))

        assert {leg.decision.reason for leg in judged(first, second).legs} == {Code.DESTINATION_EMERGENCY}

    def test_colleagues_among_themselves(self):
        """No outsider, no condition."""
        colleague = some_facts(recipient=a_recipient(directory=COLLEAGUE), message=a_message(sender=None))

        one = judged(colleague, colleague, sender=None)

        assert [leg.channel for leg in one.legs] == [Channel.IM, Channel.IM]
        assert (one.accepted, one.partial) == (True, False)

    def test_a_wait_of_one_is_a_wait_of_all(self):
        """They go together."""
        one = judged(in_app(), in_app(usage=TOO_FAST))

        assert [leg.send_after for leg in one.legs] == [AT + timedelta(seconds=1)] * 2


class TestNoNumber:
    @pytest.mark.parametrize(
        ("to", "own", "counts"),
        [
            (CANADA, Code.INVALID_SENDER, Code.DID_NOT_SMS_ENABLED),
            ("911", Code.DESTINATION_EMERGENCY, Code.DESTINATION_EMERGENCY),
        ],
    )
    def test_the_user_hears_what_is_missing(self, to, own, counts):
        """The record keeps what the rules say, so that it replays; an emergency comes first."""
        facts = some_facts(
            message=a_message(to=to, sender=None), sender=a_sender(number=None, campaign=None, brand=None)
        )

        (leg,) = judged(facts, sender=None).legs

        assert (leg.own.reason, leg.decision.reason) == (own, counts)

    def test_a_sender_that_is_no_number_is_another_thing(self):
        """Somebody wrote it."""
        facts = some_facts(message=a_message(sender="ACME"), sender=a_sender(number=None))

        assert judged(facts, sender="ACME").legs[0].decision.reason is Code.INVALID_SENDER


def test_a_crashed_rule_is_never_a_pass():
    """A chosen outcome, refused with 503, and told."""
    broken = some_facts(usage=None)
    told: list[Exception] = []

    one = judge(gathered(broken, broken), CURRENT, send_at=None, expires_at=None, crashed=told.append)

    assert [leg.decision.reason for leg in one.legs] == [Code.REGISTRY_UNAVAILABLE] * 2
    assert not one.accepted
    assert len(told) == 2
