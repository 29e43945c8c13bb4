"""Which changes are news, and that each is told once."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest
import sqlalchemy as sa

from registry.commands import change
from registry.drift.classes import CLASSES
from registry.notices import deliveries, ending, watcher
from registry.notices.book import ITEMS_MAX, Pace, tell
from registry.notices.causes import NUMBERS_MAX
from registry.notices.kinds import KINDS
from registry.records import Application, LeaveRequest, Request
from registry.tables import audit
from registry.work_tables import drift, notices, sweeps
from tests.registry.builders import (
    AT,
    BASICS,
    DID,
    a_brand,
    a_campaign,
    a_number,
    a_tenant,
    an_assignment,
)
from tests.registry.notices.changes import acme, but, give_out, look, noted, now, put, there

OLD = datetime(2022, 6, 1, tzinfo=UTC)
#: A campaign on its way.
NEW = a_campaign("CNEW", status="pending", sharing="pending", dca_complete=False)


def a_request(**fields):
    """Ben's request."""
    given = {
        "tenant": "acme",
        "user": "ben",
        "did": DID,
        "recipient": "+13035550111",
        "reason": "did_unassigned",
        "note": "",
        "state": "open",
        "opened_at": AT,
        "closed_at": None,
        "closed_by": None,
    }
    return Request(id="R1", **given | fields)


def an_application(state):
    """A form, and how far it is."""
    return Application(
        id="A1",
        tenant="acme",
        kind="brand",
        state=state,
        fields="{}",
        brand_id=None,
        object_id=None,
        faults=("EIN: it is not of this company.",) if state == "refused" else (),
        created_at=AT,
        created_by="key:x",
        submitted_at=None,
    )


#: What was, what is, and what is told of it; the number that stops where one does.
def a_wish(outcome=None, **given):
    """A wish for leave of the carriers, and what came of it."""
    wish = {"id": "L1", "tenant": "acme", "kind": "number_pool", "subject": "CACME", "use_case": "mixed"}
    settled = None if outcome is None else AT
    return LeaveRequest(**wish | given, asked_at=AT, asked_by="key:x", settled_at=settled, outcome=outcome)


CHANGES = [
    pytest.param(None, a_wish(), None, id="leave wished for"),
    pytest.param(a_wish(), a_wish("approved"), "leave_approved", id="leave given"),
    pytest.param(a_wish(), a_wish("declined", kind="use_case"), "leave_declined", id="leave not given"),
    pytest.param(None, a_wish("approved"), "leave_approved", id="leave given, and not asked for here"),
    pytest.param(a_wish(), a_wish("dropped"), None, id="leave not needed any more"),
    pytest.param(a_brand(status="pending"), a_brand(), "brand_approved", id="brand verified"),
    pytest.param(a_brand(), a_brand(status="vetted_verified"), None, id="brand vetted besides"),
    pytest.param(a_brand(status="pending"), a_brand(status="self_declared"), "brand_declared", id="self-declared"),
    pytest.param(a_brand(), a_brand(status="unverified", faults=("EIN",)), "brand_rejected", id="brand rejected"),
    pytest.param(a_brand(), a_brand(status="suspended"), "brand_suspended", id="brand suspended"),
    pytest.param(a_brand(), a_brand(status="deleted"), "brand_deleted", id="brand deleted"),
    pytest.param(a_brand(), a_brand(vetting_score=79), None, id="another score"),
    pytest.param(NEW, but(NEW, status="active"), None, id="campaign half way"),
    pytest.param(
        but(NEW, status="active", sharing="accepted"),
        but(NEW, status="active", sharing="accepted", dca_complete=True),
        "campaign_approved",
        id="campaign approved",
    ),
    pytest.param(NEW, but(NEW, status="rejected", faults=("No opt-out.",)), "campaign_rejected", id="rejected"),
    pytest.param(a_campaign(), a_campaign(sharing="declined"), "campaign_rejected", id="declined"),
    pytest.param(a_campaign(), a_campaign(status="suspended"), "campaign_suspended", id="suspended"),
    pytest.param(a_campaign(status="suspended"), a_campaign(), "campaign_approved", id="lifted"),
    pytest.param(a_campaign(), a_campaign(status="expired"), "campaign_expired", id="expired"),
    pytest.param(a_campaign(), a_campaign(status="deactivated"), "campaign_deactivated", id="deactivated"),
    pytest.param(a_campaign(), a_campaign(tmobile="suspended"), "campaign_carrier_stopped", id="one carrier"),
    pytest.param(a_campaign(), a_campaign(us_cellular="approved"), None, id="a carrier approves"),
    pytest.param(
        an_assignment(state="pending"),
        an_assignment(state="failed", fault="A carrier did not take it."),
        "number_failed",
        id="enabling failed",
    ),
    pytest.param(an_assignment(state="pending"), an_assignment(), None, id="number assigned"),
    pytest.param(a_number(), a_number(sms="disabled"), None, id="an admin's own switch"),
    pytest.param(None, a_request(), "request_opened", id="request opened"),
    pytest.param(a_request(), a_request(state="possible"), "request_possible", id="request possible"),
    pytest.param(a_request(), a_request(state="dismissed"), None, id="request dismissed"),
    pytest.param(an_application("submitting"), an_application("refused"), "application_refused", id="refused form"),
    pytest.param(an_application("submitting"), an_application("submitted"), None, id="form taken"),
    pytest.param(None, a_brand("BTWO"), "brand_approved", id="a brand that TCR confirms at once"),
    pytest.param(None, a_brand("BTWO", status="pending"), None, id="a brand that TCR looks at"),
    pytest.param(None, a_number("+12025550188", user=None), None, id="a new number"),
]
STOPS = {"brand_rejected", "brand_suspended", "brand_deleted", "campaign_suspended", "campaign_expired"} | {
    "campaign_deactivated"
}


class TestWhatIsTold:
    """The table of causes."""

    @pytest.mark.parametrize(("before", "after", "kind"), CHANGES)
    async def test_a_change_is_told_or_not(self, database, before, after, kind):
        """News is what changes for those who text; the numbers that stop are named, and the sentence is whole."""
        await acme(database, *([] if before is None else [before]))
        await put(database, after)
        await look(database)

        found = await noted(database)
        assert [name for name, _ in found] == ([] if kind is None else [kind])
        for name, params in found:
            item = params["items"][0]
            assert (item.get("numbers") == [DID]) == (name in STOPS or getattr(after, "sharing", "") == "declined")
            (text,) = await give_out(database)
            assert text
            assert not any(slip in text for slip in ("{", "  ", " ."))

    async def test_every_kind_has_a_cause_here_or_a_teller(self):
        """A kind that nothing causes would be a promise that nobody keeps."""
        told_otherwise = {ending.KIND, "grandfathering_ended", "drift_found", "test"}
        assert {case.values[2] for case in CHANGES} - {None} == set(KINDS) - told_otherwise

    async def test_grandfathering_ends_with_another_hand(self, database):
        """A number that could text without a campaign since before the date, and changes, stops (R5)."""
        early = a_number("+12025550177", sms_enabled_at=OLD)
        await acme(database, early)
        await put(database, but(early, licence_changed_at=AT, sms="disabled"), actor="key:x")
        await look(database)

        assert [kind for kind, _ in await noted(database)] == ["grandfathering_ended"]

    @pytest.mark.parametrize("spoiled", ["new customer", "in a campaign", "left", "never enabled"])
    async def test_grandfathering_ends_only_where_it_was(self, database, spoiled):
        """Customers of later, numbers in a campaign and numbers that left lose nothing."""
        early = a_number("+12025550177", sms_enabled_at=None if spoiled == "never enabled" else OLD)
        more = [an_assignment("+12025550177")] if spoiled == "in a campaign" else []
        since = [a_tenant(customer_since=AT.date())] if spoiled == "new customer" else []
        await acme(database, *since, early, *more)
        await put(database, but(early, number_changed_at=AT, left_at=AT if spoiled == "left" else None))
        await look(database)

        assert await noted(database) == []

    async def test_a_deactivation_names_the_numbers_that_it_took_out(self, database):
        """They are gone from the campaign in the same change, and still are what stops."""
        await acme(database)
        await put(
            database,
            a_campaign(status="deactivated"),
            an_assignment(state="removing"),
            a_number(sms="disabled"),
            actor="key:x",
        )
        await look(database)

        ((_, params),) = await noted(database)
        assert (params["items"][0]["numbers"], params["items"][0]["number_count"]) == ([DID], 1)


class TestOnce:
    """Nothing is told twice, and nothing that was there before."""

    async def test_what_was_there_at_the_start_is_no_news(self, database):
        """The first look only notes where the audit ends."""
        await put(database, *BASICS)
        await put(database, a_campaign(status="suspended"))
        await look(database)
        await look(database)

        assert await noted(database) == []

    @pytest.mark.parametrize("actor", ["import", "bulk:7"])
    async def test_an_import_is_no_news(self, database, actor):
        """Whoever imports has the report."""
        await acme(database)
        await put(database, a_campaign(status="suspended"), a_brand(status="suspended"), actor=actor)
        await look(database)

        assert await noted(database) == []

    async def test_a_look_that_was_cut_off_is_made_again(self, database, monkeypatch):
        """What was read and what was noted are committed together or not at all."""
        await acme(database)
        await put(database, a_campaign(status="suspended"))
        moved = watcher._move

        async def killed(*args):
            raise asyncio.CancelledError

        monkeypatch.setattr(watcher, "_move", killed)
        with pytest.raises(asyncio.CancelledError):
            await look(database)
        assert await noted(database) == []
        monkeypatch.setattr(watcher, "_move", moved)
        await look(database)
        await look(database)

        assert [kind for kind, _ in await noted(database)] == ["campaign_suspended"]

    async def test_two_processes_tell_it_once(self, database):
        """Both look at the same moment."""
        await acme(database)
        await put(database, a_campaign(status="suspended"))
        await asyncio.gather(*(look(database) for _ in range(4)))

        assert len(await noted(database)) == 1

    async def test_each_time_is_told(self, database):
        """Suspended, lifted, suspended again: three notices."""
        await acme(database)
        for status in ("suspended", "active", "suspended"):
            await put(database, a_campaign(status=status))
            await look(database)
            await give_out(database)

        kinds = [kind for kind, _ in await noted(database)]
        assert kinds == ["campaign_suspended", "campaign_approved", "campaign_suspended"]

    async def test_a_row_of_another_version_holds_nothing_up(self, database):
        """It is skipped, and what comes after it is told."""
        await acme(database)
        row = {"at": now(), "actor": "tcr", "action": "changed", "kind": "campaigns", "row_key": '["C"]'}
        async with database.writing() as connection:
            await connection.execute(sa.insert(audit).values(**row, before='{"status":"active"}', after='{"id":7}'))
        await put(database, a_campaign(status="suspended"))
        await look(database)

        assert [kind for kind, _ in await noted(database)] == ["campaign_suspended"]

    async def test_told_beside_the_change_it_is_not_told_again(self, database):
        """Somebody who makes a request possible may write the notice in the same transaction."""
        await acme(database, a_request())
        async with database.writing() as connection:
            await change(connection, actor="requests", put=[a_request(state="possible")])
            await connection.execute(
                sa.insert(notices).values(
                    tenant="acme",
                    kind="request_possible",
                    subject="request:R1",
                    at=now(),
                    params="{}",
                    once="request:R1:possible",
                    attempts=0,
                    next_at=now(),
                )
            )
        await look(database)
        (text,) = await give_out(database)

        assert "now it is" in text

    async def test_tell_is_once(self, database):
        """Those who know what the audit does not say name what they told."""
        await acme(database)
        ends_at = (now() + timedelta(days=30)).isoformat()
        for _ in range(2):
            async with database.writing() as connection:
                await tell(
                    connection,
                    kind="campaign_expiring",
                    tenant="acme",
                    subject="campaign:CACME",
                    once="expiring:CACME:2026-12-31",
                    now=now(),
                    item={"name": "CACME", "ends_at": ends_at, "numbers": [DID], "number_count": 1},
                )
        (text,) = await give_out(database, now() + timedelta(minutes=1))

        assert "ends on" in text
        assert f"1 number cannot send texts from then on: {DID}." in text
        with pytest.raises(ValueError, match="no kind"):
            async with database.writing() as connection:
                await tell(connection, kind="x", tenant="acme", subject="", once="", now=now(), item={})


class TestStorms:
    """Many changes are one notice that lists them."""

    async def test_a_campaign_with_many_numbers_is_one_notice(self, database):
        """Forty-nine numbers stop: one notice, ten of them named, all in the webhook."""
        dids = [f"+1202555{number:04}" for number in range(1000, 1049)]
        extra = [record for did in dids for record in (a_number(did, user=None), an_assignment(did))]
        await acme(database, *extra)
        await put(database, a_campaign(status="suspended"))
        await look(database)
        (text,) = await give_out(database)

        ((_, params),) = await noted(database)
        assert params["items"][0]["number_count"] == 50
        assert len(params["items"][0]["numbers"]) == 50 <= NUMBERS_MAX
        assert "50 numbers cannot send texts now" in text
        assert "and 40 more." in text

    async def test_failures_that_come_together_are_one_notice(self, database):
        """In one look, and in several while nobody has the notice yet."""
        dids = [f"+1202555{number:04}" for number in range(1000, 1049)]
        pending = [record for did in dids for record in (a_number(did, user=None), an_assignment(did, state="pending"))]
        await acme(database, *pending)
        for did in dids:
            await put(database, an_assignment(did, state="failed", fault="No."), actor="provisioning")
            if did.endswith("0"):
                await look(database)
        await look(database)
        (text,) = await give_out(database)

        assert text.startswith("49 numbers could not be enabled for texts: +12025551000, ")
        assert text.count("+1202") == 10

    async def test_what_comes_after_it_was_given_out_is_another(self, database):
        """And waits for more of its kind, so that a slow storm is told every few minutes."""
        pace = Pace(first=timedelta(seconds=3), again=timedelta(minutes=5), recent=timedelta(hours=1))
        await acme(database, a_campaign("CTWO"), a_campaign("CTHREE"))
        start = now()
        await put(database, a_campaign(status="suspended"))
        await look(database, pace=pace, at=start)
        assert await give_out(database, start + timedelta(seconds=2)) == [None]
        assert None not in await give_out(database, start + timedelta(seconds=4))
        for name in ("CTWO", "CTHREE"):
            await put(database, a_campaign(name, status="suspended"))
            await look(database, pace=pace, at=start + timedelta(seconds=10))
        assert (await give_out(database, start + timedelta(minutes=4)))[1] is None
        _, second = await give_out(database, start + timedelta(minutes=6))

        assert second.startswith("2 campaigns were suspended: CTWO, CTHREE.")

    async def test_a_notice_holds_so_much(self, database):
        """The rest is counted."""
        await acme(database)
        names = [f"C{number:04}" for number in range(ITEMS_MAX + 50)]
        await there(database, *(a_campaign(name) for name in names))
        await put(database, *(a_campaign(name, status="expired") for name in names))
        await look(database)

        ((_, params),) = await noted(database)
        assert (params["count"], len(params["items"])) == (len(names), ITEMS_MAX)

    async def test_companies_do_not_mix(self, database):
        """Each gets its own."""
        solo = (a_tenant("solo"), a_brand("BSOLO", tenant="solo"), a_campaign("CSOLO", brand_id="BSOLO"))
        await acme(database, *solo)
        await put(database, a_campaign(status="suspended"), a_campaign("CSOLO", brand_id="BSOLO", status="suspended"))
        await look(database)

        async with database.reading() as connection:
            rows = (await connection.execute(sa.select(notices.c.tenant, notices.c.params))).all()
        assert sorted((row.tenant, orjson.loads(row.params)["items"][0]["name"]) for row in rows) == [
            ("acme", "CACME"),
            ("solo", "CSOLO"),
        ]


@pytest.mark.parametrize(("kind", "params"), [("of_a_later_version", "{}"), ("request_possible", "no JSON")])
async def test_a_notice_that_cannot_be_read_holds_nothing_up(database, kind, params):
    """It is put aside, and what comes after it is given out."""
    await acme(database)
    row = {"tenant": "acme", "subject": "x", "at": AT, "attempts": 0, "next_at": AT}
    async with database.writing() as connection:
        await connection.execute(sa.insert(notices).values(**row, kind=kind, params=params, once="x"))
        await connection.execute(
            sa.insert(notices).values(**row, kind="brand_approved", params='{"items":[{"name":"Acme"}]}', once="y")
        )
        await deliveries.give_out(connection, now())
        rows = (await connection.execute(sa.select(notices).order_by(notices.c.id))).all()

    assert [row.fault for row in rows] == ["unreadable", None]
    assert "Your brand Acme is verified." in rows[1].params


class TestDifferences:
    """Drift that a person has to decide."""

    async def found(self, database, name, at, **fields):
        """Write a difference."""
        row = {"kind": "campaign_not_at_tcr", "object": name, "tenant": "acme", "detail": "TCR says expired."} | fields
        row = {"found_at": at, "seen_at": at, "state": "open"} | row
        async with database.writing() as connection:
            await connection.execute(sa.insert(drift).values(**row))

    async def test_one_that_does_not_heal_is_told_once(self, database):
        """Those that healed, and the provider's own, are not."""
        await acme(database)
        at = now()
        await self.found(database, "campaign:CACME", at)
        await self.found(database, "campaign:CHEALED", at, state="healed")
        await self.found(database, "campaign:COURS", at, tenant=None)
        await self.found(database, "campaign:CHEALS", at, kind="campaign_state_differs_at_tcr")
        await look(database, at=at + timedelta(minutes=1))
        assert await noted(database) == []
        for minutes in (16, 17, 40):
            await look(database, at=at + timedelta(minutes=minutes))

        ((kind, params),) = await noted(database)
        assert (kind, params["count"], params["items"][0]["name"]) == ("drift_found", 1, "campaign CACME")
        assert CLASSES["campaign_not_at_tcr"].remedy in (await give_out(database, at + timedelta(hours=1)))[0]

    async def test_what_was_there_at_the_start_is_no_news(self, database):
        """As with the audit."""
        await self.found(database, "campaign:CACME", AT, tenant=None)
        async with database.writing() as connection:
            await connection.execute(sa.update(drift).values(tenant=None))
        await acme(database)
        async with database.writing() as connection:
            await connection.execute(sa.update(drift).values(tenant="acme"))
        await look(database, at=now())

        assert await noted(database) == []


async def test_nothing_is_written_where_nothing_is_new(database):
    """A look without news costs no write."""
    await acme(database)
    database.changed.clear()
    await look(database)

    assert not database.changed.is_set()
    async with database.reading() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(sweeps)) == 2


def test_records_are_as_expected():
    """The cases above change one thing each."""
    assert replace(a_brand(), status="suspended") == a_brand(status="suspended")
