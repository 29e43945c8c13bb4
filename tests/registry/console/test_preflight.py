"""Preflight's page: who and whom in, the answer out, with the shortest way to yes."""

import pytest

from tests.registry.builders import DID

PAGE = "/console/preflight"
TO = "to=%2B16465550151"


async def test_says_what_to_give(admin):
    """Without a question there is a form and a word of what it is for; half a question is told at its field."""
    empty, half = await admin.go(PAGE), await admin.go(f"{PAGE}?who=ben")

    assert "Ask before you are asked" in empty.words
    assert "Give the number that is to be texted." in half.words


@pytest.mark.parametrize("who", ["ben", DID.replace("+", "%2B")])
async def test_answers_for_an_id_and_a_number(admin, who):
    """The same person, however they are named; the answer says who and from where."""
    seen = await admin.go(f"{PAGE}?who={who}&{TO}")

    assert "Yes" in seen.words
    assert "Ben from +1 202-555-0101 to +1 646-555-0151" in seen.words


async def test_a_name_of_several_people_is_a_choice(admin):
    """Each of them leads to the answer for them; a name of one person is that person."""
    several, one = await admin.go(f"{PAGE}?who=Ben&{TO}"), await admin.go(f"{PAGE}?who=ada&{TO}")

    assert "Whom do you mean?" in several.words
    assert f'href="{PAGE}?who=ann&amp;to=%2B16465550151"' in several.text
    assert "Ada" in one.words
    assert "Whom do you mean?" not in one.words


async def test_a_no_names_the_steps(admin):
    """Reason, each step with who does it, how long it takes, and the page that does it."""
    seen = await admin.go(f"{PAGE}?who=ann&{TO}")

    assert "What leads to yes" in seen.words
    assert "You, or another admin" in seen.words
    assert 'href="/console/phone-system/' in seen.text


async def test_a_dead_end_is_explained(admin):
    """Where no step leads there, the page says why."""
    seen = await admin.go(f"{PAGE}?who=ben&to=911")

    assert "There is no way to yes" in seen.words
    assert "Emergency" in seen.words


@pytest.mark.parametrize("who", ["nobody", "%2B12025550103", "sol"])
async def test_whoever_is_not_the_companys_is_unknown(admin, who):
    """A number and a person of another company are as unknown as none."""
    seen = await admin.go(f"{PAGE}?who={who}&{TO}")

    assert seen.status == 200
    assert "no such number" in seen.words or "Nobody in the company" in seen.words


async def test_only_for_admins_and_support(console):
    """Employees have their own way; support sees it."""
    assert (await (await console.visitor("employee")).go(PAGE)).status == 403
    assert (await (await console.visitor("support")).go(PAGE)).status == 200
