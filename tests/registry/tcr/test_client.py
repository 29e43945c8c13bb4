"""The client against the emulator: what it asks once, what it repeats, and how fast."""

import asyncio

import pytest
from aiohttp import web

from registry.tcr import client as module
from registry.tcr.client import TcrAccount, TcrClient
from registry.tcr.errors import (
    TcrDeniedError,
    TcrLimitedError,
    TcrNotFoundError,
    TcrRefusedError,
    TcrUnavailableError,
)
from tests.registry.builders import cancel_late
from tests.registry.tcr.conftest import UPSTREAM
from tests.registry.tcr.forms import a_brand_form, a_campaign_form

NEW_BRAND = "/v2/brand/nonBlocking"


async def a_verified_brand(tcr, client, reference="b-1"):
    """Register a brand and have it verified."""
    brand = await client.create_brand(reference, a_brand_form())
    await tcr.happens(brand.id, "verify")
    return brand


class TestBrands:
    async def test_a_brand_is_registered_and_found(self, client):
        """TCR gives it an id; it is not verified yet, and real."""
        made = await client.create_brand("b-1", a_brand_form())
        assert (made.identity, made.is_mock, made.reference) == ("unverified", False, "b-1")
        assert (await client.brand(made.id)).id == made.id
        assert (await client.find_brand("B-1")).id == made.id
        assert await client.find_brand("b-2") is None

    async def test_who_asks_again_later_looks_first(self, tcr, client):
        """A process that was killed does not know whether it had asked; a form may have been corrected since."""
        made = await client.create_brand("b-1", a_brand_form())
        assert (await client.create_brand("b-1", a_brand_form(ein="98-7654321"))).id == made.id
        assert len(await tcr.came("POST")) == 1

    async def test_the_same_reference_is_the_same_brand(self, tcr, client):
        """Also when ten ask at once: one POST is taken, the others find what it made."""
        made = await asyncio.gather(*(client.create_brand("b-1", a_brand_form()) for _ in range(10)))
        assert len({brand.id for brand in made}) == 1
        assert len((await tcr.overview())["brands"]) == 1

    async def test_a_refusal_has_tcrs_reasons(self, client):
        """One sentence a fault, for the admin who filled the form in; asking again would not help."""
        with pytest.raises(TcrRefusedError) as refused:
            await client.create_brand("b-1", a_brand_form(ein="", vertical="CIRCUS"))
        assert refused.value.fields == {"ein", "vertical"}
        assert "vertical has an unknown value" in refused.value.reasons
        assert not refused.value.is_retryable

    async def test_a_deleted_brand_is_not_found_and_still_deleted(self, tcr, client):
        """TCR answers 502 Brand not found to a look-up, and shows it in searches; its reference finds nothing."""
        brand = await client.create_brand("b-1", a_brand_form())
        assert not await client.is_deleted(brand.id, "b-1")
        await tcr.happens(brand.id, "delete")
        with pytest.raises(TcrNotFoundError):
            await client.brand(brand.id)
        assert await client.is_deleted(brand.id, "b-1")
        assert await client.find_brand("b-1") is None

    async def test_why_it_is_not_verified(self, tcr, client):
        """Feedback is there after the review, and gone when a corrected brand is looked at again."""
        brand = await client.create_brand("b-1", a_brand_form())
        assert await client.brand_feedback(brand.id) == ()
        await tcr.happens(brand.id, "unverify", reasons=["The EIN is that of another company."])
        assert await client.brand_feedback(brand.id) == ("The EIN is that of another company.",)
        await client.update_brand(brand.id, a_brand_form(ein="98-7654321"))
        await client.revet_brand(brand.id)
        assert await client.brand_feedback(brand.id) == ()

    async def test_the_score_is_that_of_a_finished_vetting(self, tcr, client):
        """None before there is one."""
        brand = await client.create_brand("b-1", a_brand_form())
        assert await client.brand_score(brand.id) is None
        await tcr.happens(brand.id, "vet", score=71)
        assert await client.brand_score(brand.id) == 71
        assert (await client.brand(brand.id)).identity == "vetted_verified"


class TestCampaigns:
    async def test_its_way_to_the_carriers(self, tcr, client):
        """Registered, shared, accepted, decided by each carrier, deactivated; each repeat changes nothing."""
        brand = await a_verified_brand(tcr, client)
        made = await client.create_campaign("c-1", a_campaign_form(brand.id))
        assert (made.status, made.brand_id, made.is_mock) == ("active", brand.id, False)
        assert (await client.create_campaign("c-1", a_campaign_form(brand.id))).id == made.id

        assert (await client.sharing(made.id)).status == ""
        assert [(await client.share_campaign(made.id)).status for _ in range(2)] == ["pending"] * 2
        await tcr.happens(made.id, "accept")
        await tcr.happens(made.id, "complete")
        for carrier in ("att", "verizon"):
            await tcr.happens(made.id, "operate", carrier=carrier, status="APPROVED")
        await tcr.happens(made.id, "operate", carrier="tmobile", status="SUSPENDED")
        assert (await client.sharing(made.id)).status == "accepted"
        assert (await client.operations(made.id)).by_carrier == {
            "att": "approved",
            "tmobile": "suspended",
            "verizon": "approved",
            "us_cellular": "review",
        }

        for _ in range(2):
            await client.deactivate_campaign(made.id)
        assert (await client.campaign(made.id)).status == "expired"

    async def test_a_decline_says_why(self, tcr, client):
        """And it may be corrected and shared again."""
        brand = await a_verified_brand(tcr, client)
        made = await client.create_campaign("c-1", a_campaign_form(brand.id))
        await client.share_campaign(made.id)
        await tcr.happens(made.id, "decline", reasons=["Sample 1 does not name the brand."])
        said = await client.sharing(made.id)
        assert (said.status, said.explanation) == ("declined", "Sample 1 does not name the brand.")
        await client.update_campaign(made.id, {"sample1": "Acme: on its way."})
        assert (await client.share_campaign(made.id)).status == "pending"

    async def test_an_id_that_is_none_is_not_asked_for(self, tcr, client):
        """It would be another path."""
        with pytest.raises(TcrNotFoundError):
            await client.campaign("../brand")
        assert await tcr.came() == []


class TestWhenAnswersAreLost:
    @pytest.mark.parametrize("behaviour", ["drop_answer", "error_after", "garbled"])
    async def test_what_was_done_is_found_not_done_again(self, tcr, client, behaviour):
        """After a POST whose answer cannot be used, its reference id is looked for first."""
        await tcr.faults({"path": NEW_BRAND, "behaviour": behaviour, "times": 1})
        made = await client.create_brand("b-1", a_brand_form())
        assert len(await tcr.came("POST")) == 1
        assert list((await tcr.overview())["brands"]) == [made.id]

    @pytest.mark.parametrize("behaviour", ["drop_request", "error", "redirect"])
    async def test_what_was_not_done_is_said_to_be_unknown(self, tcr, client, behaviour):
        """The caller calls again; a redirect is not followed."""
        await tcr.faults({"path": NEW_BRAND, "behaviour": behaviour, "times": 1})
        with pytest.raises(TcrUnavailableError) as lost:
            await client.create_brand("b-1", a_brand_form())
        assert lost.value.is_retryable
        assert (await client.create_brand("b-1", a_brand_form())).reference == "b-1"
        assert len((await tcr.overview())["brands"]) == 1

    async def test_an_answer_that_comes_too_late_is_none(self, tcr):
        """It was done all the same: the look-up finds it."""
        await tcr.faults({"path": NEW_BRAND, "behaviour": "slow", "delay_s": 3, "times": 1})
        async with TcrClient.connected(tcr.account(try_s=0.3)) as client:
            made = await client.create_brand("b-1", a_brand_form())
        assert list((await tcr.overview())["brands"]) == [made.id]

    async def test_the_end_of_a_calls_time_within_a_write_leaves_it_in_doubt(self, tcr):
        """Nobody may take it for a write that was not done: the look-up follows."""
        await tcr.faults({"path": NEW_BRAND, "behaviour": "slow", "delay_s": 3, "times": 1})
        async with TcrClient.connected(tcr.account(try_s=10.0, deadline_s=0.4)) as client:
            made = await client.create_brand("b-1", a_brand_form())
        assert list((await tcr.overview())["brands"]) == [made.id]

    async def test_reads_and_repeatable_writes_are_repeated(self, tcr, client):
        """A GET, a PUT and a DELETE mean the same the second time."""
        brand = await client.create_brand("b-1", a_brand_form())
        await tcr.faults({"path": "/v2/brand/*", "behaviour": "drop_request", "times": 3})
        assert (await client.brand(brand.id)).id == brand.id
        await tcr.faults({"method": "PUT", "behaviour": "error", "status": 502, "times": 2})
        assert (await client.update_brand(brand.id, a_brand_form())).id == brand.id

    async def test_no_call_takes_longer_than_it_may(self, tcr):
        """A TCR that is silent holds nobody up."""
        await tcr.faults({"behaviour": "hang"})
        async with TcrClient.connected(tcr.account(deadline_s=0.5)) as client:
            async with asyncio.timeout(5):
                with pytest.raises(TcrUnavailableError):
                    await client.brand("BAAAAA1")

    async def test_who_is_cancelled_as_a_try_runs_out_is_cancelled(self, tcr):
        """And tries no more: both may come in one turn of the loop, after the machine stood still."""
        await tcr.faults({"behaviour": "hang"})
        async with TcrClient.connected(tcr.account(try_s=0.2, deadline_s=60.0)) as client:
            asking = asyncio.create_task(client.brand("BAAAAA1"))
            await cancel_late(asking)
            assert asking.cancelled()


class TestLimits:
    async def test_the_client_never_meets_the_limit_of_reads(self, tcr, client):
        """Sixty looks from sixty tasks: each waits for its turn, TCR refuses none."""
        brand = await client.create_brand("b-1", a_brand_form())
        await asyncio.gather(*(client.brand(brand.id) for _ in range(60)))
        assert (await tcr.overview())["refused_by_limits"] == 0
        assert len(await tcr.came("GET", f"/v2/brand/{brand.id}")) == 60

    async def test_nor_that_of_writes(self, tcr, client):
        """Two full buckets one after the other take the period in between."""
        brand = await client.create_brand("b-1", a_brand_form())
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(client.update_brand(brand.id, a_brand_form()) for _ in range(25)))
        assert asyncio.get_running_loop().time() - began > 9
        assert (await tcr.overview())["refused_by_limits"] == 0

    async def test_a_429_all_the_same_is_waited_out(self, tcr, client):
        """Somebody else asks with our key: everybody of us holds off as long as TCR says."""
        brand = await client.create_brand("b-1", a_brand_form())
        await tcr.faults({"method": "GET", "behaviour": "throttle", "retry_after_s": 1, "times": 1})
        began = asyncio.get_running_loop().time()
        assert (await client.brand(brand.id)).id == brand.id
        assert asyncio.get_running_loop().time() - began >= 1

    async def test_a_post_that_met_a_429_was_not_done_and_is_repeated(self, tcr, client):
        """No look-up in between: TCR said that it did nothing."""
        await tcr.faults({"method": "POST", "behaviour": "throttle", "retry_after_s": 0, "times": 1})
        await client.create_brand("b-1", a_brand_form())
        assert [one["status"] for one in await tcr.came("POST")] == [429, 200]

    async def test_a_limit_that_does_not_end_is_an_error_of_its_own(self, tcr):
        """Nothing was done, so nothing needs to be looked for."""
        await tcr.faults({"behaviour": "throttle", "retry_after_s": 5})
        async with TcrClient.connected(tcr.account(deadline_s=0.5)) as client:
            with pytest.raises(TcrLimitedError):
                await client.brand("BAAAAA1")


class TestSecrets:
    async def test_wrong_credentials_are_an_operators_matter(self, tcr):
        """They are corrected in the settings, and then the same request succeeds."""
        async with TcrClient.connected(tcr.account(secret="wrong")) as client:
            with pytest.raises(TcrDeniedError) as denied:
                await client.brand("BAAAAA1")
        assert denied.value.is_retryable
        assert "wrong" not in repr(denied.value)

    def test_an_account_does_not_show_them(self):
        """Neither the key nor the secret."""
        account = TcrAccount(url="http://x/v2", key="the-key", secret="the-secret", upstream=UPSTREAM)
        assert "the-" not in repr(account)

    async def test_errors_quote_no_address(self):
        """Where TCR is, and what was asked, is not for a log."""
        account = TcrAccount(
            url="http://127.0.0.1:9/v2", key="k", secret="s", upstream=UPSTREAM, deadline_s=0.3, try_s=0.2
        )
        async with TcrClient.connected(account) as client:
            with pytest.raises(TcrUnavailableError) as failed:
                await client.brand("BAAAAA1")
        assert "127.0.0.1" not in str(failed.value)
        assert "BAAAAA1" not in str(failed.value)


class TestAnswersThatAreNone:
    @pytest.mark.parametrize(
        ("status", "body", "error"),
        [
            (200, b"[]", TcrUnavailableError),
            (200, b'{"brandId": 7}', TcrUnavailableError),
            (200, b"<html>", TcrUnavailableError),
            (500, b'[{"code": 1, "description": "no"}]', TcrUnavailableError),
            (502, b"Bad Gateway", TcrUnavailableError),
            (502, b'[{"code": 502, "description": "Brand not found"}]', TcrNotFoundError),
            (404, b"nothing here", TcrNotFoundError),
            (400, b"<html>", TcrUnavailableError),
            (400, b'{"code": 5, "description": "no", "field": 7}', TcrRefusedError),
            (200, b"x" * 5_000_000, TcrUnavailableError),
        ],
    )
    async def test_each_has_its_place_in_the_tree(self, status, body, error, aiohttp_server, monkeypatch):
        """What TCR itself says no to is final; all else may pass. A 5xx from a proxy in between is not TCR's word."""
        monkeypatch.setattr(module, "_BACKOFF_FIRST_S", 0.01)

        async def answer(_):
            return web.Response(status=status, body=body)

        application = web.Application()
        application.router.add_route("*", "/v2/{rest:.*}", answer)
        server = await aiohttp_server(application)
        account = TcrAccount(url=str(server.make_url("/v2")), key="k", secret="s", upstream=UPSTREAM, deadline_s=0.3)
        async with TcrClient.connected(account) as client:
            with pytest.raises(error) as failed:
                await client.brand("BAAAAA1")
        assert type(failed.value) is error
