"""The audit's page: who changed what, as a readable difference; and a row that was edited past the registry."""

import sqlalchemy as sa

from registry.tables import audit
from tests.registry.builders import DID

PAGE = "/console/audit"


async def _change(console):
    """A change of a number by an admin's key."""
    answer = await console.api.patch(f"/v1/numbers/{DID}", {"sms": "disabled"})
    assert answer.status == 200, answer.body


async def test_a_change_as_a_difference(console, admin):
    """Who (the key's label), what, which one, and each field before and now."""
    await _change(console)

    seen = await admin.go(f"{PAGE}?kind=numbers&object={DID.replace('+', '%2B')}")

    for said in ("API key “admin”", "Number changed", "+1 202-555-0101", "before: enabled", "now: disabled"):
        assert said in seen.words, said
    assert "as they were written" in seen.words


async def test_an_actor_is_a_person_by_name(admin):
    """A sign-in is a change, too: it made a key."""
    seen = await admin.go(f"{PAGE}?kind=api_keys&actor=user%3Aada")

    assert "Ada" in seen.words
    assert "API key added" in seen.words


async def test_filters(console, admin):
    """By kind, object, actor and time; what is no time is said at its field; nothing found is explained."""
    await _change(console)

    assert "Number changed" not in (await admin.go(f"{PAGE}?kind=brands")).words
    assert "Number changed" not in (await admin.go(f"{PAGE}?until=2020-01-01T00%3A00")).words
    assert "No change fits" in (await admin.go(f"{PAGE}?actor=nobody")).words
    assert "Give a day and a time" in (await admin.go(f"{PAGE}?since=soon")).words


async def test_others_changes_are_not_there(console):
    """A company sees what is its own."""
    await _change(console)
    solo = await console.visitor("solo")

    assert "202-555-0101" not in (await solo.go(PAGE)).text


async def test_an_edited_row_is_told(console, admin):
    """Each row that is shown is held against its hash."""
    await _change(console)
    async with console.database.writing() as connection:
        last = await connection.scalar(sa.select(sa.func.max(audit.c.id)).where(audit.c.kind == "numbers"))
        await connection.execute(sa.update(audit).where(audit.c.id == last).values(actor="nobody"))

    seen = await admin.go(PAGE)

    assert f"Row {last} does not say what its seal says" in seen.words
    assert 'class="broken"' in seen.text


async def test_a_secret_is_never_shown(admin):
    """What proves a key is in no difference."""
    assert "Sha256" not in (await admin.go(f"{PAGE}?kind=api_keys")).text


async def test_only_for_admins_and_support(console):
    """Employees see none of it."""
    assert (await (await console.visitor("employee")).go(PAGE)).status == 403
    assert (await (await console.visitor("support")).go(PAGE)).status == 200
