"""From an application to a brand and a campaign at TCR, whatever fails in between."""

import asyncio
import contextlib
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from metrics.registry import RegistryMetrics
from registry.tables import fees
from registry.tasks import stop
from registry.tcr import submitter as module
from registry.tcr.applying import Outcome, apply_event
from registry.tcr.catching_up import catch_up
from registry.tcr.client import TcrClient
from registry.tcr.events import read_event
from registry.tcr.submitter import Submitter
from registry.tcr.telling import Telling
from registry.work_tables import tcr_events
from tests.registry.builders import eventually
from tests.registry.tcr.companies import (
    an_application,
    application_of,
    brand_of,
    campaign_of,
    due,
    jobs,
    submit,
)
from tests.registry.tcr.forms import a_brand_form

ROOT = Path(__file__).parents[3]
#: A form that TCR takes, in its own words.
ENOUGH = a_brand_form()


def now():
    """Now."""
    return datetime.now(UTC)


@pytest.fixture(autouse=True)
def _hurry(monkeypatch):
    """Nobody waits a second in a test."""
    monkeypatch.setattr(module, "_POLL_S", 0.05)
    monkeypatch.setattr(module, "_BACKOFF_FIRST_S", 0.05)


@contextlib.asynccontextmanager
async def submitting(database, client, hook_url=""):
    """Let a submitter work for the length of the block."""
    metrics = RegistryMetrics(CollectorRegistry())
    task = asyncio.create_task(Submitter(database, client, metrics, Telling(metrics), hook_url).run())
    try:
        yield task
    finally:
        await stop(task)
        assert task.cancelled(), task.exception()


async def becomes(database, state, key="A1"):
    """Wait until an application is in a state; gives it."""

    async def held():
        found = await application_of(database, key)
        return found if found.state == state else None

    return await eventually(held)


async def an_active_brand(tcr, database, client):
    """Have a brand registered and verified; gives its id."""
    await submit(database, an_application("A1"))
    async with submitting(database, client):
        brand_id = (await becomes(database, "submitted")).object_id
    await tcr.happens(brand_id, "verify")
    await catch_up(database, client, f"brand:{brand_id}")
    return brand_id


class TestBrands:
    async def test_an_application_becomes_a_brand(self, tcr, client, database):
        """With TCR's id, not verified yet; the application says what came of it, and nothing is left to submit."""
        await submit(database, an_application())
        async with submitting(database, client):
            taken = await becomes(database, "submitted")
        brand = await brand_of(database, taken.object_id)
        assert (brand.tenant, brand.legal_name, brand.status, brand.faults) == ("acme", "Acme LLC", "pending", ())
        assert await jobs(database, "submit") == []
        assert [one["object"] for one in await jobs(database, "ask")] == [f"brand:{brand.id}"]

    async def test_a_refusal_goes_back_to_the_admins(self, tcr, client, database):
        """With TCR's reasons; corrected and submitted again it is taken."""
        await submit(database, an_application(fields={"vertical": "CIRCUS"}))
        async with submitting(database, client):
            refused = await becomes(database, "refused")
            assert refused.faults == ("vertical has an unknown value",)
            assert await jobs(database) == []
            await submit(database, an_application())
            taken = await becomes(database, "submitted")
        assert taken.faults == ()

    async def test_a_corrected_brand_is_looked_at_again(self, tcr, client, database):
        """It stays the same brand; what was said about it before counts no more, even if it comes now."""
        await submit(database, an_application())
        async with submitting(database, client):
            brand_id = (await becomes(database, "submitted")).object_id
            await tcr.happens(brand_id, "unverify", reasons=["The EIN is that of another company."])
            await catch_up(database, client, f"brand:{brand_id}")
            unverified = await brand_of(database, brand_id)
            assert (unverified.status, unverified.faults) == ("unverified", ("The EIN is that of another company.",))

            await asyncio.sleep(1.1)  # TCR's answers say the time to the second.
            await submit(database, an_application(fields={"legal_name": "Acme Inc"}, object_id=brand_id))
            await becomes(database, "submitted")
        corrected = await brand_of(database, brand_id)
        assert (corrected.status, corrected.legal_name, corrected.faults) == ("pending", "Acme Inc", ())
        late = {"eventType": "BRAND_IDENTITY_STATUS_UPDATE", "brandId": brand_id, "brandIdentityStatus": "UNVERIFIED"}
        async with database.writing() as connection:
            event = read_event(late | {"time": "2020-01-01T00:00:00Z"})
            await apply_event(connection, event, now())
        assert (await brand_of(database, brand_id)).status == "pending"
        assert [one["path"] for one in await tcr.came("PUT")][-2:] == [
            f"/v2/brand/{brand_id}",
            f"/v2/brand/{brand_id}/revet",
        ]

    async def test_a_webhook_may_overtake_our_own_answer(self, tcr, client, database):
        """It was kept until the brand was there.

        Of a suspension, which TCR tells and never shows when it is asked: only the event can have brought it.
        """
        brand = await client.create_brand("A1", ENOUGH)
        told = read_event({"eventType": "BRAND_SUSPEND", "brandId": brand.id})
        async with database.writing() as connection:
            assert (await apply_event(connection, told, now())).outcome == Outcome.UNKNOWN_OBJECT
        await submit(database, an_application())
        async with submitting(database, client):
            taken = await becomes(database, "submitted")
        assert (taken.object_id, (await brand_of(database, brand.id)).status) == (brand.id, "suspended")
        async with database.writing() as connection:
            assert (await apply_event(connection, told, now())).outcome == Outcome.UNCHANGED


class TestCampaigns:
    async def test_an_application_becomes_a_campaign_that_is_shared(self, tcr, client, database):
        """Active at TCR, waiting for those upstream; nothing can be sent by it yet."""
        brand_id = await an_active_brand(tcr, database, client)
        assert (await brand_of(database, brand_id)).status == "verified"
        await submit(database, an_application("A2", "campaign", brand_id=brand_id))
        async with submitting(database, client):
            campaign_id = (await becomes(database, "submitted", "A2")).object_id
        found = await campaign_of(database, campaign_id)
        async with database.reading() as connection:  # (whatever was taken back just before)
            assert list(await connection.scalars(sa.select(fees.c.application))) == ["A2"]
        assert (found.brand_id, found.use_case, found.embedded_link) == (brand_id, "low_volume", True)
        assert (found.status, found.sharing, found.dca_complete, found.mock) == ("active", "pending", False, False)
        assert (await client.sharing(campaign_id)).status == "pending"

    async def test_a_declined_one_is_corrected_and_shared_again(self, tcr, client, database):
        """The same campaign; what can be changed is, and the reviews begin anew."""
        brand_id = await an_active_brand(tcr, database, client)
        await submit(database, an_application("A2", "campaign", brand_id=brand_id))
        async with submitting(database, client):
            campaign_id = (await becomes(database, "submitted", "A2")).object_id
            await tcr.happens(campaign_id, "decline", reasons=["Sample 1 does not name the brand."])
            await catch_up(database, client, f"campaign:{campaign_id}")
            declined = await campaign_of(database, campaign_id)
            assert (declined.sharing, declined.faults) == ("declined", ("Sample 1 does not name the brand.",))
            samples = ["Acme Stores: your order is on its way.", "Acme Stores: closed today."]
            again = an_application("A2", "campaign", {"samples": samples}, brand_id=brand_id, object_id=campaign_id)
            await submit(database, again)
            await becomes(database, "submitted", "A2")
        found = await campaign_of(database, campaign_id)
        assert (found.sharing, found.faults, found.samples) == ("pending", (), tuple(samples))
        assert (await client.sharing(campaign_id)).status == "pending"

    async def test_one_that_tcr_does_not_take_is_refused(self, tcr, client, database):
        """The brand was not verified after all."""
        await submit(database, an_application("A1"))
        async with submitting(database, client):
            brand_id = (await becomes(database, "submitted")).object_id
            await submit(database, an_application("A2", "campaign", brand_id=brand_id))
            refused = await becomes(database, "refused", "A2")
        assert refused.faults == ("Brand is UNVERIFIED and does not qualify for this usecase",)
        assert refused.object_id is None

    async def test_a_deactivation_is_owed_until_it_is_done(self, tcr, client, database):
        """However often TCR fails; twice is as once."""
        brand_id = await an_active_brand(tcr, database, client)
        await submit(database, an_application("A2", "campaign", brand_id=brand_id))
        async with submitting(database, client):
            campaign_id = (await becomes(database, "submitted", "A2")).object_id
        await tcr.faults({"method": "DELETE", "behaviour": "error_after", "times": 1})
        async with database.writing() as connection:
            await due(connection, "deactivate", campaign_id)
        async with submitting(database, client):
            await eventually(lambda: _none(database, "deactivate"))
        assert (await client.campaign(campaign_id)).status == "expired"

    async def test_a_campaign_that_tcr_does_not_have_needs_no_deactivation(self, client, database):
        """There is nothing to end."""
        async with database.writing() as connection:
            await due(connection, "deactivate", "CNONE01")
        async with submitting(database, client):
            await eventually(lambda: _none(database, "deactivate"))


class TestFailures:
    @pytest.mark.parametrize(
        "behaviour", ["drop_answer", "drop_request", "error", "error_after", "throttle", "garbled"]
    )
    async def test_whatever_goes_wrong_there_is_one(self, tcr, client, database, behaviour):
        """Six applications while calls fail: six brands at TCR, each application has its own."""
        await tcr.faults(
            {"method": "POST", "behaviour": behaviour, "times": 3, "retry_after_s": 0},
            {"method": "GET", "behaviour": "drop_request", "times": 2},
        )
        await submit(database, *(an_application(f"A{number}") for number in range(6)))
        async with submitting(database, client):
            taken = [await becomes(database, "submitted", f"A{number}") for number in range(6)]
        there = (await tcr.overview())["brands"]
        assert len(there) == 6
        assert {one.object_id for one in taken} == set(there)
        for one in taken:
            assert (await client.find_brand(one.id)).id == one.object_id

    async def test_two_processes_do_one_thing_once(self, tcr, client, database):
        """Both take the job; TCR keeps one of each reference id."""
        await submit(database, an_application())
        async with submitting(database, client), submitting(database, client), submitting(database, client):
            taken = await becomes(database, "submitted")
        assert list((await tcr.overview())["brands"]) == [taken.object_id]

    async def test_wrong_credentials_are_one_alert_and_no_refusal(self, tcr, database):
        """The application waits for the operator, and goes out once the key is right."""
        await submit(database, an_application())
        with capture_logs() as logs:
            async with TcrClient.connected(tcr.account(secret="wrong")) as client, submitting(database, client):
                await eventually(lambda: _attempts(database, 3))
        assert [entry["event"] for entry in logs].count("tcr_denied_us") == 1
        assert (await application_of(database)).state == "submitting"
        async with TcrClient.connected(tcr.account()) as client, submitting(database, client):
            await becomes(database, "submitted")

    async def test_an_application_that_was_withdrawn_is_not_submitted(self, tcr, client, database):
        """Its job is dropped."""
        await submit(database, an_application(state="withdrawn"))
        async with submitting(database, client):
            await eventually(lambda: _none(database, "submit"))
        assert await tcr.came("POST") == []

    async def test_a_job_that_nobody_understands_stops_no_other(self, tcr, client, database):
        """It waits for a version that does."""
        async with database.writing() as connection:
            await due(connection, "sing", "A0")
        await submit(database, an_application("A9", fields={"legal_name": 7}), an_application())
        async with submitting(database, client):
            await becomes(database, "submitted")
        assert {one["object"] for one in await jobs(database) if one["fault"]} == {"A0", "A9"}

    async def test_a_question_that_is_asked_again_meanwhile_is_asked_again(self, tcr, client, database, monkeypatch):
        """The answer under way may be older than what made it be asked again."""
        brand_id = await an_active_brand(tcr, database, client)
        under_way, go_on = asyncio.Event(), asyncio.Event()

        async def slowly(*asked, really=client.brand):
            answer = await really(*asked)
            under_way.set()
            await go_on.wait()
            return answer

        monkeypatch.setattr(client, "brand", slowly)
        async with database.writing() as connection:
            await due(connection, "ask", f"brand:{brand_id}")
        asked = len(await tcr.came("GET", f"/v2/brand/{brand_id}"))
        async with submitting(database, client):
            await under_way.wait()
            async with database.writing() as connection:
                await due(connection, "ask", f"brand:{brand_id}")
            go_on.set()
            await eventually(lambda: _none(database, "ask"))
        assert len(await tcr.came("GET", f"/v2/brand/{brand_id}")) == asked + 4  # The brand and its score, twice.

    async def test_webhooks_of_long_ago_are_forgotten(self, client, database):
        """After 400 days; newer ones stay."""
        for days in (401, 399):
            event = read_event({"eventType": "BRAND_DELETE", "brandId": f"B{days}"})
            async with database.writing() as connection:
                await apply_event(connection, event, now() - timedelta(days=days))
        async with submitting(database, client):
            await eventually(lambda: _only(database, "brand:B399"))

    async def test_our_address_is_subscribed(self, tcr, client, database):
        """To every category, although TCR fails at first."""
        await tcr.faults({"method": "PUT", "behaviour": "error", "times": 2})
        async with submitting(database, client, "http://127.0.0.1:9/hooks/tcr"):
            await eventually(lambda: _subscribed(tcr))


@pytest.mark.timeout(400)
class TestKilled:
    async def test_kill_9_at_any_point_makes_nothing_twice(self, tcr, client, database, settings):
        """Processes that are killed while they submit, one after the other: one brand for each application."""
        await submit(database, *(an_application(f"A{number}") for number in range(4)))
        await tcr.faults({"method": "POST", "behaviour": "slow", "delay_s": 0.2, "times": 4})
        for kill_after_s in (0.3, 0.05, 0.15):
            async with _child(settings, tcr.url) as child:
                await child.stdout.readline()
                await asyncio.sleep(kill_after_s)
                os.kill(child.pid, signal.SIGKILL)
                await child.wait()
        async with submitting(database, client):
            taken = [await becomes(database, "submitted", f"A{number}") for number in range(4)]
        assert {one.object_id for one in taken} == set((await tcr.overview())["brands"])
        assert len({one.object_id for one in taken}) == 4


@contextlib.asynccontextmanager
async def _child(settings, url):
    """A process that submits until it is killed; says when it begins."""
    command = [sys.executable, "-m", "tests.registry.tcr.submitting_child", str(settings.data_dir), url]
    where = os.environ | {"A2P_REGISTRY_DATABASE_URL": settings.database_url}
    child = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, env=where)
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
        child.stdout.feed_eof()


async def _none(database, action):
    return not await jobs(database, action)


async def _only(database, name):
    async with database.reading() as connection:
        return (await connection.execute(sa.select(tcr_events.c.object))).scalars().all() == [name]


async def _attempts(database, least):
    return any(one["attempts"] >= least for one in await jobs(database))


async def _subscribed(tcr):
    return len((await tcr.overview())["subscriptions"]) == 4
