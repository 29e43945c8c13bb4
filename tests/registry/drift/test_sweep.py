"""How a sweep walks: recent senders first, on where it stopped, and through in the end."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from registry.drift.book import note
from registry.drift.classes import Drift
from registry.drift.sweep import FAILURES, last_turn
from registry.provisioning.client import UnavailableError
from registry.work_tables import drift
from tests.registry.builders import a_number, an_assignment
from tests.registry.drift.builders import NOW, Aggregator, Senders, a_sweep, fill, shown, turn

DIDS = [f"+1202555{place:04}" for place in range(200, 270)]


async def many(database):
    """Seventy numbers that are in order."""
    records = [a_number(did, sms="superseded") for did in DIDS]
    await fill(database, *records, *(an_assignment(did) for did in DIDS))
    return [shown(did) for did in ["+12025550101", *DIDS]]


class TestSweep:
    async def test_recent_senders_come_first(self, database):
        """The last one of all first; then everybody."""
        there = await many(database)
        aggregator = Aggregator(*there)
        sweep, _ = a_sweep(database, aggregator=aggregator, senders=Senders(DIDS[50], DIDS[3], "+12025550999"))
        await turn(sweep)
        assert aggregator.asked[:3] == [DIDS[50], DIDS[3], "+12025550101"]
        assert set(aggregator.asked) == {"+12025550101", *DIDS}

    async def test_it_goes_on_where_it_stopped(self, database):
        """Another process does, from the database alone; no number is asked for twice in a turn."""
        aggregator = Aggregator(*await many(database))
        for _ in range(100):
            sweep, _ = a_sweep(database, aggregator=aggregator)
            if await sweep.step(NOW):
                break
        else:
            pytest.fail("the turn does not end")
        assert sorted(aggregator.asked) == ["+12025550101", *DIDS]

    async def test_a_look_is_at_a_few_numbers(self, database):
        """The aggregator's rate is its client's; here it is how long nothing else is done."""
        aggregator = Aggregator(*await many(database))
        sweep, _ = a_sweep(database, aggregator=aggregator)
        await sweep.step(NOW)
        await sweep.step(NOW)
        assert 0 < len(aggregator.asked) <= 20

    async def test_a_full_turn_is_told(self, database):
        """When it ended, and how long it took; the metric grows older with it."""
        await fill(database)
        sweep, metrics = a_sweep(database)
        began = NOW
        while not await sweep.step(began):
            began += timedelta(seconds=10)
        async with database.reading() as connection:
            told = await last_turn(connection)
        assert told.at == began
        assert told.seconds == (began - NOW).total_seconds() > 0
        await sweep.step(began + timedelta(seconds=90))
        assert metrics.get_sample_value("registry_drift_turn_age_seconds") == 90

    async def test_open_drift_is_counted_by_class(self, database):
        """As of the last look."""
        await fill(database, an_assignment(campaign_id=None))
        sweep, metrics = a_sweep(database)
        await turn(sweep)
        labels = {"kind": "assignment_inconsistent"}
        assert metrics.get_sample_value("registry_open_drift", labels) == 1
        assert metrics.get_sample_value("registry_open_drift", {"kind": "unknown_state"}) == 0

    async def test_a_side_that_does_not_answer_leaves_the_place(self, database):
        """It is tried again there, and what was found before stays."""

        class Gone(Aggregator):
            async def read(self, did):
                del did
                raise UnavailableError("NO_ANSWER", "")

        await fill(database)
        sweep, _ = a_sweep(database, aggregator=Gone())
        await sweep.step(NOW)
        for _ in range(2):
            with pytest.raises(FAILURES):
                await sweep.step(NOW)
        sweep, _ = a_sweep(database, aggregator=Aggregator(shown("+12025550101")))
        await turn(sweep)


class TestBook:
    SEEN = Drift("unknown_state", "brand:B", "acme", "status")

    async def state(self, database):
        """What the one row says."""
        async with database.reading() as connection:
            return (await connection.execute(sa.select(drift))).one()

    async def note(self, database, *found, now=NOW):
        """Look at the brand."""
        async with database.writing() as connection:
            return await note(connection, ["brand:B"], ["unknown_state"], found, now)

    async def test_it_is_seen_again_and_gone(self, database):
        """Since when it is there stays; when it was gone says seen_at."""
        await fill(database)
        later = NOW + timedelta(hours=1)
        assert await self.note(database, self.SEEN) == [self.SEEN]
        assert await self.note(database, self.SEEN, now=later) == []
        row = await self.state(database)
        assert (row.state, row.found_at, row.seen_at) == ("open", NOW, later)
        await self.note(database, now=later)
        assert (await self.state(database)).state == "healed"
        assert await self.note(database, self.SEEN, now=later) == [self.SEEN]
        assert (await self.state(database)).found_at == later

    async def test_what_a_person_accepted_stays_until_it_looks_different(self, database):
        """They decided about what they saw."""
        await fill(database)
        await self.note(database, self.SEEN)
        async with database.writing() as connection:
            await connection.execute(sa.update(drift).values(state="accepted", decided_by="key:k", decided_at=NOW))
        assert await self.note(database, self.SEEN) == []
        assert (await self.state(database)).state == "accepted"
        other = replace_detail(self.SEEN)
        assert await self.note(database, other) == [other]
        row = await self.state(database)
        assert (row.state, row.decided_by, row.decided_at) == ("open", None, None)

    async def test_what_was_not_looked_for_stays(self, database):
        """Another class on the same object is for another look."""
        await fill(database)
        await self.note(database, self.SEEN)
        async with database.writing() as connection:
            await note(connection, ["brand:B"], ["brand_not_at_tcr"], [], NOW)
        assert (await self.state(database)).state == "open"


def replace_detail(one):
    """The same thing, looking different."""
    return one._replace(detail="status, sharing")
