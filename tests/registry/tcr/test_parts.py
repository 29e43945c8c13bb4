"""All of it together: from two applications to a campaign that can carry texts, over webhooks that misbehave."""

import contextlib

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from loadtests.ports import free_port
from loadtests.tcr.settings import Pace
from metrics.registry import RegistryMetrics
from registry.barrier import Barrier
from registry.http_common import answer_problems
from registry.lifecycle.standing import Registered, lacking
from registry.settings import Settings
from registry.tcr import submitter as module
from registry.tcr.parts import kept_tcr
from tests.registry.builders import eventually
from tests.registry.tcr.companies import an_application, application_of, brand_of, campaign_of, submit
from tests.registry.tcr.conftest import UPSTREAM, emulating


@contextlib.asynccontextmanager
async def talking(settings, database, store, url):
    """A registry that talks with an emulator, whose webhooks it takes."""
    port = free_port()
    ours = settings.model_copy(
        update={
            "tcr_url": f"{url}/v2",
            "tcr_key": "tcr-key",
            "tcr_secret": "tcr-secret",
            "tcr_hook_url": f"http://127.0.0.1:{port}/hooks/tcr",
            "tcr_upstream": UPSTREAM,
        }
    )
    metrics = RegistryMetrics(CollectorRegistry())
    barrier = Barrier(store, metrics)
    barrier.stop()  # Nobody follows: an answer waits for nobody.
    async with kept_tcr(ours, database, barrier, metrics) as parts:
        application = web.Application(middlewares=[answer_problems])
        application.add_routes(parts.routes())
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        try:
            yield parts
        finally:
            await runner.cleanup()


async def can_carry(database, campaign_id):
    """Say whether a campaign is as VERIFIED as it gets, and approved by every carrier."""
    campaign = await campaign_of(database, campaign_id)
    brand = await brand_of(database, campaign.brand_id)
    standing = Registered(
        brand=brand.status,
        campaign=campaign.status,
        sharing=campaign.sharing,
        dca_complete=campaign.dca_complete,
        mock=campaign.mock,
        use_case=campaign.use_case,
    )
    carriers = {campaign.att, campaign.tmobile, campaign.verizon, campaign.us_cellular}
    return lacking(standing) is None and carriers == {"approved"}


async def _taken(database, key):
    application = await application_of(database, key)
    return application.object_id if application.state == "submitted" else None


@pytest.mark.parametrize(
    "manner",
    [{}, {"copies": 3, "shuffle_s": 0.5}, {"lose_every": 2}],
    ids=["as they should be", "repeated and out of order", "every second one lost"],
)
async def test_from_a_form_to_a_campaign_that_can_carry_texts(settings, database, store, monkeypatch, manner):
    """What gets lost is asked for in the end; what comes twice, late or out of order does no harm."""
    monkeypatch.setattr(module, "_POLL_S", 0.05)
    monkeypatch.setattr(module, "_LOOK_AFTER_S", 3.0)
    pace = Pace(brand_s=0.2, vetting_s=0.2, share_s=0.2, dca_s=0.2, carrier_s=0.2)
    async with emulating(pace=pace) as tcr, talking(settings, database, store, tcr.url):
        await eventually(lambda: _subscribed(tcr))
        await tcr.control("PUT", "/hooks", manner)
        await submit(database, an_application("A1"))
        brand_id = await eventually(lambda: _taken(database, "A1"))

        async def is_verified():
            return (await brand_of(database, brand_id)).status == "verified"

        await eventually(is_verified)
        await submit(database, an_application("A2", "campaign", brand_id=brand_id))
        campaign_id = await eventually(lambda: _taken(database, "A2"))
        await eventually(lambda: can_carry(database, campaign_id))

        await tcr.control("PUT", "/hooks", {"copies": 1, "shuffle_s": 0, "lose_every": 0})
        await tcr.happens(campaign_id, "operate", carrier="tmobile", status="SUSPENDED")

        async def is_suspended():
            return (await campaign_of(database, campaign_id)).tmobile == "suspended"

        await eventually(is_suspended)


async def _subscribed(tcr):
    return len((await tcr.overview())["subscriptions"]) == 4


async def test_without_an_address_nothing_is_asked_and_nothing_taken(database, store):
    """A registry that is connected to no TCR."""
    metrics = RegistryMetrics(CollectorRegistry())
    async with kept_tcr(Settings(), database, Barrier(store, metrics), metrics) as parts:
        assert parts.client is None
        assert parts.routes() == []


def test_settings_do_not_show_the_secrets():
    """Neither key nor secret."""
    assert "hush" not in repr(Settings(tcr_key="hush-1", tcr_secret="hush-2"))
