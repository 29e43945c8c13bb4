"""A company that TCR, an aggregator and our rows agree about."""

import pytest

from tests.registry.builders import BASICS, a_campaign, an_assignment
from tests.registry.drift.builders import LONG_AGO
from tests.registry.drift.emulators import a_world


@pytest.fixture
async def world(database, tmp_path):
    """A company that is in order on all sides, for long."""
    async with a_world(database, tmp_path) as world:
        await world.put(*BASICS, a_campaign("COTHER"), an_assignment(since=LONG_AGO))
        yield world
