"""A request becomes possible when the registry makes it so, is told once, and is open again if that did not last."""

from dataclasses import replace
from datetime import timedelta

import orjson
import pytest
import sqlalchemy as sa
import structlog

from registry.commands import change, find
from registry.flows.desk import Desk, Limits
from registry.records import Assignment, Contact, OptOut, Request
from registry.requests import watcher
from registry.requests.book import Wanted, dismiss, open_request
from registry.requests.serving import kept_requests
from registry.requests.watcher import BATCH, CURSOR, watch
from registry.tables import audit
from registry.work_tables import notice_deliveries, notices, sweeps
from tests.registry.builders import (
    AT,
    BASICS,
    OTHER_DID,
    a_brand,
    a_campaign,
    a_number,
    a_tenant,
    a_user,
    an_assignment,
    eventually,
    trail,
)

MOBILE = "+13035550111"
ENABLED = a_number(OTHER_DID, user="ann")
ASSIGNED = an_assignment(OTHER_DID)
OFF = replace(ENABLED, sms="disabled", sms_enabled_at=None)


async def put(database, *records, actor="test"):
    """Set rows."""
    async with database.writing() as connection:
        await change(connection, actor=actor, put=records)


async def ask(database, to=MOBILE, *, tenant="acme", user="ann"):
    """Open a request."""
    async with database.writing() as connection:
        desk = Desk(connection=connection, tenant=tenant, actor="key:app", now=AT)
        return (await open_request(desk, user, Wanted(None, to, "did_not_sms_enabled", ""))).request


async def stands(database, request):
    """The request as it is."""
    async with database.reading() as connection:
        return (await find(connection, Request, {(request.id,)}))[request.id,]


async def told(database, *, waiting=True):
    """The notices that are to be handed over, or all."""
    query = sa.select(notices).order_by(notices.c.id)
    async with database.reading() as connection:
        rows = (await connection.execute(query.where(notices.c.next_at.is_not(None)) if waiting else query)).mappings()
        return list(rows)


@pytest.fixture
async def acme(database):
    """Acme with Ben, who may text, and Ann, who has asked; what there was is read."""
    await put(database, *BASICS, a_user("ann"), OFF)
    request = await ask(database)
    await watch(database, now=AT)
    return request


async def test_nothing_happens_while_nothing_is_possible(database, acme):
    """Changes that do not make it possible leave it open, and nothing is written but the cursor."""
    await put(database, replace(OFF, sms="enabled"), an_assignment(OTHER_DID, state="pending"))
    before = await trail(database)

    assert await watch(database, now=AT) == 2
    assert await watch(database, now=AT) == 0
    assert (await stands(database, acme)).state == "open"
    assert await told(database) == []
    assert await trail(database) == before


async def test_it_becomes_possible_and_the_employee_is_told(database, acme):
    """Once, with who made it possible, and the number of the request; nothing is sent by itself."""
    await put(database, ENABLED, an_assignment(OTHER_DID, state="pending"), actor="key:boss")
    await watch(database, now=AT)
    await put(database, ASSIGNED, actor="provisioning")
    await watch(database, now=AT)
    await watch(database, now=AT)

    request = await stands(database, acme)
    assert (request.state, request.closed_by, request.closed_at) == ("possible", "provisioning", AT)
    (notice,) = await told(database)
    assert (notice["tenant"], notice["kind"], notice["subject"]) == ("acme", "request_possible", f"request:{acme.id}")
    assert orjson.loads(notice["params"]) == {
        "count": 1,
        "items": [{"subject": f"request:{acme.id}", "at": "2026-11-20T13:00:00+00:00", "name": "Ben", "user": "ann"}],
        "to": "ann",
    }


async def test_impossible_again_before_it_was_told(database, acme):
    """The notice is withdrawn and the request open; when it is possible again, that is told."""
    await put(database, ENABLED, ASSIGNED)
    await watch(database, now=AT)
    await put(database, a_campaign(status="suspended"))
    await watch(database, now=AT + timedelta(seconds=1))

    request = await stands(database, acme)
    assert (request.state, request.closed_by, request.closed_at) == ("open", None, None)
    assert await told(database) == []

    await put(database, a_campaign())
    await watch(database, now=AT + timedelta(seconds=2))
    assert (await stands(database, acme)).state == "possible"
    assert len(await told(database)) == 1
    assert len(await told(database, waiting=False)) == 2


@pytest.mark.parametrize("how", ["begun", "done"])
async def test_what_was_told_stays_told(database, acme, how):
    """From the moment on in which somebody was given the notice."""
    await put(database, ENABLED, ASSIGNED)
    await watch(database, now=AT)
    (notice,) = await told(database)
    async with database.writing() as connection:
        if how == "begun":
            given = {
                "notice": notice["id"],
                "recipient": "user:ann",
                "tenant": "acme",
                "state": "waiting",
                "attempts": 0,
            }
            await connection.execute(sa.insert(notice_deliveries).values(**given))
        else:
            await connection.execute(sa.update(notices).values(next_at=None))
    await put(database, a_campaign(status="suspended"))
    await watch(database, now=AT)

    assert (await stands(database, acme)).state == "possible"


async def test_dismissed_stays_dismissed(database, acme):
    """Whatever becomes possible later."""
    async with database.writing() as connection:
        await dismiss(Desk(connection=connection, tenant="acme", actor="key:boss", now=AT), acme.id, "No.")
    await put(database, ENABLED, ASSIGNED)
    await watch(database, now=AT)

    assert (await stands(database, acme)).state == "dismissed"
    assert await told(database) == []


async def test_an_opt_out_that_is_lifted(database, acme):
    """A recipient who said STOP and START again: what hangs on the recipient is looked at, too."""
    await put(database, ENABLED, ASSIGNED, OptOut(tenant="acme", recipient=MOBILE, at=AT, keyword="stop", number=None))
    await watch(database, now=AT)
    assert (await stands(database, acme)).state == "open"

    async with database.writing() as connection:
        await change(connection, actor="gateway", remove=[(OptOut, ("acme", MOBILE))])
    await watch(database, now=AT)
    assert (await stands(database, acme)).state == "possible"


async def test_a_look_up_of_the_recipient(database, acme):
    """Another carrier may take the text; a contact belongs to no company."""
    await put(database, Contact(number=MOBILE, carrier="us_cellular", line="mobile"), ENABLED, ASSIGNED)
    await watch(database, now=AT)
    assert (await stands(database, acme)).state == "open"

    await put(database, Contact(number=MOBILE, carrier="att", line="mobile"), actor="lookup")
    await watch(database, now=AT)
    assert (await stands(database, acme)).closed_by == "lookup"


async def test_only_what_changed_is_looked_at(database, acme, monkeypatch):
    """Requests of companies that nothing changed for cost nothing."""
    other = [
        a_tenant("solo"),
        a_user("sol", tenant="solo"),
        a_brand("BSOLO", tenant="solo"),
        a_number("+12025550177", tenant="solo", user="sol"),
    ]
    await put(database, *other)
    await watch(database, now=AT)
    theirs = await ask(database, tenant="solo", user="sol")
    await watch(database, now=AT)
    looked, missing = [], watcher.missing

    async def listened(desk, request):
        looked.append(request.id)
        return await missing(desk, request)

    monkeypatch.setattr(watcher, "missing", listened)
    await put(database, a_campaign(description="Other words"))
    await watch(database, now=AT)

    assert set(looked) == {acme.id}
    assert theirs.id not in looked


async def test_a_person_who_left_keeps_nobody_from_being_told(database, acme):
    """A request that cannot be asked about any more stays as it is; the others go on."""
    await put(database, a_user("eve"), a_number("+12025550133", user="eve", sms="disabled"))
    eves = await ask(database, user="eve")
    await put(
        database, a_user("eve", left_at=AT), a_number("+12025550133", user=None, sms="disabled"), ENABLED, ASSIGNED
    )
    await watch(database, now=AT)

    assert (await stands(database, eves)).state == "open"
    assert (await stands(database, acme)).state == "possible"


async def test_it_goes_on_where_it_stopped(database, acme):
    """The cursor moves with what came of it; many changes are read part by part."""
    people = [a_user(f"u{place}") for place in range(BATCH)]
    await put(database, *people)
    await put(database, ENABLED, ASSIGNED)

    assert await watch(database, now=AT) == BATCH
    assert (await stands(database, acme)).state == "possible"  # (what is read is how it stands, not how it stood)
    assert await watch(database, now=AT) == 3
    assert await watch(database, now=AT) == 0
    async with database.reading() as connection:
        cursor = await connection.scalar(sa.select(sweeps.c.cursor).where(sweeps.c.name == CURSOR))
        assert int(cursor) == await connection.scalar(sa.select(sa.func.max(audit.c.id)))


async def test_the_first_look_misses_nothing(database):
    """Where there is no cursor yet, every request is looked at."""
    await put(database, *BASICS, a_user("ann"), OFF)
    request = await ask(database)
    await put(database, ENABLED, ASSIGNED)

    assert await watch(database, now=AT) == 0
    assert (await stands(database, request)).state == "possible"


async def test_the_limit_of_the_platform_counts(database, acme):
    """A full campaign keeps a number out for as long as it is full: the limit is that of the settings."""
    async with database.reading() as connection:
        desk = Desk(connection=connection, tenant="acme", actor="test", now=AT, limits=Limits(numbers_per_campaign=1))
        plan = await watcher.missing(desk, acme)

    assert [step.key.event for step in plan.steps][:2] == ["requested", "approved"]
    assert type(ASSIGNED) is Assignment


async def test_the_task_looks_by_itself(database, acme):
    """Within a moment of the change, until it is stopped."""
    async with kept_requests(database, Limits()):
        await put(database, ENABLED, ASSIGNED)

        async def possible():
            return (await stands(database, acme)).state == "possible"

        await eventually(possible)


async def test_the_task_waits_for_the_database(database, acme, monkeypatch):
    """A fault that passes is logged, and the look made up for."""
    faults, real = [OSError("gone")], watcher.watch

    async def failing(*args, **options):
        if faults:
            raise faults.pop()
        return await real(*args, **options)

    monkeypatch.setattr(watcher, "watch", failing)
    monkeypatch.setattr(watcher, "_BACKOFF_S", 0.01)
    await put(database, ENABLED, ASSIGNED)
    with structlog.testing.capture_logs() as logs:
        async with kept_requests(database, Limits()):

            async def possible():
                return (await stands(database, acme)).state == "possible"

            await eventually(possible)

    assert [(line["event"], line["error"]) for line in logs] == [("requests_not_watched", "OSError")]
