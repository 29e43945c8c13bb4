"""Samples are read by the gateway's own rules: what it would refuse is a fault, what it would flag is said."""

import pytest

from tests.registry.registration.forms import campaign_advice, campaign_faults

LINK = "Acme: see your order at https://acme.example/orders."
PHONE = "Acme: questions? Call us at 212-555-0100 today."
LOAN = "Acme: your mortgage application is complete."
BEER = "Acme: happy hour, 20% off for all beer tonight."
PLAIN = "Acme: your order is on its way."
FLAGGED = "flag_content_declaration_mismatch"


@pytest.mark.parametrize(
    ("sample", "field", "more"),
    [
        (LINK, "embedded_link", {}),
        (PHONE, "embedded_phone", {}),
        (LOAN, "direct_lending", {}),
        (BEER, "age_gated", {"sub_use_cases": ["MARKETING"]}),
    ],
)
def test_what_a_sample_holds_has_to_be_declared(sample, field, more):
    """It cannot be changed later; declared, it is in order."""
    assert campaign_faults(samples=[PLAIN, sample], **more) == {(field, "declaration_mismatch")}
    assert campaign_faults(samples=[PLAIN, sample], **more, **{field: True}) == set()


@pytest.mark.parametrize("field", ["embedded_link", "embedded_phone"])
def test_what_is_declared_should_be_shown(field):
    """Reviewers ask for it; it keeps nobody from submitting."""
    assert campaign_faults(**{field: True}) == set()
    assert campaign_advice(**{field: True}) == {(field, "declared_not_shown")}
    assert campaign_advice() == set()


@pytest.mark.parametrize(
    ("sample", "refused", "flagged"),
    [
        ("Acme: see https://bit.ly/3abc for your order.", True, set()),
        ("Acme: buy now, 20% off all cannabis.", True, set()),
        ("Acme: see https://t.co/3abc for your order.", False, {"content_public_url_shortener"}),
        ("Acme: please confirm your account at https://acme.example.", False, {"content_phishing"}),
        ("Acme: a casino opens next door.", False, {"content_prohibited"}),
        ("Acme: your cigars are ready for you.", False, {"content_shaft"}),
        ("Acme: see bit[.]ly/3abc for your order.", True, {"evasion_suspected"}),
    ],
)
def test_what_the_gateway_makes_of_a_sample(sample, refused, flagged):
    """The same judge, with the campaign as the form has it."""
    given = {"samples": [PLAIN, sample], "embedded_link": True, "sub_use_cases": ["MARKETING"]}
    shown = campaign_advice(**given) - {("embedded_link", "declared_not_shown")}

    assert campaign_faults(**given) == ({("samples/1", "content_refused")} if refused else set())
    assert shown == {("samples/1", code) for code in flagged}


def test_another_use_case_is_advised():
    """An offer without marketing, a code without 2FA: the gateway would flag every such text."""
    offer = {"samples": [PLAIN, "Acme: 20% off everything this week."]}
    code = {"samples": [PLAIN, "Acme: your verification code is 123456."]}

    assert campaign_advice(**offer) == campaign_advice(**code) == {("samples/1", FLAGGED)}
    assert campaign_advice(**offer, sub_use_cases=["MARKETING"]) == set()
    assert campaign_advice(**code, sub_use_cases=["2FA"]) == set()


def test_a_sample_that_is_no_single_text():
    """Ten segments are the most; letters outside the alphabet of texts make them shorter."""
    assert campaign_faults(samples=[PLAIN, "Acmé ✓ " + "é" * 1000]) == {("samples/1", "content_refused")}
