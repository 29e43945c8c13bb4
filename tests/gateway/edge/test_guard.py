"""How many connections there may be, and that each pays what it owes in time."""

import asyncio
import contextlib

import pytest

from gateway.edge import connections
from gateway.edge.connections import require_compiled_parser
from gateway.edge.guard import Full, Guard, Limits, Unread, peer_of, put_off
from tests.gateway.edge.raw import GOOD, a_request, connected, metric
from tests.gateway.running_edge import running_edge, secret


class Seen:
    """Keeps what it is told."""

    def __init__(self):
        self.refused, self.timeouts = [], []

    def connection_refused(self, cause):
        """Note."""
        self.refused.append(cause)

    def timed_out(self, phase):
        """Note."""
        self.timeouts.append(phase)


class Transport:
    """Somebody's end of a connection."""

    def __init__(self, peer="192.0.2.1", left=0):
        self.peer = peer
        self.left = left

    def get_extra_info(self, name):
        """Tell the peer's address, as a socket does."""
        assert name == "peername"
        return (self.peer, 50_000) if self.peer else ""

    def get_write_buffer_size(self):
        """Tell what is unread."""
        return self.left


class Held:
    """A connection that counts its checks."""

    def __init__(self, *, fails=False):
        self.checks = 0
        self.fails = fails

    def check(self, now):
        """Count."""
        assert now > 0
        self.checks += 1
        if self.fails:
            raise ZeroDivisionError


async def until(holds):
    """Wait until something is so."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - nobody says when it is
            await asyncio.sleep(0.01)


async def until_metric(edge, line, value):
    """Wait until a series has a value."""
    async with asyncio.timeout(20):
        while await metric(edge, line) != value:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)


@pytest.fixture
async def make():
    """Make guards, that look no more in the end."""
    guards = []

    def made(**limits):
        guards.append(Guard(Limits(**limits), Seen()))
        return guards[-1]

    yield made
    for guard in guards:
        guard.close()


class TestPlaces:
    async def test_so_many_for_the_process(self, make):
        """One more is refused and counted; who leaves makes room."""
        guard = make(connections=3, per_peer=3)
        held = [Held() for _ in range(4)]
        answers = [guard.enter(one, Transport(f"192.0.2.{n}")) for n, one in enumerate(held)]
        assert answers == [None, None, None, Full.PROCESS]
        assert (guard.open, guard.observe.refused) == (3, ["process"])

        guard.leave(held[3])
        assert guard.open == 3
        guard.leave(held[0])
        assert guard.enter(held[3], Transport()) is None

    async def test_so_many_for_one_peer(self, make):
        """Others come in all the same."""
        guard = make(connections=100, per_peer=2)
        held = [Held() for _ in range(4)]
        assert [guard.enter(one, Transport("192.0.2.1")) for one in held[:3]] == [None, None, Full.PEER]
        assert guard.enter(held[3], Transport("192.0.2.2")) is None
        assert guard.observe.refused == ["peer"]

        guard.leave(held[0])
        assert guard.enter(held[2], Transport("192.0.2.1")) is None

    async def test_a_connection_that_is_handed_over_is_one(self, make):
        """It keeps its place, and gives it back once."""
        guard = make(connections=1)
        first, second = Held(), Held()
        guard.enter(first, Transport())
        guard.replace(first, second)
        guard.leave(first)
        assert guard.open == 1
        guard.leave(second)
        assert guard.open == 0
        assert guard._by_peer == {}

    @pytest.mark.parametrize(
        ("one", "other", "same"),
        [
            ("192.0.2.1", "192.0.2.1", True),
            ("192.0.2.1", "192.0.2.2", False),
            ("2001:db8::1", "2001:db8::ffff:1", True),
            ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
            ("::ffff:192.0.2.1", "192.0.2.1", True),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
            ("fe80::1%eth0", "fe80::2%eth0", True),
            ("", "", True),
        ],
    )
    def test_who_is_one_peer(self, one, other, same):
        """An IPv4 address; a /64, for that is what one customer has."""
        assert (peer_of(Transport(one)) == peer_of(Transport(other))) == same

    async def test_room_for_bodies(self, make):
        """So many bytes, and they come back."""
        guard = make(body_bytes=100)
        assert [guard.reserve(60), guard.reserve(41), guard.reserve(40)] == [True, False, True]
        guard.release(60)
        assert guard.reserve(60)
        assert guard.body_bytes == 100

    async def test_everybody_is_looked_at(self, make):
        """Again and again, whatever happens with one; nobody looks when nobody is there."""
        guard = make(head_s=0.05)
        held = [Held(fails=True), Held(), Held()]
        for one in held:
            guard.enter(one, Transport())
        await until(lambda: min(one.checks for one in held) >= 3)
        for one in held:
            guard.leave(one)
        await asyncio.sleep(0.1)
        assert guard._looking is None

    async def test_when_to_come_again(self, make):
        """As soon as connections end, at their pace; never later than an idle one would."""
        guard = make(idle_s=20, head_s=0.1)
        assert guard.retry_after_s() == 20
        guard._ends_a_second = 0.25
        assert guard.retry_after_s() == 4
        guard._ends_a_second = 50
        assert guard.retry_after_s() == 1


class TestReading:
    def test_who_reads_may_take_long(self):
        """What is read at the rate is never overdue; what is not, after the grace."""
        limits = Limits(answer_s=10, body_rate=100)
        unread, transport = Unread(), Transport(left=100_000)
        for second in range(900):
            assert not unread.is_overdue(transport, second, limits)
            transport.left -= 110
        transport.left = 0
        assert not unread.is_overdue(transport, 901, limits)

        transport.left = 5
        assert not unread.is_overdue(transport, 1_000, limits)
        assert not unread.is_overdue(transport, 1_009, limits)
        assert unread.is_overdue(transport, 1_010, limits)

    def test_a_deadline_is_put_off_by_what_was_done(self):
        """And never further than the grace."""
        assert put_off(10.0, 9.0, 50, grace_s=5.0, rate=100.0) == 10.5
        assert put_off(10.0, 9.0, 5_000, grace_s=5.0, rate=100.0) == 14.0


def test_the_parser_is_the_compiled_one(monkeypatch):
    """Otherwise nothing starts."""
    require_compiled_parser()
    parser = connections.http_parser
    monkeypatch.setattr(parser, "HttpRequestParser", parser.HttpRequestParserPy)
    with pytest.raises(RuntimeError, match="compiled HTTP parser"):
        require_compiled_parser()


@contextlib.asynccontextmanager
async def several(port, number):
    """Open so many connections that have each had an answer."""
    async with contextlib.AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(connected(port)) for _ in range(number)]
        for raw in opened:
            raw.send(a_request())
            assert (await raw.answer()).status == 202
        yield opened


class TestOnTheWire:
    @pytest.mark.parametrize("settings", [{"max_connections": 5}, {"max_connections_per_peer": 5}])
    async def test_one_connection_too_many(self, settings):
        """It is told so and closed, and when to come again; the others go on; room is used again."""
        async with running_edge(**settings) as edge, several(edge.gateway.port, 5) as opened:
            async with connected(edge.gateway.port) as raw:
                said = await raw.answer()
                assert (said.status, said.code, said.is_last) == (503, "overloaded", True)
                assert 1 <= int(said.field("Retry-After")) <= 60
                await raw.end()
            cause = "process" if "max_connections" in settings else "peer"
            assert await metric(edge, f'gateway_connections_refused_total{{cause="{cause}"}}') == 1
            assert await metric(edge, "gateway_connections_open") == 5

            opened[0].send(a_request())
            assert (await opened[0].answer()).status == 202
            opened[1].writer.close()
            await until_metric(edge, "gateway_connections_open", 4)
            async with several(edge.gateway.port, 1):
                pass

    async def test_a_connection_without_a_request(self):
        """It is closed after its time; sooner when most are taken; whichever server had it."""
        async with running_edge(keep_alive_s=1.0) as edge, several(edge.gateway.port, 2) as (plain, general):
            general.send(b"GET /v1/reasons HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert (await general.answer()).status == 200
            seconds = await asyncio.gather(plain.end(), general.end())
            assert all(0.8 < one < 6 for one in seconds), seconds

    async def test_answers_that_nobody_reads(self):
        """Whoever asks and asks and does not read is cut off."""
        async with running_edge(answer_timeout_s=0.5) as edge:
            _, writer = await asyncio.open_connection("127.0.0.1", edge.gateway.port, limit=1_024)
            with contextlib.suppress(ConnectionError):
                async with asyncio.timeout(30):
                    while True:
                        writer.write(b"GET /v1/reasons HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)
                        await writer.drain()
                        await asyncio.sleep(0.001)
            writer.close()
            assert await metric(edge, 'gateway_timeouts_total{phase="answer"}') == 1
            async with several(edge.gateway.port, 1):
                pass

    async def test_a_client_that_is_closed_and_does_not_read(self):
        """A connection that we close with answers unread is not kept for them."""
        async with running_edge(head_timeout_s=0.3, answer_timeout_s=2.0) as edge:
            _, writer = await asyncio.open_connection("127.0.0.1", edge.gateway.port, limit=1_024)
            writer.write(b"GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 40 + b"GET /v1/rea")
            await asyncio.sleep(0.2)
            writer.write(b"sons HTTP/1.1\r\nHo")
            await until_metric(edge, "gateway_connections_open", 1)
            await until_metric(edge, "gateway_connections_open", 0)
            writer.close()
            assert await metric(edge, 'gateway_timeouts_total{phase="answer"}') == 1

    async def test_too_many_large_bodies(self):
        """The next is turned away before it is read; small ones and carriers are not."""
        head = a_request("Content-Length: 300000", start="POST /v1/media HTTP/1.1", body=b"")
        async with (
            running_edge(body_memory=500_000) as edge,
            connected(edge.gateway.port) as first,
            connected(edge.gateway.port) as second,
        ):
            first.send(head + b"x" * 100)
            await until_metric(edge, "gateway_bodies_bytes", 300_000)
            second.send(head.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
            said = await second.answer()
            assert (said.status, said.code) == (503, "overloaded")
            assert int(said.field("Retry-After")) >= 1
            async with several(edge.gateway.port, 1):
                pass
            first.send(b"x" * 299_900)
            assert (await first.answer()).status == 201
            assert await metric(edge, "gateway_bodies_bytes") == 0
            assert await metric(edge, 'gateway_shed_total{cause="bodies"}') == 1


async def test_a_body_that_comes_later_is_the_same_request():
    """Head and body in two pieces; a second request follows on the same connection."""
    async with running_edge() as edge, connected(edge.gateway.port) as raw:
        for _ in range(3):
            raw.send(a_request()[: -len(GOOD)])
            await asyncio.sleep(0.05)
            raw.send(GOOD)
            assert (await raw.answer()).status == 202
        raw.send(f"GET /v1/inbox HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {secret('ann')}\r\n\r\n".encode())
        assert (await raw.answer()).status == 421
