from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from compliance.codes import Code
from compliance.decide import decide
from compliance.decision import Decision, Finding, Severity, Verdict
from compliance.facts import RegistryState
from compliance.pacific import PACIFIC
from compliance.policy import Adjustment
from tests.builders import (
    CANADA,
    CARRIER_ACTUAL,
    CURRENT,
    PUERTO_RICO,
    SEED,
    TENANT,
    TOLL_FREE,
    US,
    a_brand,
    a_campaign,
    a_message,
    a_number,
    a_recipient,
    a_sender,
    an_assignment,
    some_facts,
    some_usage,
)

SECOND = timedelta(seconds=1)
ENFORCED_FROM = datetime(2023, 2, 15, tzinfo=PACIFIC)
SEED_UNTIL = datetime(2023, 4, 1, tzinfo=PACIFIC)
ACTUAL_MMS_UNTIL = datetime(2023, 9, 20, tzinfo=PACIFIC)
ACTUAL_UNTIL = datetime(2024, 6, 17, tzinfo=PACIFIC)

PRE = Code.FLAG_UNREGISTERED_PRE_ENFORCEMENT
GRANDFATHERED = Code.FLAG_GRANDFATHERED_UNREGISTERED
ABROAD = Code.OK_NON_US_DESTINATION

UNASSIGNED = None
PENDING = an_assignment(state="pending")

#: Was texting before the programme began, and nothing changed since.
OLD_NUMBER = a_number(assignment=UNASSIGNED, sms_enabled_at=ENFORCED_FROM - SECOND)
OLD_SENDER = a_sender(customer_since=date(2023, 2, 14), number=OLD_NUMBER)


def judged(policy, at, *, sender=None, assignment=UNASSIGNED, to=US, **fields):
    """Judge a message from a number with this assignment; by default from a new customer."""
    sender = sender or a_sender(number=a_number(assignment=assignment))
    return decide(some_facts(at=at, message=a_message(to=to), sender=sender, **fields), policy)


def relieved(flag, code):
    """Expect a relief: its flag, then the code as information."""
    return Decision(Verdict.FLAG, flag, (Finding(flag, Severity.FLAG), Finding(code, Severity.INFO)))


class TestBeforeEnforcement:
    @pytest.mark.parametrize("policy", [SEED, CARRIER_ACTUAL])
    @pytest.mark.parametrize("to", [US, PUERTO_RICO, TOLL_FREE])
    @pytest.mark.parametrize(
        ("assignment", "code"),
        [(UNASSIGNED, Code.DID_UNASSIGNED), (PENDING, Code.DID_ASSIGNMENT_PENDING)],
    )
    def test_not_registered_yet_is_flagged_until_the_start(self, policy, to, assignment, code):
        """The start itself belongs to the later period."""
        decision = judged(policy, ENFORCED_FROM - SECOND, assignment=assignment, to=to)

        assert decision == relieved(PRE, code)
        assert judged(policy, ENFORCED_FROM, assignment=assignment, to=to).reason == code

    def test_the_current_policy_knows_no_dates(self):
        """Whatever the clock says."""
        assert judged(CURRENT, ENFORCED_FROM - SECOND).reason == Code.DID_UNASSIGNED
        assert judged(CURRENT, ENFORCED_FROM - SECOND, sender=OLD_SENDER).reason == Code.DID_UNASSIGNED

    @pytest.mark.parametrize(
        ("sender", "code"),
        [
            (a_sender(number=a_number(assignment=an_assignment(state="failed"))), Code.DID_ASSIGNMENT_FAILED),
            (a_sender(campaign=a_campaign(status="pending")), Code.CAMPAIGN_PENDING),
            (a_sender(campaign=a_campaign(status="suspended")), Code.CAMPAIGN_SUSPENDED),
            (a_sender(campaign=a_campaign(mock=True)), Code.MOCK_CAMPAIGN),
            (a_sender(brand=a_brand(status="unverified")), Code.BRAND_UNVERIFIED),
            (a_sender(number=a_number(assignment=UNASSIGNED, sms="disabled")), Code.DID_NOT_SMS_ENABLED),
        ],
    )
    def test_every_other_code_still_blocks(self, sender, code):
        """The relief is for numbers without a campaign, not for bad ones."""
        decision = judged(SEED, ENFORCED_FROM - SECOND, sender=sender)

        assert (decision.verdict, decision.reason) == (Verdict.BLOCK, code)

    def test_an_unavailable_registry_still_blocks(self):
        """What cannot be said cannot be relieved."""
        decision = judged(SEED, ENFORCED_FROM - SECOND, registry=RegistryState("unavailable"))

        assert decision.reason == Code.REGISTRY_UNAVAILABLE


class TestGrandfathered:
    @pytest.mark.parametrize(
        ("policy", "until"),
        [(SEED, SEED_UNTIL), (CARRIER_ACTUAL, ACTUAL_UNTIL)],
    )
    @pytest.mark.parametrize("to", [US, PUERTO_RICO, TOLL_FREE])
    def test_who_was_texting_before_is_flagged_for_a_while(self, policy, until, to):
        """From the start on, and until the day of the policy."""
        for at in (ENFORCED_FROM, until - SECOND):
            assert judged(policy, at, sender=OLD_SENDER, to=to) == relieved(GRANDFATHERED, Code.DID_UNASSIGNED)
        assert judged(policy, until, sender=OLD_SENDER, to=to).reason == Code.DID_UNASSIGNED

    @pytest.mark.parametrize(
        ("carrier", "participants", "until"),
        [
            ("att", 2, ACTUAL_MMS_UNTIL),
            ("verizon", 2, ACTUAL_MMS_UNTIL),
            ("tmobile", 2, ACTUAL_UNTIL),
            ("us_cellular", 2, ACTUAL_UNTIL),
            (None, 2, ACTUAL_UNTIL),
            ("att", 1, ACTUAL_UNTIL),
            ("verizon", 1, ACTUAL_UNTIL),
        ],
    )
    def test_two_carriers_closed_earlier_for_mms(self, carrier, participants, until):
        """As they really did."""
        facts = some_facts(
            message=a_message(participants=participants),
            sender=OLD_SENDER,
            recipient=a_recipient(carrier=carrier),
        )

        assert decide(facts._replace(at=until - SECOND), CARRIER_ACTUAL).reason == GRANDFATHERED
        assert decide(facts._replace(at=until), CARRIER_ACTUAL).reason == Code.DID_UNASSIGNED

    def test_the_seed_policy_makes_no_difference_for_mms(self):
        """Its pages name one date."""
        facts = some_facts(message=a_message(participants=2), sender=OLD_SENDER, recipient=a_recipient(carrier="att"))

        assert decide(facts._replace(at=SEED_UNTIL - SECOND), SEED).reason == GRANDFATHERED
        assert decide(facts._replace(at=SEED_UNTIL), SEED).reason == Code.DID_UNASSIGNED

    @pytest.mark.parametrize(
        ("sender", "is_old"),
        [
            (OLD_SENDER, True),
            (OLD_SENDER._replace(customer_since=date(2023, 2, 15)), False),
            (OLD_SENDER._replace(number=OLD_NUMBER._replace(sms_enabled_at=ENFORCED_FROM)), False),
            (OLD_SENDER._replace(number=OLD_NUMBER._replace(sms_enabled_at=None)), False),
            (OLD_SENDER._replace(number=OLD_NUMBER._replace(number_changed_at=ENFORCED_FROM - SECOND)), True),
            (OLD_SENDER._replace(number=OLD_NUMBER._replace(number_changed_at=ENFORCED_FROM)), False),
            (OLD_SENDER._replace(number=OLD_NUMBER._replace(licence_changed_at=ENFORCED_FROM - SECOND)), True),
            (OLD_SENDER._replace(number=OLD_NUMBER._replace(licence_changed_at=ENFORCED_FROM)), False),
            (OLD_SENDER._replace(number=OLD_NUMBER._replace(assignment=PENDING)), True),
        ],
    )
    def test_who_was(self, sender, is_old):
        """Customer and number from before 2023-02-15 Pacific, and neither number nor licence changed since."""
        reason = judged(SEED, ENFORCED_FROM, sender=sender).reason

        assert (reason == GRANDFATHERED) is is_old

    @pytest.mark.parametrize("sms", ["disabled", "superseded"])
    def test_a_number_that_is_switched_off_is_not(self, sms):
        """Its registration blocks too, then."""
        sender = OLD_SENDER._replace(number=OLD_NUMBER._replace(sms=sms))

        findings = judged(SEED, ENFORCED_FROM, sender=sender).findings

        assert Finding(Code.DID_UNASSIGNED, Severity.BLOCK) in findings


class TestCanada:
    @pytest.mark.parametrize("policy", [CURRENT, SEED, CARRIER_ACTUAL])
    @pytest.mark.parametrize("at", [ENFORCED_FROM - SECOND, ENFORCED_FROM, ACTUAL_UNTIL])
    @pytest.mark.parametrize(
        ("sender", "code"),
        [
            (a_sender(number=a_number(assignment=UNASSIGNED)), Code.DID_UNASSIGNED),
            (a_sender(number=a_number(assignment=PENDING)), Code.DID_ASSIGNMENT_PENDING),
            (a_sender(campaign=a_campaign(sharing="pending")), Code.CAMPAIGN_PENDING),
            (a_sender(brand=a_brand(status="pending")), Code.BRAND_UNVERIFIED),
            (OLD_SENDER, Code.DID_UNASSIGNED),
        ],
    )
    def test_not_registered_yet_is_flagged(self, policy, at, sender, code):
        """Under every policy and date, and before the relief of dates."""
        assert judged(policy, at, sender=sender, to=CANADA) == relieved(ABROAD, code)

    def test_several_codes_get_one_flag(self):
        """In the place of the first."""
        sender = a_sender(
            number=a_number(assignment=PENDING),
            campaign=a_campaign(status="draft"),
            brand=a_brand(status="pending"),
        )

        decision = judged(CURRENT, ACTUAL_UNTIL, sender=sender, to=CANADA, recipient=a_recipient(line="landline"))

        assert decision == Decision(
            Verdict.FLAG,
            Code.DESTINATION_LANDLINE,
            (
                Finding(Code.DESTINATION_LANDLINE, Severity.FLAG),
                Finding(ABROAD, Severity.FLAG),
                Finding(Code.DID_ASSIGNMENT_PENDING, Severity.INFO),
                Finding(Code.CAMPAIGN_PENDING, Severity.INFO),
                Finding(Code.BRAND_UNVERIFIED, Severity.INFO),
            ),
        )

    @pytest.mark.parametrize(
        ("sender", "code"),
        [
            (a_sender(number=a_number(assignment=an_assignment(state="failed"))), Code.DID_ASSIGNMENT_FAILED),
            (a_sender(campaign=a_campaign(status="suspended")), Code.CAMPAIGN_SUSPENDED),
            (a_sender(campaign=a_campaign(status="expired")), Code.CAMPAIGN_EXPIRED),
            (a_sender(campaign=a_campaign(status="rejected")), Code.CAMPAIGN_REJECTED),
            (a_sender(campaign=a_campaign(sharing="declined")), Code.CAMPAIGN_DECLINED),
            (a_sender(campaign=a_campaign(mock=True)), Code.MOCK_CAMPAIGN),
            (a_sender(brand=a_brand(status="deleted")), Code.BRAND_DELETED),
        ],
    )
    def test_every_other_code_still_blocks(self, sender, code):
        """Something is wrong, not merely unfinished."""
        decision = judged(CURRENT, ACTUAL_UNTIL, sender=sender, to=CANADA)

        assert (decision.verdict, decision.reason) == (Verdict.BLOCK, code)
        assert ABROAD not in [finding.code for finding in decision.findings]

    def test_an_unavailable_registry_still_blocks(self):
        """There too."""
        decision = judged(CURRENT, ACTUAL_UNTIL, to=CANADA, registry=RegistryState("unavailable"))

        assert decision.reason == Code.REGISTRY_UNAVAILABLE

    def test_a_clean_message_gets_no_flag(self):
        """With nothing to relieve, nothing is added."""
        assert judged(CURRENT, ACTUAL_UNTIL, sender=a_sender(), to=CANADA).reason == Code.OK_REGISTERED

    def test_a_deferral_stands(self):
        """A relief lifts registration only."""
        decision = judged(CURRENT, ACTUAL_UNTIL, to=CANADA, usage=some_usage(number_second=4))

        assert (decision.verdict, decision.reason) == (Verdict.DEFER, Code.THROUGHPUT_DID)


class TestPolicy:
    def test_what_the_policy_softened_needs_no_relief(self):
        """Only blocks are relieved."""
        softer = replace(CURRENT, adjustments=(Adjustment(code=Code.DID_UNASSIGNED, severity=Severity.FLAG),))

        assert judged(softer, ACTUAL_UNTIL, to=CANADA) == Decision(
            Verdict.FLAG,
            Code.DID_UNASSIGNED,
            (Finding(Code.DID_UNASSIGNED, Severity.FLAG),),
        )

    @pytest.mark.parametrize("tenant", [None, TENANT])
    def test_a_relief_flag_may_be_weighed_too(self, tenant):
        """An operator may refuse what carriers would still take."""
        strict = Adjustment(code=GRANDFATHERED, severity=Severity.BLOCK, tenant=tenant, expires=SEED_UNTIL)

        decision = judged(replace(SEED, adjustments=(strict,)), ENFORCED_FROM, sender=OLD_SENDER)

        assert (decision.verdict, decision.reason) == (Verdict.BLOCK, GRANDFATHERED)
