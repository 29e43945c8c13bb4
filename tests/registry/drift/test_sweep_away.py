"""A sweep keeps to the rates of those it asks, and one of them that is away, slow or senseless ends nothing."""

import asyncio
import contextlib
from functools import partial

import pytest
import sqlalchemy as sa
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from metrics.registry import RegistryMetrics
from registry.drift import sweep as sweep_module
from registry.drift.sweep import last_turn
from registry.flows import numbers as number_flows
from registry.provisioning.client import AggregatorClient
from registry.records import Brand, Campaign
from registry.tasks import stop
from tests.registry.builders import (
    BASICS,
    DID,
    OTHER_DID,
    a_campaign,
    a_number,
    an_assignment,
    eventually,
)
from tests.registry.drift.builders import LONG_AGO, Senders
from tests.registry.drift.emulators import DIDS, KEY, NUMBER, a_world, many, the_company


class TestRates:
    async def test_the_rates_of_both_are_kept(self, database, tmp_path):
        """The sweep alone uses them up, and nobody has to refuse a call."""
        names = [f"C{number:04}" for number in range(12)]
        company = the_company()
        company["campaigns"] += [company["campaigns"][0] | {"id": name} for name in names]
        async with a_world(database, tmp_path, company, ours_per_s=20, reads_per_s=20) as world:
            await many(world)
            await world.put(*(a_campaign(name) for name in names))
            await world.turn()
            assert await world.listed() == set()
            assert len(await world.tcr.came("GET")) > 40
            assert (await world.tcr.overview())["refused_by_limits"] == 0
            statuses = [call.status for call in world.aggregator.calls.log]
            assert (len(statuses) > 50, statuses.count(429)) == (True, 0)

    async def test_an_allowance_that_is_smaller_than_ours_is_waited_for(self, database, tmp_path):
        """The same key is used elsewhere, too: the look goes on where it was, and does not begin anew."""
        async with a_world(database, tmp_path, ours_per_s=1000, reads_per_s=10) as world:
            await many(world)
            await world.tcr.faults({"method": "GET", "behaviour": "throttle", "times": 3, "retry_after_s": 0})
            await world.turn()
            assert await world.listed() == set()
            statuses = [call.status for call in world.aggregator.calls.log]
            assert 0 < statuses.count(429) < len(DIDS)
            # Each number once, in the list and at its carriers: nothing is asked for twice because of a refusal.
            assert statuses.count(200) == 2 * (len(DIDS) + 1) + 1


class TestAway:
    @pytest.fixture(autouse=True)
    def _hurry(self, monkeypatch):
        """Nobody waits five seconds in a test."""
        monkeypatch.setattr(sweep_module, "_BACKOFF_S", 0.01)

    @contextlib.asynccontextmanager
    async def walking(self, sweep):
        """Let a sweep walk, as `serve` does; gives what it logs."""
        with capture_logs() as logs:
            task = asyncio.create_task(sweep.run())
            try:
                yield logs
            finally:
                await stop(task)
                assert task.cancelled(), task.exception()

    async def full_turn(self, database):
        """When a full turn ended; None: never yet."""
        async with database.reading() as connection:
            return await last_turn(connection)

    @pytest.mark.parametrize("fault", ["away", "hang", "garbled", "unavailable", "key"])
    async def test_an_aggregator_that_is_of_no_use_ends_nothing(self, world, fault):
        """It is told, TCR is gone through all the same, and what was found before is as it was; no turn is full."""
        await world.put(a_campaign("CTWO"))
        world.aggregator.book.put(DID, {"campaignId": "COTHER"})
        await world.turn()
        before = await world.listed()
        assert before == {("campaign_differs_at_aggregator", NUMBER), ("campaign_not_at_tcr", "campaign:CTWO")}
        async with world.database.writing() as connection:
            await connection.execute(sa.text("DELETE FROM sweeps"))
        await world.tcr.happens("CACME", "operate", carrier="att", status="SUSPENDED")
        key, url = ("wrong", world.aggregator.url) if fault == "key" else (KEY, world.aggregator.url)
        if fault == "away":
            url = "http://127.0.0.1:9"
        elif fault != "key":
            world.behave({"answer": fault})
        client = AggregatorClient.opened(url, key, reads_per_s=1e6, writes_per_s=1e6, timeout_s=0.2)
        async with client as numbers:
            sweep = world.a_sweep(RegistryMetrics(CollectorRegistry()), aggregator=numbers)
            async with self.walking(sweep) as logs:
                await eventually(partial(_suspended_at, world, "att"))
                await eventually(partial(_told, logs, "drift_phase_skipped", 3))  # (two a turn)
        assert {"drift_look_failed", "drift_phase_skipped"} <= {entry["event"] for entry in logs}
        assert (await world.link(), await world.job()) == (("CACME", "assigned"), None)
        assert await world.listed() >= before
        assert await self.full_turn(world.database) is None
        world.behave()
        await world.turn()
        await world.turn()
        assert await self.full_turn(world.database) is not None

    @pytest.mark.parametrize("behaviour", ["drop_request", "garbled", "error", "hang"])
    async def test_a_tcr_that_is_of_no_use_ends_nothing(self, database, tmp_path, behaviour):
        """It is told, the numbers are gone through all the same, and no turn is full."""
        async with a_world(database, tmp_path, account={"deadline_s": 0.3, "try_s": 0.2}) as world:
            await world.put(*BASICS, a_campaign("COTHER"), an_assignment(since=LONG_AGO), a_campaign(att="rejected"))
            world.aggregator.book.put(DID, {"campaignId": None})
            await world.tcr.faults({"method": "GET", "behaviour": behaviour})
            async with self.walking(world.sweep) as logs:
                await eventually(partial(_told, logs, "drift_phase_skipped", 3))  # (two a turn)
            assert "drift_look_failed" in {entry["event"] for entry in logs}
            assert ("number_not_at_aggregator", NUMBER) in await world.listed() | await world.listed("healed")
            assert await world.listed(among={"campaign_not_at_tcr", "brand_not_at_tcr"}) == set()
            assert (await world.one(Campaign, "CACME")).status == "active"
            assert (await world.one(Brand, "BACME")).status == "verified"
            assert await self.full_turn(database) is None

    async def test_one_number_without_an_answer_keeps_no_other_from_its_turn(self, database, tmp_path):
        """What is known of it stays; the others are compared. An answer that is no answer, and a refusal to speak."""
        async with a_world(database, tmp_path) as world:
            await many(world)
            for did in (DIDS[1], DIDS[-1]):
                world.aggregator.book.put(did, {"campaignId": "COTHER"})
            await world.turn()
            world.aggregator.book.put(DIDS[-1], {"campaignId": "CACME"})
            await world.put(a_number("+4420794600", user=None, sms="disabled"), an_assignment("+4420794600"))
            world.behave({"prefix": DIDS[1], "answer": "garbled"}, {"prefix": DIDS[3], "answer": "unavailable"})
            with capture_logs() as logs:
                await world.turn()
            assert await world.listed() == {("campaign_differs_at_aggregator", f"number:{DIDS[1]}")}
            assert await world.listed("healed") == {("campaign_differs_at_aggregator", f"number:{DIDS[-1]}")}
            assert sum(one["entries"] for one in logs if one["event"] == "drift_objects_left_out") == 3
            assert not any(did in str(logs) for did in DIDS)

    async def test_one_campaign_without_an_answer_keeps_no_other_from_its_turn(self, database, tmp_path):
        """TCR may have one that it can do nothing with."""
        async with a_world(database, tmp_path, account={"deadline_s": 0.3, "try_s": 0.2}) as world:
            await world.put(*BASICS, a_campaign("COTHER"), an_assignment(since=LONG_AGO))
            await world.tcr.happens("COTHER", "operate", carrier="att", status="SUSPENDED")
            await world.tcr.happens("CACME", "operate", carrier="att", status="SUSPENDED")
            await world.tcr.faults({"method": "GET", "path": "/v2/campaign/CACME*", "behaviour": "error"})
            await world.turn()
            states = [(await world.one(Campaign, name)).att for name in ("CACME", "COTHER")]
            assert states == ["approved", "suspended"]

    async def test_recent_senders_are_asked_about_first_at_the_aggregator(self, database, tmp_path):
        """The one that sent last is the first that is read there."""
        async with a_world(database, tmp_path) as world:
            await many(world)
            world.sweep = world.a_sweep(RegistryMetrics(CollectorRegistry()), senders=Senders(DIDS[20], DIDS[2]))
            await world.turn()
            read = [call.tn for call in world.aggregator.calls.log if call.operation == "read"]
            assert read[:3] == [DIDS[20], DIDS[2], DID]

    async def test_what_an_admin_does_while_it_is_slow_is_no_drift(self, world):
        """The answer is of before, so nothing is noted and nothing healed: the next turn looks again."""
        world.behave({"operation": "list", "times": 1})
        await world.put(a_number(OTHER_DID, user=None, sms="disabled", sms_page=True))
        world.aggregator.book.put(OTHER_DID, {"campaignId": "CACME"})
        read = world.numbers.read

        async def slowly(did):
            answer = await read(did)
            if did == OTHER_DID and await world.link(OTHER_DID) is None:
                async with world.desk() as desk:
                    await number_flows.assign(desk, OTHER_DID, "CACME")
            return answer

        world.numbers.read = slowly
        await world.sweep.step(world.clock())
        await world.sweep.step(world.clock())
        assert (await world.listed(), (await world.job(OTHER_DID)).action) == (set(), "add")
        await world.settle(OTHER_DID)
        assert (await world.link(OTHER_DID), world.shown(OTHER_DID)[0]) == (("CACME", "assigned"), "CACME")


async def _suspended_at(world, carrier):
    return getattr(await world.one(Campaign, "CACME"), carrier) == "suspended"


async def _told(logs, event, times):
    return [entry["event"] for entry in logs].count(event) >= times
