"""Faults: a killed server, a lost answer, a frozen server, full memory, a cancelled caller."""

import asyncio
import random

import pytest

from gateway.queue import (
    Accepted,
    Begin,
    Finish,
    OptOutRecord,
    OutcomeUnknown,
    QueueError,
    QueueUnavailable,
    Replayed,
    Status,
)
from gateway.queue.commit import GroupCommit
from gateway.queue.keys import entry_of
from gateway.queue.store import open_store
from gateway.queue.wire import Wire
from loadtests.faults.proxy import Direction, Proxy
from tests.gateway.queue.builders import (
    PAYLOAD,
    a_key,
    a_park,
    a_receipt,
    a_request,
    accepted,
    begun,
    check_conservation,
    owned,
    submitted,
)
from tests.valkey import Valkey


async def test_whatever_was_acknowledged_survives_a_crash():
    """Kill -9 under concurrent accepts, start again: every acknowledged message is there, with its bytes.

    Whoever did not get an answer asks again with the same key, and there is one message for each request in the end.
    """
    answers: dict[int, str] = {}
    unsure: set[int] = set()
    enough = asyncio.Event()

    def request(i):
        return a_request(b'{"n":%d}' % i, partition=i % 4, idempotency=a_key(str(i)))

    with Valkey() as server:
        async with open_store(server.url) as store, GroupCommit(store) as commit:

            async def client(numbers):
                for i in numbers:
                    try:
                        outcome = await commit.submit(request(i))
                    except QueueError:
                        unsure.add(i)
                        return
                    answers[i] = outcome.message_ids[0]
                    if len(answers) >= 1_500:
                        enough.set()

            clients = [asyncio.create_task(client(range(start, 100_000, 32))) for start in range(32)]
            await enough.wait()
            server.kill()
            await asyncio.gather(*clients)
            assert unsure

            server.start()
            for i in unsure:
                outcome = await commit.submit(request(i))
                assert isinstance(outcome, Accepted | Replayed)
                answers[i] = outcome.message_ids[0]
            numbers = list(answers)
            stored = await store.look([answers[i] for i in numbers])
            assert [one and one.payload for one in stored] == [b'{"n":%d}' % i for i in numbers]
            assert sum(counts.accepted for counts in await store.counts()) == len(answers)
            await check_conservation(store)


async def test_ends_and_receipts_survive_a_crash():
    """Not only accepts are on disk when they are answered: ends, retries, receipts, opt-outs, leases too."""
    with Valkey() as server:
        async with open_store(server.url) as store:
            delivered, epoch = await submitted(store)
            await store.receipts([a_receipt(delivered)])
            waiting, _ = await begun(store)
            await store.park(0, epoch, [a_park(waiting, attempt=1)])
            await store.put_opt_outs([OptOutRecord(tenant="t", recipient="+15550100", at_ms=1, keyword="STOP")])
            before = await store.look([delivered, waiting])
            server.kill()
            server.start()
            await asyncio.sleep(0.01)  # The loop hears of the closed connection.

            assert await store.look([delivered, waiting]) == before
            assert [one.id for one in await store.due(0, epoch, "acme", now_ms=9, count=9)] == [waiting]
            assert await store.opt_outs([("t", "+15550100")]) != [None]
            assert await store.own(0, "worker-2", 1) is None


class TestLostAnswer:
    async def test_the_outcome_is_unknown_and_asking_again_is_safe(self, valkey, store):
        """The server did it, the client never heard: no retry behind our back, and the same key gives one message."""
        async with Proxy(str(valkey.socket)) as proxy, open_store(f"redis://127.0.0.1:{proxy.port}") as far:
            request = a_request(idempotency=a_key())
            proxy.swallow_reply()
            (lost,) = await far.accept([request])
            assert isinstance(lost, OutcomeUnknown)
            assert (await store.counts())[0].accepted == 1

            (again,) = await far.accept([request])
            assert isinstance(again, Replayed)
            assert (await store.look(again.message_ids)) != [None]
            assert (await store.counts())[0].accepted == 1

    async def test_every_request_of_the_flush_is_unknown(self, valkey, store):
        """Also those without a key, and twins; on other partitions too."""
        async with Proxy(str(valkey.socket)) as proxy, open_store(f"redis://127.0.0.1:{proxy.port}") as far:
            requests = [
                a_request(),
                a_request(idempotency=a_key()),
                a_request(idempotency=a_key()),
                a_request(partition=3),
            ]
            proxy.swallow_reply()
            assert [type(outcome) for outcome in await far.accept(requests)] == [OutcomeUnknown] * 4
            assert sum(counts.accepted for counts in await store.counts()) == 3

    async def test_an_owners_call_may_be_repeated(self, valkey, store):
        """Finish, park, receipts: the second time changes nothing."""
        message_id, epoch = await begun(store)
        end = Finish(id=message_id, status=Status.SUBMITTED, attempt=1, code="doubt")
        async with Proxy(str(valkey.socket)) as proxy, open_store(f"redis://127.0.0.1:{proxy.port}") as far:
            proxy.swallow_reply()
            with pytest.raises(OutcomeUnknown):
                await far.finish(0, epoch, [end])
            assert await far.finish(0, epoch, [end]) == [Status.SUBMITTED]
        counts = (await store.counts())[0]
        assert (counts.doubts, counts.by_status[Status.SUBMITTED]) == (1, 1)

    async def test_a_connection_that_the_server_closed_is_noticed_before_it_is_used(self, store, raw):
        """An idle connection that died costs nobody an unknown outcome."""
        await accepted(store)
        raw.client_kill_filter(_type="normal", skipme=True)
        await asyncio.sleep(0.05)

        await accepted(store)


class TestIdleConnections:
    @pytest.mark.parametrize("reset", [True, False])
    async def test_one_that_ended_is_not_used(self, valkey, store, reset):
        """With a reset or politely: what is asked next is asked on a new one, and nothing is in doubt."""
        async with Proxy(str(valkey.socket)) as proxy, open_store(f"redis://127.0.0.1:{proxy.port}") as far:
            await asyncio.gather(*(far.counts() for _ in range(4)))
            proxy.cut(reset=reset)
            await until(lambda: proxy.open == 0)
            for _ in range(4):
                await accepted(far)

    async def test_one_that_went_dead_takes_the_others_with_it(self, valkey, store):
        """Nobody can see it, so one caller waits in vain; the others need not find out one by one."""
        async with (
            Proxy(str(valkey.socket)) as proxy,
            open_store(f"redis://127.0.0.1:{proxy.port}", timeout_s=1) as far,
        ):
            await asyncio.gather(*(far.counts() for _ in range(8)))
            assert proxy.open == 8
            proxy.half_open()
            (unknown,) = await far.accept([a_request()])
            assert isinstance(unknown, OutcomeUnknown)
            await until(lambda: proxy.open == 0)
            for _ in range(8):
                await accepted(far)

    async def test_a_stray_answer_is_nobodys(self, valkey, store):
        """Bytes that came while nobody asked, however they came: the connection is not used."""
        async with Proxy(str(valkey.socket)) as proxy, open_store(f"redis://127.0.0.1:{proxy.port}") as far:
            await far.counts()
            (idle,) = far._wire._idle
            idle._reader.feed_data(b"+OK\r\n")
            await accepted(far)
            assert proxy.connections == 2
            assert far._wire._idle[0] is idle
            assert proxy.passed(Direction.TO_CLIENT) > 0


async def until(condition) -> None:
    """Wait until a condition holds, for twenty seconds at most."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - a condition of the world, which signals nobody
            await asyncio.sleep(0.005)


class TestUnreachable:
    async def test_nothing_was_sent(self):
        """No server, no doubt: unavailable, for each request of the flush."""
        with Valkey() as server:
            async with open_store(server.url) as store:
                server.kill()
                await asyncio.sleep(0.01)  # The loop hears of the closed connection.
                outcomes = await store.accept([a_request(), a_request(partition=1)])
                with pytest.raises(QueueUnavailable, match="unreachable"):
                    await store.look(["0-1-1-0"])
        assert [(type(outcome), outcome.reason) for outcome in outcomes] == [(QueueUnavailable, "unreachable")] * 2
        assert outcomes[0] is not outcomes[1]

    async def test_a_frozen_server_is_not_waited_for(self):
        """Past the time limit: unknown where the command was sent, unavailable where there was no connection yet."""
        with Valkey() as server:
            async with open_store(server.url, timeout_s=1.0) as store:
                server.freeze()
                (sent,) = await store.accept([a_request()])
                (unsent,) = await store.accept([a_request()])
                server.thaw()
                await accepted(store)
        assert isinstance(sent, OutcomeUnknown)
        assert isinstance(unsent, QueueUnavailable)

    async def test_a_password_is_in_no_error(self):
        """Errors name the place, never the secret in the address."""
        wire = Wire("redis://user:secret@127.0.0.1:1/0?password=other", connections=1, timeout_s=1)
        (error,) = await wire.ask(("PING",))

        assert "127.0.0.1:1" in str(error)
        assert "secret" not in str(error)
        assert "other" not in str(error)


async def test_full_memory_stops_the_intake_and_nothing_else(store, raw):
    """Accepts and attachments are refused as full; whatever empties the store goes on."""
    ids = await accepted(store, *(a_request() for _ in range(4)))
    other, _ = await accepted(store, a_request(partition=1), a_request(partition=1))
    epoch = await owned(store)
    raw.config_set("maxmemory", 1)

    (refused,) = await store.accept([a_request()])
    assert isinstance(refused, QueueUnavailable)
    assert refused.reason == "full"
    with pytest.raises(QueueUnavailable, match="full"):
        await store.put_media("m", b"{}", b"body", ttl_s=9)

    await store.take(0, epoch, count=10, pending_after=None)
    (first, *_) = await store.begin(0, epoch, [Begin(id=one, payload=PAYLOAD) for one in ids[:2]])
    assert first.attempt == 1
    await store.finish(0, epoch, [Finish(id=ids[0], status=Status.SUBMITTED, attempt=1)])
    await store.receipts([a_receipt(ids[0])])
    await store.park(0, epoch, [a_park(ids[1], attempt=1), a_park(ids[2])])
    assert await store.cancel(ids[3], PAYLOAD) is Status.CANCELLED
    await store.acknowledge(0, epoch, [entry_of(ids[0])])
    assert len(await store.due(0, epoch, "acme", now_ms=9, count=9)) == 2
    await store.put_opt_outs([OptOutRecord(tenant="t", recipient="+15550100", at_ms=1, keyword="STOP")])
    await store.deliver_im("t", "ann", other, PAYLOAD)
    assert await store.own(1, "worker-1", 60_000) == 1
    await store.release(0, epoch)
    assert (await store.counts())[0].log_entries == 0
    assert await store.look([ids[0]]) != [None]
    await check_conservation(store)

    raw.config_set("maxmemory", 0)
    await accepted(store)


async def test_functions_that_are_gone_are_named(store, raw):
    """Somebody flushed the library: nothing is written, and the reason says so."""
    raw.function_flush()
    (outcome,) = await store.accept([a_request()])

    assert isinstance(outcome, QueueUnavailable)
    assert outcome.reason == "functions"


async def test_a_cancelled_caller_never_leaves_its_answer_to_another(valkey, raw):
    """Two hundred calls cancelled at random moments: everybody else gets their own answer, and no slot is lost."""
    for i in range(8):
        raw.set(f"k{i}", f"v{i}")
    wire = Wire(valkey.url, connections=4, timeout_s=5)
    draw = random.Random(1)
    answered = 0

    async def ask(i):
        nonlocal answered
        assert await wire.one(("GET", f"k{i}")) == b"v%d" % i
        answered += 1

    for _ in range(200):
        tasks = [asyncio.create_task(ask(draw.randrange(8))) for _ in range(4)]
        for _ in range(draw.randrange(6)):
            await asyncio.sleep(0)
        tasks[0].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(result is None for result in results[1:])
    assert answered >= 600
    await wire.close()
