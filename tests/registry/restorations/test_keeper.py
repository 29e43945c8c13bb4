"""The task that hands over what admins said about opt-outs: to a gateway that says yes, no, or nothing."""

from datetime import timedelta

import aiohttp
import orjson
import pytest
import sqlalchemy as sa
from aiohttp import web

from registry.flows.desk import Desk
from registry.records import OptOut
from registry.restorations import book
from registry.restorations.keeper import LABEL, Keeper
from registry.tables import api_keys, opt_outs, restorations
from tests.registry.builders import AT, a_tenant, a_user
from tests.registry.notices.changes import acme, put
from tests.registry.notices.conftest import Clock, Recorder, nobody

MOBILE, OTHER = "+13035550111", "+13035550112"
EVIDENCE = "Signed our form at the counter; folder 12."


class World:
    """Acme with two admins, and a gateway that answers as it is told."""

    def __init__(self, database, gateway):
        self.database, self.gateway, self.clock = database, gateway, Clock()
        self.keeper = self.new_keeper(gateway.url)

    def new_keeper(self, url):
        """A keeper that knows nothing but the database."""
        return Keeper(self.database, gateway_url=url, now=self.clock)

    async def says(self, recipient=MOBILE, act=book.RESTORE, *, tenant="acme", actor="user:boss", evidence=EVIDENCE):
        """An admin says something, later than before; its name."""
        self.clock.pass_by(milliseconds=2)
        async with self.database.writing() as connection:
            desk = Desk(connection=connection, tenant=tenant, actor=actor, now=self.clock())
            return (await book.ask(desk, recipient, act, evidence)).id

    async def turn(self, keeper=None):
        """Hand over what is due."""
        async with aiohttp.ClientSession() as session:
            return await (keeper or self.keeper).turn(session)

    async def rows(self):
        """What is written of each: state, outcome, fault; in order."""
        async with self.database.reading() as connection:
            query = sa.select(restorations).order_by(restorations.c.id)
            return [(row.state, row.outcome, row.fault) for row in await connection.execute(query)]

    def answers(self, status, body=None):
        """What the gateway says from now on."""

        async def answer(_):
            return web.json_response(body or {}, status=status)

        self.gateway.answer = answer


@pytest.fixture
async def world(database):
    """Acme, and nothing said yet."""
    gateway = Recorder()
    async with gateway.server:
        await acme(database)
        await put(database, a_tenant("solo"), a_user("stu", tenant="solo", role="admin"))
        yield World(database, gateway)


def restored(outcome="restored"):
    """The gateway's answer."""
    return {"recipient": MOBILE, "outcome": outcome, "at": "2026-11-20T20:00:00.000Z", "state": "lifted", "note": ""}


@pytest.mark.parametrize("outcome", ["restored", "dismissed", "was_not_out"])
async def test_what_the_gateway_did_is_written_down(world, outcome):
    """Who vouches, until when, and the evidence go with it, under a key of the company's own for this purpose."""
    await world.says()
    world.answers(200, restored(outcome))

    assert await world.turn()

    ((headers, raw),) = world.gateway.got
    body = orjson.loads(raw)
    assert body.pop("vouched_at").endswith("+00:00")
    assert body == {"recipient": MOBILE, "evidence": EVIDENCE, "by": "Bo (user:boss)"}
    assert await world.rows() == [("done", outcome, None)]
    async with world.database.reading() as connection:
        query = sa.select(api_keys.c.id, api_keys.c.scopes).where(api_keys.c.label == LABEL)
        ((name, scopes),) = (await connection.execute(query)).all()
    assert (scopes, headers["Authorization"].split("_")[1]) == (
        ["admin"] if isinstance(scopes, list) else ("admin",),
        name,
    )
    await world.turn()
    assert len(world.gateway.got) == 1


async def test_what_was_said_since_stands(world):
    """The gateway knows that they said STOP after the admin spoke: refused, with why."""
    await world.says()
    world.answers(200, restored("overtaken"))
    await world.turn()

    assert await world.rows() == [("refused", "overtaken", None)]


async def test_an_opt_out_is_put_as_one(world):
    """With the instant at which it was said."""
    await world.says(act=book.OPT_OUT, evidence="")
    world.answers(200, {"stored": 1})
    await world.turn()

    ((_, raw),) = world.gateway.got
    ((row,),) = orjson.loads(raw).values()
    assert (row["recipient"], row["keyword"]) == (MOBILE, "said otherwise")
    assert await world.rows() == [("done", "opted_out", None)]


async def test_a_gateway_that_is_away_is_waited_for(world):
    """The row says why it waits, once; when the gateway is there again it is handed over as it was said."""
    await world.says()
    await world.says(OTHER)
    async with nobody() as away:
        keeper = world.new_keeper(away)
        for _ in range(2):
            assert not await world.turn(keeper)
    assert await world.rows() == [("pending", None, "gateway_unreachable"), ("pending", None, None)]

    world.answers(200, restored())
    assert await world.turn()
    assert await world.rows() == [("done", "restored", None)] * 2


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_gateway_that_is_not_ready_is_asked_again(world, status):
    """None of the others is tried meanwhile: it would be the same."""
    await world.says()
    await world.says(OTHER)
    world.answers(status, {"code": "queue_unavailable"})

    assert not await world.turn()

    assert len(world.gateway.got) == 1
    assert await world.rows() == [("pending", None, f"gateway_answered_{status}"), ("pending", None, None)]


@pytest.mark.parametrize("status", [404, 405, 429, 500, 302, 200])
async def test_one_that_is_in_the_way_holds_up_nobody(world, status):
    """An answer that decides nothing, also another server's 200: it is tried later, the others now."""
    await world.says()
    await world.says(OTHER)

    async def answer(request):
        first = MOBILE in (await request.text())
        return web.json_response({} if first else restored(), status=status if first else 200)

    world.gateway.answer = answer
    assert await world.turn()
    assert await world.rows() == [("pending", None, f"gateway_answered_{status}"), ("done", "restored", None)]

    world.answers(200, restored())
    await world.turn()
    assert (await world.rows())[0][0] == "pending"
    world.clock.pass_by(seconds=6)
    await world.turn()
    assert (await world.rows())[0] == ("done", "restored", None)


async def test_what_the_gateway_refuses_is_refused(world):
    """With its word for why; it is not asked again."""
    await world.says()
    world.answers(422, {"code": "invalid_evidence"})
    await world.turn()
    await world.turn()

    assert await world.rows() == [("refused", None, "invalid_evidence")]
    assert len(world.gateway.got) == 1


async def test_a_key_that_is_not_known_yet_is_no_fault(world):
    """Of a moment ago; later it is told, and another is minted."""
    await world.says()
    world.answers(401, {"code": "unauthenticated"})
    assert await world.turn()
    assert await world.rows() == [("pending", None, None)]
    world.clock.pass_by(minutes=11)
    assert await world.turn()
    assert await world.rows() == [("pending", None, "gateway_refused_key")]
    world.clock.pass_by(seconds=6)
    world.answers(200, restored())
    assert await world.turn()

    assert await world.rows() == [("done", "restored", None)]
    first, _, last = [headers["Authorization"] for headers, _ in world.gateway.got]
    assert first != last


async def test_each_company_has_its_own_key(world):
    """The gateway knows by it whose opt-out is meant."""
    await world.says()
    await world.says(tenant="solo", actor="user:stu")
    world.answers(200, restored())
    await world.turn()

    one, other = [headers["Authorization"] for headers, _ in world.gateway.got]
    assert one != other


async def test_the_first_word_of_two_keepers_stays(world):
    """What is written is written, whatever another hears later."""
    name = await world.says()
    world.answers(200, restored())
    await world.turn()
    async with world.database.writing() as connection:
        desk = Desk(connection=connection, tenant="acme", actor="test", now=world.clock())
        await book.settle(desk, name, state=book.REFUSED, outcome="overtaken")

    assert await world.rows() == [("done", "restored", None)]


@pytest.mark.parametrize(("outcome", "over"), [("restored", True), ("was_not_out", True), ("overtaken", False)])
async def test_a_copy_of_an_opt_out_that_is_over_says_so(world, outcome, over):
    """It stays, so that no later import revives what was taken back; nobody is told that they are out by it."""
    await put(world.database, OptOut(tenant="acme", recipient=MOBILE, at=AT, keyword="stop", number=None))
    await world.says()
    world.answers(200, restored(outcome))
    await world.turn()

    async with world.database.reading() as connection:
        lifted = await connection.scalar(sa.select(opt_outs.c.lifted_at))
    assert (lifted is not None) is over


async def test_keys_are_revoked_at_the_end(world):
    """And those that a killed process left behind, by the next."""
    await world.says()
    world.answers(200, restored())
    await world.turn()
    keeper = world.new_keeper(world.gateway.url)
    world.clock.pass_by(hours=8)
    keeper._clean_at = world.clock() - timedelta(seconds=1)
    await world.turn(keeper)

    async with world.database.reading() as connection:
        alive = sa.select(sa.func.count()).where(api_keys.c.label == LABEL, api_keys.c.revoked_at.is_(None))
        assert await connection.scalar(alive) == 0
