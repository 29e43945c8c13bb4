"""What the emulator does on demand: magic words, faults, webhooks that misbehave, the control API."""

import asyncio
import contextlib
import re
from pathlib import Path

import aiohttp
import pytest

import loadtests.tcr
from loadtests.tcr.faults import BEHAVIOURS, ONCE
from loadtests.tcr.hooks import sign
from loadtests.tcr.reviews import BRAND_WORDS, CAMPAIGN_WORDS, Reviews
from tests.loadtests.tcr.conftest import SECRET
from tests.loadtests.tcr.forms import a_brand, a_campaign
from tests.loadtests.tcr.test_api import NEW, a_shared_campaign, a_verified_brand

README = (Path(loadtests.tcr.__file__).parent / "README.md").read_text(encoding="utf-8")


class TestMagicWords:
    async def test_an_unverified_brand_has_feedback(self, tcr, receiver):
        """Until it is corrected and looked at again."""
        brand = (await tcr.ok("POST", NEW, a_brand(displayName="Acme #unverified")))["brandId"]
        told = await receiver.wait_for("BRAND_IDENTITY_STATUS_UPDATE")
        assert told["brandIdentityStatus"] == "UNVERIFIED"
        assert (await tcr.ok("GET", f"/v2/brand/feedback/{brand}"))["category"][0]["id"] == "TAX_ID"
        receiver.taken.clear()
        await tcr.ok("PUT", f"/v2/brand/{brand}", a_brand())
        await tcr.ok("PUT", f"/v2/brand/{brand}/revet", {})
        told = await receiver.wait_for("BRAND_REVET", "BRAND_IDENTITY_STATUS_UPDATE")
        assert told["brandIdentityStatus"] == "VERIFIED"
        assert (await tcr.ok("GET", f"/v2/brand/feedback/{brand}"))["category"] == []

    async def test_a_vetted_one_has_a_score(self, tcr, receiver):
        """And says so."""
        brand = (await tcr.ok("POST", NEW, a_brand(displayName="Acme #vetted")))["brandId"]
        await receiver.wait_for("EVP_REPORT_SCORE", "BRAND_SCORE_UPDATE")
        assert (await tcr.ok("GET", f"/v2/brand/{brand}"))["identityStatus"] == "VETTED_VERIFIED"
        assert (await tcr.ok("GET", f"/v2/brand/{brand}/externalVetting"))[0]["vettingScore"] == 82

    async def test_a_declined_campaign_says_why(self, tcr, receiver):
        """Nobody else hears of it."""
        campaign = await a_shared_campaign(tcr, receiver, description="Texts. #declined")
        told = await receiver.wait_for("CAMPAIGN_SHARE_DELETE")
        assert told["description"]
        shared = (await tcr.ok("GET", f"/v2/campaign/{campaign}/sharing"))["sharedByMe"]
        assert (shared["sharingStatus"], shared["explanation"]) == ("DECLINED", told["description"])
        assert "CAMPAIGN_DCA_COMPLETE" not in receiver.types

    async def test_one_carrier_may_differ(self, tcr, receiver):
        """Rejected, suspended, suspended and back; then it expires."""
        words = "#att-rejected #tmobile-suspended #us-cellular-back #expires"
        campaign = await a_shared_campaign(tcr, receiver, description=words)
        await receiver.wait_for("CAMPAIGN_EXPIRED")
        states = await tcr.ok("GET", f"/v2/campaign/{campaign}/operationStatus")
        assert states == {"10017": "REJECTED", "10035": "SUSPENDED", "10037": "APPROVED", "10038": "APPROVED"}
        assert "MNO_CAMPAIGN_OPERATION_UNSUSPENDED" in receiver.types
        assert (await tcr.ok("GET", f"/v2/campaign/{campaign}"))["status"] == "EXPIRED"

    async def test_an_answer_is_lost_once(self, tcr):
        """It was done: the reference finds it."""
        form = a_brand(companyName="Acme #answer-lost LLC", referenceId="r-1")
        with pytest.raises(aiohttp.ClientError):
            await tcr.ask("POST", NEW, form)
        assert (await tcr.ok("GET", "/v2/brand", referenceId="r-1"))["totalRecords"] == 1
        assert (await tcr.ask("POST", NEW, form))[0] == 400

    @pytest.mark.parametrize("word", ["error-once", "error-after-once"])
    async def test_an_error_comes_once(self, tcr, word):
        """Before or after it was done."""
        form = a_brand(companyName=f"Acme #{word} LLC", referenceId="r-1")
        assert (await tcr.ask("POST", NEW, form))[0] == 503
        done = (await tcr.ok("GET", "/v2/brand", referenceId="r-1"))["totalRecords"]
        assert done == (word == "error-after-once")


class TestWebhooks:
    async def test_they_are_signed_flat_and_dated(self, tcr, receiver):
        """Over the address they go to; TCR's names."""
        brand = await a_verified_brand(tcr, receiver, referenceId="r-1")
        for signature, body in receiver.taken:
            assert signature == sign(SECRET, receiver.url, body)
            assert not any(isinstance(value, dict | list) for value in body.values())
            assert (body["brandId"], body["brandReferenceId"], body["mock"]) == (brand, "r-1", False)
            assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["time"])

    async def test_they_come_until_they_are_taken(self, tcr, receiver):
        """Two failures, then 200, then no more."""
        receiver.answers = [500, 503]
        await tcr.ok("POST", NEW, a_brand(displayName="#never"))
        await receiver.wait_until(3)
        await asyncio.sleep(0.5)  # For a fourth, which must not come.
        assert receiver.types == ["BRAND_ADD"] * 3
        assert [one["status"] for one in await tcr.control("GET", "/deliveries")] == [500, 503, 200]

    async def test_they_repeat(self, tcr, receiver):
        """Each so often."""
        await tcr.control("PUT", "/hooks", {"copies": 3})
        await tcr.ok("POST", NEW, a_brand(displayName="#never"))
        await receiver.wait_until(3)
        assert receiver.types == ["BRAND_ADD"] * 3
        assert len({signature for signature, _ in receiver.taken}) == 1

    async def test_they_come_late(self, tcr, receiver):
        """What is held is told when it is held no longer: an old good word after a newer bad one."""
        campaign = await a_shared_campaign(tcr, receiver, description="#never")
        await tcr.control("PUT", "/hooks", {"hold": ["MNO_CAMPAIGN_OPERATION_APPROVE"]})
        for status in ("APPROVED", "SUSPENDED"):
            await tcr.control("POST", f"/{campaign}/operate", {"carrier": "att", "status": status})
        bad = await receiver.wait_for("MNO_CAMPAIGN_OPERATION_SUSPENDED")
        assert "MNO_CAMPAIGN_OPERATION_APPROVED" not in receiver.types
        await tcr.control("PUT", "/hooks", {"hold": []})
        good = await receiver.wait_for("MNO_CAMPAIGN_OPERATION_APPROVED")
        assert good["time"] <= bad["time"]

    async def test_they_get_lost(self, tcr, receiver):
        """Every second one, for good."""
        campaign = await a_shared_campaign(tcr, receiver, description="#never")
        await receiver.wait_for("CAMPAIGN_SHARE_ADD")
        before = len(receiver.types)
        await tcr.control("PUT", "/hooks", {"lose_every": 2})
        for _ in range(6):
            await tcr.control("POST", f"/{campaign}/complain", {})
        await receiver.wait_until(before + 3)
        await asyncio.sleep(0.5)  # For a fourth, which must not come.
        assert len(receiver.types) - before == 3

    async def test_they_change_places(self, tcr, receiver):
        """Each copy waits a while of its own."""
        campaign = await a_shared_campaign(tcr, receiver, description="#never")
        await receiver.wait_for("CAMPAIGN_SHARE_ADD")
        receiver.taken.clear()
        await tcr.control("PUT", "/hooks", {"shuffle_s": 0.5})
        for status in ("APPROVED", "SUSPENDED") * 10:
            await tcr.control("POST", f"/{campaign}/operate", {"carrier": "att", "status": status})
        await receiver.wait_until(20)
        times = [body["time"] for _, body in receiver.taken]
        assert times != sorted(times)

    async def test_a_category_may_be_left_out(self, tcr, receiver):
        """Nobody hears of it then."""
        await tcr.ok("DELETE", "/v2/webhook/subscription/BRAND")
        await tcr.ok("POST", NEW, a_brand())
        await asyncio.sleep(0.3)
        assert receiver.types == []
        await tcr.ok("PUT", "/v2/webhook/subscription", {"eventCategory": "BRAND", "webhookEndpoint": receiver.url})
        await tcr.ok("POST", NEW, a_brand())
        await receiver.wait_for("BRAND_ADD")

    async def test_any_body_can_be_brought_with_any_signature(self, tcr, receiver):
        """To try a receiver out."""
        for signature in ("right", "wrong", "none"):
            body = {"body": {"eventType": "BRAND_DELETE"}, "signature": signature}
            assert await tcr.control("POST", "/events", body) == {"statuses": [200]}
        right, wrong, none = (signature for signature, _ in receiver.taken)
        assert right == sign(SECRET, receiver.url, {"eventType": "BRAND_DELETE"})
        assert (wrong == right, none) == (False, None)


class TestFaults:
    async def test_the_first_rule_that_fits_is_followed_so_often(self, tcr):
        """By method and path."""
        rules = [
            {"method": "GET", "path": "/v2/brand", "behaviour": "error", "status": 502, "times": 1},
            {"method": "GET", "behaviour": "throttle", "retry_after_s": 3, "times": 1},
        ]
        await tcr.control("PUT", "/faults", {"rules": rules})
        statuses = [(await tcr.ask("GET", path))[0] for path in ("/v2/version", "/v2/brand", "/v2/brand")]
        assert statuses == [429, 502, 200]

    @pytest.mark.parametrize(
        "behaviour", ["drop_request", "drop_answer", "error", "error_after", "redirect", "throttle"]
    )
    async def test_whether_it_was_done(self, tcr, behaviour):
        """Nobody who asks can tell; the emulator can."""
        await tcr.control("PUT", "/faults", {"rules": [{"method": "POST", "behaviour": behaviour, "times": 1}]})
        with contextlib.suppress(aiohttp.ClientError):
            await tcr.ask("POST", NEW, a_brand())
        is_done = BEHAVIOURS[behaviour].startswith("it is done")
        assert len((await tcr.control("GET", ""))["brands"]) == is_done

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("/faults", {"rules": [{"behaviour": "explode"}]}),
            ("/faults", {"rules": [{"behaviour": "error", "status": 200}]}),
            ("/faults", {"rules": [{"behaviour": "error", "colour": 1}]}),
            ("/faults", {}),
            ("/pace", {"brand_s": -1}),
            ("/pace", {"brand": 1}),
            ("/hooks", {"copies": 0}),
            ("/hooks", {"copys": 1}),
            ("/hooks", {"hold": "X"}),
        ],
    )
    async def test_what_cannot_be_followed_is_refused(self, tcr, path, body):
        """400, and what was in force stays."""
        before = await tcr.control("GET", "")
        assert (await tcr.ask("PUT", f"/_control{path}", body))[0] == 400
        assert await tcr.control("GET", "") == before


async def test_a_deed_needs_somebody_it_is_done_to(tcr):
    """404 for one that nobody has, or that does not exist; 400 for one that is not said whole."""
    assert (await tcr.ask("POST", "/_control/CNONE00/expire", {}))[0] == 404
    brand = (await tcr.ok("POST", NEW, a_brand(displayName="#never")))["brandId"]
    assert (await tcr.ask("POST", f"/_control/{brand}/fly", {}))[0] == 404
    assert (await tcr.ask("POST", f"/_control/{brand}/operate", {"carrier": "x"}))[0] == 400


@pytest.mark.parametrize("word", [*BRAND_WORDS, *CAMPAIGN_WORDS, *ONCE])
def test_the_readme_has_every_magic_word(word):
    """A person finds what can be asked for."""
    assert f"`#{word}`" in README


@pytest.mark.parametrize("name", [*BEHAVIOURS, *"verify unverify identify vet delete accept decline".split()])
def test_the_readme_has_every_behaviour_and_deed(name):
    """The same for faults and deeds."""
    assert f"`{name}`" in README


def test_every_deed_is_named_here():
    """The list above, and in the README, is whole."""
    reviews = Reviews(None, None, None)
    for name in (*reviews.brand_deeds, *reviews.campaign_deeds):
        assert f"`{name}`" in README


async def test_a_campaign_registers_with_everything_it_may_have(tcr, receiver):
    """The longest form."""
    brand = await a_verified_brand(tcr, receiver)
    flags = dict.fromkeys(["embeddedLink", "embeddedPhone", "ageGated", "directLending", "numberPool"], True)
    samples = {f"sample{number}": "Acme: hello." for number in range(1, 6)}
    made = await tcr.ok("POST", "/v2/campaignBuilder", a_campaign(brand, **flags, **samples, mnoIds=[10017]))
    assert (await tcr.ok("GET", f"/v2/campaign/{made['campaignId']}"))["sample5"] == "Acme: hello."
