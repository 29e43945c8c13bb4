from dataclasses import replace
from datetime import timedelta

import pytest

from compliance.codes import HARD_CODES, Code
from compliance.decide import INTERNAL, REGISTERED, decide
from compliance.decision import Decision, Finding, Severity, Verdict, blocks, defers, ends, flags
from compliance.facts import RegistryState
from compliance.policy import Adjustment
from compliance.rules import ALL_CHECKS, RECHECKS, REGISTRATION_CHECKS
from tests.builders import (
    AT,
    CURRENT,
    TENANT,
    a_brand,
    a_campaign,
    a_message,
    a_recipient,
    a_sender,
    an_opt_out,
    an_owner,
    some_facts,
    some_usage,
)

FACTS = some_facts()
MONITOR = replace(CURRENT, mode="monitor")


def judged(*findings, policy=CURRENT, facts=FACTS):
    """Decide as if each rule had found one of these."""
    return decide(facts, policy, tuple(lambda case, found=found: found for found in findings))


def codes(decision):
    """List what was found, in order."""
    return [finding.code for finding in decision.findings]


class TestInternal:
    def test_a_colleague_is_reached_whatever_else_is_wrong(self):
        """Same tenant by the directory: nothing else is looked at."""
        facts = some_facts(
            message=a_message(to="911", sender=None, text="bit.ly", participants=99),
            sender=a_sender(number=None, campaign=None, brand=None),
            recipient=a_recipient(directory=an_owner(user="u2"), opted_out=an_opt_out()),
            usage=some_usage(number_second=10**6),
            registry=RegistryState("unavailable"),
        )

        assert decide(facts, CURRENT) == INTERNAL == Decision(Verdict.ALLOW, Code.OK_INTERNAL_IM, ())

    def test_another_tenant_of_the_provider_is_an_outsider(self):
        """Being in the directory is not enough."""
        facts = some_facts(recipient=a_recipient(directory=an_owner(tenant="t2"), opted_out=an_opt_out()))

        assert decide(facts, CURRENT).reason == Code.RECIPIENT_OPTED_OUT


class TestVerdict:
    def test_without_findings_a_message_is_allowed(self):
        """The builders' own message."""
        assert decide(FACTS, CURRENT) == REGISTERED == Decision(Verdict.ALLOW, Code.OK_REGISTERED, ())

    @pytest.mark.parametrize(
        ("found", "verdict"),
        [
            (flags(Code.CONTENT_SHAFT), Verdict.FLAG),
            (defers(Code.THROUGHPUT_DID), Verdict.DEFER),
            (blocks(Code.BRAND_DELETED), Verdict.BLOCK),
        ],
    )
    def test_a_finding_decides_by_its_severity(self, found, verdict):
        """And its code is the reason."""
        assert judged(found) == Decision(verdict, found[0].code, found)

    def test_information_decides_nothing(self):
        """It is shown and the message goes."""
        found = (Finding(Code.DID_UNASSIGNED, Severity.INFO),)

        assert judged(found) == Decision(Verdict.ALLOW, Code.OK_REGISTERED, found)

    def test_the_strictest_severity_wins_and_its_first_finding_is_the_reason(self):
        """Block before defer before flag; the rest is kept in order."""
        found = [
            flags(Code.CONTENT_SHAFT),
            defers(Code.THROUGHPUT_DID),
            blocks(Code.BRAND_DELETED),
            flags(Code.CONTENT_PHISHING),
            defers(Code.DAILY_CAP_TMO_BRAND),
            blocks(Code.CAMPAIGN_EXPIRED),
        ]

        assert judged(*found) == Decision(Verdict.BLOCK, Code.BRAND_DELETED, tuple(each[0] for each in found))
        assert judged(*found[:2], found[3], found[4]).reason == Code.THROUGHPUT_DID
        assert judged(found[3], found[0]).reason == Code.CONTENT_PHISHING

    def test_a_code_stands_once(self):
        """Found twice, it keeps its first place and the higher severity."""
        code = Code.CAMPAIGN_MNO_NOT_APPROVED
        strict, mild, other = blocks(code), flags(code), flags(Code.CONTENT_SHAFT)

        assert judged(mild, other, strict).findings == strict + other
        assert judged(strict, other, mild).findings == strict + other
        assert judged(strict, strict).findings == strict
        assert judged(strict, ends(code)).findings == strict

    def test_a_finding_that_ends_stops_later_checks(self):
        """What came before is kept, and what the same check found."""
        before, last, after = flags(Code.CONTENT_SHAFT), ends(Code.INVALID_DESTINATION), blocks(Code.BRAND_DELETED)

        assert judged(before, last, after).findings == before + last
        assert judged(before, after + last, defers(Code.THROUGHPUT_DID)).findings == before + after + last

    def test_other_codes_leave_out_the_reason(self):
        """As records and answers show them."""
        decision = judged(flags(Code.CONTENT_SHAFT), blocks(Code.BRAND_DELETED), flags(Code.CONTENT_PHISHING))

        assert decision.other_codes == ["content_shaft", "content_phishing"]


class TestMonitorMode:
    def test_a_block_is_reported_as_a_flag(self):
        """Same reason, same findings."""
        found = [flags(Code.CONTENT_SHAFT), blocks(Code.BRAND_DELETED)]

        assert judged(*found, policy=MONITOR) == Decision(Verdict.FLAG, Code.BRAND_DELETED, found[0] + found[1])

    @pytest.mark.parametrize("code", sorted(HARD_CODES))
    def test_a_hard_code_still_blocks(self, code):
        """And is the reason, wherever it stands."""
        found = [blocks(Code.BRAND_DELETED), blocks(code), blocks(Code.MESSAGE_TOO_LONG)]

        decision = judged(*found, policy=MONITOR)

        assert (decision.verdict, decision.reason) == (Verdict.BLOCK, code)
        assert set(codes(decision)) == {Code.BRAND_DELETED, code, Code.MESSAGE_TOO_LONG}

    def test_a_hard_code_that_does_not_block_hardens_nothing(self):
        """Only block findings are asked."""
        found = [flags(Code.MEDIA_TYPE), blocks(Code.BRAND_DELETED)]

        assert judged(*found, policy=MONITOR).verdict == Verdict.FLAG

    @pytest.mark.parametrize("found", [defers(Code.THROUGHPUT_DID), flags(Code.CONTENT_SHAFT)])
    def test_everything_milder_stays(self, found):
        """Monitoring lifts refusals only."""
        assert judged(found, policy=MONITOR) == judged(found)

    @pytest.mark.parametrize("mode", ["enforce", "strict"])
    def test_other_modes_block(self, mode):
        """Strict is about the age of facts, not about this."""
        assert judged(blocks(Code.BRAND_DELETED), policy=replace(CURRENT, mode=mode)).verdict == Verdict.BLOCK


class TestAdjustments:
    def test_the_policy_weighs_findings_for_the_sending_tenant_at_the_instant(self):
        """An override of this tenant that has not expired."""
        softer = Adjustment(
            code=Code.BRAND_DELETED,
            severity=Severity.FLAG,
            tenant=TENANT,
            expires=AT + timedelta(seconds=1),
        )
        found = blocks(Code.BRAND_DELETED)

        assert judged(found, policy=replace(CURRENT, adjustments=(softer,))).verdict == Verdict.FLAG
        for other in (replace(softer, tenant="t2"), replace(softer, expires=AT)):
            assert judged(found, policy=replace(CURRENT, adjustments=(other,))).verdict == Verdict.BLOCK

    def test_a_code_on_trial_is_found_and_not_acted_on(self):
        """It is counted and shown."""
        trial = Adjustment(code=Code.CONTENT_SHAFT, severity=Severity.INFO)

        decision = judged(flags(Code.CONTENT_SHAFT), policy=replace(CURRENT, adjustments=(trial,)))

        assert (decision.verdict, decision.reason) == (Verdict.ALLOW, Code.OK_REGISTERED)
        assert codes(decision) == [Code.CONTENT_SHAFT]

    @pytest.mark.parametrize("code", sorted(HARD_CODES))
    @pytest.mark.parametrize("severity", [Severity.INFO, Severity.FLAG, Severity.DEFER])
    def test_a_hard_code_is_never_softened(self, code, severity):
        """Even by a policy that was built by hand."""
        softer = replace(CURRENT, adjustments=(Adjustment(code=code, severity=severity),))

        assert judged(blocks(code), policy=softer).verdict == Verdict.BLOCK

    def test_an_adjusted_finding_still_ends_the_matter(self):
        """How much it weighs does not change what it says."""
        softer = Adjustment(code=Code.DID_SUPERSEDED, severity=Severity.FLAG)
        found = [ends(Code.DID_SUPERSEDED), blocks(Code.BRAND_DELETED)]

        assert codes(judged(*found, policy=replace(CURRENT, adjustments=(softer,)))) == [Code.DID_SUPERSEDED]


class TestChecks:
    def test_all_rules_are_asked_by_default(self):
        """One of each group: parties, registration, content, timing."""
        facts = some_facts(
            message=a_message(text="bit.ly"),
            recipient=a_recipient(line="landline"),
            sender=a_sender(campaign=a_campaign(status="expired")),
            usage=some_usage(number_second=4),
        )

        assert codes(decide(facts, CURRENT)) == [
            Code.DESTINATION_LANDLINE,
            Code.CAMPAIGN_EXPIRED,
            Code.CONTENT_PUBLIC_URL_SHORTENER,
            Code.FLAG_CONTENT_DECLARATION_MISMATCH,
            Code.THROUGHPUT_DID,
        ]

    def test_a_recheck_asks_what_may_have_changed_while_the_message_waited(self):
        """Owner, opt-out, switch and registration; neither content nor volume."""
        facts = some_facts(
            message=a_message(text="bit.ly", participants=11),
            recipient=a_recipient(line="landline", opted_out=an_opt_out()),
            sender=a_sender(brand=a_brand(status="deleted")),
            usage=some_usage(number_second=4),
        )

        assert codes(decide(facts, CURRENT, RECHECKS)) == [Code.RECIPIENT_OPTED_OUT, Code.BRAND_DELETED]

    def test_registration_alone(self):
        """What the registry says about the number, and nothing else."""
        facts = some_facts(
            message=a_message(text="bit.ly", sender=None),
            recipient=a_recipient(opted_out=an_opt_out()),
            sender=a_sender(brand=a_brand(status="deleted")),
        )

        assert codes(decide(facts, CURRENT, REGISTRATION_CHECKS)) == [Code.BRAND_DELETED]

    def test_a_check_is_asked_once(self):
        """No rule stands twice in the order."""
        assert len(set(ALL_CHECKS)) == len(ALL_CHECKS)
