"""POST /hooks/tcr: who is believed, what is answered, and that what was answered is known everywhere."""

import asyncio
import contextlib

import aiohttp
import orjson
import pytest
import sqlalchemy as sa
from aiohttp import web
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from compliance import documents
from loadtests.tcr.hooks import sign
from metrics.registry import RegistryMetrics
from registry.barrier import Barrier
from registry.commands import change, find
from registry.http_common import answer_problems
from registry.projector import Projector
from registry.records import Campaign
from registry.tables import audit
from registry.tasks import stop
from registry.tcr.hook import Sealed, TcrHook
from registry.tcr.telling import Telling
from registry.work_tables import tcr_events
from tests.registry.builders import a_brand, a_campaign, a_tenant, eventually, follow
from tests.registry.tcr.test_signature import BODY, RIGHT, SECRET, URL

#: A company with the campaign and brand of the known vector.
COMPANY = (
    a_tenant(),
    a_brand("BAAAAA1"),
    a_campaign("CAAAAA1", brand_id="BAAAAA1"),
)


class Taker:
    """A registry that takes webhooks."""

    def __init__(self, url, session, database, instruments, redis):
        self.url = url
        self.database = database
        self.redis = redis
        self._session = session
        self._instruments = instruments

    async def post(self, raw, **headers):
        """Bring a body with headers; gives the status and the answer's JSON."""
        async with self._session.post(self.url, data=raw, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def bring(self, body):
        """Bring a body rightly signed; gives the status."""
        headers = {"X-Registry-Signature": sign(SECRET, URL, body)}
        return (await self.post(orjson.dumps(body), **headers))[0]

    async def campaign(self):
        """Return C1 as SQL has it."""
        async with self.database.reading() as connection:
            return (await find(connection, Campaign, {("CAAAAA1",)}))[("CAAAAA1",)]

    async def in_store(self):
        """Return C1 as gateways see it."""
        raw = await self.redis.get(documents.campaign_key("CAAAAA1"))
        return documents.load_campaign(raw)

    async def rows(self, table):
        """Count rows."""
        async with self.database.reading() as connection:
            return (await connection.execute(sa.select(sa.func.count()).select_from(table))).scalar_one()

    def counted(self, outcome):
        """Say how many webhooks had an outcome."""
        return self._instruments.get_sample_value("registry_tcr_events_total", {"outcome": outcome})


@pytest.fixture
async def taker(database, store, redis):
    """A registry with C1, its copy in a real store, and a follower-less barrier."""
    async with database.writing() as connection:
        await change(connection, actor="test", put=COMPANY)
    instruments = CollectorRegistry()
    metrics = RegistryMetrics(instruments)
    projector, barrier = Projector(database, store, metrics), Barrier(store, metrics)
    hook = TcrHook(database, barrier, Sealed(secret=SECRET, url=URL), Telling(metrics))
    application = web.Application(middlewares=[answer_problems])
    application.add_routes(hook.routes())
    runner = web.AppRunner(application, access_log=None, handler_cancellation=True)
    tasks = [asyncio.create_task(part.run()) for part in (projector, barrier)]
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks/tcr"
    await eventually(lambda: _has_copy(redis))
    async with aiohttp.ClientSession() as session:
        yield Taker(url, session, database, instruments, redis)
    await runner.cleanup()
    await hook.finish()
    await stop(*tasks)


async def _has_copy(redis):
    return await redis.get(documents.campaign_key("CAAAAA1")) is not None


class TestWhoIsBelieved:
    async def test_the_known_vector_is(self, taker):
        """C1 is suspended at T-Mobile, for SQL and for gateways, when the answer is sent."""
        status, body = await taker.post(orjson.dumps(BODY), **{"X-Registry-Signature": RIGHT})
        assert (status, body) == (200, {"outcome": "applied"})
        assert (await taker.campaign()).tmobile == "suspended"
        assert (await taker.in_store()).carriers.tmobile == "suspended"

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"X-Registry-Signature": ""},
            {"X-Registry-Signature": RIGHT[:-2] + "J="},
            {"X-Registry-Signature": sign("test-secret-2", URL, BODY)},
            {"X-Registry-Signature": sign(SECRET, URL + "?x", BODY)},
            {"Authorization": "Bearer x"},
        ],
    )
    async def test_nobody_else_is(self, taker, headers):
        """401, and nothing changes: another signature, none, another secret, another address."""
        status, body = await taker.post(orjson.dumps(BODY), **headers)
        assert (status, body["code"]) == (401, "invalid_signature")
        assert (await taker.campaign()).tmobile == "approved"
        assert await taker.rows(tcr_events) == 0
        assert taker.counted("unsigned") == 1

    async def test_two_signatures_are_none(self, taker):
        """Which of them counts would be a guess."""
        headers = [("X-Registry-Signature", RIGHT), ("X-Registry-Signature", RIGHT)]
        async with aiohttp.ClientSession() as session, session.post(taker.url, json=BODY, headers=headers) as answer:
            assert answer.status == 401

    @pytest.mark.parametrize(
        ("raw", "code"),
        [
            (b"", "malformed_event"),
            (b"{", "malformed_event"),
            (b"[]", "malformed_event"),
            (b'{"eventType": "BRAND_DELETE", "brandId": {"id": "BAAAAA1"}}', "malformed_event"),
            (b'{"eventType": "CAMPAIGN_EXPIRED", "campaignId": "CAAAAA1", "campaignId": "CAAAAA1"}', "duplicate_key"),
        ],
    )
    async def test_what_is_no_flat_object_is_malformed(self, taker, raw, code):
        """400, and nothing changes, whatever it is signed with."""
        status, body = await taker.post(raw, **{"X-Registry-Signature": RIGHT})
        assert (status, body["code"]) == (400, code)
        assert await taker.rows(tcr_events) == 0
        assert (await taker.campaign()).status == "active"

    async def test_a_signed_object_without_a_type_is_malformed(self, taker):
        """It is TCR's, and no event."""
        assert await taker.bring({"brandId": "BAAAAA1"}) == 400

    async def test_a_large_body_is_not_read_to_its_end(self, taker):
        """Up to 64 KiB are; before anything is looked at."""
        body = {"eventType": "CAMPAIGN_EXPIRED", "campaignId": "CAAAAA1"}
        assert await taker.bring(body | {"description": "x" * 65_536}) == 413
        assert await taker.bring(body | {"description": "x" * 60_000}) == 200


class TestRepeats:
    async def test_three_deliveries_leave_what_one_does(self, taker):
        """State and audit; each answer is 200."""
        await taker.bring(BODY | {"time": "2026-11-20T13:00:00Z"})
        audited, state = await taker.rows(audit), await taker.campaign()
        again = await asyncio.gather(*(taker.bring(BODY | {"time": "2026-11-20T13:00:00Z"}) for _ in range(3)))
        assert again == [200] * 3
        assert (await taker.rows(audit), await taker.campaign()) == (audited, state)
        assert taker.counted("repeated") == 3

    async def test_three_deliveries_at_once_are_one(self, taker):
        """Also when they are under way together, and without a time."""
        before = await taker.rows(audit)
        assert await asyncio.gather(*(taker.bring(BODY) for _ in range(3))) == [200] * 3
        assert await taker.rows(audit) == before + 1
        assert await taker.rows(tcr_events) == 1


class TestWhatNobodyKnows:
    async def test_it_is_taken_and_alerted_once_a_kind(self, taker):
        """200, kept and counted; a hundred messages are no hundred alerts."""
        with capture_logs() as logs:
            for number in range(3):
                event = {"eventType": "CAMPAIGN_TELEPORTED", "campaignId": "CAAAAA1", "time": 1_795_179_600 + number}
                assert await taker.bring(event) == 200
            assert await taker.bring({"eventType": "BRAND_SHAVED", "brandId": "BAAAAA1"}) == 200
        alerts = [entry["word"] for entry in logs if entry["event"] == "tcr_word_unknown"]
        assert alerts == ["CAMPAIGN_TELEPORTED", "BRAND_SHAVED"]
        assert (await taker.rows(tcr_events), taker.counted("unknown_type")) == (4, 4)
        assert (await taker.campaign()).status == "active"

    async def test_an_unknown_status_is_in_force_and_alerted_once(self, taker):
        """Gateways get the word itself, which is not good; one alert, not one a message."""
        with capture_logs() as logs:
            for number in range(3):
                event = {"eventType": "CAMPAIGN_STATUS_UPDATE", "campaignId": "CAAAAA1", "campaignStatus": "LIMBO"}
                assert await taker.bring(event | {"time": 1_795_179_600 + number}) == 200
        assert (await taker.in_store()).status == "limbo"
        assert [entry["word"] for entry in logs if entry["event"] == "tcr_word_unknown"] == ["status:limbo"]

    async def test_an_unknown_object_is_kept(self, taker):
        """It may become known."""
        assert await taker.bring({"eventType": "BRAND_DELETE", "brandId": "BELSE"}) == 200
        assert taker.counted("unknown_object") == 1

    async def test_our_own_suspension_calls_a_human(self, taker):
        """Everything of the provider is at risk."""
        with capture_logs() as logs:
            assert await taker.bring({"eventType": "CSP_SUSPEND", "cspId": "SEMUL01"}) == 200
        assert ("critical", "tcr_suspended_us") in [(entry["log_level"], entry["event"]) for entry in logs]


class TestWhenItIsKnownEverywhere:
    async def test_no_process_may_judge_by_what_was_before_the_answer(self, taker):
        """A gateway that follows and has not read the change holds the answer back."""
        await follow(taker.redis, "gateway:1", 0, 0)
        bringing = asyncio.create_task(taker.bring(BODY))
        await asyncio.sleep(0.4)
        assert not bringing.done()
        epoch, seq = 0, 0
        async with asyncio.timeout(10):
            while not bringing.done():
                epoch, seq, *_ = await follow(taker.redis, "gateway:1", int(epoch or 0), int(seq or 0))
                await asyncio.sleep(0.02)
        assert await bringing == 200

    async def test_a_caller_who_hangs_up_undoes_nothing(self, taker):
        """TCR's patience may be shorter than ours; it brings it again, which is a repeat."""
        async with taker.database.writing():  # Somebody else writes: it has to wait.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.3):
                    await taker.bring(BODY)
            await asyncio.sleep(0.1)
        await eventually(lambda: _is_suspended(taker))


async def _is_suspended(taker):
    return (await taker.campaign()).tmobile == "suspended"
