"""The guide forgets no move, says nothing twice, and a refusal names the first step of the way."""

import pytest

from compliance.catalogue import CATALOGUE
from compliance.codes import Code
from compliance.decision import Severity
from compliance.reason import Actor
from compliance.reasons.registration import REGISTRATION
from registry.lifecycle.cycle import ABSENT, UNKNOWN
from registry.lifecycle.numbers import ASSIGNMENT, SMS
from registry.lifecycle.registration import BRAND, CAMPAIGN, CARRIER, DCA, NUMBER_POOL, SHARING
from registry.lifecycle.standing import Registered, Standing
from registry.preflight.guide import DEAD_KIND, DEAD_KINDS, DELETED, GUIDE, PERSON, SPENT, SPENT_CAMPAIGNS, UNTOLD
from registry.preflight.look import way
from registry.preflight.situation import NOT_ASKED, Situation
from tests.registry.preflight.standings import CANADA, US, a_judge

CYCLES = (BRAND, CAMPAIGN, SHARING, DCA, CARRIER, NUMBER_POOL, ASSIGNMENT, SMS)
#: Sources of lines that are no states: a thing that is begun anew, and switching on what is on already.
ANEW = {("brand", DELETED), ("campaign", SPENT), ("sms", "enabled")}

GOOD = Registered(brand="verified", campaign="active", sharing="accepted", dca_complete=True)
#: The standing that typically causes a code: a number that could text, but for one thing.
TYPICAL = {
    Code.DID_UNASSIGNED: {"assignment": ""},
    Code.DID_ASSIGNMENT_PENDING: {"assignment": "pending"},
    Code.DID_ASSIGNMENT_FAILED: {"assignment": "failed"},
    Code.MOCK_CAMPAIGN: {"mock": True},
    Code.CAMPAIGN_PENDING: {"campaign": "pending"},
    Code.CAMPAIGN_REJECTED: {"campaign": "rejected"},
    Code.CAMPAIGN_SUSPENDED: {"campaign": "suspended"},
    Code.CAMPAIGN_EXPIRED: {"campaign": "expired"},
    Code.CAMPAIGN_DEACTIVATED: {"campaign": "deactivated"},
    Code.CAMPAIGN_DECLINED: {"sharing": "declined"},
    Code.CAMPAIGN_MNO_NOT_APPROVED: {"carrier": "review"},
    Code.BRAND_UNVERIFIED: {"brand": "unverified"},
    Code.BRAND_SUSPENDED: {"brand": "suspended"},
    Code.BRAND_DELETED: {"brand": "deleted"},
    Code.DID_NOT_SMS_ENABLED: {"sms": "disabled", "assignment": ""},
}
#: Where carriers do not ask for registration yet: what the console asks for all the same.
UNREGISTERED = {
    Code.OK_NON_US_DESTINATION,
    Code.FLAG_UNREGISTERED_PRE_ENFORCEMENT,
    Code.FLAG_GRANDFATHERED_UNREGISTERED,
}
#: Codes that no standing of a number causes, and why.
NO_STANDING = {
    Code.OK_REGISTERED: "nothing is the matter",
    Code.FLAG_REGISTRATION_STALE: "the registry could not be asked",
    Code.UCAAS_CAMPAIGN_AUTOMATION: "a program sends; it goes all the same",
}


def typical(code):
    """The situation of a code."""
    given = dict(TYPICAL[code])
    carrier = given.pop("carrier", "approved")
    number = {name: given.pop(name) for name in ("assignment", "sms") if name in given}
    registered = Registered(
        **{name: getattr(GOOD, name) for name in ("brand", "campaign", "sharing", "dca_complete")} | given
    )
    standing = Standing(registered=registered, **{"assignment": "assigned", "sms": "enabled"} | number)
    return Situation(standing=standing, carrier=carrier)


class TestMoves:
    @pytest.mark.parametrize("cycle", CYCLES, ids=lambda cycle: cycle.name)
    def test_every_move_is_told_or_left_out_for_a_reason(self, cycle):
        """Whoever adds a move to a life cycle says here what people are told of it."""
        for move in cycle.moves:
            for source in move.sources:
                told = (cycle.name, move.event, source) in GUIDE
                left = {(cycle.name, move.event, None), (cycle.name, move.event, source)} & UNTOLD.keys()
                assert told != bool(left), (cycle.name, move.event, source)

    def test_every_line_is_of_a_move(self):
        """And no line is of a move that there is none of."""
        moves = {
            (cycle.name, move.event, source) for cycle in CYCLES for move in cycle.moves for source in move.sources
        }
        events = {(cycle.name, move.event) for cycle in CYCLES for move in cycle.moves}
        for key in GUIDE:
            anew = (key.cycle, key.source) in ANEW and (key.cycle, key.event) in events
            assert key.cycle == PERSON or key in moves or anew, key
        for cycle, event, source in UNTOLD:
            assert (cycle, event) in events if source is None else (cycle, event, source) in moves

    def test_every_dead_end_leads_on(self):
        """What a life cycle calls a dead end is left by beginning something anew."""
        assert set(BRAND.dead_ends) == {DELETED}
        assert set(CAMPAIGN.dead_ends) == SPENT_CAMPAIGNS
        assert {cycle.name for cycle in CYCLES if cycle.dead_ends} == {"brand", "campaign"}

    @pytest.mark.parametrize("key", GUIDE, ids="-".join)
    def test_a_line_is_for_people(self, key):
        """Whole sentences, who does it, and a time that makes sense; only administrators have a page."""
        advice = GUIDE[key]
        for deed in advice.deeds:
            assert deed.action[0].isupper()
            assert deed.action.endswith(".")
            assert (deed.page is not None) == (deed.actor is Actor.ADMIN)
            assert 0 <= deed.usual.min_s < deed.usual.max_s
            assert deed.usual.text
        assert advice.why.endswith(".") or advice.why == "{fault}"
        assert ABSENT not in {key.cycle, key.event}
        assert key.source != UNKNOWN or advice.persons > 0

    def test_dead_kinds_say_what_to_do_instead(self):
        """Another number that can: the user's local one, or a person's."""
        for text in (*DEAD_KINDS.values(), DEAD_KIND):
            assert "local number" in text
            assert text.endswith(".")


class TestRefusals:
    def test_every_registration_code_is_here(self):
        """A new one has its typical standing, or a reason why there is none."""
        listed = {entry.code for entry in REGISTRATION}

        assert listed == (TYPICAL.keys() - {Code.DID_NOT_SMS_ENABLED}) | UNREGISTERED | NO_STANDING.keys()
        assert all(entry.code in TYPICAL for entry in REGISTRATION if Severity.BLOCK in entry.severities)

    @pytest.mark.parametrize("code", TYPICAL)
    def test_the_standing_causes_the_code(self, code):
        """Otherwise the rows below would show nothing."""
        assert a_judge(US).of(typical(code)).reason is code

    @pytest.mark.parametrize("code", TYPICAL)
    def test_a_refusal_names_the_first_step(self, code):
        """The first remediation of the catalogue is the first step of the way: who, what, and on which page."""
        first = way(a_judge(US), (typical(code),)).steps[0].advice.deeds[0]
        remedy = CATALOGUE[code].remediation[0]

        assert (first.actor, first.action, first.page) == (remedy.actor, remedy.action, remedy.page)

    @pytest.mark.parametrize("code", sorted(UNREGISTERED))
    def test_a_flag_names_the_step_of_what_it_relieves(self, code):
        """An unregistered number that may go on for now is registered like any other."""
        assert CATALOGUE[code].remediation[0] == CATALOGUE[Code.DID_UNASSIGNED].remediation[0]

    def test_to_canada_nothing_has_to_be_done(self):
        """Carriers there take texts of numbers that are not registered yet."""
        standing = Standing(registered=Registered(brand="unverified", campaign="pending"), sms="enabled")

        assert way(a_judge(CANADA), (Situation(standing=standing, carrier=NOT_ASKED),)).steps == ()
