"""The wire: nobody gets somebody else's answer, nothing is sent twice, nothing waits without end, nothing leaks."""

import asyncio
import random
import re
from pathlib import Path

import pytest

from gateway.queue import OutcomeUnknown, QueueError, QueueUnavailable
from gateway.queue.wire import Wire
from loadtests.faults.proxy import Direction, Lost, Proxy

QUEUE = Path(__file__).parents[3] / "gateway" / "queue"


@pytest.fixture
async def proxy(valkey):
    """The server behind a proxy."""
    async with Proxy(str(valkey.socket), seed=1) as running:
        yield running


def a_wire(proxy, *, connections=4, timeout_s=20.0):
    """A wire by way of the proxy."""
    return Wire(f"redis://127.0.0.1:{proxy.port}/0", connections=connections, timeout_s=timeout_s)


def in_use(wire, connections):
    """How many connections somebody has."""
    return connections - wire._room._value


async def until(condition):
    """Wait until a condition holds, for twenty seconds at most."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - a condition of the world, which signals nobody
            await asyncio.sleep(0.005)


class TestCancelled:
    async def test_hundreds_of_cancels_at_random_moments(self, proxy):
        """While it connects, waits for its turn, sends, or reads: the others' answers are theirs, and nothing leaks."""
        wire, draw = a_wire(proxy), random.Random(1)
        proxy.slow(jitter_s=0.002)
        cancelled = answered = turn = 0

        async def ask(name):
            words = [f"{name}-{n}".encode() for n in range(draw.randrange(1, 4))]
            return await wire.all(*(("ECHO", word) for word in words)) == words

        # How many are answered before they are cancelled is up to the machine.
        while cancelled < 200 or not answered:
            turn += 1
            tasks = [asyncio.create_task(ask(f"{turn}-{n}")) for n in range(8)]
            for task in tasks[:4]:
                await asyncio.sleep(draw.random() * 0.003)
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert results[4:] == [True] * 4
            cancelled += sum(isinstance(result, asyncio.CancelledError) for result in results[:4])
            answered += results[:4].count(True)
            assert in_use(wire, 4) == 0

        proxy.heal()
        await until(lambda: proxy.open == len(wire._idle))
        assert proxy.most_open <= 4 + cancelled  # Those thrown away may still be on their way out.
        assert await asyncio.gather(*map(ask, "abcdefgh")) == [True] * 8
        await wire.close()
        await until(lambda: proxy.open == 0)

    @pytest.mark.parametrize("turns", range(12))
    async def test_a_cancel_in_each_turn_of_the_loop(self, valkey, turns):
        """However far it came, its connection is thrown away or clean."""
        wire = Wire(valkey.url, connections=1, timeout_s=20)
        for _ in range(5):
            task = asyncio.create_task(wire.one(("ECHO", "mine")))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert in_use(wire, 1) == 0
            assert await wire.one(("ECHO", "yours")) == b"yours"
        await wire.close()


class TestOnce:
    @pytest.mark.parametrize("lost", list(Lost))
    async def test_a_lost_answer_is_not_asked_for_again(self, proxy, raw, lost):
        """Neither after a reset nor after silence: the server did it once, and we do not know."""
        wire = a_wire(proxy, timeout_s=0.5)
        await wire.one(("PING",))
        proxy.swallow_reply(containing=b"INCR", then=lost)
        with pytest.raises(OutcomeUnknown):
            await wire.one(("INCR", "n"))
        assert await wire.one(("PING",)) == b"PONG"
        assert raw.get("n") == b"1"
        await wire.close()

    async def test_the_answers_before_the_loss_count(self, proxy, raw):
        """Of three commands in one go the first was answered."""
        wire = a_wire(proxy)
        await wire.one(("PING",))
        proxy.reset_after(len("+OK\r\n:1"), Direction.TO_CLIENT)
        first, *others = await wire.ask(("SET", "a", "1"), ("INCR", "n"), ("INCR", "n"))
        # The reset may be read before what came before it.
        assert first == b"OK" or isinstance(first, OutcomeUnknown)
        assert [type(one) for one in others] == [OutcomeUnknown] * 2
        assert raw.get("n") == b"2"
        await wire.close()


class TestLimits:
    async def test_who_finds_no_connection_waits(self, proxy):
        """Forty at once over two connections: all are answered, and there were never three."""
        wire = a_wire(proxy, connections=2)
        proxy.slow(Direction.TO_CLIENT, delay_s=0.005)
        answers = await asyncio.gather(*(wire.one(("ECHO", f"{n}")) for n in range(40)))
        assert answers == [b"%d" % n for n in range(40)]
        assert proxy.connections == 2
        await wire.close()

    async def test_but_not_for_ever(self, proxy):
        """The wait for a connection counts: who never sent anything knows that nothing happened."""
        wire = a_wire(proxy, connections=1, timeout_s=0.5)
        await wire.one(("PING",))
        proxy.stall()
        sent = asyncio.create_task(wire.one(("PING",)))
        await asyncio.sleep(0)
        results = await asyncio.gather(sent, *(wire.one(("PING",)) for _ in range(3)), return_exceptions=True)
        assert isinstance(results[0], OutcomeUnknown)
        assert all(isinstance(result, QueueError) for result in results)
        assert any(isinstance(result, QueueUnavailable) for result in results[1:])
        assert in_use(wire, 1) == 0
        proxy.heal()
        assert await wire.one(("PING",)) == b"PONG"
        await wire.close()

    async def test_a_command_that_blocks_longer_than_the_limit(self, proxy, raw):
        """It fails in time, and its late answer is nobody's."""
        wire = a_wire(proxy, connections=1, timeout_s=0.5)
        with pytest.raises(OutcomeUnknown):
            await wire.one(("BLPOP", "list", "30"))
        raw.rpush("list", "late")
        assert await wire.one(("ECHO", "mine")) == b"mine"
        await wire.close()

    def test_no_command_of_ours_blocks(self):
        """What a server answers late it answers late for whoever shares the connection."""
        sources = [*QUEUE.glob("*.py"), *QUEUE.glob("functions/*.lua")]
        assert len(sources) > 10
        assert [path.name for path in sources if re.search(r"\b(BLOCK|BLPOP|BLMOVE|WAIT)\b", path.read_text())] == []
