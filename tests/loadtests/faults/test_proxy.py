"""The fault proxy: each fault does what it says, to the byte, and heal() ends it."""

import asyncio
import contextlib
import gc
import os
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from loadtests.faults.proxy import Direction, End, Lost, Proxy
from loadtests.faults.proxy_flow import Exchange, Swallowing

BOTH = tuple(Direction)


class EchoServer:
    """Answers each byte with itself, and remembers what it heard and how connections ended."""

    def __init__(self) -> None:
        self.heard = b""
        self.ends: list[str] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Echo until the client says no more."""
        try:
            while data := await reader.read(1 << 16):
                self.heard += data
                writer.write(data)
                await writer.drain()
            self.ends.append("end")
        except ConnectionError:
            self.ends.append("reset")
        finally:
            writer.close()

    async def until_ended(self, *ends: str) -> None:
        """Wait until so many connections ended, each in this way."""
        async with asyncio.timeout(20):
            while len(self.ends) < len(ends):  # noqa: ASYNC110 - the server's side is told by nobody
                await asyncio.sleep(0.005)
        assert sorted(self.ends) == sorted(ends)


@pytest.fixture
async def echo() -> AsyncIterator[EchoServer]:
    """A server behind the proxy."""
    echo = EchoServer()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    echo.port = server.sockets[0].getsockname()[1]
    yield echo
    server.close()


@pytest.fixture
async def proxy(echo: EchoServer) -> AsyncIterator[Proxy]:
    """A proxy without faults."""
    async with Proxy(("127.0.0.1", echo.port), seed=1) as running:
        yield running


class Client:
    """One connection through the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, data: bytes) -> bytes:
        """Say something and hear as many bytes; fewer when the connection ends first."""
        self.writer.write(data)
        return await self.hear(len(data))

    async def hear(self, size: int) -> bytes:
        """Hear so many bytes; fewer when the connection ends first."""
        try:
            async with asyncio.timeout(20):
                return await self.reader.readexactly(size)
        except asyncio.IncompleteReadError as short:
            return short.partial

    async def pour(self, size: int) -> None:
        """Say very much, in little time: TimeoutError when it is not taken."""
        async with asyncio.timeout(1):
            for _ in range(0, size, 1 << 20):
                self.writer.write(b"x" * (1 << 20))
                await self.writer.drain()

    async def silent(self) -> bool:
        """Say whether nothing comes for a while."""
        try:
            async with asyncio.timeout(0.2):
                await self.reader.read(1)
        except TimeoutError:
            return True
        return False


@contextlib.asynccontextmanager
async def connected(proxy: Proxy) -> AsyncIterator[Client]:
    """Connect, with one word and its echo so that the connection is surely made at both ends."""
    client = Client(*await asyncio.open_connection("127.0.0.1", proxy.port))
    try:
        assert await client.ask(b"!") == b"!"
        yield client
    finally:
        client.writer.close()
        with contextlib.suppress(ConnectionError):
            await client.writer.wait_closed()


class TestWithoutFaults:
    async def test_bytes_pass_both_ways_in_order(self, proxy, echo):
        """More than any buffer holds, at once in both directions."""
        data = os.urandom(3 << 20)
        async with connected(proxy) as client:
            client.writer.write(data)
            assert await client.hear(len(data)) == data
        assert echo.heard == b"!" + data
        assert {proxy.passed(direction) for direction in BOTH} == {len(data) + 1}

    async def test_the_end_of_one_direction_leaves_the_other(self, proxy, echo):
        """A client that has said all still hears the answer."""
        async with connected(proxy) as client:
            client.writer.write(b"last words")
            client.writer.write_eof()
            assert await client.reader.read() == b"last words"
        await echo.until_ended("end")

    async def test_connections_are_counted(self, proxy):
        """All there ever were, those open now, and the most at once."""
        async with connected(proxy), connected(proxy):
            assert (proxy.connections, proxy.open) == (2, 2)
        await until(lambda: proxy.open == 0)
        async with connected(proxy):
            assert (proxy.connections, proxy.open, proxy.most_open) == (3, 1, 2)

    async def test_a_server_on_a_unix_socket(self, echo, tmp_path):
        """The address may be a path."""
        path = str(tmp_path / "s")
        server = await asyncio.start_unix_server(echo.serve, path)
        async with Proxy(path) as proxy, connected(proxy) as client:
            assert await client.ask(b"hello") == b"hello"
        server.close()

    async def test_a_server_that_is_not_there(self):
        """The connection is made, and reset."""
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            async with Proxy(nobody.getsockname()) as proxy:
                reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
                with pytest.raises(ConnectionResetError):
                    await reader.read(1)
                writer.close()

    async def test_it_leaves_nothing_behind(self, echo):
        """Open, stalled and half-open connections: all sockets are closed at the end, and the port is free."""
        before = open_files()
        async with Proxy(("127.0.0.1", echo.port)) as proxy:
            clients = [await asyncio.open_connection("127.0.0.1", proxy.port) for _ in range(6)]
            await until(lambda: proxy.open == 6)
            proxy.half_open()
            clients += [await asyncio.open_connection("127.0.0.1", proxy.port) for _ in range(6)]
            proxy.stall()
            for _, writer in clients:
                writer.write(b"x" * 9)
            await asyncio.sleep(0.01)
        for _, writer in clients:
            writer.close()
        await until(lambda: open_files() == before)
        with socket.socket() as again:
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            again.bind(("127.0.0.1", proxy.port))
        gc.collect()  # A socket that was forgotten warns, and a warning is an error.

    @pytest.mark.parametrize("turns", range(24))
    async def test_it_may_be_closed_at_any_moment(self, echo, turns):
        """In whichever turn of the loop: while connections are made, carry, or are on their way out."""
        before = open_files()
        async with Proxy(("127.0.0.1", echo.port)) as proxy:
            made = await asyncio.open_connection("127.0.0.1", proxy.port)
            assert await Client(*made).ask(b"hello") == b"hello"
            made[1].close()
            _, late = await asyncio.open_connection("127.0.0.1", proxy.port)
            for _ in range(turns):
                await asyncio.sleep(0)
        late.close()
        await until(lambda: open_files() == before)
        gc.collect()


class TestSlow:
    @pytest.mark.parametrize("direction", BOTH)
    async def test_delay(self, proxy, direction):
        """Each word takes at least so long, and order stays."""
        async with connected(proxy) as client:
            proxy.slow(direction, delay_s=0.1)
            began = time.monotonic()
            assert await client.ask(b"one") == b"one"
            assert time.monotonic() - began >= 0.1
            proxy.heal()
            assert await client.ask(b"two") == b"two"

    async def test_words_fly_at_the_same_time(self, proxy):
        """A delay is no narrow place: fifty words said at once take one delay together, not fifty."""
        async with connected(proxy) as client:
            proxy.slow(delay_s=0.5)
            began = time.monotonic()
            for n in range(50):
                client.writer.write(b"%02d" % n)
                await asyncio.sleep(0)
            assert await client.hear(100) == b"".join(b"%02d" % n for n in range(50))
            assert 1.0 <= time.monotonic() - began < 20

    async def test_jitter_keeps_the_order(self, proxy):
        """However the delays are drawn."""
        async with connected(proxy) as client:
            proxy.slow(jitter_s=0.05)
            for n in range(40):
                client.writer.write(b"%02d" % n)
                await asyncio.sleep(0.001)
            assert await client.hear(80) == b"".join(b"%02d" % n for n in range(40))

    async def test_bandwidth_is_shared(self, proxy):
        """Two connections together get what the line has."""
        async with connected(proxy) as one, connected(proxy) as other:
            proxy.slow(Direction.TO_SERVER, bytes_per_s=20_000)
            began = time.monotonic()
            answers = await asyncio.gather(one.ask(b"a" * 5_000), other.ask(b"b" * 5_000))
            assert time.monotonic() - began >= 0.5
        assert answers == [b"a" * 5_000, b"b" * 5_000]


class TestStall:
    async def test_one_direction(self, proxy, echo):
        """The server hears and answers; nothing comes back before heal(), and then all of it."""
        async with connected(proxy) as client:
            proxy.stall(Direction.TO_CLIENT)
            client.writer.write(b"hello")
            await until(lambda: echo.heard == b"!hello")
            assert await client.silent()
            proxy.heal()
            assert await client.hear(5) == b"hello"

    async def test_the_other_direction(self, proxy, echo):
        """The server hears nothing, not even that the client is gone."""
        async with connected(proxy) as client:
            proxy.stall(Direction.TO_SERVER)
            client.writer.write(b"hello")
            assert await client.silent()
        assert (echo.heard, echo.ends) == (b"!", [])
        proxy.heal()
        await until(lambda: echo.heard == b"!hello")

    async def test_a_stalled_line_fills(self, proxy):
        """What is held back is bounded: in the end the sender cannot go on."""
        async with connected(proxy) as client:
            proxy.stall()
            client.writer.transport.set_write_buffer_limits(0)
            with pytest.raises(TimeoutError):
                await client.pour(64 << 20)
            client.writer.transport.abort()


class TestReset:
    @pytest.mark.parametrize("size", [0, 1, 4, 5])
    async def test_after_so_many_bytes_to_the_server(self, proxy, echo, size):
        """Exactly so many reach it, and both ends see a reset. Once: the next connection is fine."""
        async with connected(proxy) as client:
            proxy.reset_after(size, Direction.TO_SERVER)
            client.writer.write(b"hello")
            with pytest.raises(ConnectionResetError):
                await client.hear(size + 1)
        await echo.until_ended("reset")
        assert echo.heard == b"!" + b"hello"[:size]
        async with connected(proxy):
            pass

    @pytest.mark.parametrize("size", [0, 1, 4, 5])
    async def test_after_so_many_bytes_to_the_client(self, proxy, echo, size):
        """The server did all of it; the client hears so much of the answer and no more."""
        async with connected(proxy) as client:
            proxy.reset_after(size, Direction.TO_CLIENT)
            client.writer.write(b"hello")
            if size:
                assert await client.hear(size) == b"hello"[:size]
            with pytest.raises(ConnectionResetError):
                await client.hear(1)
        await echo.until_ended("reset")
        assert echo.heard == b"!hello"

    async def test_it_counts_over_all_connections(self, proxy):
        """Whoever has the last byte is hit."""
        async with connected(proxy) as one, connected(proxy) as other:
            proxy.reset_after(8, Direction.TO_SERVER)
            assert await one.ask(b"hello") == b"hello"
            with pytest.raises(ConnectionResetError):
                await other.ask(b"hello")
            assert await one.ask(b"again") == b"again"

    async def test_cut(self, proxy, echo):
        """Everybody at once, at both ends; whoever comes back is served."""
        async with connected(proxy) as one, connected(proxy) as other:
            proxy.cut()
            for client in (one, other):
                with pytest.raises(ConnectionResetError):
                    await client.hear(1)
        await echo.until_ended("reset", "reset")
        async with connected(proxy):
            pass

    async def test_cut_politely(self, proxy, echo):
        """Both ends see the end of the stream."""
        async with connected(proxy) as client:
            proxy.cut(reset=False)
            assert await client.hear(1) == b""
        await echo.until_ended("end")


class TestSwallow:
    async def test_the_nth_answer(self, proxy, echo):
        """The server did it, the client gets a reset; others' answers come. Once."""
        async with connected(proxy) as client:
            proxy.swallow_reply(3)
            for word in (b"one", b"two"):
                assert await client.ask(word) == word
            with pytest.raises(ConnectionResetError):
                await client.ask(b"three")
        async with connected(proxy) as client:
            for word in (b"four", b"five", b"six"):
                assert await client.ask(word) == word
        assert echo.heard == b"!onetwothree!fourfivesix"
        assert proxy.swallowed == 1

    async def test_every_so_many(self, proxy):
        """Counted over all connections."""
        lost = 0
        proxy.swallow_reply(2, every=3, containing=b"n")
        for _ in range(12):
            async with connected(proxy) as client:
                try:
                    assert await client.ask(b"n") == b"n"
                except ConnectionResetError:
                    lost += 1
        assert lost == proxy.swallowed == 4  # Of 12: the 2nd, 5th, 8th, 11th.

    async def test_in_silence(self, proxy, echo):
        """The connection stays, and the next question has its own answer."""
        async with connected(proxy) as client:
            proxy.swallow_reply(then=Lost.SILENCE)
            client.writer.write(b"one")
            assert await client.silent()
            assert await client.ask(b"two") == b"two"
        assert echo.heard == b"!onetwo"

    async def test_only_requests_with_a_mark_are_counted(self, proxy):
        """The others are answered."""
        async with connected(proxy) as client:
            proxy.swallow_reply(2, containing=b"accept", then=Lost.SILENCE)
            for word in (b"other", b"accept", b"other"):
                assert await client.ask(word) == word
            client.writer.write(b"accept")
            await until(lambda: proxy.swallowed > 0)
            assert await client.ask(b"other") == b"other"

    async def test_a_mark_may_come_in_pieces(self):
        """A request is counted once, however it is cut and however often the mark is in it."""
        rule = Swallowing()
        rule.begin(2, every=None, containing=b"accept", then=Lost.RESET)
        exchange = Exchange(rule)
        lost = []
        for request in ((b"acc", b"ept accept"), (b"a", b"cce", b"pt"), (b"accept",)):
            for piece in request:
                exchange.asks(piece)
            lost += [exchange.answers(), exchange.answers()]

        assert lost == [None, None, Lost.RESET, Lost.RESET, None, None]
        assert rule.swallowed == 1

    async def test_heal(self, proxy):
        """Nothing more is swallowed."""
        async with connected(proxy) as client:
            proxy.swallow_reply(1, every=1)
            proxy.heal()
            assert await client.ask(b"one") == b"one"


class TestRefuse:
    async def test_connections_are_refused_and_open_ones_stay(self, proxy):
        """At once, on the same port; and heal() opens it again."""
        async with connected(proxy) as client:
            proxy.refuse()
            for _ in range(2):
                with pytest.raises(ConnectionRefusedError):
                    await asyncio.open_connection("127.0.0.1", proxy.port)
            assert await client.ask(b"still here") == b"still here"
            proxy.heal()
            async with connected(proxy) as other:
                assert await other.ask(b"back") == b"back"
        proxy.refuse()
        proxy.heal()
        proxy.refuse()


class TestHalfOpen:
    async def test_the_server_is_gone(self, proxy, echo):
        """It saw a reset; the client hears nothing, and says what it likes to nobody. New connections are whole."""
        async with connected(proxy) as client:
            proxy.half_open()
            await echo.until_ended("reset")
            client.writer.write(b"anybody?")
            assert await client.silent()
            async with connected(proxy) as other:
                assert await other.ask(b"hello") == b"hello"
            proxy.heal()
            with pytest.raises(ConnectionResetError):
                await client.hear(1)
        assert b"anybody?" not in echo.heard

    async def test_the_client_is_gone(self, proxy, echo):
        """The server keeps its connection, until heal()."""
        async with connected(proxy) as client:
            proxy.half_open(End.CLIENT)
            with pytest.raises(ConnectionResetError):
                await client.hear(1)
            assert (proxy.open, echo.ends) == (1, [])
            proxy.heal()
            await echo.until_ended("reset")


async def test_it_leaves_the_loop_in_order(proxy):
    """Faults set and healed in every order, with traffic: nothing crashes, and the last state is a clean line."""
    async with connected(proxy):
        for fault in (proxy.stall, proxy.refuse, proxy.cut, proxy.half_open, proxy.slow, proxy.swallow_reply):
            fault()
            proxy.heal()
            fault()
            fault()
            proxy.heal()
            async with connected(proxy) as client:
                assert await client.ask(b"fine") == b"fine"


def open_files() -> int:
    """How many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def until(condition) -> None:
    """Wait until a condition holds, for twenty seconds at most."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - a condition of the world, which signals nobody
            await asyncio.sleep(0.005)
