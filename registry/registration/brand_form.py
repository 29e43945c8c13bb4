"""The form of a brand: who is responsible for the texts. TCR compares it with public records.

Source: TCR CSP API (brand fields, entity types, one brand an EIN), and why brands stay unverified: an EIN that is
wrong, or does not belong to the legal name.

Not here: what TCR makes of it.
"""

import re
from collections.abc import Callable, Iterator
from typing import Annotated, Final

from pydantic import Field

from compliance.destinations import AREA_CODES, DestinationClass
from registry.problems import Fault
from registry.registration import fields, words
from registry.registration.fields import Form

_TEXT_MAX: Final = 300
Text = Annotated[str, Field(max_length=_TEXT_MAX)]

_STATES: Final = frozenset(
    row.region
    for row in AREA_CODES.values()
    if row.destination in {DestinationClass.US, DestinationClass.US_TERRITORY} and row.region
)
_COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)
#: Employer Identification Number: nine digits, a dash after two of them or none; none begins with 00.
_EIN_US: Final = re.compile(r"(?!00)[0-9]{2}-?[0-9]{7}", re.ASCII)
#: Canadian business number: nine digits, the program account behind them or not.
_EIN_CA: Final = re.compile(r"[0-9]{9}(?: ?[A-Z]{2} ?[0-9]{4})?", re.ASCII)
_EIN_ELSEWHERE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./-]{3,20}", re.ASCII)
_POSTAL_US: Final = re.compile(r"[0-9]{5}(?:-[0-9]{4})?", re.ASCII)
_POSTAL_CA: Final = re.compile(r"[ABCEGHJ-NPRSTVXY][0-9][A-Z] ?[0-9][A-Z][0-9]", re.ASCII)
_POSTAL_ELSEWHERE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 -]{1,9}", re.ASCII)
_SYMBOL: Final = re.compile(r"[A-Z0-9][A-Z0-9.-]{0,9}", re.ASCII)
_DUNS: Final = re.compile(r"[0-9]{9}", re.ASCII)
_GIIN: Final = re.compile(r"[A-Z0-9]{6}\.[A-Z0-9]{5}\.[A-Z]{2}\.[0-9]{3}", re.ASCII)
_LEI: Final = re.compile(r"[A-Z0-9]{18}[0-9]{2}", re.ASCII)
_WEBSITE_MAX: Final = 100
_HOME: Final = frozenset({"US", "CA"})


class BrandForm(Form):
    """A brand as a company describes itself. Every word is TCR's."""

    entity_type: Text = ""
    legal_name: Text = ""
    display_name: Text = ""
    #: Tax number, and the country that gave it; a sole proprietor has none.
    ein: Text = ""
    ein_country: Text = ""
    first_name: Text = ""
    last_name: Text = ""
    phone: Text = ""
    #: Of a sole proprietor: gets a code from TCR.
    mobile_phone: Text = ""
    street: Text = ""
    city: Text = ""
    state: Text = ""
    postal_code: Text = ""
    country: Text = ""
    email: Text = ""
    website: Text = ""
    vertical: Text = ""
    stock_symbol: Text = ""
    stock_exchange: Text = ""
    brand_relationship: Text = "BASIC_ACCOUNT"
    alt_business_id: Text = ""
    alt_business_id_type: Text = "NONE"
    #: Tax-exempt by section 501(c)(3): charities only.
    is_501c3: bool = False


#: What stays as it is once TCR has the brand: sole proprietors are registered another way.
FIXED: Final = frozenset({"entity_type"})


def faults(form: BrandForm) -> list[Fault]:
    """Return everything that is wrong with a form, so that it can be put right in one go."""
    found = [one for check in _CHECKS for one in check(form)]
    more = _sole_proprietor(form) if form.entity_type == words.SOLE_PROPRIETOR else _company(form)
    return [*found, *more]


def _who(form: BrandForm) -> Iterator[Fault]:
    yield from fields.one_of(form, "entity_type", words.ENTITY_TYPES)
    yield from fields.text(form, "display_name", 255)
    yield from fields.one_of(form, "vertical", words.VERTICALS)
    yield from fields.one_of(form, "brand_relationship", words.RELATIONSHIPS)


def _where(form: BrandForm) -> Iterator[Fault]:
    yield from fields.text(form, "street", 100)
    yield from fields.text(form, "city", 100)
    yield from fields.region(form, "state", form.country, _STATES if form.country == "US" else words.PROVINCES)
    pattern = {"US": _POSTAL_US, "CA": _POSTAL_CA}.get(form.country, _POSTAL_ELSEWHERE)
    shape = {"US": "12345 or 12345-6789", "CA": "K1A 0B1"}.get(form.country, "2 to 10 letters and digits")
    yield from fields.matching(form, "postal_code", pattern, f"Give the postal code as {shape}.")
    yield from fields.matching(form, "country", _COUNTRY, "Give the two letters of the country, such as US or CA.")


def _reached(form: BrandForm) -> Iterator[Fault]:
    yield from fields.email(form, "email")
    yield from fields.phone(form, "phone")
    yield from fields.link(form, "website", longest=_WEBSITE_MAX, optional=True)


def _business_id(form: BrandForm) -> Iterator[Fault]:
    yield from fields.one_of(form, "alt_business_id_type", words.BUSINESS_ID_TYPES)
    patterns = {
        "DUNS": (_DUNS, "Give the nine digits of the DUNS number."),
        "GIIN": (_GIIN, "Give the GIIN as XXXXXX.XXXXX.XX.XXX."),
        "LEI": (_LEI, "Give the 20 letters and digits of the LEI."),
    }
    if form.alt_business_id_type in patterns:
        yield from fields.matching(form, "alt_business_id", *patterns[form.alt_business_id_type])
    elif form.alt_business_id:
        yield fields.fault("alt_business_id_type", "invalid_enum", "Say which kind of id it is: DUNS, GIIN or LEI.")


_CHECKS: Final[tuple[Callable[[BrandForm], Iterator[Fault]], ...]] = (_who, _where, _reached, _business_id)


def _company(form: BrandForm) -> Iterator[Fault]:
    yield from fields.text(form, "legal_name", 255)
    for name in ("first_name", "last_name"):
        yield from fields.text(form, name, 100, optional=True)
    yield from fields.matching(form, "ein_country", _COUNTRY, "Give the two letters of the country that gave the EIN.")
    yield from _ein(form)
    if form.entity_type == words.PUBLIC_PROFIT:
        yield from fields.matching(form, "stock_symbol", _SYMBOL, "Give the symbol that the shares are traded under.")
        yield from fields.one_of(form, "stock_exchange", words.STOCK_EXCHANGES)
    elif form.stock_symbol or form.stock_exchange:
        yield fields.fault("stock_symbol", "invalid_value", "Leave it out, or choose the entity type PUBLIC_PROFIT.")
    if form.is_501c3 and form.entity_type != words.NON_PROFIT:
        yield fields.fault("is_501c3", "invalid_value", "Only an entity of the type NON_PROFIT can be 501(c)(3).")


def _ein(form: BrandForm) -> Iterator[Fault]:
    shapes = {
        "US": (_EIN_US, "Give the nine digits of the EIN, such as 12-3456789, as on the IRS's letter (CP 575)."),
        "CA": (_EIN_CA, "Give the nine digits of the business number, with the program account or without."),
    }
    pattern, fix = shapes.get(form.ein_country, (_EIN_ELSEWHERE, "Give the tax number, 4 to 21 letters and digits."))
    wrong = list(fields.matching(form, "ein", pattern, fix))
    yield from wrong
    if not wrong and len(set(tax_number(form.ein)[:9])) == 1:
        yield fields.fault("ein", "invalid_value", fix)


def _sole_proprietor(form: BrandForm) -> Iterator[Fault]:
    """A person in business without a tax number; TCR believes them, and sends a code to their mobile."""
    for name in ("first_name", "last_name"):
        yield from fields.text(form, name, 100)
    yield from fields.text(form, "legal_name", 255, optional=True)
    yield from fields.phone(form, "mobile_phone", mobile=True)
    if form.country and form.country not in _HOME:
        yield fields.fault("country", "invalid_value", "A sole proprietor has to be in the US or in Canada.")
    if form.ein:
        fix = "Leave it out, or choose another entity type: who has a tax number is no sole proprietor to TCR."
        yield fields.fault("ein", "invalid_value", fix)
    if form.stock_symbol or form.stock_exchange:
        yield fields.fault("stock_symbol", "invalid_value", "Leave it out: a sole proprietor has no shares.")
    if form.is_501c3:
        yield fields.fault("is_501c3", "invalid_value", "Only an entity of the type NON_PROFIT can be 501(c)(3).")


def tax_number(ein: str) -> str:
    """Return a tax number without what people write between its digits and letters."""
    return "".join(character for character in ein.upper() if character.isalnum())


def name_of(form: BrandForm) -> str:
    """Return the name that a brand goes by in the registry."""
    return form.legal_name.strip() or f"{form.first_name.strip()} {form.last_name.strip()}".strip()
