"""The form of a brand: each check, its border walked from both sides."""

import pytest

from loadtests.tcr.forms import read_brand
from loadtests.tcr.words import ENTITY_TYPES, RELATIONSHIPS, VERTICALS
from registry.registration import brand_form, words
from registry.registration.brand_form import BrandForm
from registry.registration.tcr_form import to_tcr
from tests.registry.registration.forms import BRAND, SOLE, brand_faults
from tests.registry.tcr.companies import an_application

PUBLIC = {"entity_type": "PUBLIC_PROFIT", "stock_symbol": "ACM", "stock_exchange": "NYSE"}
CANADA = {"country": "CA", "state": "ON", "postal_code": "K1A 0B1"}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"ein": "123456789"},
        {"ein_country": "CA", "ein": "123456789"},
        {"ein_country": "CA", "ein": "123456789RT0001"},
        {"ein_country": "DE", "ein": "DE123456788"},
        CANADA,
        CANADA | {"postal_code": "K1A0B1"},
        {"country": "DE", "state": "Bayern", "postal_code": "80331"},
        {"postal_code": "90210-1234"},
        {"state": "PR", "postal_code": "00901"},
        PUBLIC,
        {"entity_type": "NON_PROFIT", "is_501c3": True},
        {"entity_type": "GOVERNMENT"},
        {"website": ""},
        {"phone": "(212) 555-0100"},
        {"phone": "800-555-0100"},
        {"alt_business_id_type": "DUNS", "alt_business_id": "123456789"},
        {"alt_business_id_type": "GIIN", "alt_business_id": "98Q96B.00000.LE.250"},
        {"alt_business_id_type": "LEI", "alt_business_id": "5493001KJTIIGC8Y1R12"},
    ],
)
def test_a_form_in_order(given):
    """Whatever the country and the kind of entity."""
    assert set() == brand_faults(**given)


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"entity_type": ""}, "entity_type", "missing_field"),
        ({"entity_type": "private_profit"}, "entity_type", "invalid_enum"),
        ({"legal_name": " "}, "legal_name", "missing_field"),
        ({"legal_name": "A\x00B"}, "legal_name", "invalid_value"),
        ({"legal_name": "A" * 256}, "legal_name", "invalid_value"),
        ({"display_name": ""}, "display_name", "missing_field"),
        ({"ein": ""}, "ein", "missing_field"),
        ({"ein": "1-23456789"}, "ein", "invalid_value"),
        ({"ein": "12345678"}, "ein", "invalid_value"),
        ({"ein": "1234567890"}, "ein", "invalid_value"),
        ({"ein": "00-1234567"}, "ein", "invalid_value"),
        ({"ein": "11-1111111"}, "ein", "invalid_value"),
        ({"ein": "١٢-٣٤٥٦٧٨٩"}, "ein", "invalid_value"),
        ({"ein_country": "CA", "ein": "12345678"}, "ein", "invalid_value"),
        ({"ein_country": "CA", "ein": "12-3456789"}, "ein", "invalid_value"),
        ({"ein_country": "DE", "ein": "1"}, "ein", "invalid_value"),
        ({"ein_country": "usa"}, "ein_country", "invalid_value"),
        ({"vertical": "SHOP"}, "vertical", "invalid_enum"),
        ({"brand_relationship": "BASIC"}, "brand_relationship", "invalid_enum"),
        ({"phone": "911"}, "phone", "invalid_value"),
        ({"phone": "+1212555010"}, "phone", "invalid_value"),
        ({"email": "it@acme"}, "email", "invalid_value"),
        ({"email": "it acme@acme.example"}, "email", "invalid_value"),
        ({"email": "a" * 90 + "@acme.example"}, "email", "invalid_value"),
        ({"country": "us"}, "country", "invalid_value"),
        ({"state": "Calif."}, "state", "invalid_value"),
        ({"state": "ON"}, "state", "invalid_value"),
        (CANADA | {"state": "CA"}, "state", "invalid_value"),
        (CANADA | {"postal_code": "90210"}, "postal_code", "invalid_value"),
        ({"postal_code": "9021"}, "postal_code", "invalid_value"),
        ({"website": "acme.example"}, "website", "invalid_value"),
        ({"website": "https://user:pw@acme.example"}, "website", "invalid_value"),
        ({"website": "https://acme.example:8080"}, "website", "invalid_value"),
        ({"website": "https://127.0.0.1/"}, "website", "invalid_value"),
        ({"website": "javascript:alert(1)"}, "website", "invalid_value"),
        ({"website": "https://bit.ly/x"}, "website", "content_refused"),
        ({"website": "https://acme.example/" + "x" * 100}, "website", "invalid_value"),
        (PUBLIC | {"stock_symbol": ""}, "stock_symbol", "missing_field"),
        (PUBLIC | {"stock_exchange": "LSE"}, "stock_exchange", "invalid_enum"),
        ({"stock_symbol": "ACM"}, "stock_symbol", "invalid_value"),
        ({"is_501c3": True}, "is_501c3", "invalid_value"),
        ({"alt_business_id_type": "DUNS", "alt_business_id": "12345678"}, "alt_business_id", "invalid_value"),
        ({"alt_business_id_type": "LEI"}, "alt_business_id", "missing_field"),
        ({"alt_business_id": "123456789"}, "alt_business_id_type", "invalid_enum"),
        ({"alt_business_id_type": "VAT"}, "alt_business_id_type", "invalid_enum"),
    ],
)
def test_one_thing_that_is_wrong(given, field, code):
    """Named by its field, and nothing else with it."""
    assert {(field, code)} == brand_faults(**given)


def test_a_sole_proprietor_is_a_person_without_a_tax_number():
    """TCR believes them and sends a code to the mobile."""
    assert set() == brand_faults(SOLE)
    assert {("first_name", "missing_field")} == brand_faults(SOLE, first_name="")
    assert {("mobile_phone", "missing_field")} == brand_faults(SOLE, mobile_phone="")
    assert {("mobile_phone", "invalid_value")} == brand_faults(SOLE, mobile_phone="8005550100")
    assert {("ein", "invalid_value")} == brand_faults(SOLE, ein="12-3456789")
    assert {("country", "invalid_value")} == brand_faults(SOLE, country="DE")
    assert {("stock_symbol", "invalid_value")} == brand_faults(SOLE, stock_exchange="NYSE")
    assert {("is_501c3", "invalid_value")} == brand_faults(SOLE, is_501c3=True)


def test_an_empty_form_names_all_that_it_takes():
    """All at once, so that a person goes through it once."""
    missing = {field for field, code in brand_faults(dict.fromkeys(BRAND, "")) if code == "missing_field"}

    assert set(BRAND) - {"website"} == missing


def test_no_fault_repeats_what_was_typed():
    """What goes back to the caller names the field and the fix."""
    typed = {name: f"secret{place}\x07" for place, name in enumerate(BRAND)}
    for fault in brand_form.faults(BrandForm.model_validate(typed)):
        assert "secret" not in f"{fault.pointer} {fault.fix}"


def test_the_words_are_those_of_tcr():
    """As the emulator has them, which was written from the source on its own."""
    assert words.ENTITY_TYPES == ENTITY_TYPES
    assert words.VERTICALS == VERTICALS
    assert words.RELATIONSHIPS == RELATIONSHIPS


@pytest.mark.parametrize("form", [BRAND, SOLE, BRAND | PUBLIC, BRAND | CANADA | {"ein_country": "CA"}])
def test_what_is_in_order_is_taken_by_tcr(form):
    """The body of the call has what TCR wants of each kind of entity; numbers in E.164."""
    body = to_tcr(an_application(fields=dict.fromkeys(BRAND, "") | form)) | {"referenceId": "A1"}

    assert body == read_brand(body) | {"referenceId": "A1"}
    assert body["phone"] == "+12125550100"
    assert body["mock"] is False
