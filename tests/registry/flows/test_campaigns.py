"""What admins do with a campaign that is there."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from registry.flows import campaigns
from registry.problems import Problem
from registry.tables import leave_requests
from registry.work_tables import provisioning_jobs, tcr_jobs
from tests.registry.builders import a_campaign, a_number, an_assignment
from tests.registry.flows.desks import NOW, a_did, at_desk, company, number

X, Y = a_did(1), a_did(2)


async def refused(database, flow, *arguments, **options):
    """The code of a refusal."""
    with pytest.raises(Problem) as problem:
        async with at_desk(database) as desk:
            await flow(desk, *arguments, **options)
    return problem.value.code


async def test_deactivation_is_for_good_and_fans_out(database):
    """SMS off for every number in it, each out of it, and TCR is told; the second time there is nothing to do."""
    await company(database, a_number(X, sms_page=True), a_number(Y, user="ann", sms_page=True))
    await company(database, an_assignment(X), an_assignment(Y, state="pending"))
    async with at_desk(database) as desk:
        assert (await campaigns.deactivate(desk, "CACME", "CACME")).status == "deactivated"

    for did in (X, Y):
        found, link = await number(database, did)
        assert (found.sms, link.state) == ("disabled", "removing")
    async with database.reading() as connection:
        assert [row.did for row in await connection.execute(sa.select(provisioning_jobs.c.did))] == [X, Y]
        assert list(await connection.execute(sa.select(tcr_jobs.c.action, tcr_jobs.c.object))) == [
            ("deactivate", "CACME")
        ]
    assert await refused(database, campaigns.deactivate, "CACME", "CACME") == "not_from_here"


async def test_deactivation_wants_the_id_typed(database):
    """It cannot be undone."""
    await company(database)

    assert await refused(database, campaigns.deactivate, "CACME", "CACM") == "wrong_confirmation"


async def test_a_number_pool_is_asked_for_and_settled(database):
    """Approved once asked; revoked, the limit holds again for those that come."""
    await company(database, a_campaign())
    async with at_desk(database) as desk:
        assert (await campaigns.request_number_pool(desk, "CACME")).number_pool == "requested"
    assert await refused(database, campaigns.request_number_pool, "CACME") == "not_from_here"
    async with at_desk(database) as desk:
        assert (await campaigns.settle_number_pool(desk, "CACME", approved=True)).number_pool == "approved"
        assert (await campaigns.settle_number_pool(desk, "CACME", approved=False)).number_pool == "none"


async def wishes(database):
    """What was wished for: since when, settled when, and the outcome."""
    async with database.reading() as connection:
        rows = await connection.execute(sa.select(leave_requests).order_by(leave_requests.c.id))
        return [(row.subject, row.asked_at, row.settled_at, row.outcome) for row in rows]


async def test_a_wish_for_a_number_pool_stands_on_the_list(database):
    """From when it is asked for until the carriers have said something; each time is kept."""
    await company(database)
    later, latest = NOW + timedelta(days=7), NOW + timedelta(days=9)
    async with at_desk(database) as desk:
        await campaigns.request_number_pool(desk, "CACME")
    assert await wishes(database) == [("CACME", NOW, None, None)]
    async with at_desk(database, now=later) as desk:
        await campaigns.settle_number_pool(desk, "CACME", approved=False)
    async with at_desk(database, now=latest) as desk:
        await campaigns.request_number_pool(desk, "CACME")
        await campaigns.settle_number_pool(desk, "CACME", approved=True)
    assert await wishes(database) == [("CACME", NOW, later, "declined"), ("CACME", latest, latest, "approved")]


async def test_an_ended_campaign_wants_nothing(database):
    """Deactivated, its wish is off the list; and it can wish for nothing more."""
    await company(database)
    async with at_desk(database) as desk:
        await campaigns.request_number_pool(desk, "CACME")
        await campaigns.deactivate(desk, "CACME", "CACME")
    assert await wishes(database) == [("CACME", NOW, NOW, "dropped")]
    await company(database, a_campaign(status="expired"))
    assert await refused(database, campaigns.request_number_pool, "CACME") == "not_from_here"
