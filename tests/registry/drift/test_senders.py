"""Who sent of late, from the ledger."""

import pytest
import sqlalchemy as sa

from registry.drift.senders import LedgerSenders
from registry.ledger.database import LedgerDatabase
from registry.ledger.tables import messages


def a_row(place, sender, *, refused=0):
    """A message that was taken at a place in time."""
    row = {}
    for column in messages.columns:
        number = isinstance(column.type, sa.Integer)
        row[column.name] = None if column.nullable else 0 if number else ""
    return row | {"id": f"m{place}", "accepted_ms": place, "sender": sender, "refused": refused}


@pytest.mark.asyncio
async def test_the_last_one_comes_first_and_each_once(settings):
    """Refused messages, and those without a number, are nobody's."""
    rows = [a_row(1, "+1a"), a_row(2, "+1b"), a_row(3, "+1a"), a_row(4, None), a_row(5, "+1c", refused=1)]
    async with LedgerDatabase.made(settings) as ledger:
        async with ledger.writing() as connection:
            await connection.execute(sa.insert(messages), rows)
        assert await LedgerSenders(ledger).recent(9) == ["+1a", "+1b"]
        assert await LedgerSenders(ledger).recent(1) == ["+1a"]
