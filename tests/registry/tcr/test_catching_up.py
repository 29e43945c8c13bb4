"""Asking TCR how something stands: what its answers may change, and what they may not."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from registry.commands import change
from registry.tcr.applying import Outcome, apply_event
from registry.tcr.catching_up import catch_up
from registry.tcr.events import read_event
from tests.registry.builders import a_brand, a_campaign, a_tenant
from tests.registry.tcr.companies import an_application, brand_of, campaign_of, jobs
from tests.registry.tcr.forms import a_brand_form, a_campaign_form


async def put(database, *rows):
    """Write rows as they are to be."""
    async with database.writing() as connection:
        await change(connection, actor="test", put=[a_tenant(), *rows])


@pytest.fixture
async def brand_id(tcr, client, database):
    """A brand at TCR, not looked at yet, and our row of it."""
    brand = await client.create_brand("A1", a_brand_form())
    await put(database, a_brand(brand.id, status="pending", vetting_score=None))
    return brand.id


@pytest.fixture
async def campaign_id(tcr, client, database, brand_id):
    """A campaign at TCR that was just shared, and our row of it."""
    await tcr.happens(brand_id, "verify")
    campaign = await client.create_campaign("A2", a_campaign_form(brand_id))
    await client.share_campaign(campaign.id)
    states = dict.fromkeys(("att", "tmobile", "verizon", "us_cellular"), "review")
    await put(database, a_campaign(campaign.id, brand_id=brand_id, sharing="pending", dca_complete=False, **states))
    return campaign.id


class TestBrands:
    async def test_a_lost_webhook_is_made_up_for(self, tcr, client, database, brand_id):
        """Identity and score."""
        await tcr.happens(brand_id, "vet", score=64)
        found = await catch_up(database, client, f"brand:{brand_id}")
        brand = await brand_of(database, brand_id)
        assert (found.outcome, brand.status, brand.vetting_score) == (Outcome.APPLIED, "vetted_verified", 64)

    async def test_unverified_without_feedback_is_no_answer_yet(self, tcr, client, database, brand_id):
        """TCR shows it while it is still working; with feedback it is one, and says why."""
        await catch_up(database, client, f"brand:{brand_id}")
        assert (await brand_of(database, brand_id)).status == "pending"
        await tcr.happens(brand_id, "unverify", reasons=["The EIN is not known."])
        await catch_up(database, client, f"brand:{brand_id}")
        brand = await brand_of(database, brand_id)
        assert (brand.status, brand.faults) == ("unverified", ("The EIN is not known.",))

    async def test_verified_at_tcr_lifts_no_suspension(self, tcr, client, database, brand_id):
        """An identity never shows one: only what TCR tells does."""
        await tcr.happens(brand_id, "verify")
        await put(database, a_brand(brand_id, status="suspended"))
        await catch_up(database, client, f"brand:{brand_id}")
        assert (await brand_of(database, brand_id)).status == "suspended"

    async def test_why_is_learnt_from_an_answer_of_the_same_second(self, tcr, client, database, brand_id):
        """The webhook says only that it is not verified, and its clock is the finer one."""
        told = {"eventType": "BRAND_IDENTITY_STATUS_UPDATE", "brandId": brand_id, "brandIdentityStatus": "UNVERIFIED"}
        await tcr.happens(brand_id, "unverify", reasons=["The EIN is not known."])
        async with database.writing() as connection:
            event = read_event(told | {"time": (datetime.now(UTC) + timedelta(seconds=2)).isoformat()})
            await apply_event(connection, event, datetime.now(UTC) + timedelta(seconds=2))
        await catch_up(database, client, f"brand:{brand_id}")
        brand = await brand_of(database, brand_id)
        assert (brand.status, brand.faults) == ("unverified", ("The EIN is not known.",))

    async def test_a_brand_that_was_verified_and_is_not_any_more(self, tcr, client, database, brand_id):
        """Then it needs no feedback."""
        await tcr.happens(brand_id, "verify")
        await catch_up(database, client, f"brand:{brand_id}")
        await tcr.happens(brand_id, "identify", status="UNVERIFIED")
        await catch_up(database, client, f"brand:{brand_id}")
        assert (await brand_of(database, brand_id)).status == "unverified"

    async def test_a_deleted_brand_is_ended_only_when_tcr_shows_it_deleted(self, tcr, client, database, brand_id):
        """One that TCR does not know at all is drift, such as a key for the sandbox: nothing ends."""
        await put(database, a_brand("BELSE", status="verified"))
        assert (await catch_up(database, client, "brand:BELSE")).outcome is Outcome.UNCHANGED
        assert (await brand_of(database, "BELSE")).status == "verified"

        await put(database, an_application("A1", object_id=brand_id, state="submitted"))
        await tcr.happens(brand_id, "delete")
        await catch_up(database, client, f"brand:{brand_id}")
        assert (await brand_of(database, brand_id)).status == "deleted"

    async def test_a_mock_is_not_usable(self, tcr, client, database):
        """Whatever its identity, and whatever we thought."""
        brand = await client.create_brand("A3", a_brand_form(mock=True))
        await tcr.happens(brand.id, "verify")
        await put(database, a_brand(brand.id, status="verified"))
        await catch_up(database, client, f"brand:{brand.id}")
        found = await brand_of(database, brand.id)
        assert found.status == "unverified"
        assert "mock" in found.faults[0]

    async def test_what_we_do_not_have_is_not_asked_for(self, tcr, client, database):
        """The marks of others are not ours to keep."""
        assert (await catch_up(database, client, "brand:BELSE")).outcome is Outcome.UNKNOWN_OBJECT
        assert await tcr.came() == []


class TestCampaigns:
    async def test_lost_webhooks_are_made_up_for(self, tcr, client, database, campaign_id):
        """Sharing, and each carrier. That carriers have it at all says that the aggregators are done."""
        for deed in ("accept", "complete"):
            await tcr.happens(campaign_id, deed)
        await catch_up(database, client, f"campaign:{campaign_id}")
        found = await campaign_of(database, campaign_id)
        assert (found.sharing, found.dca_complete, found.att) == ("accepted", False, "review")

        await asyncio.sleep(1.1)  # TCR's answers say the time to the second.
        await tcr.happens(campaign_id, "operate", carrier="att", status="APPROVED")
        await tcr.happens(campaign_id, "operate", carrier="tmobile", status="REJECTED")
        await catch_up(database, client, f"campaign:{campaign_id}")
        found = await campaign_of(database, campaign_id)
        assert (found.dca_complete, found.att, found.tmobile, found.verizon) == (True, "approved", "rejected", "review")

    async def test_a_decline_and_an_end_are_found(self, tcr, client, database, campaign_id):
        """With the reason, and for good."""
        await tcr.happens(campaign_id, "decline", reasons=["No opt-in."])
        await catch_up(database, client, f"campaign:{campaign_id}")
        found = await campaign_of(database, campaign_id)
        assert (found.sharing, found.faults) == ("declined", ("No opt-in.",))
        await tcr.happens(campaign_id, "expire")
        await catch_up(database, client, f"campaign:{campaign_id}")
        assert (await campaign_of(database, campaign_id)).status == "expired"

    @pytest.mark.parametrize("status", ["suspended", "rejected"])
    async def test_active_at_tcr_lifts_nothing_that_reviewers_said(
        self, client, database, campaign_id, brand_id, status
    ):
        """The registry itself knows no more than active and expired."""
        await put(database, a_campaign(campaign_id, brand_id=brand_id, status=status))
        await catch_up(database, client, f"campaign:{campaign_id}")
        assert (await campaign_of(database, campaign_id)).status == status

    async def test_an_answer_does_not_undo_what_was_told_since(self, tcr, client, database, campaign_id):
        """The webhook is of a later instant than the answer: TCR read before it happened."""
        await tcr.happens(campaign_id, "accept")
        told = {"eventType": "CAMPAIGN_SHARE_DELETE", "campaignId": campaign_id, "time": "2999-01-01T00:00:00Z"}
        async with database.writing() as connection:
            await apply_event(connection, read_event(told), datetime.now(UTC) + timedelta(seconds=5))
        await catch_up(database, client, f"campaign:{campaign_id}")
        assert (await campaign_of(database, campaign_id)).sharing == "declined"

    async def test_an_answer_that_is_older_than_what_we_know_has_tcr_asked_again_soon(
        self, tcr, client, database, campaign_id
    ):
        """Their clock may be behind ours: not at once, or we would ask for ever."""
        await tcr.happens(campaign_id, "operate", carrier="att", status="APPROVED")
        told = {"eventType": "MNO_CAMPAIGN_OPERATION_SUSPENDED", "campaignId": campaign_id, "mnoId": 10017}
        async with database.writing() as connection:
            await apply_event(connection, read_event(told), datetime.now(UTC) + timedelta(minutes=10))
        await catch_up(database, client, f"campaign:{campaign_id}")
        assert (await campaign_of(database, campaign_id)).att == "suspended"
        (job,) = await jobs(database, "ask")
        assert job["next_at"] > datetime.now(UTC) + timedelta(seconds=2)

    async def test_one_that_tcr_does_not_have_stays_as_it_is(self, client, database, brand_id):
        """It is drift, and a person's to look at."""
        await put(database, a_campaign("CELSE", brand_id=brand_id))
        assert (await catch_up(database, client, "campaign:CELSE")).outcome is Outcome.UNCHANGED
        assert (await campaign_of(database, "CELSE")).status == "active"
