from compliance.rules import (
    ALL_CHECKS,
    CONTENT,
    PARTIES,
    RECHECK,
    RECHECKS,
    REGISTRATION,
    REGISTRATION_CHECKS,
    TIMING,
    rule_id,
)


def ids(rules):
    """Names of some rules."""
    return [rule_id(rule) for rule in rules]


class TestOrder:
    def test_rules_stand_in_the_order_of_the_format(self):
        """It decides which of two equally strict findings is the reason."""
        assert ids(PARTIES) == [
            *("emergency", "sender_number", "recipients", "destination", "landline", "opt_out"),
            *("toll_free", "enablement"),
        ]
        assert ids(REGISTRATION) == [
            *("registry_state", "assignment", "campaign", "brand", "carrier_approval", "automation"),
        ]
        assert ids(CONTENT) == [
            *("message_size", "url_shortener", "prohibited", "phishing", "shaft", "declarations", "snowshoe"),
            "evasion",
        ]
        assert ids(TIMING) == ["quiet_hours", "throughput_did", "throughput_att", "daily_cap_tmobile"]
        assert [rule.check for rule in (*PARTIES, *REGISTRATION, *CONTENT, *TIMING)] == list(ALL_CHECKS)

    def test_a_recheck_asks_what_may_have_changed(self):
        """Who owns the number and whether it is on, opt-outs, registration."""
        assert ids(RECHECK) == [
            *("emergency", "sender_number", "opt_out", "toll_free", "enablement"),
            *ids(REGISTRATION),
        ]
        assert [rule.check for rule in RECHECK] == list(RECHECKS)
        assert [rule.check for rule in REGISTRATION] == list(REGISTRATION_CHECKS)
