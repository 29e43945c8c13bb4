"""The company that loads are made of: fictional, and allowed to send, but for those who are not."""

import re

import orjson

from loadtests.company import in_letters, make_company

COMPANY = make_company()


def test_the_company_has_hundreds_of_users_and_thousands_of_contacts():
    """Nobody is served from a cache of one row."""
    data = orjson.loads(COMPANY.dump())

    assert (len(data["users"]), len(data["numbers"]), len(data["contacts"])) == (300, 300, 2_800)
    assert len({number["did"] for number in data["numbers"]}) == 300
    assert {number["assignment"]["state"] for number in data["numbers"]} == {"assigned"}


def test_numbers_are_kept_for_fiction_and_none_is_magic():
    """No number of anybody's; the carrier emulator misbehaves for +1 312 555 01xx."""
    numbers = [*COMPANY.senders.values(), *COMPANY.contacts]

    assert all(re.fullmatch(r"\+1[2-9]\d\d55501\d\d", number) for number in numbers)
    assert not any(number.startswith("+1312") for number in numbers)
    assert len(set(numbers)) == len(numbers)


def test_some_may_be_left_unregistered():
    """So that a run can try what may never leave."""
    company = make_company(senders=3, contacts=2, unregistered=2)

    data = orjson.loads(company.dump())

    assert len(data["users"]) == len(data["numbers"]) == 5
    assert len(data["contacts"]) == 2
    unassigned = {number["did"] for number in data["numbers"] if number["assignment"] is None}
    assert unassigned == set(company.unregistered.values())
    assert not unassigned & set(company.senders.values())


def test_numbers_in_letters_are_different_and_without_digits_or_vowels():
    """Digits read as a one-time code, vowels sooner or later make a word."""
    words = {in_letters(number) for number in range(2_000)}

    assert len(words) == 2_000
    assert not set("".join(words)) & set("0123456789aeiouy")
