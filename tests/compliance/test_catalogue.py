"""The catalogue is closed and complete: whatever a rule may say, people and systems get told in their words."""

import re
import string
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from compliance import HARD_CODES, Code, Severity, reliefs
from compliance.catalogue import CATALOGUE, PLACEHOLDERS, Actor, admin_text, reason, reasons_json
from compliance.decision import Finding
from compliance.facts import Owner
from compliance.reasons.content import CONTENT
from compliance.reasons.parties import PARTIES
from compliance.reasons.registration import REGISTRATION
from compliance.reasons.timing import TIMING
from compliance.rules import RULES
from tests.builders import DID, US, a_message, a_number, a_recipient, a_sender, an_opt_out, some_facts

ENTRIES = (*PARTIES, *REGISTRATION, *CONTENT, *TIMING)

#: Words of the trade, which no employee has to know.
JARGON = (
    "10DLC|A2P|P2P|DCA|TCR|CSP|MNO|DID|OSR|E[.]164|NANP|SMPP|HTTPS?|API|MMS|UCaaS|NPA|campaigns?|brands?|registry|"
    "segments?|short ?codes?|throughput|shorteners?|snowshoe|landline carrier|mock|assignment|provisioned|opt-in"
)


def findings_in(value: Any) -> Iterator[Finding]:
    """Find the findings that a module's constants hold."""
    if isinstance(value, Finding):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from findings_in(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from findings_in(item)


def what_rules_find() -> set[tuple[Code, Severity]]:
    """Every code with every severity that a rule or a relief can give it."""
    found = {(one.code, one.severity) for rule in RULES for value in vars(rule).values() for one in findings_in(value)}
    relieved = reliefs._NOT_YET_ABROAD | reliefs._NOT_YET_EARLY
    flags = {
        Code.OK_NON_US_DESTINATION,
        Code.FLAG_UNREGISTERED_PRE_ENFORCEMENT,
        Code.FLAG_GRANDFATHERED_UNREGISTERED,
    }
    return found | {(code, Severity.INFO) for code in relieved} | {(code, Severity.FLAG) for code in flags}


@pytest.fixture(params=ENTRIES, ids=lambda entry: entry.code)
def entry(request):
    """Each entry in turn."""
    return request.param


class TestCompleteness:
    def test_every_code_has_exactly_one_entry(self):
        """A code that nobody can explain must not exist, nor one that is explained twice."""
        assert sorted(entry.code for entry in ENTRIES) == sorted(Code)
        assert {entry.code: entry for entry in ENTRIES} == CATALOGUE

    def test_severities_are_those_that_rules_give(self):
        """Read from the rules themselves, so that a rule changed without its entry fails here."""
        listed = {(entry.code, severity) for entry in ENTRIES for severity in entry.severities}

        assert listed == what_rules_find()

    def test_severities_stand_lightest_first(self, entry):
        """So that the last is the worst."""
        assert list(entry.severities) == sorted(entry.severities)

    def test_anchors_are_unique(self):
        """One chapter of the runbook a code."""
        anchors = [entry.runbook for entry in ENTRIES]

        assert len(set(anchors)) == len(anchors)
        assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", anchor) for anchor in anchors)

    def test_titles_tell_codes_apart(self):
        """Lists show the title only."""
        titles = [entry.title for entry in ENTRIES]

        assert len(set(titles)) == len(titles)

    def test_reason_returns_the_entry(self):
        """The look-up that answers use."""
        assert reason(Code.DID_UNASSIGNED).code is Code.DID_UNASSIGNED

    def test_hard_is_that_of_the_codes(self, entry):
        """Derived, never written twice."""
        assert entry.hard == (entry.code in HARD_CODES)


class TestSentences:
    def test_each_is_whole(self, entry):
        """It begins like a sentence, ends with a period, and has no space too many."""
        for sentence in (entry.user, admin_text(entry.code), *(remedy.action for remedy in entry.remediation)):
            assert sentence.endswith(".")
            assert sentence[0].isupper()
            assert "  " not in sentence
            assert sentence == sentence.strip()

    def test_what_employees_read_fits_a_phone(self, entry):
        """One bubble."""
        assert len(entry.user) <= 160

    def test_what_employees_read_has_no_jargon(self, entry):
        """They know their number, their company, the other person's carrier, and their administrator."""
        assert re.findall(rf"\b(?:{JARGON})\b", entry.user, re.IGNORECASE) == []
        assert "{" not in entry.user

    def test_the_jargon_check_finds_jargon(self):
        """A check that cannot fail would keep nothing so."""
        assert re.findall(rf"\b(?:{JARGON})\b", "Your campaign id is unknown to TCR.", re.IGNORECASE) == [
            "campaign",
            "TCR",
        ]

    def test_no_sentence_says_what_became_of_the_message(self, entry):
        """The same code may block, flag or inform: the verdict stands beside it."""
        told = f"{entry.user} {entry.admin}"

        assert not re.search(r"(?i)\b(was|wasn't|were|has been|will be) (not )?(sent|refused|blocked by us)\b", told)

    def test_placeholders_are_known(self, entry):
        """An unknown one would fail in front of a customer."""
        fields = {field for _, field, _, _ in string.Formatter().parse(entry.admin) if field is not None}

        assert fields <= PLACEHOLDERS.keys()


class TestRemedies:
    def test_somebody_or_nobody_can_do_something(self, entry):
        """No entry leaves people alone."""
        assert entry.remediation != ()

    def test_what_an_administrator_does_has_a_page(self, entry):
        """And only what administrators do."""
        for remedy in entry.remediation:
            assert (remedy.page is not None) == (remedy.actor is Actor.ADMIN)

    def test_the_page_is_the_first_that_a_remedy_names(self):
        """Written once."""
        assert CATALOGUE[Code.DID_UNASSIGNED].page == "phone-system/sms"
        assert CATALOGUE[Code.DESTINATION_EMERGENCY].page is None

    def test_registration_is_fixed_in_the_console(self):
        """Everything that blocks for lack of registration names the page that fixes it."""
        blocking = [entry for entry in REGISTRATION if Severity.BLOCK in entry.severities]

        assert [entry.code for entry in blocking if entry.page is None] == []


class TestOtherSystems:
    @pytest.mark.parametrize(
        "code",
        [
            Code.INVALID_SENDER,
            Code.INVALID_DESTINATION,
            Code.TOO_MANY_RECIPIENTS,
            Code.MESSAGE_TOO_LONG,
            Code.MEDIA_TYPE,
            Code.MEDIA_TOO_LARGE,
        ],
    )
    def test_what_the_caller_got_wrong_is_422(self, code):
        """Sending the same again can never work."""
        assert CATALOGUE[code].http == 422

    def test_a_registry_that_is_away_is_503(self):
        """Sending the same again later may work."""
        assert CATALOGUE[Code.REGISTRY_UNAVAILABLE].http == 503

    def test_every_other_refusal_is_403(self, entry):
        """A flag or a deferral too, once it refuses: a policy may raise it, a deferral may come too late."""
        never_refuses = {
            Code.OK_REGISTERED,
            Code.OK_INTERNAL_IM,
            Code.OK_NON_US_DESTINATION,
            Code.FLAG_UNREGISTERED_PRE_ENFORCEMENT,
            Code.FLAG_GRANDFATHERED_UNREGISTERED,
        }
        if entry.code in never_refuses:
            assert (entry.http, entry.smpp) == (202, "ACCEPTD")
        else:
            assert entry.http in {403, 422, 503}
            assert entry.smpp in {"REJECTD", "UNDELIV"}

    def test_every_code_that_blocks_or_defers_has_a_code_of_twilios(self, entry):
        """Programs that speak that API know no others."""
        if {Severity.BLOCK, Severity.DEFER} & set(entry.severities):
            assert entry.twilio is not None
            assert 20_000 <= entry.twilio < 40_000


class TestAdminText:
    def test_it_names_what_the_facts_know(self):
        """The campaign in clear, the number masked."""
        text = admin_text(Code.DID_ASSIGNMENT_PENDING, some_facts())

        assert text.startswith("The assignment of number +1 202 ••• 0111 to campaign C1 is pending.")

    def test_it_names_the_campaign_of_the_assignment_where_there_is_no_other(self):
        """An assignment to a campaign that does not exist is exactly what has to be repaired."""
        text = admin_text(Code.DID_ASSIGNMENT_FAILED, some_facts(sender=a_sender(campaign=None, brand=None)))

        assert "campaign C1" in text

    def test_it_names_carrier_and_recipient(self):
        """Which carrier has not approved is what the administrator wants to know."""
        facts = some_facts(recipient=a_recipient(carrier="tmobile"))

        assert "is not approved by T-Mobile." in admin_text(Code.CAMPAIGN_MNO_NOT_APPROVED, facts)

    def test_it_says_when_the_recipient_opted_out(self):
        """By date: the hour helps nobody."""
        text = admin_text(Code.RECIPIENT_OPTED_OUT, some_facts(recipient=a_recipient(opted_out=an_opt_out())))

        assert text.startswith("+1 415 ••• 0143 opted out on 2026-11-19, of all numbers")

    def test_what_is_unknown_is_a_plain_noun(self):
        """No holes, no braces."""
        facts = some_facts(message=a_message(sender=None, to="user:u2"), sender=a_sender(number=None, campaign=None))

        assert admin_text(Code.DID_UNASSIGNED, facts).startswith("The number has no campaign.")
        assert admin_text(Code.RECIPIENT_OPTED_OUT, facts).startswith("The recipient opted out, of all numbers")

    def test_no_number_stands_in_full(self, entry):
        """Neither the recipient's, nor another user's, nor one's own."""
        facts = some_facts(sender=a_sender(number=a_number(owner=Owner(tenant="t2", user="u2"))))
        digits = re.sub(r"\D", "", admin_text(entry.code, facts))

        assert DID[2:] not in digits
        assert US[2:] not in digits

    def test_a_value_is_not_read_as_a_template(self):
        """Ids come from elsewhere."""
        sender = a_sender(campaign=a_sender().campaign._replace(id="{number.__class__}"))

        assert admin_text(Code.CAMPAIGN_EXPIRED, some_facts(sender=sender)).startswith(
            "Campaign {number.__class__} has expired."
        )


class TestReasonsJson:
    def test_it_holds_every_code_in_their_order(self):
        """What the API and the command show."""
        assert [row["code"] for row in reasons_json()] == [code.value for code in Code]

    def test_a_row_is_plain_data(self):
        """With sentences for people, not templates."""
        row = next(row for row in reasons_json() if row["code"] == "did_superseded")

        assert orjson.loads(orjson.dumps(row)) == {
            "code": "did_superseded",
            "title": "Texting moved to another number",
            "user": "Texting moved to your other number. Send from there.",
            "admin": "The number was switched off when another number of the same user was switched on: one number a "
            "user.",
            "page": "phone-system/users",
            "severities": ["block"],
            "hard": False,
            "http": 403,
            "twilio": 21606,
            "smpp": "REJECTD",
            "runbook": "did-superseded",
            "remediation": [
                {"actor": "user", "action": "Send from your other number.", "page": None, "href": None},
                {
                    "actor": "admin",
                    "action": "Switch texting on for the number again; the user's other one goes off.",
                    "page": "phone-system/users",
                    "href": "/console/phone-system/users",
                },
            ],
        }
