"""Provisioning as the registry's process runs it: from the settings to a number that is in its campaign."""

import asyncio

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from loadtests.aggregator.settings import DEVELOPMENT_SECRET
from metrics.registry import RegistryMetrics
from registry.provisioning.part import provisioning
from registry.settings import Settings
from tests.registry.provisioning.conftest import KEY


async def test_without_an_aggregator_nothing_runs(database, settings):
    """Wishes wait, and nobody can tell us anything."""
    async with provisioning(settings, database, RegistryMetrics(CollectorRegistry())) as part:
        assert (part.client, part.routes()) == (None, [])


async def test_a_wish_is_fulfilled_with_real_time_and_events(world):
    """Client, worker and hook together; the event makes it quick, whatever the poll is."""
    settings = Settings(
        aggregator_url=world.aggregator.url,
        aggregator_key=KEY,
        aggregator_hook_secrets=(DEVELOPMENT_SECRET,),
        aggregator_reads_per_s=1000,
        aggregator_writes_per_s=1000,
        provisioning_poll_s=0.2,
    )
    instruments = CollectorRegistry()
    async with provisioning(settings, world.database, RegistryMetrics(instruments)) as part:
        application = web.Application()
        application.add_routes(part.routes())
        runner = web.AppRunner(application, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        world.aggregator.hooks.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks/numbers"
        await world.assign()
        async with asyncio.timeout(60):
            while await world.job() is not None:  # noqa: ASYNC110  the worker's rows
                await asyncio.sleep(0.02)
        assert await world.state() == "assigned"
        await runner.cleanup()
    assert instruments.get_sample_value("registry_provisioning_steps_total", {"outcome": "confirm"}) == 1


def test_secrets_are_not_shown():
    """Neither the key nor the webhook secrets are in what a person or a log may see of the settings."""
    settings = Settings(aggregator_key="key-of-ours", aggregator_hook_secrets=(DEVELOPMENT_SECRET,))
    assert "key-of-ours" not in repr(settings)
    assert DEVELOPMENT_SECRET not in repr(settings)


@pytest.mark.parametrize("secret", ["", "whsec_", "secret"])
async def test_a_secret_that_is_none_stops_the_start(world, secret):
    """With the setting's shape in the message, and not the secret."""
    settings = Settings(aggregator_url=world.aggregator.url, aggregator_hook_secrets=(secret,))
    with pytest.raises(ValueError, match="whsec_ followed"):
        async with provisioning(settings, world.database, world.metrics):
            pass
