"""The CSP API of the emulator: shapes, checks, limits, and what survives a restart."""

import asyncio
import re
from datetime import datetime, timedelta

import aiohttp
import orjson
import pytest

from loadtests.tcr.limits import Limits
from loadtests.tcr.words import enums
from tests.loadtests.tcr.conftest import AT_ONCE, SECRET, asking
from tests.loadtests.tcr.forms import a_brand, a_campaign

NEW = "/v2/brand/nonBlocking"


async def a_verified_brand(tcr, receiver, **given):
    """Register a brand and wait for its identity; gives its id."""
    brand = await tcr.ok("POST", NEW, a_brand(**given))
    await receiver.wait_for("BRAND_IDENTITY_STATUS_UPDATE")
    return brand["brandId"]


async def a_shared_campaign(tcr, receiver, **given):
    """Register a brand and a campaign and share it; gives the campaign's id."""
    brand = await a_verified_brand(tcr, receiver)
    made = await tcr.ok("POST", "/v2/campaignBuilder", a_campaign(brand, **given))
    await tcr.ok("PUT", f"/v2/campaign/{made['campaignId']}/sharing/SAGGR01", {})
    return made["campaignId"]


class TestWhoAsks:
    @pytest.mark.parametrize("given", [None, ("tcr-key", "wrong"), ("other", SECRET)])
    async def test_only_the_key_and_its_secret(self, tcr, given):
        """HTTP Basic; the control API wants it, too."""
        headers = {"Authorization": aiohttp.encode_basic_auth(*given)} if given else {}
        async with aiohttp.ClientSession(headers=headers) as session:
            for path in ("/v2/brand", "/_control"):
                async with session.get(tcr.url + path) as answer:
                    assert answer.status == 401

    async def test_whether_it_lives_may_be_asked_by_anybody(self, tcr):
        """For whoever starts it."""
        async with aiohttp.ClientSession() as session, session.get(f"{tcr.url}/healthz") as answer:
            assert answer.status == 200


class TestBrands:
    @pytest.mark.parametrize("path", [NEW, "/v2/brand"])
    async def test_a_brand_gets_an_id_and_is_not_verified_yet(self, tcr, path):
        """Seven characters, B first; UNVERIFIED, as TCR shows it while it works."""
        brand = await tcr.ok("POST", path, a_brand(referenceId="r-1"))
        assert re.fullmatch(r"B[A-Z0-9]{6}", brand["brandId"])
        assert (brand["identityStatus"], brand["mock"], brand["referenceId"]) == ("UNVERIFIED", False, "r-1")

    async def test_a_reference_is_taken_once(self, tcr):
        """In any case; none is no reference."""
        await tcr.ok("POST", NEW, a_brand(referenceId="r-1"))
        status, faults = await tcr.ask("POST", NEW, a_brand(referenceId="R-1"))
        assert (status, faults[0]["field"]) == (400, "referenceId")
        for _ in range(2):
            await tcr.ok("POST", NEW, a_brand(referenceId=""))

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"entityType": "CLUB"}, "entityType"),
            ({"ein": ""}, "ein"),
            ({"vertical": "CIRCUS"}, "vertical"),
            ({"displayName": "x" * 256}, "displayName"),
            ({"phone": "555"}, "phone"),
            ({"entityType": "PUBLIC_PROFIT"}, "stockSymbol"),
            ({"entityType": "SOLE_PROPRIETOR"}, "firstName"),
            ({"mock": "yes"}, "mock"),
        ],
    )
    async def test_a_form_is_checked(self, tcr, given, field):
        """400 with code, field and description of each fault."""
        status, faults = await tcr.ask("POST", NEW, a_brand(**given))
        assert status == 400
        assert field in {fault["field"] for fault in faults}
        assert all({"code", "field", "description"} == set(fault) for fault in faults)

    async def test_a_deleted_brand_is_502_and_stays_in_searches(self, tcr, receiver):
        """TCR's own code for Brand not found."""
        brand = await a_verified_brand(tcr, receiver, referenceId="r-1")
        await tcr.ok("DELETE", f"/v2/brand/{brand}")
        status, faults = await tcr.ask("GET", f"/v2/brand/{brand}")
        assert (status, faults[0]["code"], faults[0]["description"]) == (404, 502, "Brand not found")
        found = await tcr.ok("GET", "/v2/brand", referenceId="r-1")
        assert [(one["brandId"], one["status"]) for one in found["records"]] == [(brand, "DELETED")]

    async def test_a_brand_with_active_campaigns_is_not_deleted(self, tcr, receiver):
        """They have to end first."""
        brand = await a_verified_brand(tcr, receiver)
        made = await tcr.ok("POST", "/v2/campaignBuilder", a_campaign(brand))
        assert (await tcr.ask("DELETE", f"/v2/brand/{brand}"))[0] == 400
        await tcr.ok("DELETE", f"/v2/campaign/{made['campaignId']}")
        await tcr.ok("DELETE", f"/v2/brand/{brand}")

    async def test_searches_have_pages(self, tcr):
        """Up to 500 records a page."""
        for number in range(12):
            await tcr.ok("POST", NEW, a_brand(referenceId=f"r-{number}"))
        page = await tcr.ok("GET", "/v2/brand", page="2", recordsPerPage="10")
        assert (page["page"], page["totalRecords"], len(page["records"])) == (2, 12, 2)
        assert (await tcr.ask("GET", "/v2/brand", recordsPerPage="501"))[0] == 400


class TestCampaigns:
    async def test_only_a_verified_brand_may_have_one(self, tcr):
        """And the use case must fit the brand."""
        await tcr.control("PUT", "/pace", {"brand_s": 3600})
        brand = (await tcr.ok("POST", NEW, a_brand()))["brandId"]
        status, faults = await tcr.ask("POST", "/v2/campaignBuilder", a_campaign(brand))
        assert (status, faults[0]["field"]) == (400, "brandId")

    async def test_a_sole_proprietor_has_one_campaign_of_one_kind(self, tcr, receiver):
        """Self-declared, use case SOLE_PROPRIETOR."""
        given = {"entityType": "SOLE_PROPRIETOR", "firstName": "A", "lastName": "B", "referenceId": "r"}
        brand = await a_verified_brand(tcr, receiver, **given)
        assert (await tcr.ok("GET", f"/v2/brand/{brand}"))["identityStatus"] == "SELF_DECLARED"
        sole = a_campaign(brand, usecase="SOLE_PROPRIETOR", subUsecases=[])
        assert (await tcr.ask("POST", "/v2/campaignBuilder", a_campaign(brand)))[0] == 400
        await tcr.ok("POST", "/v2/campaignBuilder", sole)
        assert (await tcr.ask("POST", "/v2/campaignBuilder", sole))[0] == 400

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"usecase": "LOTTERY"}, "usecase"),
            ({"subUsecases": []}, "subUsecases"),
            ({"subUsecases": ["PROXY"]}, "subUsecases"),
            ({"description": ""}, "description"),
            ({"sample1": None}, "sample1"),
            ({"embeddedLink": "yes"}, "embeddedLink"),
        ],
    )
    async def test_a_form_is_checked(self, tcr, receiver, given, field):
        """As a brand's is."""
        brand = await a_verified_brand(tcr, receiver)
        status, faults = await tcr.ask("POST", "/v2/campaignBuilder", a_campaign(brand, **given))
        assert status == 400
        assert field in {fault["field"] for fault in faults}

    @pytest.mark.parametrize(("sent", "kept"), [({"autoRenewal": False}, False), ({}, True)])
    async def test_a_campaign_says_whether_and_when_it_is_renewed(self, tcr, receiver, sent, kept):
        """As it was sent, and 91 days after it was made; a deed sets both to anything, and leaves the rest."""
        brand = await a_verified_brand(tcr, receiver)
        form = {name: value for name, value in a_campaign(brand).items() if name != "autoRenewal"}
        campaign = (await tcr.ok("POST", "/v2/campaignBuilder", form | sent))["campaignId"]
        made = await tcr.ok("GET", f"/v2/campaign/{campaign}")
        assert made["autoRenewal"] is kept
        day = datetime.fromisoformat(made["createDate"]).date() + timedelta(days=91)
        assert made["nextRenewalOrExpirationDate"] == day.isoformat()

        other = {"autoRenewal": not kept, "nextRenewalOrExpirationDate": "soon"}
        await tcr.control("POST", f"/{campaign}/renew", other | {"status": "EXPIRED"})
        assert await tcr.ok("GET", f"/v2/campaign/{campaign}") == made | other

    async def test_the_whole_way(self, tcr, receiver):
        """Shared, accepted, complete, approved everywhere; the OSR status has a bit for each carrier."""
        campaign = await a_shared_campaign(tcr, receiver)
        assert re.fullmatch(r"C[A-Z0-9]{6}", campaign)
        await receiver.wait_for("CAMPAIGN_SHARE_ADD", "CAMPAIGN_SHARE_ACCEPT", "CAMPAIGN_DCA_COMPLETE")
        await receiver.wait_until(10)  # Two of the brand, four of the campaign, one of each carrier.
        assert (await tcr.ok("GET", f"/v2/campaign/{campaign}/osr/attributes"))["status"] == 0b1111
        states = await tcr.ok("GET", f"/v2/campaign/{campaign}/operationStatus")
        assert states["10017"] == states["10035"] == "APPROVED"
        shared = (await tcr.ok("GET", f"/v2/campaign/{campaign}/sharing"))["sharedByMe"]
        assert (shared["sharingStatus"], shared["upstreamCnpId"]) == ("ACCEPTED", "SAGGR01")
        metadata = await tcr.ok("GET", f"/v2/campaign/{campaign}/mnoMetadata")
        assert metadata["10017"]["msgClass"] == "T"

    async def test_declarations_cannot_be_changed(self, tcr, receiver):
        """Texts can."""
        campaign = await a_shared_campaign(tcr, receiver)
        path = f"/v2/campaign/{campaign}"
        assert (await tcr.ask("PUT", path, {"embeddedLink": True}))[0] == 400
        assert (await tcr.ok("PUT", path, {"sample1": "Acme: other."}))["sample1"] == "Acme: other."

    async def test_a_mock_is_never_shared(self, tcr, receiver):
        """A mock brand's campaign is a mock."""
        brand = await a_verified_brand(tcr, receiver, mock=True)
        made = await tcr.ok("POST", "/v2/campaignBuilder", a_campaign(brand))
        assert (await tcr.ok("GET", f"/v2/campaign/{made['campaignId']}"))["mock"] is True
        assert (await tcr.ask("PUT", f"/v2/campaign/{made['campaignId']}/sharing/SAGGR01", {}))[0] == 400

    async def test_what_a_brand_qualifies_for(self, tcr, receiver):
        """Each use case with its counts, and what each carrier wants."""
        brand = await a_verified_brand(tcr, receiver)
        listed = await tcr.ok("GET", f"/v2/campaignBuilder/brand/{brand}")
        assert "SOLE_PROPRIETOR" not in {one["usecase"] for one in listed}
        one = await tcr.ok("GET", f"/v2/campaignBuilder/brand/{brand}/usecase/MIXED")
        assert (one["minSubUsecases"], one["maxSubUsecases"]) == (2, 5)


class TestTheRest:
    async def test_enums_are_listed(self, tcr):
        """All that the API has."""
        for name, values in enums().items():
            assert await tcr.ok("GET", f"/v2/enum/{name}") == values
        assert (await tcr.ask("GET", "/v2/enum/colour"))[0] == 404

    async def test_a_body_that_is_no_object_is_refused(self, tcr):
        """400 with a fault."""
        headers = {"Authorization": aiohttp.encode_basic_auth("tcr-key", SECRET)}
        async with aiohttp.ClientSession(headers=headers) as one, one.post(tcr.url + NEW, data=b"[") as answer:
            assert answer.status == 400
            assert (await answer.json())[0]["code"]


class TestLimits:
    def test_a_window_that_slides(self):
        """Twenty in any second, not twenty in each second of the clock; what was refused does not count."""
        now = [0.0]
        limits = Limits(reads_per_s=20, writes_per_10s=20, clock=lambda: now[0])
        now[0] = 0.9
        assert [limits.takes("GET") for _ in range(21)] == [True] * 20 + [False]
        now[0] = 1.8
        assert not limits.takes("GET")
        now[0] = 1.95
        assert limits.takes("GET")
        assert [limits.takes("POST") for _ in range(21)] == [True] * 20 + [False]
        now[0] = 11.9
        assert not limits.takes("PUT")
        now[0] = 12.0
        assert limits.takes("DELETE")
        assert limits.refused == 4

    async def test_beyond_there_is_a_429(self, tcr):
        """The twenty-first GET in a second, whoever asks; the control API has no limit."""
        statuses = [status for status, _ in await asyncio.gather(*(tcr.ask("GET", "/v2/brand") for _ in range(30)))]
        assert statuses.count(200) == 20
        assert statuses.count(429) == 10
        assert (await tcr.control("GET", ""))["refused_by_limits"] == 10


class TestState:
    async def test_what_was_answered_survives_a_restart(self, tmp_path, receiver):
        """Brands, campaigns, subscriptions, and what was still to happen."""
        state = tmp_path / "tcr.json"
        slow = {"brand_s": 1.0}
        async with asking(state=state, hook_url=receiver.url) as tcr:
            await tcr.control("PUT", "/pace", slow)
            brand = await tcr.ok("POST", NEW, a_brand(referenceId="r-1"))
        assert "BRAND_IDENTITY_STATUS_UPDATE" not in receiver.types
        async with asking(state=state, pace=AT_ONCE) as tcr:
            told = await receiver.wait_for("BRAND_IDENTITY_STATUS_UPDATE")
            assert told["brandId"] == brand["brandId"]
            found = await tcr.ok("GET", f"/v2/brand/{brand['brandId']}")
            assert (found["identityStatus"], found["referenceId"]) == ("VERIFIED", "r-1")

    async def test_a_company_is_known_from_the_start(self, tmp_path):
        """With the states that a registry itself has; what is known already stays as it is."""
        file = tmp_path / "company.json"
        carriers = {"att": "approved", "tmobile": "suspended"}
        campaign = {"id": "CACME", "brand_id": "BACME", "use_case": "low_volume", "status": "suspended"}
        company = {
            "format": "a2p-company/1",
            "brands": [{"id": "BACME", "legal_name": "Acme LLC", "status": "verified", "vetting_score": 78}],
            "campaigns": [campaign | {"sharing": "accepted", "dca_complete": True, "carriers": carriers}],
        }
        file.write_bytes(orjson.dumps(company))
        state = tmp_path / "tcr.json"
        async with asking(company=file, state=state) as tcr:
            assert (await tcr.ok("GET", "/v2/brand/BACME"))["identityStatus"] == "VERIFIED"
            assert (await tcr.ok("GET", "/v2/brand/BACME/externalVetting"))[0]["vettingScore"] == 78
            assert (await tcr.ok("GET", "/v2/campaign/CACME"))["status"] == "ACTIVE"
            assert (await tcr.ok("GET", "/v2/campaign/CACME/operationStatus"))["10035"] == "SUSPENDED"
            await tcr.control("POST", "/CACME/expire", {})
        async with asking(company=file, state=state) as tcr:
            assert (await tcr.ok("GET", "/v2/campaign/CACME"))["status"] == "EXPIRED"
