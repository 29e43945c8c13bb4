"""The sweep, the clients and the worker as they are, against TCR and an aggregator on real sockets that went astray.

Nothing is told by a webhook here: what differs is found by asking, or not at all.
"""

from datetime import UTC, datetime, timedelta
from functools import partial

import orjson
import pytest
import sqlalchemy as sa

from registry.drift.classes import CLASSES
from registry.drift.sweep import last_turn
from registry.flows import numbers as number_flows
from registry.importer import ImportOptions, import_company
from registry.problems import Problem
from registry.records import Brand, Campaign
from registry.work_tables import campaign_ends
from tests.registry.builders import (
    BASICS,
    DID,
    OTHER_DID,
    a_brand,
    a_campaign,
    a_company,
    a_number,
    an_assignment,
    eventually,
)
from tests.registry.drift.builders import LONG_AGO
from tests.registry.drift.emulators import (
    BRAND,
    CAMPAIGN,
    NUMBER,
    OTHER,
    PATIENCE,
    STRANGER,
    THEIRS,
    a_world,
    the_company,
)
from tests.registry.tcr.companies import an_application, jobs
from tests.registry.tcr.test_submitter import submitting


class TestTable:
    def test_every_class_that_others_can_say_is_here(self):
        """By its name in a test below."""
        assert {
            "number_not_at_aggregator",
            "number_extra_at_aggregator",
            "unknown_number_at_aggregator",
            "campaign_differs_at_aggregator",
            "shown_not_effective",
            "assignment_without_job",
            "provisioning_stuck",
            "orphan_assignment",
            *(case.values[0] for case in TestTcr.HEALING),
            "campaign_not_at_tcr",
            "brand_not_at_tcr",
        } == THEIRS

    async def test_what_is_in_order_is_no_drift(self, world):
        """Everybody was asked, nothing is listed, and a full turn is told."""
        await world.turn()
        assert await world.listed(among=set(CLASSES)) == set()
        assert {call.operation for call in world.aggregator.calls.log} == {"read", "list", "osr"}
        paths = {one["path"] for one in await world.tcr.came()}
        assert {"/v2/brand/BACME", "/v2/campaign/CACME", "/v2/campaign/COTHER/operationStatus"} <= paths
        async with world.database.reading() as connection:
            assert await last_turn(connection) is not None


class TestEnds:
    async def test_the_day_on_which_a_campaign_ends_is_learnt(self, world):
        """By asking, for no webhook tells it; and forgotten where it goes on after all."""
        await world.turn()
        assert await self.learnt(world) == []
        await world.tcr.happens("CACME", "renew", autoRenewal=False, nextRenewalOrExpirationDate="2027-03-31")
        await world.turn()
        assert await self.learnt(world) == [("CACME", datetime(2027, 3, 31, tzinfo=UTC))]
        assert await world.listed() == set()
        await world.tcr.happens("CACME", "renew", autoRenewal=True)
        await world.turn()
        assert await self.learnt(world) == []

    async def learnt(self, world):
        """Which campaigns end when."""
        async with world.database.reading() as connection:
            ends = await connection.execute(sa.select(campaign_ends.c.campaign, campaign_ends.c.ends_at))
            return [tuple(row) for row in ends]


class TestAggregator:
    async def healed(self, world, kind, name, *dids):
        """One turn finds it, what it wishes for is done at the aggregator, the next turn finds it gone."""
        await world.turn()
        assert await world.listed() == {(kind, name)}
        await world.settle(*dids)
        await world.turn()
        assert (await world.listed(), await world.listed("healed")) == (set(), {(kind, name)})

    async def test_a_number_that_it_lost_is_assigned_once_more(self, world):
        """number_not_at_aggregator: it cannot send from that moment, and can again when it is there."""
        world.aggregator.book.put(DID, {"campaignId": None})
        await world.sweep.step(world.clock())
        await world.sweep.step(world.clock())
        assert await world.link() == ("CACME", "pending")
        await self.healed(world, "number_not_at_aggregator", NUMBER, DID)
        assert (await world.link(), world.shown()) == (("CACME", "assigned"), ("CACME", "ADDED", "CACME"))

    async def test_a_number_that_it_has_and_we_do_not_is_taken_out(self, world):
        """number_extra_at_aggregator."""
        await world.put(a_number(OTHER_DID, user=None, sms="disabled"))
        world.aggregator.book.put(OTHER_DID, {"campaignId": "CACME"})
        await self.healed(world, "number_extra_at_aggregator", OTHER, OTHER_DID)
        assert (await world.link(OTHER_DID), world.shown(OTHER_DID)) == (None, (None, "DELETED", None))

    async def test_a_number_that_carriers_do_not_see_is_switched_off_and_on(self, world):
        """shown_not_effective: once, by the worker, who finds the same."""
        world.aggregator.book.put(DID, {"campaignId": "CACME", "effective": False})
        await self.healed(world, "shown_not_effective", NUMBER, DID)
        assert (await world.link(), world.shown()) == (("CACME", "assigned"), ("CACME", "ADDED", "CACME"))
        changes = [call.operation for call in world.aggregator.calls.log if call.operation in {"add", "remove"}]
        assert changes == ["remove", "add"]

    async def test_a_number_in_another_campaign_is_a_persons(self, world):
        """campaign_differs_at_aggregator: if ours is right it is written over theirs, when somebody says so."""
        world.aggregator.book.put(DID, {"campaignId": "COTHER"})
        found = {("campaign_differs_at_aggregator", NUMBER)}
        for _ in range(2):
            await world.turn()
            await world.settle(DID)
            assert (await world.listed(), world.shown()[0]) == (found, "COTHER")
        told = await world.retry("campaign_differs_at_aggregator", NUMBER)
        assert (told["href"], told["decided_by"]) == ("/console/phone-system/sms", "key:k")
        assert await world.link() == ("CACME", "pending")
        await world.settle(DID)
        await world.turn()
        assert (await world.listed(), await world.link()) == (set(), ("CACME", "assigned"))
        assert world.shown() == ("CACME", "ADDED", "CACME")

    async def test_a_number_in_another_campaign_can_be_left_there(self, world):
        """If theirs is right: Assign to campaign, and nothing happens to it there."""
        world.aggregator.book.put(DID, {"campaignId": "COTHER"})
        await world.turn()
        async with world.desk() as desk:
            await number_flows.assign(desk, DID, "COTHER")
        await world.settle(DID)
        await world.turn()
        assert (await world.listed(), await world.link()) == (set(), ("COTHER", "assigned"))
        assert {call.operation for call in world.aggregator.calls.log} == {"read", "list", "osr"}

    async def test_a_number_of_nobody_stays_until_it_is_gone_there(self, world):
        """unknown_number_at_aggregator: it is not ours to touch."""
        world.aggregator.book.put(STRANGER, {"campaignId": "CACME"})
        found = ("unknown_number_at_aggregator", f"number:{STRANGER}")
        for _ in range(2):
            await world.turn()
            await world.settle()
            assert (await world.listed(), world.shown(STRANGER)[0]) == ({found}, "CACME")
        world.aggregator.book.put(STRANGER, {"campaignId": None})
        await world.turn()
        assert (await world.listed(), await world.listed("healed")) == (set(), {found})

    @pytest.mark.parametrize("records", [[a_campaign(status="expired")], [a_number(user=None, left_at=LONG_AGO)]])
    async def test_an_orphan_is_taken_out_there_too(self, world, records):
        """orphan_assignment: the row goes when the aggregator has let go of it."""
        await world.tcr.happens("CACME", "expire")
        await world.put(*records)
        await world.turn()
        assert ("orphan_assignment", NUMBER) in await world.listed()
        await world.settle(DID)
        assert (await world.link(), world.shown()) == (None, (None, "DELETED", None))

    async def test_what_is_under_way_is_left_to_who_works_on_it(self, world):
        """The campaign ends while a number is on its way into it: the worker has that to deal with, not we."""
        world.behave({"operation": "add", "outcome": "never"})
        await world.put(a_number(OTHER_DID, user=None, sms="disabled", sms_page=True))
        async with world.desk() as desk:
            await number_flows.assign(desk, OTHER_DID, "COTHER")
        await world.settle()
        wished = (await world.job(OTHER_DID)).wished_at
        await world.tcr.happens("COTHER", "expire")
        await world.turn()
        await world.turn()
        assert (await world.job(OTHER_DID)).wished_at == wished
        assert {one for one in await world.listed() if one[1] == OTHER} == set()

    @pytest.mark.parametrize(("state", "after"), [("pending", ("CACME", "assigned")), ("removing", None)])
    async def test_what_an_import_left_on_its_way_arrives(self, database, settings, tmp_path, state, after):
        """assignment_without_job: a company file can say pending or removing, and nobody was asked anything yet."""
        file = tmp_path / "imported.json"
        link = {"state": state, "campaign_id": "CACME", "brand_id": "BACME"}
        company = a_company()
        company["numbers"] = [one | {"assignment": link} for one in company["numbers"] if one["tenant"] == "acme"]
        file.write_bytes(orjson.dumps(company))
        options = ImportOptions(file=file, credentials=None, gateway_url=None, wait_s=0)
        await import_company(database, options, lambda *_: None)
        there = the_company(numbers=[]) if state == "pending" else the_company()
        async with a_world(database, tmp_path, there) as world:
            assert await world.link() == ("CACME", state)
            await world.turn()
            assert ("assignment_without_job", NUMBER) in await world.listed()
            await world.settle(DID)
            await world.turn()
            assert (await world.link(), world.shown()[0]) == (after, after and "CACME")
            assert ("assignment_without_job", NUMBER) in await world.listed("healed")

    async def test_a_removal_of_a_number_that_left_is_not_forgotten(self, world):
        """A number that left while its removal was lost is found like any other."""
        await world.put(a_number(user=None, sms="disabled", left_at=LONG_AGO), an_assignment(state="removing"))
        await self.healed(world, "assignment_without_job", NUMBER, DID)
        assert (await world.link(), world.shown()[0]) == (None, None)


class TestStuck:
    async def test_a_number_that_takes_too_long_is_tried_again_by_a_person(self, world):
        """provisioning_stuck: listed with what was wished and why it is stuck; the wait begins anew."""
        world.behave({"operation": "add", "outcome": "never"})
        await world.put(a_number(OTHER_DID, user=None, sms="disabled", sms_page=True))
        async with world.desk() as desk:
            await number_flows.assign(desk, OTHER_DID, "CACME")
        await world.settle()
        await world.turn()
        assert await world.listed() == set()
        world.now += PATIENCE.aggregator
        await world.settle()
        assert ((await world.job(OTHER_DID)).state, await world.link(OTHER_DID)) == ("stuck", ("CACME", "failed"))
        await world.turn()
        assert await world.listed() == {("provisioning_stuck", OTHER)}

        told = await world.retry("provisioning_stuck", OTHER)
        assert (told["detail"], told["retries"]) == ("add: The aggregator has not finished in time.", True)
        assert ((await world.job(OTHER_DID)).state, await world.link(OTHER_DID)) == ("due", ("CACME", "pending"))
        with pytest.raises(Problem, match="not_from_here"):
            await world.retry("provisioning_stuck", OTHER)
        await world.settle()
        await world.turn()
        assert await world.listed() == set()
        world.aggregator.book.finish(OTHER_DID, reason=None)
        world.now += timedelta(hours=1)
        await world.settle(OTHER_DID)
        assert (await world.link(OTHER_DID), world.shown(OTHER_DID)[2]) == (("CACME", "assigned"), "CACME")

    async def test_a_removal_that_failed_is_tried_again_by_a_person(self, world):
        """When the aggregator has got over what it had."""
        world.behave({"operation": "remove", "outcome": "failed"})
        async with world.desk() as desk:
            await number_flows.remove(desk, DID)
        await world.settle()
        await world.turn()
        assert await world.listed() == {("provisioning_stuck", NUMBER)}
        world.behave()
        await world.retry("provisioning_stuck", NUMBER)
        await world.settle(DID)
        await world.turn()
        assert (await world.listed(), await world.link(), world.shown()[1]) == (set(), None, "DELETED")

    async def test_nothing_is_tried_again_into_a_campaign_that_cannot_take_it(self, world):
        """The refusal says what is in the way; nothing changes."""
        world.aggregator.book.put(DID, {"campaignId": "COTHER"})
        await world.turn()
        await world.put(a_campaign(status="suspended"))
        with pytest.raises(Problem, match="campaign_suspended"):
            await world.retry("campaign_differs_at_aggregator", NUMBER)
        assert (await world.link(), await world.job()) == (("CACME", "assigned"), None)

    async def test_what_heals_itself_is_not_for_people_to_try(self, world):
        """A person has to look at something else first: here at the campaign."""
        await world.put(a_campaign(status="suspended"))
        world.aggregator.book.put(DID, {"campaignId": None})
        await world.turn()
        with pytest.raises(Problem, match="not_from_here"):
            await world.retry("number_not_at_aggregator", NUMBER)


class TestTcr:
    HEALING = (
        pytest.param("campaign_state_differs_at_tcr", "CACME", "expire", {}, Campaign, "status", "expired"),
        pytest.param("sharing_state_differs_at_tcr", "CACME", "decline", {}, Campaign, "sharing", "declined"),
        pytest.param(
            "carrier_state_differs",
            "CACME",
            "operate",
            {"carrier": "att", "status": "SUSPENDED"},
            Campaign,
            "att",
            "suspended",
        ),
        pytest.param("brand_state_differs", "BACME", "unverify", {}, Brand, "status", "unverified"),
    )

    @pytest.mark.parametrize(("kind", "name", "deed", "args", "record", "column", "value"), HEALING)
    async def test_what_it_has_otherwise_is_followed(self, world, kind, name, deed, args, record, column, value):
        """Within the turn that found it, by what its webhooks go by; the turn says that it was so."""
        await world.tcr.happens(name, deed, **args)
        await world.turn()
        found = (kind, f"{record.__name__.lower()}:{name}")
        assert getattr(await world.one(record, name), column) == value
        assert found in await world.listed("healed")
        await world.turn()
        assert found not in await world.listed()

    async def test_a_brand_that_was_turned_down_and_nobody_told_us(self, world):
        """TCR shows UNVERIFIED while it looks at a brand, too: once there is feedback it has looked."""
        await world.tcr.happens("BACME", "identify", status="UNVERIFIED")
        await world.put(a_brand(status="pending"))
        await world.turn()
        assert (await world.listed(), (await world.one(Brand, "BACME")).status) == (set(), "pending")
        await world.tcr.happens("BACME", "unverify", reasons=["The EIN is not known."])
        await world.turn()
        brand = await world.one(Brand, "BACME")
        assert (brand.status, brand.faults) == ("unverified", ("The EIN is not known.",))
        assert ("brand_state_differs", BRAND) in await world.listed("healed")

    async def test_a_brand_that_was_deleted_there_is_ended_here(self, world):
        """Where TCR shows it as deleted; otherwise it would be a person's."""
        await world.put(an_application("company-BACME", object_id="BACME", state="submitted"))
        await world.tcr.happens("BACME", "delete")
        await world.turn()
        assert (await world.one(Brand, "BACME")).status == "deleted"
        assert (await world.listed(), await world.listed("healed")) == (set(), {("brand_not_at_tcr", BRAND)})

    async def test_what_it_does_not_know_is_a_persons(self, world):
        """campaign_not_at_tcr, brand_not_at_tcr: nothing ends, nothing is asked again and again for nothing."""
        await world.put(a_brand("BTWO"), a_campaign("CTWO", brand_id="BTWO"))
        found = {("campaign_not_at_tcr", "campaign:CTWO"), ("brand_not_at_tcr", "brand:BTWO")}
        for _ in range(2):
            await world.turn()
            assert await world.listed() == found
        statuses = (await world.one(Campaign, "CTWO")).status, (await world.one(Brand, "BTWO")).status
        assert statuses == ("active", "verified")

    async def test_a_campaign_that_was_deactivated_here_and_lives_on_there_is_ended(self, world):
        """It would be billed for ever; while TCR is still to be asked, nothing is found."""
        await world.put(a_campaign("COTHER", status="deactivated"))
        await world.turn()
        assert [one["object"] for one in await jobs(world.database, "deactivate")] == ["COTHER"]
        await world.turn()
        assert await world.listed() == set()
        async with submitting(world.database, world.registry):
            await eventually(partial(_none_due, world.database))
        assert (await world.registry.campaign("COTHER")).status == "expired"
        await world.turn()
        assert await world.listed() == set()
        assert ("campaign_state_differs_at_tcr", "campaign:COTHER") in await world.listed("healed")

    async def test_a_campaign_that_is_shared_with_nobody_there_is_found(self, database, tmp_path):
        """We would send by it, and every carrier would refuse."""
        company = the_company()
        company["campaigns"][0]["sharing"] = ""
        async with a_world(database, tmp_path, company) as world:
            await world.put(*BASICS, a_campaign("COTHER"))
            await world.turn()
            assert await world.listed() == {("sharing_state_differs_at_tcr", CAMPAIGN)}


async def _none_due(database):
    return not await jobs(database, "deactivate")
