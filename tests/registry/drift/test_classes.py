"""Every class of drift is found, on both databases; what heals itself is healed by the next turn."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from metrics.registry import DRIFT_KINDS
from registry.commands import change
from registry.drift.classes import CLASSES, Drift
from registry.drift.healing import heal_number
from registry.drift.ours import Whole
from registry.drift.sides import Rules
from registry.flows.desk import Limits
from registry.records import Assignment, Brand, Campaign
from registry.work_tables import drift, provisioning_jobs
from tests.registry.builders import (
    DID,
    OTHER_DID,
    a_brand,
    a_campaign,
    a_number,
    a_tenant,
    a_user,
    an_assignment,
    trail,
)
from tests.registry.drift.builders import LONG_AGO, NOW, Aggregator, Tcr, a_desk, a_sweep, fill, shown, turn

THERE = Aggregator(shown(DID))
NUMBER, USER, CAMPAIGN, BRAND = f"number:{DID}", "user:ben", "campaign:CACME", "brand:BACME"
OLD = {"sms_enabled_at": LONG_AGO}
FOREIGN = (a_tenant("solo"), a_brand("BSOLO", tenant="solo"), a_campaign("CSOLO", brand_id="BSOLO"))

#: What our own rows say, without anybody else.
OURS = [
    # class, object, records that break it, records that put it right
    ("enabled_without_licence", NUMBER, [a_user(licence="X1")], [a_user()]),
    ("enabled_without_licence", NUMBER, [a_number(user=None)], [a_number()]),
    ("enabled_number_cannot_send", NUMBER, [a_number(**OLD), a_campaign(status="suspended")], [a_campaign()]),
    ("enabled_number_cannot_send", NUMBER, [a_number(**OLD), an_assignment(state="failed")], [an_assignment()]),
    ("two_enabled_numbers", USER, [a_number(OTHER_DID)], [a_number(OTHER_DID, sms="superseded")]),
    ("assignment_inconsistent", NUMBER, [an_assignment(campaign_id=None)], [an_assignment()]),
    ("assignment_inconsistent", NUMBER, [a_brand("BTWO"), an_assignment(brand_id="BTWO")], [an_assignment()]),
    (
        "assignment_inconsistent",
        NUMBER,
        [*FOREIGN, an_assignment(campaign_id="CSOLO", brand_id=None)],
        [an_assignment()],
    ),
    ("unknown_state", NUMBER, [a_number(sms="humming")], [a_number()]),
    ("unknown_state", NUMBER, [an_assignment(state="humming")], [an_assignment()]),
    ("unknown_state", CAMPAIGN, [a_campaign(att="humming")], [a_campaign()]),
    ("unknown_state", BRAND, [a_brand(status="humming")], [a_brand()]),
    (
        "over_number_limit",
        CAMPAIGN,
        [a_number(OTHER_DID), an_assignment(OTHER_DID)],
        [a_campaign(number_pool="approved")],
    ),
    ("orphan_assignment", NUMBER, [a_campaign(status="expired")], None),
    ("orphan_assignment", NUMBER, [a_number(user=None, sms="disabled", left_at=LONG_AGO)], None),
    ("assignment_without_job", NUMBER, [an_assignment(state="pending", since=NOW)], None),
]
#: What needs more than records: in test_sweep_emulators.py.
ELSEWHERE = {"provisioning_stuck"}
#: What the aggregator shows.
THEIRS = [
    # class, object, records, what the aggregator has, carriers do not see it
    ("number_not_at_aggregator", NUMBER, [], [], ()),
    ("number_not_at_aggregator", NUMBER, [], [shown(DID, status="FAILED")], ()),
    (
        "number_extra_at_aggregator",
        f"number:{OTHER_DID}",
        [a_number(OTHER_DID, user=None)],
        [shown(DID), shown(OTHER_DID)],
        (),
    ),
    ("unknown_number_at_aggregator", "number:+12025550177", [], [shown(DID), shown("+12025550177")], ()),
    ("campaign_differs_at_aggregator", NUMBER, [a_campaign("CTWO")], [shown(DID, "CTWO")], ()),
    ("shown_not_effective", NUMBER, [an_assignment(since=LONG_AGO)], [shown(DID)], (DID,)),
]
SAME = {"att": "approved", "tmobile": "approved"}
#: What TCR answers: its brand, its campaign.
TCRS = [
    ("campaign_state_differs_at_tcr", CAMPAIGN, "verified", ("expired", "accepted", SAME)),
    ("sharing_state_differs_at_tcr", CAMPAIGN, "verified", ("active", "declined", SAME)),
    ("carrier_state_differs", CAMPAIGN, "verified", ("active", "accepted", SAME | {"att": "suspended"})),
    ("campaign_not_at_tcr", CAMPAIGN, "verified", None),
    ("brand_state_differs", BRAND, "unverified", ("active", "accepted", SAME)),
    ("brand_not_at_tcr", BRAND, None, ("active", "accepted", SAME)),
]


async def listed(database, state="open"):
    """What is in a state: class and object."""
    async with database.reading() as connection:
        rows = await connection.execute(sa.select(drift.c.kind, drift.c.object).where(drift.c.state == state))
        return {tuple(row) for row in rows}


async def link_of(database, did=DID):
    """A number's assignment."""
    async with database.reading() as connection:
        return await a_desk(connection).one(Assignment, did)


async def jobs(database):
    """What the aggregator is asked."""
    async with database.reading() as connection:
        table = provisioning_jobs
        return {tuple(row) for row in await connection.execute(sa.select(table.c.did, table.c.action))}


class TestTable:
    def test_metrics_know_every_class(self):
        """In the order of the table."""
        assert tuple(CLASSES) == DRIFT_KINDS

    def test_every_class_has_a_case(self):
        """Those of the store are in test_copies.py."""
        named = {case[0] for cases in (OURS, THEIRS, TCRS) for case in cases}
        assert named | ELSEWHERE | {kind for kind in CLASSES if kind.startswith("store_")} == set(CLASSES)

    async def test_what_is_in_order_is_no_drift(self, database):
        """Nothing is found, and nothing written."""
        await fill(database, a_number(**OLD), an_assignment(since=LONG_AGO))
        before = await trail(database)
        tcr = Tcr({"BACME": "verified"}, {"CACME": ("active", "accepted", SAME)})
        sweep, _ = a_sweep(database, aggregator=THERE, tcr=tcr)
        await turn(sweep)
        assert await listed(database) == set()
        assert (await trail(database), await jobs(database)) == (before, set())


class TestOurs:
    @pytest.mark.parametrize(("kind", "name", "broken", "right"), OURS)
    async def test_what_does_not_fit_is_listed_until_it_does(self, database, kind, name, broken, right):
        """A class that waits for a person changes no row; one that heals itself is gone by the next turn."""
        await fill(database, *broken)
        sweep, _ = a_sweep(database, Rules(limits=Limits(numbers_per_campaign=1)))
        before = await trail(database)
        await turn(sweep)
        assert await listed(database) >= {(kind, name)}
        if right is not None:
            assert not CLASSES[kind].heals
            assert await trail(database) == before
            async with database.writing() as connection:
                await change(connection, actor="test", put=right)
        await turn(sweep)
        assert (kind, name) not in await listed(database)
        assert (kind, name) in await listed(database, "healed")

    async def test_an_inconsistent_assignment_is_never_repaired_silently(self, database):
        """J14: it is listed, somebody is called, and the row stays."""
        await fill(database, an_assignment(campaign_id=None))
        sweep, _ = a_sweep(database, aggregator=Aggregator())
        await turn(sweep)
        assert await listed(database) >= {("assignment_inconsistent", NUMBER)}
        assert (await link_of(database)).campaign_id is None
        assert (await link_of(database)).state == "assigned"
        assert CLASSES["assignment_inconsistent"].page

    async def test_an_orphan_leaves_by_the_life_cycle(self, database):
        """The row and the aggregator's work in one transaction."""
        await fill(database, a_campaign(status="deactivated"))
        sweep, _ = a_sweep(database)
        await turn(sweep)
        assert ((await link_of(database)).state, await jobs(database)) == ("removing", {(DID, "remove")})

    async def test_a_number_that_is_being_set_up_is_no_drift(self, database):
        """For as long as setting up may take."""
        await fill(database, a_number(sms_enabled_at=NOW), an_assignment(state="pending", since=NOW))
        async with database.writing() as connection:
            await a_desk(connection).ask_aggregator(DID, "add", "CACME")
        sweep, _ = a_sweep(database, aggregator=Aggregator())
        await turn(sweep)
        assert await listed(database) == set()


class TestAggregator:
    @pytest.mark.parametrize(("kind", "name", "records", "there", "unseen"), THEIRS)
    async def test_what_it_has_otherwise_is_found(self, database, kind, name, records, there, unseen):
        """And nothing else."""
        await fill(database, *records)
        sweep, _ = a_sweep(database, aggregator=Aggregator(*there, unseen=unseen))
        await turn(sweep)
        found = {one for one in await listed(database) if "aggregator" in one[0] or "shown" in one[0]}
        assert found == {(kind, name)}
        assert bool(await jobs(database)) == CLASSES[kind].heals
        await turn(sweep)
        assert ((kind, name) in await listed(database, "healed")) == CLASSES[kind].heals

    async def test_a_number_that_is_not_there_cannot_send_from_that_moment(self, database):
        """It is pending, and asked for again."""
        await fill(database)
        sweep, _ = a_sweep(database, aggregator=Aggregator())
        await turn(sweep)
        assert ((await link_of(database)).state, await jobs(database)) == ("pending", {(DID, "add")})

    async def test_a_number_is_not_asked_for_in_a_campaign_that_is_not_verified(self, database):
        """It stays listed: a person has to look."""
        await fill(database, a_campaign(status="suspended"))
        sweep, _ = a_sweep(database, aggregator=Aggregator())
        await turn(sweep)
        await turn(sweep)
        assert ("number_not_at_aggregator", NUMBER) in await listed(database)
        assert ((await link_of(database)).state, await jobs(database)) == ("assigned", set())

    async def test_what_somebody_is_working_on_is_left_to_them(self, database):
        """Here or there."""
        await fill(database)
        async with database.writing() as connection:
            await a_desk(connection).ask_aggregator(DID, "add", "CACME")
        sweep, _ = a_sweep(database, aggregator=Aggregator())
        await turn(sweep)
        assert await listed(database) == set()

    async def test_a_job_under_way_is_never_put_aside(self, database):
        """Whatever was found; one that is stuck gives way to what heals."""
        await fill(database, an_assignment(state="pending"))
        found = [Drift("orphan_assignment", NUMBER, "acme", "")]
        whole = Whole(number=a_number(), link=an_assignment(state="pending"), job=True)
        async with database.writing() as connection:
            assert not await heal_number(a_desk(connection), whole, found, None)
            assert await heal_number(a_desk(connection), replace(whole, stuck="add: it takes too long"), found, None)

    async def test_what_changed_since_the_look_is_not_healed(self, database):
        """An admin was quicker: the next turn looks again."""

        class Slow(Aggregator):
            async def read(self, did):
                async with database.writing() as connection:
                    link = await a_desk(connection).one(Assignment, did)
                    await change(connection, actor="test", put=[replace(link, state="removing")])
                return await super().read(did)

        await fill(database)
        sweep, _ = a_sweep(database, aggregator=Slow())
        await turn(sweep)
        assert ((await link_of(database)).state, await jobs(database)) == ("removing", set())


class TestTcr:
    @pytest.mark.parametrize(("kind", "name", "brand", "campaign"), TCRS)
    async def test_what_it_has_otherwise_is_found_and_applied(self, database, kind, name, brand, campaign):
        """Through what applies its webhooks, too; what nobody can apply stays listed."""
        await fill(database)
        asked = []

        async def catch_up(wanted):
            asked.append(wanted)
            states = {"campaign_state_differs_at_tcr": {"status": "expired"}, "brand_state_differs": {"status": brand}}
            states |= {
                "sharing_state_differs_at_tcr": {"sharing": "declined"},
                "carrier_state_differs": {"att": "suspended"},
            }
            record = Brand if wanted.startswith("brand") else Campaign
            async with database.writing() as connection:
                found = await a_desk(connection).one(record, wanted.partition(":")[2])
                await change(connection, actor="tcr", put=[replace(found, **states.get(kind, {}))])

        tcr = Tcr({"BACME": brand} if brand else {}, {"CACME": campaign} if campaign else {})
        sweep, _ = a_sweep(database, tcr=tcr, catch_up=catch_up)
        await turn(sweep)
        assert asked == [name]
        heals = CLASSES[kind].heals
        assert ((kind, name) in await listed(database, "healed")) == heals
        assert ((kind, name) in await listed(database)) != heals

    async def test_overlays_are_ours(self, database):
        """TCR calls a campaign active that carriers suspended; that is none."""
        await fill(database, a_campaign(status="suspended"), a_brand(status="suspended"))
        sweep, _ = a_sweep(database, tcr=Tcr({"BACME": "verified"}, {"CACME": ("active", "accepted", SAME)}))
        await turn(sweep)
        assert {one for one in await listed(database) if "tcr" in one[0] or "brand" in one[0]} == set()
