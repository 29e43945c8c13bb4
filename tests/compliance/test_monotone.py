"""Worse facts never make a milder verdict, nothing found hides anything else, and what is unknown is never better.

A fact is a path into Facts with a good value and values that are worse. Good here is what lets a message through;
the verdicts are ordered allow, flag, defer, block. The property is that of mode enforce without registry_fail_open:
monitoring and failing open are an operator's choice to be milder.

Three values hide other facts by the rules themselves: an absent assignment (none, or being removed) means that there
is no campaign whose faults could be said, and of a pending one nobody asks whether it is consistent. Where a relief
lifts did_unassigned or did_assignment_pending the verdict may then be milder than that of what they hide. So these are
worse only where nothing is relieved, and are tried there.
"""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from compliance.codes import HARD_CODES, Code
from compliance.decide import decide
from compliance.decision import Finding, Severity, Verdict
from compliance.facts import Media, OptOut, Owner
from compliance.rules import ALL_CHECKS
from tests.builders import AT, CANADA, CARRIER_ACTUAL, CURRENT, DID, SEED, TENANT, US, USER, an_assignment
from tests.compliance.strategies import STATES, UNHEARD_OF, all_facts

ORDER = (Verdict.ALLOW, Verdict.FLAG, Verdict.DEFER, Verdict.BLOCK)
POLICIES = [
    replace(policy, toll_free_allowed=toll_free_allowed)
    for policy in (CURRENT, SEED, CARRIER_ACTUAL)
    for toll_free_allowed in (False, True)
]
#: For each of some sixty fields.
EXAMPLES = 40
ELSEWHERE = Owner(tenant="t2", user=USER)


def others(name, good):
    """Every state of a field but the good one, and some that nobody has heard of."""
    return [*(state for state in STATES[name] if state != good), *UNHEARD_OF]


#: Path to the good value and the worse ones.
WORSE = {
    "message.to": (US, ["911", "72345", "12", "+19005550143", "+442079460958", "user:u1"]),
    "message.sender": (DID, [None, "", "ACME", "+442079460958"]),
    "message.participants": (1, [11, 12]),
    "message.origin": ("app", ["api", *UNHEARD_OF]),
    "message.media": (
        (Media("image/png", 1),),
        [
            (Media("text/html", 1),),
            (Media("image/png", 20_000_001),),
            (Media("image/png", 1), Media("video/mp4", 1_000_001)),
            (Media("image/png", 1),) * 11,
        ],
    ),
    "message.in_reply_to_inbound_at": (AT, [None]),
    "sender.number.owner": (Owner(tenant=TENANT, user=USER), [None, ELSEWHERE, Owner(tenant=TENANT, user="u2")]),
    "sender.number.kind": ("local", ["personal", "service", *UNHEARD_OF]),
    "sender.number.sms": ("enabled", others("number.sms", "enabled")),
    "sender.number.sms_enabled_at": (datetime(2023, 1, 1, tzinfo=UTC), [None, datetime(2023, 2, 15, 8, tzinfo=UTC)]),
    "sender.number.number_changed_at": (None, [datetime(2023, 2, 15, 8, tzinfo=UTC)]),
    "sender.number.licence_changed_at": (None, [datetime(2023, 2, 15, 8, tzinfo=UTC)]),
    "sender.number.toll_free_verification": ("verified", others("toll_free_verification", "verified")),
    "sender.number.assignment.state": ("assigned", ["failed", *UNHEARD_OF]),
    "sender.number.assignment.campaign_id": ("C1", [None, "C9"]),
    "sender.number.assignment.brand_id": ("B1", [None, "B9"]),
    "sender.customer_since": (date(2023, 2, 14), [date(2023, 2, 15)]),
    "sender.campaign.status": ("active", others("campaign.status", "active")),
    "sender.campaign.sharing": ("accepted", others("campaign.sharing", "accepted")),
    "sender.campaign.dca_complete": (True, [False]),
    "sender.campaign.mock": (False, [True]),
    "sender.campaign.carriers.att": ("approved", others("carrier", "approved")),
    "sender.campaign.carriers.tmobile": ("approved", others("carrier", "approved")),
    "sender.campaign.carriers.verizon": ("approved", others("carrier", "approved")),
    "sender.campaign.carriers.us_cellular": ("approved", others("carrier", "approved")),
    "sender.campaign.osr_status": (4, [0, 3]),
    "sender.campaign.declares.embedded_link": (True, [False]),
    "sender.campaign.declares.embedded_phone": (True, [False]),
    "sender.campaign.declares.age_gated": (True, [False]),
    "sender.campaign.declares.direct_lending": (True, [False]),
    "sender.campaign.att_class": ("S", [*"ABKXCDPEFTW", None, *UNHEARD_OF]),
    "sender.brand.status": ("vetted_verified", others("brand.status", "vetted_verified")),
    "sender.brand.vetting_score": (100, [74, 49, 24, 0, None]),
    "sender.brand.government": (True, [False]),
    "recipient.line": ("mobile", ["landline", None, *UNHEARD_OF]),
    "recipient.opted_out": (None, [OptOut(at=datetime(2000, 1, 1, tzinfo=UTC), keyword="stop")]),
    "recipient.free_text_revocation": (False, [True]),
    "usage.att_campaign_minute": (0, [15, 75, 240, 9_000]),
    "usage.att_number_minute": (0, [50, 60]),
    "usage.tmobile_brand_day": (0, [1_000, 2_000, 200_000]),
    "usage.tmobile_brand_day_of": (date(1999, 1, 1), [None, date(2101, 1, 1)]),
    "usage.number_second": (0, [4, 20]),
    "usage.toll_free_day": (0, [500, 2_000]),
    "usage.same_text_numbers_5min": (0, [10, 30]),
    "registry.state": ("live", ["stale", "unavailable", *UNHEARD_OF]),
    "registry.age_s": (0, [6, 901]),
}


def changed(value, path, new):
    """Replace what is at a path of field names; None where there is nothing to go through."""
    name, _, rest = path.partition(".")
    if not rest:
        return value._replace(**{name: new})
    inner = getattr(value, name)
    inside = None if inner is None else changed(inner, rest, new)
    return None if inside is None else value._replace(**{name: inside})


def severity(facts, policy):
    """The verdict as a number."""
    return ORDER.index(decide(facts, policy).verdict)


class TestWorseFacts:
    @pytest.mark.parametrize("path", WORSE)
    @settings(max_examples=EXAMPLES)
    @given(data=st.data(), facts=all_facts, policy=st.sampled_from(POLICIES))
    def test_are_never_judged_milder(self, path, data, facts, policy):
        """Whatever all other facts are."""
        good, worse = WORSE[path]
        better = changed(facts, path, good)
        assume(better is not None)

        assert severity(better, policy) <= severity(changed(facts, path, data.draw(st.sampled_from(worse))), policy)

    @given(facts=all_facts, state=st.sampled_from([None, "removing", "pending"]))
    def test_nor_is_an_absent_or_pending_assignment_where_nothing_is_relieved(self, facts, state):
        """In the policy without dates, and not to Canada."""
        assume(facts.message.to != CANADA)
        link = None if state is None else an_assignment(state=state)

        assert severity(facts, CURRENT) <= severity(changed(facts, "sender.number.assignment", link), CURRENT)

    @given(facts=all_facts, policy=st.sampled_from(POLICIES))
    def test_nor_is_a_number_that_is_not_ours(self, facts, policy):
        """It ends the matter."""
        assert severity(facts, policy) <= severity(changed(facts, "sender.number", None), policy)


class TestUnknownStates:
    @pytest.mark.parametrize(
        ("path", "known"),
        [
            ("message.origin", "api"),
            ("recipient.carrier", None),
            ("recipient.line", None),
            ("registry.state", "unavailable"),
            ("sender.campaign.status", "pending"),
            ("sender.campaign.sharing", "pending"),
            ("sender.campaign.carriers.att", "review"),
            ("sender.campaign.carriers.tmobile", "review"),
            ("sender.campaign.carriers.verizon", "review"),
            ("sender.campaign.carriers.us_cellular", "review"),
            ("sender.campaign.att_class", None),
            ("sender.brand.status", "unverified"),
            ("sender.number.assignment.state", "failed"),
            ("sender.number.sms", "disabled"),
            ("sender.number.toll_free_verification", None),
        ],
    )
    @settings(max_examples=EXAMPLES)
    @given(facts=all_facts, policy=st.sampled_from(POLICIES), unknown=st.sampled_from(UNHEARD_OF) | st.text(max_size=8))
    def test_count_as_the_known_one_that_says_the_same(self, path, known, facts, policy, unknown):
        """In all findings, not only in the verdict."""
        assume(unknown not in {state for states in STATES.values() for state in states} | {"live", "stale", "app"})
        facts_of_known = changed(facts, path, known)
        assume(facts_of_known is not None)

        assert decide(changed(facts, path, unknown), policy) == decide(facts_of_known, policy)

    @given(facts=all_facts, policy=st.sampled_from(POLICIES), unknown=st.sampled_from(UNHEARD_OF))
    def test_an_unknown_kind_of_number_does_not_text(self, facts, policy, unknown):
        """Nor may it where the good kind may not."""
        of_unknown = changed(facts, "sender.number.kind", unknown)
        assume(of_unknown is not None)
        assume(facts.recipient.directory is None or facts.recipient.directory.tenant != TENANT)

        assert decide(of_unknown, policy).verdict == Verdict.BLOCK


class TestFindings:
    FINDINGS = st.builds(
        Finding,
        code=st.sampled_from(sorted(set(Code) - {Code.OK_REGISTERED, Code.OK_INTERNAL_IM})),
        severity=st.sampled_from(list(Severity)),
    )

    @given(facts=all_facts, policy=st.sampled_from(POLICIES), extra=FINDINGS, place=st.integers(0, len(ALL_CHECKS)))
    def test_one_more_hides_no_other(self, facts, policy, extra, place):
        """All that was found is still found, as severe or more; what stands behind an end is not asked."""
        checks = (*ALL_CHECKS[:place], lambda case: (extra,), *ALL_CHECKS[place:])

        before = {finding.code: finding.severity for finding in decide(facts, policy).findings}
        after = {finding.code: finding.severity for finding in decide(facts, policy, checks).findings}

        assert all(code in after and after[code] >= severity for code, severity in before.items())

    @given(facts=all_facts, policy=st.sampled_from(POLICIES))
    def test_a_code_stands_once_and_the_reason_is_among_them(self, facts, policy):
        """Or nothing was found that decides."""
        decision = decide(facts, policy)
        codes = [finding.code for finding in decision.findings]

        assert len(codes) == len(set(codes))
        assert (decision.reason in codes) == (decision.verdict != Verdict.ALLOW)

    @given(facts=all_facts, policy=st.sampled_from(POLICIES))
    def test_monitoring_lifts_refusals_that_are_not_hard_and_nothing_else(self, facts, policy):
        """The findings are the same."""
        enforced = decide(facts, policy)
        monitored = decide(facts, replace(policy, mode="monitor"))
        hard = {finding.code for finding in enforced.findings if finding.severity is Severity.BLOCK} & HARD_CODES

        assert monitored.findings == enforced.findings
        if enforced.verdict != Verdict.BLOCK:
            assert monitored == enforced
        elif hard:
            assert (monitored.verdict, monitored.reason in hard) == (Verdict.BLOCK, True)
        else:
            assert (monitored.verdict, monitored.reason) == (Verdict.FLAG, enforced.reason)


class TestStrategies:
    def test_every_verdict_comes_up(self):
        """Or the properties above would say little."""
        verdicts = set()

        @settings(max_examples=300, derandomize=True)
        @given(all_facts)
        def judge(facts):
            verdicts.add(decide(facts, CURRENT).verdict)

        judge()
        assert verdicts == set(Verdict)
