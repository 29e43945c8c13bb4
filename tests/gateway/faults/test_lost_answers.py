"""Answers of the store that never arrive, and connections that break in the middle: one message for each key."""

import asyncio
import itertools

from gateway.queue import Accept, Accepted, Idempotency, OutcomeUnknown, QueueUnavailable, Replayed
from gateway.queue.commit import GroupCommit
from gateway.queue.store import QueueStore
from loadtests.faults.proxy import Direction, Lost, Proxy
from tests.gateway.faults.standing import NOT_NOW, assert_kept_once, far_store, standing, until_kept
from tests.gateway.queue.builders import a_key, a_request, check_conservation


async def test_one_answer_in_four_is_swallowed():
    """F20. The store did what it was asked, and the gateway never hears of it.

    The caller is told that nobody knows. A request with a key is repeated until it is accepted, and then there is one
    message for it; one without a key is not repeated by us, and there is one message for it too.
    """
    async with standing() as stand:
        edge, proxy = stand.edge, stand.proxy
        proxy.swallow_reply(2, every=4, containing=b"a2p_accept")
        kept: list[str] = []
        unknown = 0

        async def client(number: int) -> None:
            nonlocal unknown
            for n in range(12):
                kept.append((await until_kept(edge, f"{number}-{n}")).json["id"])
                answer = await edge.send()
                if answer.status == 202:
                    kept.append(answer.json["id"])
                else:
                    assert (answer.status, answer.json["code"]) == (503, "outcome_unknown"), answer.text
                    unknown += 1

        await asyncio.gather(*map(client, range(4)))
        assert proxy.swallowed >= 5
        # The store keeps each doubtful one without a key, once.
        assert (await edge.tally()).accepted == len(kept) + unknown == 4 * 12 * 2
        assert len(set(kept)) == len(kept)


async def test_silence_instead_of_a_reset(valkey, store):
    """F20. Nothing comes, not even an end: unknown after the time limit, and the late answer is nobody else's."""
    async with Proxy(str(valkey.socket)) as proxy, far_store(proxy, timeout_s=0.5) as far:
        ids: set[str] = set()
        for n in range(6):
            request = a_request(b'{"n":%d}' % n, idempotency=a_key(str(n)))
            proxy.swallow_reply(containing=b"a2p_accept", then=Lost.SILENCE)
            (lost,) = await far.accept([request])
            assert isinstance(lost, OutcomeUnknown)
            (again,) = await far.accept([request])
            assert isinstance(again, Replayed)
            (stored,) = await far.look(again.message_ids)
            assert stored is not None
            assert stored.payload == b'{"n":%d}' % n
            ids.update(again.message_ids)
        assert len(ids) == (await store.counts())[0].accepted == 6


class Sweep:
    """One flush of two requests on two partitions, again and again with new keys, broken each time elsewhere."""

    def __init__(self, proxy: Proxy, far: QueueStore) -> None:
        self._proxy = proxy
        self._far = far
        self._turn = 0
        #: Every message, by the key of its request.
        self.ids: dict[bytes, tuple[str, ...]] = {}

    def requests(self) -> dict[bytes, Accept]:
        """Make the next flush, as many bytes as the one before."""
        self._turn += 1
        names = [f"{self._turn:04}-{n}".encode() for n in range(2)]
        return {
            name: Accept(n, messages=(b"m" + name,), idempotency=Idempotency(name, fingerprint=b"f", answer=b"{}"))
            for n, name in enumerate(names)
        }

    async def size(self, direction: Direction) -> int:
        """Measure one whole flush."""
        await self._far.counts()  # There is a connection.
        before = self._proxy.passed(direction)
        for name, outcome in (await self._flush(self.requests())).items():
            assert isinstance(outcome, Accepted)
            self.ids[name] = outcome.message_ids
        return self._proxy.passed(direction) - before

    async def break_at(self, byte: int, direction: Direction) -> set[type]:
        """Break a flush there, repeat it, and repeat it once more; the outcomes of the broken one."""
        await self._far.counts()
        requests = self.requests()
        self._proxy.reset_after(byte, direction)
        first = await self._flush(requests)
        self._proxy.heal()
        second = await self._flush(requests)
        if OutcomeUnknown in map(type, second.values()):
            assert OutcomeUnknown not in map(type, first.values())  # The reset came late, and met this one.
            second = await self._flush(requests)
        third = await self._flush(requests)
        for name in requests:
            assert isinstance(third[name], Replayed)
            assert isinstance(second[name], Accepted | Replayed)
            assert second[name].message_ids == third[name].message_ids
            if isinstance(first[name], Accepted):
                assert first[name].message_ids == third[name].message_ids
            self.ids[name] = third[name].message_ids
        return {type(outcome) for outcome in first.values()}

    async def _flush(self, requests: dict[bytes, Accept]) -> dict[bytes, object]:
        async with GroupCommit(self._far) as commit:
            outcomes = await asyncio.gather(*map(commit.submit, requests.values()), return_exceptions=True)
        return dict(zip(requests, outcomes, strict=True))


async def check_sweep(sweep: Sweep, store: QueueStore) -> None:
    """One message for each key, with the bytes of its request."""
    ids = [message_id for ids in sweep.ids.values() for message_id in ids]
    assert len(ids) == len(set(ids)) == len(sweep.ids)
    stored = await store.look(ids)
    assert [one and one.payload for one in stored] == [b"m" + name for name in sweep.ids]
    assert sum(counts.accepted for counts in await store.counts()) == len(ids)
    await check_conservation(store)


async def test_a_reset_at_every_byte_of_the_request(valkey, store):
    """F21. Whatever part of a flush reached the store: repeated with the same keys, one message each, the same id."""
    async with Proxy(str(valkey.socket)) as proxy, far_store(proxy) as far:
        sweep = Sweep(proxy, far)
        size = await sweep.size(Direction.TO_SERVER)
        assert size > 200
        for byte in range(size + 1):
            assert await sweep.break_at(byte, Direction.TO_SERVER) == {OutcomeUnknown}
        await check_sweep(sweep, store)


async def test_a_reset_at_every_byte_of_the_answer(valkey, store):
    """F21. The store did it; whatever part of the answer arrived, the same."""
    async with Proxy(str(valkey.socket)) as proxy, far_store(proxy) as far:
        sweep = Sweep(proxy, far)
        size = await sweep.size(Direction.TO_CLIENT)
        assert size > 50
        for byte in range(size + 1):
            outcomes = await sweep.break_at(byte, Direction.TO_CLIENT)
            assert outcomes <= {OutcomeUnknown, Accepted}
            assert byte >= size // 2 or OutcomeUnknown in outcomes
        await check_sweep(sweep, store)


async def test_resets_under_load():
    """F21. The gateway's connections break at random bytes while eight callers send: one message for each key."""
    async with standing() as stand:
        edge, proxy = stand.edge, stand.proxy
        kept: list[str] = []
        done = asyncio.Event()

        async def client(number: int) -> None:
            for n in itertools.count():
                if n >= 15 and proxy.connections > 8:
                    break
                answer = await until_kept(edge, f"{number}-{n}")
                kept.append(answer.json["id"])

        async def nemesis() -> None:
            byte = 0
            while not done.is_set():
                byte = (byte + 97) % 1_400
                proxy.reset_after(byte, Direction.TO_SERVER if byte % 2 else Direction.TO_CLIENT)
                await asyncio.sleep(0.05)

        breaking = asyncio.create_task(nemesis())
        try:
            await asyncio.gather(*map(client, range(8)))
        finally:
            done.set()
            await breaking
        proxy.heal()
        await assert_kept_once(edge, kept)


async def test_nobody_is_told_more_than_is_known():
    """The codes that a caller gets for these faults are a closed set, and none of them says refused."""
    async with standing() as stand:
        seen: set[str] = set()
        for fault in (stand.proxy.refuse, stand.proxy.cut, stand.proxy.half_open):
            fault()
            stand.proxy.cut()
            stand.proxy.swallow_reply(containing=b"a2p_accept")
            answer = await stand.edge.send(idempotency_key="key")
            seen.add(answer.json.get("code", "accepted"))
            stand.proxy.heal()
        assert seen <= NOT_NOW
        await until_kept(stand.edge, "key")
        assert (await stand.edge.tally()).accepted == 1


async def test_a_store_that_refuses_connections(valkey, store):
    """Nothing was sent, so nothing is in doubt; and the first call after that is served."""
    async with Proxy(str(valkey.socket)) as proxy, far_store(proxy) as far:
        proxy.refuse()
        proxy.cut()
        await asyncio.sleep(0.05)  # The loop hears of the closed connections.
        (refused,) = await far.accept([a_request()])
        assert isinstance(refused, QueueUnavailable)
        assert refused.reason == "unreachable"
        proxy.heal()
        (kept,) = await far.accept([a_request()])
        assert isinstance(kept, Accepted)
        assert (await store.counts())[0].accepted == 1
