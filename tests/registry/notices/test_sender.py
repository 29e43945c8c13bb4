"""Each recipient gets each notice once, whoever is away, slow, broken or killed meanwhile."""

import asyncio
import shutil
import ssl
import subprocess
from datetime import timedelta

import orjson
import pytest
import sqlalchemy as sa
from aiohttp import web
from standardwebhooks import Webhook

from registry.notices import hooks, instant
from registry.notices.deliveries import GIVE_UP
from registry.notices.speaker import KEY_LIFE, LABEL, NAME
from registry.tables import api_keys, users
from registry.tasks import stop
from registry.work_tables import notice_hooks, notices
from tests.registry.builders import AT, a_brand, a_campaign, a_tenant, a_user, eventually
from tests.registry.notices.changes import delivered_to, give_out, look, put, there
from tests.registry.notices.conftest import SECRET, Recorder, nobody

SUSPENDED = a_campaign(status="suspended")


def texts(recorder):
    """To whom, and what, in order."""
    bodies = [orjson.loads(body) for _, body in recorder.got]
    return [(body["to"], body["text"].split(".")[0]) for body in bodies]


async def keys(database):
    """The system user's keys: whether each is revoked."""
    async with database.reading() as connection:
        rows = await connection.execute(sa.select(api_keys).where(api_keys.c.label == LABEL).order_by(api_keys.c.id))
        return [row.revoked_at is not None for row in rows]


class TestInstantMessages:
    """The way through the gateway."""

    async def test_every_admin_gets_it_once(self, world):
        """And nobody else: not employees, not those who left, not other companies' admins."""
        others = (
            a_user("ada", role="admin"),
            a_user("gone", role="admin", left_at=AT),
            a_user("help", role="support"),
            a_tenant("solo"),
            a_user("sol", tenant="solo", role="admin"),
        )
        await put(world.database, *others)
        await put(world.database, SUSPENDED)
        await world.turn(3)

        assert sorted(to for to, _ in texts(world.gateway)) == ["user:ada", "user:boss"]
        assert await world.states() == {"user:ada": ("delivered", None), "user:boss": ("delivered", None)}
        assert 'registry_notices_delivered_total{way="im"} 2.0' in world.counted()

    async def test_it_comes_from_the_company_s_system_user(self, world):
        """With a key that can send and nothing else, which is revoked when the process ends."""
        await put(world.database, SUSPENDED)
        await world.turn()

        async with world.database.reading() as connection:
            rows = (await connection.execute(sa.select(users).where(users.c.role == "system"))).all()
            (key,) = (await connection.execute(sa.select(api_keys).where(api_keys.c.label == LABEL))).all()
        assert [(row.id, row.tenant, row.name, row.licence) for row in rows] == [("system-acme", "acme", NAME, "")]
        assert (key.user, tuple(key.scopes)) == ("system-acme", ("send",))
        assert key.revoked_at is not None

    async def test_somebody_may_have_the_system_user_s_id(self, world):
        """Then it takes another."""
        await put(world.database, a_user("system-acme"))
        await put(world.database, SUSPENDED)
        await world.turn()

        assert await world.states() == {"user:boss": ("delivered", None)}

    async def test_who_made_the_change_is_not_told(self, world):
        """The other admins are."""
        await put(world.database, a_user("ada", role="admin"))
        await put(world.database, SUSPENDED, actor="user:ada")
        await world.turn()

        assert list(await world.states()) == ["user:boss"]

    @pytest.mark.parametrize("trouble", [503, 500, 429, "away", "hangs"])
    async def test_a_gateway_that_is_away_is_waited_out(self, world, monkeypatch, trouble):
        """Whatever it answers; the pauses grow to a quarter of an hour."""
        if trouble == "hangs":
            monkeypatch.setattr(instant, "_TIMEOUT", instant.aiohttp.ClientTimeout(total=0.2))
            world.gateway.answer = hanging
        elif trouble == "away":
            async with nobody() as url:
                world.gateway_url = url
            world.sender = world.new_sender()
        else:
            world.gateway.answer = trouble
        await put(world.database, SUSPENDED)
        for _ in range(12):
            await world.turn()
            world.clock.pass_by(minutes=17)
        ((state, fault),) = (await world.states()).values()
        assert (state, fault is not None) == ("waiting", True)

        world.gateway.answer, world.gateway_url = 202, world.gateway.url
        world.gateway.got.clear()
        world.sender = world.new_sender()
        await world.turn()
        assert await world.states() == {"user:boss": ("delivered", None)}
        assert len(world.gateway.got) == 1

    async def test_after_three_days_it_is_given_up_and_listed(self, world):
        """It stays in the list, with why."""
        world.gateway.answer = 503
        await put(world.database, SUSPENDED)
        await world.turn()
        world.clock.pass_by(seconds=GIVE_UP.total_seconds())
        await world.turn()
        world.gateway.answer = 202
        world.clock.pass_by(days=1)
        await world.turn()

        assert await world.states() == {"user:boss": ("given_up", "gateway_answered_503")}
        assert 'registry_notices_given_up_total{way="im"} 1.0' in world.counted()
        async with world.database.reading() as connection:
            row = (await connection.execute(sa.select(notices))).one()
        assert (row.next_at, row.im_at, row.fault) == (None, None, "gateway_answered_503")

    async def test_a_repetition_is_the_same_request(self, world):
        """The same name and the same text, so that the gateway takes it once."""
        answers = [500, 502, 202]
        world.gateway.answer = lambda _: answered(answers.pop(0))
        await put(world.database, SUSPENDED)
        for _ in range(3):
            await world.turn()
            await put(world.database, a_tenant(time_zone="Asia/Tokyo"), a_brand(legal_name="Other"))
            world.clock.pass_by(minutes=20)

        bodies = {body for _, body in world.gateway.got}
        assert (len(world.gateway.got), len(bodies)) == (3, 1)

    async def test_one_who_left_meanwhile_gets_nothing(self, world):
        """Between the notice and the attempt."""
        await put(world.database, SUSPENDED)
        await look(world.database, at=world.clock())
        await give_out(world.database, world.clock())
        await put(world.database, a_user("boss", role="admin", left_at=AT))
        await world.turn()

        assert world.gateway.got == []
        assert await world.states() == {"user:boss": ("given_up", "left")}

    async def test_a_new_key_is_known_a_moment_later(self, world, monkeypatch):
        """401 is asked again at once, for as long as that may take."""
        answers = [401, 401, 202]
        world.gateway.answer = lambda _: answered(answers.pop(0))
        await put(world.database, SUSPENDED)
        await world.turn()

        assert await world.states() == {"user:boss": ("delivered", None)}

    async def test_a_key_that_is_not_known_is_replaced(self, world, monkeypatch):
        """Somebody revoked it: after ten minutes another is made."""
        monkeypatch.setattr(instant, "_NEW_KEY_S", 0.0)
        world.gateway.answer = 401
        await put(world.database, SUSPENDED)
        async with world.sender._sessions() as sessions:
            for _ in range(5):
                await world.sender.turn(*sessions)
                await world.sender.settle()
                world.clock.pass_by(minutes=11)
            revoked = await keys(world.database)
            assert (len(revoked) > 1, revoked.count(False)) == (True, 1)

        assert all(await keys(world.database))

    async def test_keys_left_behind_are_revoked(self, world):
        """A process that is killed revokes nothing; the next does, when no other can have them."""
        await put(world.database, SUSPENDED)
        killed = world.sender
        await killed._speaker.key("acme", world.clock())
        assert await keys(world.database) == [False]
        world.clock.pass_by(seconds=(KEY_LIFE + timedelta(hours=2)).total_seconds())
        world.sender = world.new_sender()
        await world.turn()

        assert all(await keys(world.database))


async def is_true(value):
    """A look that is quick, as a coroutine."""
    return value


@pytest.fixture
def self_signed(tmp_path):
    """What a server needs for TLS under a certificate that nobody vouches for."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl: install Debian's package openssl")
    certificate, key = tmp_path / "certificate", tmp_path / "key"
    options = ("-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1")
    where = ("-keyout", str(key), "-out", str(certificate), "-addext", "subjectAltName=IP:127.0.0.1")
    subprocess.run([openssl, "req", *options, *where], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def answered(status):
    """An answer with nothing in it."""
    return web.Response(status=status)


async def hanging(_):
    """No answer at all."""
    await asyncio.sleep(30)


class TestHooks:
    """The company's own server."""

    async def test_it_is_signed_as_standard_webhooks_has_it(self, world):
        """The standard's own library takes it, and its id is the same at every attempt."""
        answers = [500, 200]
        world.hook.answer = lambda _: answered(answers.pop(0))
        await world.set_hook()
        await put(world.database, SUSPENDED)
        await world.turn()
        world.clock.pass_by(minutes=1)
        await world.turn()

        for headers, body in world.hook.got:
            data = Webhook(SECRET).verify(body, dict(headers))
        assert len({headers["webhook-id"] for headers, _ in world.hook.got}) == 1
        assert len({body for _, body in world.hook.got}) == 1
        assert (data["type"], data["data"]["tenant"], data["data"]["count"]) == ("campaign_suspended", "acme", 1)
        assert data["data"]["items"][0]["numbers"] == ["+12025550101"]
        assert (await world.states())["hook"] == ("delivered", None)

    def test_the_signature_is_the_standard_s(self):
        """The example of the specification, and the library's own."""
        body = b'{"test": 2432232314}'
        made = hooks.signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", name="msg_p5jXN8AQM9LWM0D4loKWxJek", at_s=1614265330, body=body
        )

        assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

    @pytest.mark.parametrize(
        ("status", "fault"),
        [(500, "answered_500"), (404, "answered_404"), (302, "redirected"), (204, None), (299, None)],
    )
    async def test_what_counts_as_taken(self, world, status, fault):
        """2xx and nothing else; a redirect is not followed."""
        elsewhere = Recorder()
        async with elsewhere.server:

            async def answer(_):
                return web.Response(status=status, headers={"Location": elsewhere.url})

            world.hook.answer = answer
            await world.set_hook()
            await put(world.database, SUSPENDED)
            await world.turn()

        assert elsewhere.got == []
        assert (await world.states())["hook"] == (("waiting", fault) if fault else ("delivered", None))

    async def test_410_ends_it(self, world):
        """The hook is gone, with all that waits for it; instant messages go on."""
        world.hook.answer = 500
        await world.set_hook()
        await put(world.database, SUSPENDED)
        await world.turn()
        world.hook.answer = 410
        await put(world.database, a_brand(status="suspended"))
        await world.turn()
        world.clock.pass_by(days=1)
        await put(world.database, a_brand())
        await world.turn()

        async with world.database.reading() as connection:
            assert (await connection.execute(sa.select(notice_hooks))).all() == []
        states = [(recipient, state, fault) for _, recipient, state, fault in await delivered_to(world.database)]
        gone = ("hook", "given_up", "unsubscribed")
        told = ("user:boss", "delivered", None)
        assert states == [gone, told, gone, told, told]
        assert 'registry_notices_given_up_total{way="hook"} 2.0' in world.counted()

    async def test_one_that_hangs_holds_up_nobody(self, world, monkeypatch):
        """Not the company's own instant messages, nor others' hooks."""
        monkeypatch.setattr(hooks, "_TIMEOUT", hooks.aiohttp.ClientTimeout(total=2.0))
        world.hook.answer = hanging
        other = Recorder()
        async with other.server:
            await there(world.database, a_tenant("solo"), a_brand("BSOLO", tenant="solo"))
            await world.set_hook()
            await world.set_hook(other.url, tenant="solo")
            await put(world.database, SUSPENDED, a_brand("BSOLO", tenant="solo", status="suspended"))
            async with world.sender._sessions() as sessions:
                await world.sender.turn(*sessions)
                await eventually(lambda: is_true(list(world.sender._lanes) == [("acme", "hook")]))
                assert (len(other.got), len(world.gateway.got)) == (1, 1)
                await world.sender.settle()

        assert (await world.states())["user:boss"] == ("delivered", None)
        states = [(recipient, fault) for _, recipient, _, fault in await delivered_to(world.database)]
        assert ("hook", "timed_out") in states

    async def test_a_certificate_that_is_not_good_is_not_taken(self, world, self_signed):
        """Nobody hears what the notice says."""
        hook = Recorder()
        await hook.server.start_server(ssl=self_signed)
        async with hook.server:
            await world.set_hook(hook.url)
            await put(world.database, SUSPENDED)
            await world.turn()

        assert hook.got == []
        assert (await world.states())["hook"] == ("waiting", "tls")

    async def test_nothing_is_sent_to_this_machine_unless_allowed(self, world):
        """Whatever the table says: the setting may have been another when the hook was set."""
        world.sender = world.new_sender(allow_private_hooks=False)
        port = world.hook.url.rpartition(":")[2]
        await world.set_hook(f"https://localhost.:{port}")
        await put(world.database, SUSPENDED)
        await world.turn()

        assert world.hook.got == []
        assert (await world.states())["hook"] == ("waiting", "address_not_allowed")

    async def test_after_three_days_it_is_given_up(self, world):
        """The attempts are few: five seconds after the first, four hours after the last."""
        world.hook.answer = 500
        await world.set_hook()
        await put(world.database, SUSPENDED)
        start = world.clock.now
        while (await world.states()).get("hook", ("waiting", None))[0] == "waiting":
            await world.turn()
            world.clock.pass_by(minutes=30)

        assert GIVE_UP - timedelta(hours=5) < world.clock.now - start < GIVE_UP + timedelta(hours=5)
        assert 20 <= len(world.hook.got) <= 30


class TestRequests:
    """Told is who asked."""

    async def test_the_employee_is_told(self, world):
        """And the admins are not."""
        from tests.registry.notices.test_watcher import a_request  # noqa: PLC0415 - shared

        await put(world.database, a_request())
        await world.turn()
        world.gateway.got.clear()
        await put(world.database, a_request(state="possible"))
        await world.turn()

        assert [to for to, _ in texts(world.gateway)] == ["user:ben"]


async def test_two_senders_do_not_both(world):
    """What one has claimed the other leaves."""
    await world.set_hook()
    names = [f"C{number:02}" for number in range(20)]
    await there(world.database, *(a_campaign(name) for name in names))
    await look(world.database)
    for name in names:
        await put(world.database, a_campaign(name, status="suspended"))
        await look(world.database)
        await give_out(world.database)
    world.clock.pass_by(minutes=5)
    senders = [world.new_sender() for _ in range(3)]

    async def work(sender):
        async with sender._sessions() as sessions:
            await sender.turn(*sessions)
            await sender.settle()

    await asyncio.gather(*(work(sender) for sender in senders))

    assert (len(world.gateway.got), len(world.hook.got)) == (20, 20)


async def test_the_task_waits_out_a_fault(world, monkeypatch):
    """One crash does not end it."""
    turns = []

    async def turn(*_):
        turns.append(1)
        if len(turns) == 1:
            raise RuntimeError("a bug")
        if len(turns) == 2:
            raise OSError("no database")

    monkeypatch.setattr(world.sender, "turn", turn)
    monkeypatch.setattr("registry.notices.sender._DATABASE_AWAY_S", 0.01)
    task = asyncio.create_task(world.sender.run())
    await eventually(lambda: is_true(len(turns) >= 4))
    await stop(task)

    assert task.cancelled()
