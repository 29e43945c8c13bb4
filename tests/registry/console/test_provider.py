"""The provider's pages: companies, looking at one of them, and how the platform is."""

import pytest

LIST = "/console/provider/tenants"
PLATFORM = "/console/provider/platform"


@pytest.fixture
async def operator(console):
    """A browser of an operator."""
    return await console.visitor("operator")


async def test_lists_and_finds_companies(operator):
    """By a part of the name; none is explained."""
    assert "solo" in (await operator.go(LIST)).words
    assert "acme" not in (await operator.go(f"{LIST}?search=nobody")).words.partition("No company")[2]
    assert "No company with this name" in (await operator.go(f"{LIST}?search=nobody")).words


async def test_looks_at_a_company_and_back(console):
    """Support looks at a company as its admins see it, above every page it says so, and goes back."""
    support = await console.visitor("support")
    await support.go(LIST)

    there = await support.send(f"{LIST}/acme/look")
    numbers = await support.go("/console/audit")
    back = await support.send(f"{LIST}/phoneco/look")

    assert there.path == "/console"
    assert "for the provider" in numbers.words
    assert "You look at your own company again." in back.said
    assert "for the provider" not in back.words


async def test_no_such_company(operator):
    """Is not found, and the company that is looked at stays."""
    await operator.go(LIST)

    assert (await operator.send(f"{LIST}/nobody/look")).status == 404
    assert (await operator.go(f"{LIST}/nobody")).status == 404


async def test_adds_a_company(operator):
    """With what is wrong at its field, and what was typed kept."""
    await operator.go(f"{LIST}/new")
    fields = {"id": "newco", "name": "New Co", "country": "CA", "currency": "CAD", "time_zone": "Mars/Base"}

    wrong = await operator.send(f"{LIST}/new", fields)
    taken = await operator.send(f"{LIST}/new", fields | {"time_zone": "America/Toronto", "id": "acme"})
    made = await operator.send(f"{LIST}/new", fields | {"time_zone": "America/Toronto"})

    assert wrong.status == 422
    assert "Give an IANA time zone" in wrong.words
    assert 'value="New Co"' in wrong.text
    assert taken.status == 422
    assert "New Co is there, as newco." in made.said
    assert "newco" in made.words


async def test_edits_a_company(operator):
    """What was changed is shown in the list."""
    await operator.go(f"{LIST}/solo")
    fields = {"name": "Solo Two", "country": "US", "currency": "USD", "time_zone": "America/Chicago"}

    done = await operator.send(f"{LIST}/solo", fields)

    assert "Solo Two is saved." in done.said
    assert "America/Chicago" in done.words


async def test_support_adds_and_edits_none(console):
    """Operators do."""
    support = await console.visitor("support")
    seen = await support.go(LIST)

    assert f"{LIST}/new" not in seen.text
    for path in (f"{LIST}/new", f"{LIST}/solo"):
        assert (await support.go(path)).status == 403
        assert (await support.send(path, {"name": "x"})).status == 403


@pytest.mark.parametrize("who", ["admin", "employee"])
async def test_nobody_else_sees_it(console, who):
    """Neither the pages nor the way to another company."""
    visitor = await console.visitor(who)

    for path in (LIST, PLATFORM, f"{LIST}/solo"):
        assert (await visitor.go(path)).status == 403
    assert (await visitor.send(f"{LIST}/solo/look")).status == 403


async def test_the_platform(operator):
    """The copy, who follows it, jobs, and the queue store, which a registry without one says it does not know."""
    seen = await operator.go(PLATFORM)

    assert seen.status == 200
    assert "0 changes not in the copy yet" in seen.words
    assert "No process follows the copy" in seen.words
    assert "The queue store is not known here" in seen.words
    assert "Numbers at the aggregator" in seen.words
