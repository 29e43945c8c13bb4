"""The form of a campaign: each check, its border walked from both sides."""

import pytest

from loadtests.tcr.forms import read_campaign, read_campaign_update
from loadtests.tcr.words import USE_CASES
from registry.registration import campaign_form, words
from registry.registration.campaign_form import CampaignForm, Owner
from registry.registration.tcr_form import campaign_of, to_tcr
from tests.registry.registration.forms import ACME, CAMPAIGN, campaign_faults
from tests.registry.tcr.companies import an_application

SUBS = list(words.SUB_USE_CASES)
SOLE = Owner(names=("Kim Lee", "Acme"), is_sole_proprietor=True)
ON_LEAVE = Owner(names=("Acme",), has_leave=True)


def long(least, short=0):
    """A text of so many characters, some short of it."""
    return ("Acme tells of it. " * 400)[: least - short - 1] + "."


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"vertical": ""},
        {"opt_in_keywords": []},
        {"opt_in_keywords": ["START", "JOIN"]},
        {"opt_out_keywords": ["stop", "QUIT", "ARRET"]},
        {"description": long(40)},
        {"description": long(4096)},
        {"message_flow": long(2048)},
        {"help_message": long(20)},
        {"help_message": long(255)},
        {"samples": [long(20), long(1024)]},
        {"samples": [f"Acme: your order number {n} is ready." for n in "12345"]},
        {"help_message": "ACME, call 212 555 0100 for help."},
        {"help_message": "Here is Acme LLC: call 212 555 0100."},
    ],
)
def test_a_form_in_order(given):
    """Up to the limits."""
    assert set() == campaign_faults(**given)


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"use_case": ""}, "use_case", "missing_field"),
        ({"use_case": "low_volume"}, "use_case", "invalid_enum"),
        ({"vertical": "SHOP"}, "vertical", "invalid_enum"),
        ({"description": long(40, 1)}, "description", "invalid_value"),
        ({"description": long(4097)}, "description", "invalid_value"),
        ({"message_flow": ""}, "message_flow", "missing_field"),
        ({"message_flow": long(2049)}, "message_flow", "invalid_value"),
        ({"help_message": long(20, 1)}, "help_message", "invalid_value"),
        ({"help_message": long(256)}, "help_message", "invalid_value"),
        ({"help_message": "Call +1 212 555 0100 for help."}, "help_message", "brand_not_named"),
        ({"help_message": "Acmetric: call +1 212 555 0100."}, "help_message", "brand_not_named"),
        ({"opt_in_message": "You will receive texts from us."}, "opt_in_message", "brand_not_named"),
        ({"opt_out_message": "You get no more texts from us."}, "opt_out_message", "brand_not_named"),
        ({"samples": []}, "samples", "invalid_value"),
        ({"samples": [long(20)]}, "samples", "invalid_value"),
        ({"samples": [long(20, 1), long(30)]}, "samples/0", "invalid_value"),
        ({"samples": [long(30), long(1025)]}, "samples/1", "invalid_value"),
        ({"samples": ["Acme: your order is ready.", "ACME: your  order is ready."]}, "samples", "invalid_value"),
        ({"opt_out_keywords": []}, "opt_out_keywords", "missing_field"),
        ({"opt_out_keywords": ["QUIT"]}, "opt_out_keywords", "invalid_value"),
        ({"opt_out_keywords": ["STOP", "BASTA"]}, "opt_out_keywords/1", "invalid_value"),
        ({"opt_out_keywords": ["STOP", "stop"]}, "opt_out_keywords", "invalid_value"),
        ({"opt_out_keywords": ["STOP", "ST,OP"]}, "opt_out_keywords/1", "invalid_value"),
        ({"help_keywords": []}, "help_keywords", "missing_field"),
        ({"help_keywords": ["HELP", "STOP"]}, "help_keywords/1", "invalid_value"),
        ({"opt_in_keywords": ["HELP"]}, "opt_in_keywords/0", "invalid_value"),
        ({"opt_in_keywords": ["x" * 31]}, "opt_in_keywords/0", "invalid_value"),
        ({"opt_in_keywords": [f"{n}" + "x" * 28 for n in range(9)]}, "opt_in_keywords", "invalid_value"),
        ({"privacy_policy_link": ""}, "privacy_policy_link", "missing_field"),
        ({"terms_link": ""}, "terms_link", "missing_field"),
        ({"terms_link": "ftp://acme.example/terms"}, "terms_link", "invalid_value"),
        ({"terms_link": "https://tinyurl.com/x"}, "terms_link", "content_refused"),
        ({"terms_accepted": False}, "terms_accepted", "missing_field"),
        ({"embedded_link": None}, "embedded_link", "missing_field"),
        ({"embedded_phone": None}, "embedded_phone", "missing_field"),
        ({"age_gated": None}, "age_gated", "missing_field"),
        ({"direct_lending": None}, "direct_lending", "missing_field"),
        ({"affiliate_marketing": None}, "affiliate_marketing", "missing_field"),
        ({"affiliate_marketing": True}, "affiliate_marketing", "content_refused"),
    ],
)
def test_one_thing_that_is_wrong(given, field, code):
    """Named by its field, and nothing else with it."""
    assert {(field, code)} == campaign_faults(**given)


@pytest.mark.parametrize("use_case", sorted(words.USE_CASES))
def test_the_number_of_sub_use_cases(use_case):
    """As many as TCR takes, each once, and none that is not one of the ten."""
    asked = words.USE_CASES[use_case]
    owner = SOLE if use_case == "SOLE_PROPRIETOR" else Owner(names=("Acme",), has_leave=True, is_501c3=True)

    def wrong(*subs):
        return campaign_faults(owner, use_case=use_case, sub_use_cases=list(subs))

    for count in range(7):
        fits = asked.least <= count <= asked.most
        assert wrong(*SUBS[:count]) == (set() if fits else {("sub_use_cases", "invalid_value")})
    if asked.most:
        assert ("sub_use_cases/0", "invalid_enum") in wrong("MIXED", *SUBS[:1])
        assert ("sub_use_cases", "invalid_value") in wrong(SUBS[0], SUBS[0])


def test_the_use_cases_are_those_of_tcr():
    """With as many sub-use-cases as the emulator takes, which was written from the source on its own."""
    ours = {name: (one.least, one.most) for name, one in words.USE_CASES.items()}

    assert ours == dict(USE_CASES) | {"PUBLIC_SAFETY_RESTRICTED": (0, 0)}


@pytest.mark.parametrize("use_case", sorted(name for name, one in words.USE_CASES.items() if one.needs_leave))
def test_a_special_use_case_needs_leave(use_case):
    """Carriers look at it first; a charity has to be 501(c)(3), whoever gave leave."""
    subs = SUBS[: words.USE_CASES[use_case].least]
    charity = use_case == "CHARITY"

    def wrong(owner):
        return campaign_faults(owner, use_case=use_case, sub_use_cases=subs)

    assert wrong(ACME) == {("use_case", "leave_required")}
    assert wrong(ON_LEAVE) == ({("use_case", "leave_required")} if charity else set())
    assert wrong(Owner(names=("Acme",), has_leave=True, is_501c3=True)) == set()


def test_a_sole_proprietor_has_one_use_case_of_their_own():
    """And nobody else has it."""
    alone = {"use_case": "SOLE_PROPRIETOR", "sub_use_cases": []}

    assert campaign_faults(SOLE, **alone) == set()
    assert campaign_faults(ACME, **alone) == {("use_case", "invalid_enum")}
    assert campaign_faults(SOLE) == {("use_case", "invalid_enum")}


def test_an_empty_form_names_all_that_it_takes():
    """All at once; no fault repeats what was typed."""
    empty = campaign_form.faults(CampaignForm(), ACME)

    assert {one.pointer for one in empty} == {
        f"/fields/{name}" for name in set(CAMPAIGN) - {"vertical", "sub_use_cases", "opt_in_keywords"}
    }


def test_what_is_in_order_is_taken_by_tcr():
    """At registration whole, and afterwards what can be changed."""
    first = an_application(kind="campaign", brand_id="BACME", fields=CAMPAIGN)
    again = an_application(kind="campaign", brand_id="BACME", fields=CAMPAIGN, object_id="CACME")

    assert read_campaign(to_tcr(first)) == to_tcr(first)
    assert read_campaign_update(to_tcr(again)) == to_tcr(again)
    assert to_tcr(again).keys() < to_tcr(first).keys()
    assert to_tcr(first)["sample2"] == CAMPAIGN["samples"][1]
    assert to_tcr(first)["optoutKeywords"] == "STOP"


def test_what_comes_of_it_can_do_nothing_yet():
    """Nobody upstream has it, and no carrier has looked at it."""
    campaign = campaign_of(an_application(kind="campaign", brand_id="BACME", fields=CAMPAIGN), "CNEW")

    assert (campaign.status, campaign.sharing, campaign.dca_complete, campaign.att) == ("pending", "", False, "review")
    assert (campaign.use_case, campaign.sub_use_cases) == ("low_volume", ("customer_care",))
