"""A connection to a carrier that breaks: one submission is one POST, what is lost is doubt, nothing stays open."""

import asyncio

import pytest

from gateway.connectors import CarrierAccepted, CarrierTemporary, InDoubt
from gateway.connectors.http_carrier import HttpCarrier
from loadtests.faults.proxy import Direction, Lost, Proxy
from tests.gateway.connectors.test_http_carrier import ID, Reply, carrier_with, some_options, some_submission

TAKEN = Reply(body=ID)


async def until(condition):
    """Wait until a condition holds, for twenty seconds at most."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - a condition of the world, which signals nobody
            await asyncio.sleep(0.005)


class Closing:
    """A carrier that answers the first request on each connection, and closes it after having read the second."""

    def __init__(self):
        self.posts = 0
        self.connections = 0

    async def serve(self, reader, writer):
        """Serve one connection."""
        self.connections += 1
        for answer in (b'HTTP/1.1 202 Accepted\r\nContent-Length: 11\r\n\r\n{"id":"c1"}', b""):
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
            self.posts += head.startswith(b"POST ")
            writer.write(answer)
        writer.close()


async def test_a_kept_connection_that_closes_under_a_submission():
    """The carrier processed it and closed: seen once by the carrier, a doubt for us. GET would be sent twice here."""
    server = Closing()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    async with listening, HttpCarrier(some_options(listening.sockets[0].getsockname()[1])) as carrier:
        for turn in range(1, 6):
            assert await carrier.submit([some_submission()]) == [CarrierAccepted("c1")]
            assert await carrier.submit([some_submission()]) == [InDoubt("disconnected")]
            assert (server.connections, server.posts) == (turn, 2 * turn)


@pytest.mark.parametrize(("lost", "word"), [(Lost.RESET, "disconnected"), (Lost.SILENCE, "timeout")])
async def test_an_answer_that_never_comes(lost, word):
    """With a reset, or with nothing at all: one POST, one doubt, and the next submission has its own answer."""
    async with (
        carrier_with(TAKEN) as (near, server),
        Proxy(("127.0.0.1", port_of(near))) as proxy,
        HttpCarrier(some_options(proxy.port, timeout_s=1.0)) as carrier,
    ):
        assert await carrier.submit([some_submission()]) == [CarrierAccepted("c1")]
        proxy.swallow_reply(then=lost)
        assert await carrier.submit([some_submission()]) == [InDoubt(word)]
        assert len(server.bodies) == 2
        assert await carrier.submit([some_submission()]) == [CarrierAccepted("c1")]
        assert len(server.bodies) == 3


async def test_a_reset_at_every_byte_of_the_answer():
    """A yes counts only when it came whole; and the carrier saw each submission once."""
    async with (
        carrier_with(TAKEN) as (near, server),
        Proxy(("127.0.0.1", port_of(near))) as proxy,
        HttpCarrier(some_options(proxy.port)) as carrier,
    ):
        assert await carrier.submit([some_submission()]) == [CarrierAccepted("c1")]
        size = proxy.passed(Direction.TO_CLIENT)
        assert size > 100
        for byte in range(size):
            proxy.reset_after(byte, Direction.TO_CLIENT)
            assert await carrier.submit([some_submission()]) == [InDoubt("disconnected")], byte
        assert len(server.bodies) == 1 + size


async def test_a_connection_that_is_refused_is_no_doubt():
    """Nothing was sent; and when the carrier is back, it is back."""
    async with (
        carrier_with(TAKEN) as (near, server),
        Proxy(("127.0.0.1", port_of(near))) as proxy,
        HttpCarrier(some_options(proxy.port)) as carrier,
    ):
        assert await carrier.submit([some_submission()]) == [CarrierAccepted("c1")]
        proxy.refuse()
        proxy.cut()
        await until(lambda: proxy.open == 0)
        await asyncio.sleep(0.05)  # The loop hears of the closed connection.
        assert await carrier.submit([some_submission()]) == [CarrierTemporary("unreachable")]
        proxy.heal()
        assert await carrier.submit([some_submission()]) == [CarrierAccepted("c1")]
        assert len(server.bodies) == 2


async def test_cancelled_submissions_leave_nothing_open():
    """Five hundred of them, cancelled while the carrier is silent: every connection is closed."""
    open_now: set[asyncio.StreamWriter] = set()

    async def hear_and_say_nothing(reader, writer):
        open_now.add(writer)
        try:
            while await reader.read(1 << 16):
                pass
        except ConnectionError:
            pass
        finally:
            open_now.discard(writer)
            writer.close()

    listening = await asyncio.start_server(hear_and_say_nothing, "127.0.0.1", 0)
    async with listening, HttpCarrier(some_options(listening.sockets[0].getsockname()[1], window=50)) as carrier:
        for _ in range(10):
            tasks = [asyncio.create_task(carrier.submit([some_submission()])) for _ in range(50)]
            await until(lambda: len(open_now) >= 25)
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert {type(result) for result in results} == {asyncio.CancelledError}
            await until(lambda: not open_now)


def port_of(carrier):
    """Where a connector connects to."""
    return int(carrier._options.url.rpartition(":")[2])
