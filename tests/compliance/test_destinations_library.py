"""Destinations against the phonenumbers library: every area code with exchanges of each kind.

They agree wherever both answer; where the project's table differs on purpose, the pairs are listed below with their
number and reason. A new release of the library that changes them is to be looked at.
"""

from collections import Counter

import phonenumbers
import pytest
from phonenumbers import PhoneNumberType

from compliance.destinations import DestinationClass, read_destination

#: Service codes, directory, test and paid exchanges, ordinary ones, and those that cannot be.
EXCHANGES = "211 311 411 511 611 711 811 911 555 950 958 976 220 234 400 700 800 999 011 100".split()

TERRITORIES = frozenset({"AS", "GU", "MP", "PR", "VI"})
BY_TYPE = {
    PhoneNumberType.PERSONAL_NUMBER: "personal",
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.TOLL_FREE: "toll_free",
}

#: Ours and theirs, to how many of the numbers tried.
ON_PURPOSE = {
    # Personal numbers (5XX, 622, 633) reach a person by forwarding, of which texts know nothing.
    ("invalid", "personal"): 306,
    # No finer test per exchange is made: the area code decides, and what cannot be is the carrier's to say.
    ("us", "unassigned"): 1,
    ("us_territory", "unassigned"): 62,
    ("caribbean_foreign", "unassigned"): 260,
    # The same, where abroad is abroad whatever the call costs.
    ("caribbean_foreign", "premium"): 2,
    ("caribbean_foreign", "toll_free"): 1,
    # An exchange never begins with 0 or 1, whatever the library's pattern says.
    ("invalid", "toll_free"): 6,
}


def answer_of_library(number):
    """Put the library's answer in our words; unassigned covers invalid and unknown."""
    parsed = phonenumbers.parse(number, None)
    if not phonenumbers.is_valid_number(parsed):
        return "unassigned"
    kind = phonenumbers.number_type(parsed)
    if kind in BY_TYPE:
        return BY_TYPE[kind]
    region = phonenumbers.region_code_for_number(parsed)
    if region in TERRITORIES:
        return "us_territory"
    return {"US": "us", "CA": "canada"}.get(region, "caribbean_foreign")


class TestNorthAmerica:
    def test_area_codes_and_exchanges(self):
        """All that differs is listed."""
        differences = Counter()
        for npa in range(200, 1000):
            for exchange in EXCHANGES:
                number = f"+1{npa}{exchange}0143"
                ours, e164 = read_destination(number)
                theirs = answer_of_library(number)
                assert e164 in {number, ""}
                if (ours, theirs) != ("invalid", "unassigned") and ours != theirs:
                    differences[ours.value, theirs] += 1

        assert differences == ON_PURPOSE


class TestInternational:
    @pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
    def test_a_mobile_number_of_each_country(self, region):
        """Its class follows from the country code; fewer than seven digits in all are too few."""
        example = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
        if example is None or example.country_code == 1:
            return
        number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
        is_too_short = len(number) < len("+1234567")

        kind, e164 = read_destination(number)

        assert (kind, e164) == (
            (DestinationClass.INVALID, "") if is_too_short else (DestinationClass.INTERNATIONAL, number)
        )

    def test_country_codes(self):
        """Those of the library, and two that have no subscribers it knows of: 379 and 991."""
        ours = {code for code in range(100, 1000) if read_destination(f"+{code}5555555")[0] == "international"}
        assigned = tuple(str(code) for code in {*phonenumbers.COUNTRY_CODE_TO_REGION_CODE, 379, 991} - {1, 999})

        assert ours == {code for code in range(100, 1000) if str(code).startswith(assigned)}
