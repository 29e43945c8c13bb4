"""What admins do with numbers: the seeds' flows, the limits, and what happens when two do it at once."""

import asyncio
import contextlib
import sys

import orjson
import pytest
import sqlalchemy as sa

from registry.database import Database
from registry.flows import numbers
from registry.problems import Problem
from registry.records import Assignment
from registry.tables import assignments, audit
from registry.work_tables import provisioning_jobs
from tests.registry.builders import a_brand, a_campaign, a_number, a_tenant, a_user, an_assignment
from tests.registry.flows.desks import a_did, at_desk, company, fill, full_campaign, new_number, number

X, Y = a_did(9001), a_did(9002)


async def refused(database, flow, *arguments, **options):
    """The code of a refusal."""
    with pytest.raises(Problem) as problem:
        async with at_desk(database, **options) as desk:
            await flow(desk, *arguments)
    return problem.value.code


async def jobs(database):
    """What the aggregator is to do."""
    async with database.reading() as connection:
        rows = await connection.execute(sa.select(provisioning_jobs).order_by(provisioning_jobs.c.did))
        return [(row.did, row.action, row.campaign_id) for row in rows]


class TestEnable:
    async def test_a_new_number_gets_the_campaign_by_itself(self, database):
        """Pending until the aggregator has it; the wish is in the same transaction."""
        await company(database, new_number(X))
        async with at_desk(database) as desk:
            await numbers.enable(desk, X)

        found, link = await number(database, X)
        assert (found.sms, found.sms_page, link.state, link.campaign_id) == ("enabled", True, "pending", "CACME")
        assert await jobs(database) == [(X, "add", "CACME")]

    async def test_the_other_number_goes_off(self, database):
        """One local SMS number a user; the audit names both."""
        await company(database, new_number(X), a_number(Y), an_assignment(Y))
        async with at_desk(database) as desk:
            await numbers.enable(desk, X)

        assert [(await number(database, did))[0].sms for did in (X, Y)] == ["enabled", "superseded"]
        async with database.reading() as connection:
            rows = await connection.execute(sa.select(audit.c.row_key).where(audit.c.kind == "numbers"))
            assert list(rows.scalars())[-2:] == [f'["{X}"]', f'["{Y}"]']

    async def test_d5_not_before_everything_is_verified(self, database):
        """Refused with the judge's word, and the number stays off; later it succeeds."""
        await company(database, new_number(X), a_campaign(dca_complete=False))
        assert await refused(database, numbers.enable, X) == "campaign_pending"
        assert (await number(database, X))[0].sms == "disabled"

        await fill(database, a_campaign())
        async with at_desk(database) as desk:
            assert (await numbers.enable(desk, X)).standing.assignment == "pending"

    @pytest.mark.parametrize(
        ("records", "code"),
        [
            ([new_number(X, kind="toll_free")], "number_cannot_text"),
            ([new_number(X, user=None)], "number_without_user"),
            ([a_user(licence="X1"), new_number(X)], "licence_cannot_text"),
            ([a_brand(status="unverified"), new_number(X)], "brand_unverified"),
            ([a_campaign(status="suspended"), new_number(X)], "campaign_suspended"),
            ([a_campaign(mock=True), new_number(X)], "mock_campaign"),
            ([a_number(X, sms="disabled", sms_page=True)], "assign_on_sms_page"),
            ([a_number(X, sms="disabled"), an_assignment(X, state="removing")], "assignment_removing"),
            ([a_tenant("solo"), new_number(X, tenant="solo", user=None)], "not_found"),
        ],
    )
    async def test_what_stands_in_the_way_is_said(self, database, records, code):
        """And nothing is changed."""
        await company(database, *records)

        assert await refused(database, numbers.enable, X) == code
        assert (await number(database, X))[0].sms == "disabled"

    async def test_fk2_another_licence_switches_off_what_is_then_enabled_again(self, database):
        """Although the number is the same; it is still in its campaign."""
        from registry.flows import people  # noqa: PLC0415 - only this test

        await company(database, a_number(X, sms_page=True), an_assignment(X))
        async with at_desk(database) as desk:
            await people.change_user(desk, "ben", given={"licence": "X4"})
        found, link = await number(database, X)
        assert (found.sms, link.state, found.licence_changed_at is not None) == ("disabled", "assigned", True)

        async with at_desk(database) as desk:
            assert (await numbers.enable(desk, X)).standing.can_send
        assert await jobs(database) == []


class TestTwoAtOnce:
    async def _winner(self, database):
        """Which number was switched on last, by the audit alone."""
        async with database.reading() as connection:
            newest = sa.select(audit).where(audit.c.kind == "numbers").order_by(audit.c.id.desc()).limit(2)
            rows = (await connection.execute(newest)).all()  # (one went on, the other off, in one transaction)
        (on,) = [orjson.loads(row.row_key)[0] for row in rows if orjson.loads(row.after)["sms"] == "enabled"]
        return on

    async def test_d4_one_of_two_is_enabled(self, settings, database):
        """Fifty times, over two engines: never both, never none; the audit names the winner."""
        await company(database, new_number(X), new_number(Y))
        async with Database.opened(settings) as other:
            for _ in range(50):
                await asyncio.gather(self._enable(database, X), self._enable(other, Y))
                states = sorted([(await number(database, did))[0].sms for did in (X, Y)])
                assert states == ["enabled", "superseded"]
                assert (await number(database, await self._winner(database)))[0].sms == "enabled"

    async def test_d4_over_two_processes(self, settings, database):
        """The lock is the database's, not the process's."""
        await company(database, new_number(X), new_number(Y))
        async with self._process(settings) as first, self._process(settings) as second:
            for _ in range(10):
                await asyncio.gather(self._ask(first, X), self._ask(second, Y))
                states = sorted([(await number(database, did))[0].sms for did in (X, Y)])
                assert states == ["enabled", "superseded"]

    async def test_fk1_a_campaign_takes_no_more_than_it_may(self, settings, database):
        """Ten at once for four places: four get one."""
        await full_campaign(database, 45)
        dids = [a_did(8000 + n) for n in range(10)]
        await fill(database, *(new_number(did, user=None) for did in dids))
        async with Database.opened(settings) as other:
            outcomes = await asyncio.gather(
                *(self._assign(one, did) for one, did in zip([database, other] * 5, dids, strict=True)),
            )

        assert sorted(outcomes) == ["assigned"] * 4 + ["number_limit_exceeded"] * 6

    @staticmethod
    async def _enable(database, did):
        async with at_desk(database) as desk:
            await numbers.enable(desk, did)

    @staticmethod
    async def _assign(database, did):
        try:
            async with at_desk(database) as desk:
                await numbers.assign(desk, did)
        except Problem as problem:
            return problem.code
        return "assigned"

    @staticmethod
    @contextlib.asynccontextmanager
    async def _process(settings):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.registry.flows.enabling",
            str(settings.data_dir),
            settings.database_url,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            yield process
        finally:
            process.stdin.close()
            await process.wait()

    @staticmethod
    async def _ask(process, did):
        process.stdin.write(f"{did}\n".encode())
        assert await process.stdout.readline() == b"done\n"


class TestLimits:
    @pytest.mark.parametrize(
        ("there", "limit", "pool", "outcome"),
        [
            (48, 49, "none", "pending"),
            (48, 48, "none", "number_limit_exceeded"),
            (49, 49, "none", "number_limit_exceeded"),
            (49, 49, "requested", "number_limit_exceeded"),
            (49, 49, "approved", "pending"),
        ],
    )
    async def test_d7_and_d8(self, database, there, limit, pool, outcome):
        """49 numbers, or what the platform sets; an approved number pool lifts it."""
        await full_campaign(database, there, number_pool=pool)
        await fill(database, new_number(X, user=None))
        try:
            async with at_desk(database, limit=limit) as desk:
                said = (await numbers.assign(desk, X)).standing.assignment
        except Problem as problem:
            said = problem.code

        assert said == outcome
        async with database.reading() as connection:
            count = await connection.scalar(sa.select(sa.func.count()).select_from(assignments))
        assert count == there + (outcome == "pending")

    async def test_what_is_leaving_still_takes_a_place(self, database):
        """Until the aggregator has taken it out, the carrier counts it; what failed takes none."""
        await full_campaign(database, 49)
        await fill(database, an_assignment(a_did(0), state="removing"), new_number(X, user=None))
        assert await refused(database, numbers.assign, X) == "number_limit_exceeded"

        await fill(database, an_assignment(a_did(0), state="failed"))
        async with at_desk(database) as desk:
            assert (await numbers.assign(desk, X)).standing.assignment == "pending"

    async def test_a_full_campaign_is_passed_over(self, database):
        """A number gets the first VERIFIED campaign that has room."""
        await full_campaign(database, 49)
        await fill(database, a_campaign("CSECOND"), new_number(X))
        async with at_desk(database) as desk:
            found = await numbers.enable(desk, X)

        assert found.link.campaign_id == "CSECOND"

    @pytest.mark.parametrize("portion", [1, 2, 100])
    @pytest.mark.parametrize(
        ("statuses", "chosen"),
        [
            ("active pending active rejected active", "C4"),
            ("active pending active rejected draft", "C0"),
            ("draft rejected suspended pending suspended", "C3"),
            ("expired draft expired draft rejected", "C4"),
        ],
    )
    async def test_of_many_the_same_is_chosen_however_they_are_read(
        self, database, monkeypatch, portion, statuses, chosen
    ):
        """With room; of those without the first that is VERIFIED; else the nearest to that. C0 and C2 are full."""
        monkeypatch.setattr(numbers, "_PORTION", portion)
        states = statuses.split()
        await fill(database, a_tenant(), a_brand(), a_user())
        await fill(database, *(a_campaign(f"C{place}", status=state) for place, state in enumerate(states)))
        full = [(a_did(place), f"C{place // 49 * 2}") for place in range(98)]
        await fill(database, *(new_number(did, user=None) for did, _ in full))
        await fill(database, *(an_assignment(did, campaign_id=name) for did, name in full))
        async with at_desk(database) as desk:
            campaign, brand = await numbers.chosen_campaign(desk)
        assert (campaign.id, brand.id) == (chosen, "BACME")


class TestAssign:
    async def test_a_number_that_texted_before_is_put_into_the_campaign(self, database):
        """*Assign to campaign* on the SMS page; it stays enabled."""
        await company(database, a_number(X, sms_page=True))
        async with at_desk(database) as desk:
            await numbers.assign(desk, X)

        found, link = await number(database, X)
        assert (found.sms, link.state) == ("enabled", "pending")

    async def test_it_moves_to_another_campaign(self, database):
        """And cannot send until the aggregator has moved it."""
        await company(database, a_campaign("CTWO"), a_number(X, sms_page=True), an_assignment(X))
        async with at_desk(database) as desk:
            await numbers.assign(desk, X, "CTWO")

        assert (await number(database, X))[1].state == "pending"
        assert await jobs(database) == [(X, "add", "CTWO")]

    async def test_again_into_the_same_changes_nothing(self, database):
        """Pressing twice is no new provisioning cycle."""
        await company(database, a_number(X, sms_page=True), an_assignment(X))
        async with at_desk(database) as desk:
            await numbers.assign(desk, X, "CACME")

        assert (await number(database, X))[1].state == "assigned"
        assert await jobs(database) == []

    async def test_what_failed_is_tried_again(self, database):
        """Enabling Failed on the SMS page."""
        await company(database, a_number(X, sms_page=True), an_assignment(X, state="failed", fault="not ours"))
        async with at_desk(database) as desk:
            await numbers.assign(desk, X)

        link = (await number(database, X))[1]
        assert (link.state, link.fault) == ("pending", None)

    async def test_another_company_s_campaign_is_as_unknown_as_none(self, database):
        """Row 122."""
        await company(database, a_number(X), a_tenant("solo"), a_brand("BS", tenant="solo"))
        await fill(database, a_campaign("CS", brand_id="BS"))

        assert await refused(database, numbers.assign, X, "CS") == "unknown_campaign"
        assert await refused(database, numbers.assign, X, "CNONE") == "unknown_campaign"


class TestAway:
    async def test_removed_it_is_like_new(self, database):
        """Off, out of the campaign, and off the SMS page; once it is out it can be enabled like a new one."""
        await company(database, a_number(X, sms_page=True), an_assignment(X))
        async with at_desk(database) as desk:
            await numbers.remove(desk, X)
        found, link = await number(database, X)
        assert (found.sms, found.sms_page, link.state) == ("disabled", False, "removing")
        assert await jobs(database) == [(X, "remove", "CACME")]

        async with at_desk(database) as desk:
            await desk.save(remove=[(Assignment, (X,))])
            assert (await numbers.enable(desk, X)).standing.assignment == "pending"

    async def test_in_other_hands_it_is_off(self, database):
        """A change of number (R5): enabled again, it sends, for it is still in the campaign."""
        await company(database, a_number(X, sms_page=True), an_assignment(X))
        async with at_desk(database) as desk:
            await numbers.give(desk, X, "ann")

        found, link = await number(database, X)
        assert (found.user, found.sms, link.state) == ("ann", "disabled", "assigned")
        assert found.number_changed_at is not None

    async def test_ported_out_it_is_nobody_s(self, database):
        """At once for us; the campaign is told."""
        await company(database, a_number(X, sms_page=True), an_assignment(X))
        async with at_desk(database) as desk:
            await numbers.port_out(desk, X)

        found, link = await number(database, X)
        assert (found.user, found.sms, link.state, found.left_at is not None) == (None, "disabled", "removing", True)
        assert await refused(database, numbers.enable, X) == "not_found"

    async def test_ported_in_again_it_is_a_new_number(self, database):
        """Whatever it was before."""
        await company(database, a_number(X, sms_page=True))
        async with at_desk(database) as desk:
            await numbers.port_out(desk, X)
            found = await numbers.add_number(desk, X, "local", "ann")

        assert (found.number.user, found.number.sms_page, found.number.left_at) == ("ann", False, None)
        assert await refused(database, numbers.add_number, X, "local", None) == "number_taken"

    async def test_another_company_gets_it_without_its_campaign(self, database):
        """Into the pool; nobody there can use it while it is leaving the old campaign."""
        await company(database, a_number(X, sms_page=True), an_assignment(X))
        await fill(database, a_tenant("solo"), a_user("sol", tenant="solo"), a_brand("BS", tenant="solo"))
        await fill(database, a_campaign("CS", brand_id="BS"))
        async with at_desk(database) as desk:
            await numbers.move_to_tenant(desk, X, "solo")
        assert await refused(database, numbers.enable, X) == "not_found"

        async with at_desk(database, tenant="solo") as desk:
            await numbers.give(desk, X, "sol")
        assert await refused(database, numbers.enable, X, tenant="solo") == "assignment_removing"
