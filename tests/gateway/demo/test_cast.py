"""Who plays the canary: a number of its own, or nobody."""

from pathlib import Path

import orjson

from gateway.demo.cast import CanaryPart, cast_of
from gateway.offline.company import read_company

COMPANY = orjson.loads((Path(__file__).parents[3] / "examples" / "company.json").read_bytes())


def cast(company):
    """The cast of a company file, decoded."""
    return cast_of(read_company(orjson.dumps(company)), "acme")


def test_the_demo_company_has_a_canary_that_plays_nothing_else():
    """Its number flips all day: no other part may be played with it."""
    found = cast(COMPANY)

    assert found.canary == CanaryPart(number="+12125550119", campaign_id="CACME01")
    assert found.canary.number not in found.numbers.values()


def test_without_it_the_parts_are_the_same():
    """And nobody else's number is taken."""
    users = [user for user in COMPANY["users"] if user["id"] != "acme-canary"]
    numbers = [number for number in COMPANY["numbers"] if number["user"] != "acme-canary"]
    found = cast(COMPANY | {"users": users, "numbers": numbers})

    assert (found.canary, found.numbers) == (None, cast(COMPANY).numbers)


def test_a_canary_that_could_not_sing_is_none():
    """Without a registration there is nothing to take away."""
    numbers = [
        number | ({"assignment": None} if number["user"] == "acme-canary" else {}) for number in COMPANY["numbers"]
    ]

    assert cast(COMPANY | {"numbers": numbers}).canary is None
