"""Who may open a socket, what ends it, and that nonsense ends only itself."""

import asyncio
import re
import time
from contextlib import AsyncExitStack

import aiohttp
import pytest

from gateway.problems import PROBLEMS
from tests.gateway.live.conftest import ORIGIN
from tests.gateway.live.connected import Hand, connected
from tests.gateway.running_edge import ANN, BOB, assert_problem, running_edge, secret
from tests.gateway.tokens import sign_in, token

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def refused(edge, key="ann", **options):
    """Say with which status a socket is refused."""
    with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
        async with connected(edge, key, **options):
            pass
    return refusal.value.status


class TestWho:
    async def test_a_token_as_a_browser_shows_it(self, edge, hand):
        """In the list of subprotocols; the answer names ours, and never repeats the token."""
        offered = ("a2p.events.v1", f"a2p.bearer.{token()}")
        async with connected(edge, None, protocols=offered, headers={"Origin": ORIGIN}) as client:
            assert client.socket.protocol == "a2p.events.v1"
            await client.next()
            await edge.send(text="to a page")
            await hand.work()
            assert (await client.next())["text"] == "to a page"

    async def test_a_token_as_a_program_shows_it(self, edge):
        """In Authorization."""
        async with connected(edge, None, headers={"Authorization": f"Bearer {token()}"}) as client:
            assert (await client.next())["type"] == "hello"

    async def test_a_tenants_key_names_the_user(self, edge):
        """One of its own company's."""
        async with connected(edge, "acme", user=ANN) as client:
            assert (await client.next())["type"] == "hello"

    @pytest.mark.parametrize(
        ("status", "key", "options"),
        [
            (401, None, {}),
            (401, "unheardof", {}),
            (401, None, {"protocols": ("a2p.events.v1", "a2p.bearer.AAAA.AAAA.AAAA")}),
            (401, "ann", {"protocols": ("a2p.events.v1", "a2p.bearer.AAAA.AAAA.AAAA")}),
            (400, "ann", {"protocols": ("chat",)}),
            (403, "sender", {}),
            (403, "ann", {"user": BOB}),
            (422, "acme", {}),
            (422, "acme", {"user": "a{b}c"}),
            (400, "ann", {"after": "yesterday"}),
            (400, "ann", {"after": "1-1"}),
            (403, "ann", {"headers": {"Origin": "https://evil.example"}}),
            (403, "ann", {"headers": {"Origin": "null"}}),
            (403, "ann", {"headers": {"Origin": ORIGIN + "."}}),
        ],
    )
    async def test_whoever_may_not_is_refused(self, edge, status, key, options):
        """Before there is a socket, with the status that any request gets."""
        assert await refused(edge, key, **options) == status

    async def test_it_is_no_page(self, edge):
        """Asked for without an upgrade it says what is wanted; the key comes first."""
        answer = await edge.get("/v1/events")

        assert_problem(answer, 426, "upgrade_required")
        assert answer.headers["Upgrade"] == "websocket"
        assert_problem(await edge.get("/v1/events", key=None), 401, "unauthenticated")

    @pytest.mark.parametrize(
        "fields",
        [
            {"Sec-WebSocket-Version": "7.5"},
            {"Sec-WebSocket-Key": "short"},
            {"Sec-WebSocket-Key": "\u00e9"},
            {"Upgrade": "h2c"},
        ],
    )
    async def test_a_handshake_that_is_none(self, edge, fields):
        """A problem as any, which repeats nothing."""
        good = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
        answer = await edge.call("GET", "/v1/events", headers=good | fields)

        assert_problem(answer, 426, "upgrade_required", *fields.values())

    async def test_a_user_has_so_many(self, edge):
        """The next is told to come later; when one has gone there is room."""
        async with AsyncExitStack() as stack:
            for _ in range(16):
                last = await stack.enter_async_context(connected(edge, "cat"))
            assert await refused(edge, "cat") == PROBLEMS["rate_limited"].status
            async with connected(edge, "ann") as other:
                assert (await other.next())["type"] == "hello"
            await last.socket.close()
            async with asyncio.timeout(10):
                while not await opens(edge, "cat"):  # noqa: ASYNC110 - it is the server that frees it
                    await asyncio.sleep(0.05)


async def opens(edge, key):
    """Say whether there is room."""
    try:
        async with connected(edge, key):
            return True
    except aiohttp.WSServerHandshakeError:
        return False


class TestEnds:
    async def test_a_token_that_has_ended(self, edge):
        """Closed with 4401 within seconds; another one goes on from there."""
        now = time.time()
        old = token(now - 357)  # With the leeway it is good for three seconds more.
        async with connected(edge, None, headers={"Authorization": f"Bearer {old}"}) as client:
            await client.next()
            assert await client.closed() == 4401
        async with connected(edge, None, headers={"Authorization": f"Bearer {token()}"}, after=client.seq) as client:
            assert (await client.next())["type"] == "hello"

    async def test_a_sign_in_that_was_taken_back(self, edge):
        """Closed with 4401 within seconds."""
        await edge.registry.write(sign_in("leaving"))
        async with connected(edge, None, headers={"Authorization": f"Bearer {token(sid='leaving')}"}) as client:
            await edge.registry.write(dict.fromkeys(sign_in("leaving")))
            await client.next()
            assert await client.closed() == 4401

    @pytest.mark.parametrize(
        ("frame", "code"),
        [
            (b"\0\1", 1003),
            ("not json", 1007),
            ("", 1007),
            ("[]", 1007),
            ("{}", 1007),
            ('{"ack": 7}', 1007),
            ('{"ack": "1", "more": 1}', 1007),
            ('{"ack": "' + "x" * 2_000 + '"}', 1009),
            ("x" * 1_000_000, 1009),
        ],
    )
    async def test_nonsense_ends_only_itself(self, edge, hand, frame, code):
        """With the code that says what it was."""
        async with connected(edge) as other, connected(edge, acknowledges=False) as client:
            await other.next(), await client.next()
            await (client.socket.send_bytes(frame) if isinstance(frame, bytes) else client.socket.send_str(frame))
            assert await client.closed() == code
            await edge.send(text="still here")
            await hand.work()
            assert (await other.next())["text"] == "still here"

    async def test_acknowledging_what_never_was_changes_nothing(self, edge, hand):
        """Whatever it looks like."""
        async with connected(edge) as client:
            await client.next()
            for seq in ("", "x", "1-1_1-1", "0-0_0-0", "9" * 500):
                await client.acknowledge(seq)
            await edge.send(text="goes on")
            await hand.work()
            assert (await client.next())["text"] == "goes on"

    async def test_the_process_leaves(self, own_edge):
        """Closed with 1012, so that clients come back elsewhere; who comes here is told to come later."""
        async with connected(own_edge) as client:
            await client.next()
            leaving = asyncio.create_task(own_edge.gateway.leave())
            assert await client.closed() == 1012
            assert await refused(own_edge) == 503
            leaving.cancel()

    async def test_the_process_ends(self):
        """Without any warning: 1012 as well, and the end waits for nobody."""
        async with running_edge() as edge:
            session = aiohttp.ClientSession(f"http://127.0.0.1:{edge.gateway.port}")
            socket = await session.ws_connect("/v1/events", headers={"Authorization": f"Bearer {secret('ann')}"})
            await socket.receive()
            listening = asyncio.create_task(socket.receive())
            began = time.monotonic()
        assert time.monotonic() - began < 8
        await listening
        assert socket.close_code == 1012
        await session.close()


class TestDeadClients:
    @pytest.fixture
    def gateway_s(self, monkeypatch):
        """Limits of time that a test can wait for."""
        monkeypatch.setattr("gateway.live.session._STALLED_S", 0.5)
        monkeypatch.setattr("gateway.live.session._MOST_UNACKNOWLEDGED", 4)
        monkeypatch.setattr("gateway.edge.http_events._PING_EVERY_S", 0.5)
        monkeypatch.setattr("gateway.edge.http_events._LOOK_S", 0.2)

    async def test_whoever_acknowledges_nothing(self, own_edge, gateway_s):
        """Is told so after its time."""
        hand = await Hand(own_edge.queue).own()
        async with connected(own_edge, acknowledges=False) as client:
            await client.next()
            await own_edge.send(text="one")
            await hand.work()
            assert len(await client.quiet(0.3, least=4)) == 4
            assert await client.closed() == 4408

    async def test_whoever_answers_no_ping(self, own_edge, gateway_s):
        """Is found within seconds; a client that answers stays."""
        async with (
            connected(own_edge) as alive,
            connected(own_edge, autoping=False) as dead,
        ):
            await alive.next(), await dead.next()
            listening = asyncio.create_task(alive.quiet(2))
            async with asyncio.timeout(10):
                while (await dead.socket.receive()).type is aiohttp.WSMsgType.PING:
                    pass
            assert await listening == []
            assert not alive.socket.closed

    async def test_whoever_reads_nothing(self):
        """Is ended by the guard, as anybody who does not read an answer; its place is free again."""
        async with running_edge(answer_timeout_s=1.0, body_rate=1e6) as edge:
            hand = await Hand(edge.queue).own()
            reader, writer = await asyncio.open_connection("127.0.0.1", edge.gateway.port, limit=2)
            writer.write(
                f"GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret('ann')}\r\n"
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
            )
            await writer.drain()
            for _ in range(250):
                await edge.send(to=f"user:{BOB}", text="long " * 5_000)
            await hand.work()
            async with asyncio.timeout(30):
                while await sockets(edge):  # noqa: ASYNC110 - it is the server that ends it
                    await asyncio.sleep(0.1)
            writer.close()
            del reader


async def sockets(edge):
    """Read how many are open."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{edge.gateway.admin_port}/metrics") as answer,
    ):
        (line,) = re.findall(r"^gateway_event_connections_open (.*)$", await answer.text(), re.MULTILINE)
        return float(line)


async def test_the_guard_lets_a_quiet_socket_live():
    """The limits of time are for requests: a socket that pings owes nothing, and counts as a connection."""
    limits = {"head_timeout_s": 0.3, "body_timeout_s": 0.3, "keep_alive_s": 0.3, "answer_timeout_s": 0.3}
    async with running_edge(**limits, max_connections=2) as edge, connected(edge) as client:
        await client.next()
        await asyncio.sleep(1.5)
        await client.acknowledge(client.seq)
        async with connected(edge) as second:
            await second.next()
            assert await refused(edge) == 503
        assert not client.socket.closed
        await client.socket.ping()
