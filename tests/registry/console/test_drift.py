"""Drift's page: what disagrees, in words, and a person's decision about it."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from registry.work_tables import drift
from tests.registry.builders import DID

PAGE = "/console/drift"
WHICH = {"kind": "campaign_differs_at_aggregator", "object": f"number:{DID}"}


@pytest.fixture
async def found(console):
    """Drift of acme's, which a person decides, and of the other company's."""
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    row = {"detail": "there CTWO, here CACME", "found_at": now, "seen_at": now, "state": "open"}
    rows = [
        {**row, **WHICH, "tenant": "acme"},
        {**row, "kind": "orphan_assignment", "object": "number:+12025550103", "tenant": "solo"},
    ]
    async with console.database.writing() as connection:
        await connection.execute(sa.insert(drift), rows)


async def test_says_what_it_means_and_what_to_do(admin, found):
    """In words, with the object's page; the other company's is not there."""
    seen = await admin.go(PAGE)

    assert "The aggregator has the number in another campaign than we do." in seen.words
    assert "What to do: If ours is right, try again" in seen.words
    assert f'href="/console/phone-system/numbers/{DID.replace("+", "%2B")}"' in seen.text
    assert "202-555-0103" not in seen.text


async def test_leaves_it(admin, found):
    """An admin decides that it may stay; it is among the accepted, with who decided."""
    await admin.go(PAGE)

    done = await admin.send(f"{PAGE}/accept", WHICH | {"state": "open"})
    accepted = await admin.go(f"{PAGE}?state=accepted")

    assert "It stays as it is." in done.said
    assert "Nothing disagrees" in done.words
    assert "Accepted by Ada" in accepted.words


async def test_what_cannot_be_done_is_said(admin, found):
    """A refusal stands above the list."""
    await admin.go(PAGE)
    await admin.send(f"{PAGE}/accept", WHICH)

    assert (await admin.send(f"{PAGE}/accept", WHICH | {"object": "number:+12025550103"})).status == 404
    assert (await admin.send(f"{PAGE}/retry", WHICH | {"state": "else"})).status in {200, 404}


async def test_support_sees_and_decides_nothing(console, found):
    """No button; and of all companies, with whose it is."""
    support = await console.visitor("support")

    seen = await support.go(f"{PAGE}?everywhere=true")
    done = await support.send(f"{PAGE}/accept", WHICH)

    assert "acme" in seen.words
    assert "solo" in seen.words
    assert f'action="{PAGE}/accept"' not in seen.text
    assert "stays as it is" not in done.said
    async with console.database.reading() as connection:
        state = await connection.scalar(sa.select(drift.c.state).where(drift.c.kind == WHICH["kind"]))
        assert state == "open"


async def test_admins_see_their_own_only(admin, found):
    """Asking for everybody's changes nothing for them."""
    assert "202-555-0103" not in (await admin.go(f"{PAGE}?everywhere=true")).text


async def test_employees_see_none_of_it(console):
    """The page is the admins'."""
    assert (await (await console.visitor("employee")).go(PAGE)).status == 403
