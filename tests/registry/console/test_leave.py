"""Leave of carriers: the provider's list and what is settled there, and what the company sees of it."""

import pytest

from registry.commands import change, find
from registry.records import Campaign, Fee
from tests.registry.builders import AT, a_campaign

LIST = "/console/provider/leave"
CAMPAIGN = "/console/registration/campaigns/CACME"


@pytest.mark.parametrize(
    ("answer", "state", "said"), [("yes", "approved", "approved"), ("no", "none", "no number pool")]
)
async def test_a_number_pool_is_worked_through(console, admin, answer, state, said):
    """The company asks and is told who asks the carriers; an operator settles it, and the company sees the outcome."""
    operator = await console.visitor("operator")
    assert "Nobody waits" in (await operator.go(LIST)).words
    await admin.go(CAMPAIGN)
    asked = await admin.send(f"{CAMPAIGN}/ask-number-pool")
    assert "Your provider asks the carriers, since" in asked.words

    seen = await operator.go(LIST)
    assert "CACME" in seen.words
    assert "Numbers held" in seen.words
    wish = seen.text.partition('name="wish" value="')[2].partition('"')[0]
    done = await operator.send(f"{LIST}/settle", {"wish": wish, "approved": answer})
    assert done.said.startswith("Noted: the carriers gave")
    assert "Nobody waits" in done.words
    again = await operator.send(f"{LIST}/settle", {"wish": wish, "approved": answer})
    assert "said-warning" in again.text

    async with console.database.reading() as connection:
        assert (await find(connection, Campaign, {("CACME",)}))["CACME",].number_pool == state
    assert said in (await admin.go(CAMPAIGN)).words


async def test_support_only_looks(console, admin):
    """And nobody else."""
    await admin.go(CAMPAIGN)
    await admin.send(f"{CAMPAIGN}/ask-number-pool")
    support = await console.visitor("support")
    seen = await support.go(LIST)
    assert "CACME" in seen.words
    assert "Approve" not in seen.words
    fields = {"wish": "any", "approved": "yes"}
    assert (await support.send(f"{LIST}/settle", fields)).status == 403
    assert (await admin.go(LIST)).status == 403
    await admin.go(CAMPAIGN)
    assert (await admin.send(f"{LIST}/settle", fields)).status == 403


async def test_adjustments_of_the_company(console, admin):
    """In a table of the registration page, billed or not; an empty one says what it is."""
    root = "/console/registration"
    assert "No adjustment yet" in (await admin.go(root)).words
    fee = {"tenant": "acme", "kind": "registration", "at": AT, "cents": 8_900, "currency": "USD", "application": "a"}
    for billed, said in ((None, "With the next bill"), (AT, "US$89")):
        async with console.database.writing() as connection:
            await change(connection, actor="test", put=[Fee(**fee, billed_at=billed), a_campaign()])
        words = (await admin.go(root)).words
        assert said in words
    assert "With the next bill" not in words
