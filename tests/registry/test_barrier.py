"""When a change is effective: nobody can judge by what was before, whatever the processes and the store do."""

import asyncio
import contextlib
import dataclasses

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from compliance import documents
from compliance.documents import MARK_KEY, PROCESSES_KEY
from metrics.registry import RegistryMetrics
from registry import barrier as barriers
from registry.barrier import PATIENCE_S, RUN_OUT_S, SILENT_MS, Barrier, How
from registry.store import Follower, Followers, Mark, boot_time
from registry.tasks import stop
from tests.registry.admin import in_store, serving, two_companies
from tests.registry.builders import DID, eventually, follow
from tests.valkey import Valkey

NUMBER = f"/v1/numbers/{DID}"
OFF, ON = {"assignment": None}, {"assignment": {"campaign_id": "CACME"}}


class Process:
    """A gateway that follows: it has what it read at the last step."""

    def __init__(self, redis, name="gateway:1"):
        self.redis, self.name = redis, name
        self.epoch = self.seq = 0
        #: It says that it lives, and reads nothing.
        self.stuck = False

    async def step(self):
        """Say what it has; then read."""
        epoch, seq, _, _ = await follow(self.redis, self.name, self.epoch, self.seq)
        if epoch and not self.stuck:
            self.epoch, self.seq = int(epoch), int(seq)

    async def run(self):
        """Follow, several times a second."""
        while True:
            await self.step()
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def living(process):
    """Let a process run for the length of the block."""
    task = asyncio.create_task(process.run())
    try:
        yield process
    finally:
        await stop(task)


@pytest.fixture
def server():
    """A store of the test's own: it is stopped, or outlives its registry."""
    with Valkey() as server:
        yield server


@pytest.fixture
async def texts(database):
    """Keys of two companies in the database."""
    return await two_companies(database)


def counted(instruments, outcome):
    """How many waits ended so."""
    return instruments.get_sample_value("registry_barriers_total", {"outcome": outcome})


class TestServed:
    async def test_processes_that_read_it_make_it_effective(self, settings, texts, server):
        """All of them; and the registry counts them."""
        async with in_store(server.url) as (redis, _), serving(settings, server.url, texts) as api:
            async with living(Process(redis)), living(Process(redis, "worker:1")):

                async def both():
                    return "registry_processes 2.0" in await api.metrics()

                await eventually(both)
                answer = await api.patch(NUMBER, OFF)
                told = answer.body["change"]

                assert (answer.status, told["effective"], told["by"]) == (200, True, "processes")
                notes = [note.split() for note in (await redis.hgetall(PROCESSES_KEY)).values()]
                assert all(int(seq) >= told["seq"] for _, seq, _ in notes)
            metrics = await api.metrics()
            assert 'registry_barriers_total{outcome="processes"} 1.0' in metrics
            assert "registry_effective_seconds_count 1.0" in metrics

    async def test_one_that_lives_and_lags_is_waited_for(self, settings, texts, server):
        """The answer comes once it has caught up, not before."""
        async with in_store(server.url) as (redis, store), serving(settings, server.url, texts) as api:
            process = Process(redis)
            await process.step()
            process.stuck = True
            async with living(process):
                asked = asyncio.create_task(api.patch(NUMBER, OFF))

                async def applied():
                    return documents.load_number(await redis.get(documents.number_key(DID))).assignment is None

                await eventually(applied)
                for _ in range(10):  # It looks again and again, and sees that one is missing.
                    await process.step()
                    assert not asked.done()
                process.stuck = False
                answer = await asked

            assert (answer.status, answer.body["change"]["by"]) == (200, "processes")
            assert (await store.followers()).processes[0].seq >= answer.body["change"]["seq"]

    async def test_one_that_never_reads_it_is_told_with_202(self, settings, texts, server, monkeypatch):
        """The change is kept; the words say who is awaited. Asked again it is waited for again."""
        monkeypatch.setattr(barriers, "PATIENCE_S", 0.2)
        async with in_store(server.url) as (redis, _), serving(settings, server.url, texts) as api:
            process = Process(redis)
            process.stuck = True
            async with living(process):
                await eventually(lambda: redis.exists(PROCESSES_KEY))
                answer = await api.patch(NUMBER, OFF)
                assert (answer.status, answer.body["assignment"]) == (202, None)
                assert answer.body["change"] == {
                    "seq": answer.body["change"]["seq"],
                    "effective": False,
                    "awaits": "The change is kept. 1 of 1 processes may not have read the change yet.",
                }
                monkeypatch.setattr(barriers, "PATIENCE_S", PATIENCE_S)
                process.stuck = False
                assert (await api.patch(NUMBER, OFF)).status == 200
            assert 'registry_barriers_total{outcome="not_yet"} 1.0' in await api.metrics()

    async def test_a_silent_one_is_waited_out(self, settings, texts, server):
        """By the store's clock: as long as its facts can be live."""
        async with in_store(server.url) as (redis, store), serving(settings, server.url, texts) as api:
            seconds, micros = await redis.time()
            said_ms = seconds * 1000 + micros // 1000 - SILENT_MS + 1000
            await redis.hset(PROCESSES_KEY, "gateway:dead", f"1 0 {said_ms}")
            answer = await api.patch(NUMBER, OFF)

            assert (answer.status, answer.body["change"]["by"]) == (200, "processes")
            assert (await store.followers()).processes[0].age_ms >= SILENT_MS

    async def test_a_frozen_store_is_waited_out(self, settings, texts, server):
        """Without an apply the facts run out by themselves; when it thaws, the change is there before they live."""
        async with in_store(server.url) as (redis, _), serving(settings, server.url, texts) as api:
            marked_ms = int(await redis.hget(MARK_KEY, "at_ms"))
            server.freeze()
            before = boot_time()
            answer = await api.patch(NUMBER, OFF)
            told = answer.body["change"]

            assert (answer.status, told["by"]) == (200, "leases")
            assert RUN_OUT_S <= told["effective_after_ms"] / 1000 <= boot_time() - before
            server.thaw()

            async def alive_again():
                return int(await redis.hget(MARK_KEY, "at_ms")) > marked_ms + told["effective_after_ms"]

            await eventually(alive_again)
            assert documents.load_number(await redis.get(documents.number_key(DID))).assignment is None

    async def test_a_dead_store_is_waited_out(self, settings, texts, server, monkeypatch):
        """The last apply and the commit count, whichever is later."""
        async with serving(settings, server.url, texts) as api:
            server.kill()
            monkeypatch.setattr(barriers, "PATIENCE_S", 0.2)
            refused = await api.patch(NUMBER, OFF)
            monkeypatch.setattr(barriers, "PATIENCE_S", PATIENCE_S)
            monkeypatch.setattr(barriers, "RUN_OUT_S", 0.5)
            answer = await api.patch(NUMBER, OFF)

            assert (refused.status, refused.body["change"]["effective"]) == (202, False)
            assert "does not answer" in refused.body["change"]["awaits"]
            assert (answer.status, answer.body["change"]["by"]) == (200, "leases")
            assert answer.body["change"]["effective_after_ms"] >= 500

    async def test_a_registry_that_was_restarted_knows_whom_to_wait_for(self, settings, texts, server, monkeypatch):
        """The processes are in the store, not in its memory."""
        async with in_store(server.url) as (redis, _):
            process = Process(redis)
            async with serving(settings, server.url, texts) as api:
                await process.step()
                await process.step()
                process.stuck = True
                await process.step()
            async with living(process), serving(settings, server.url, texts) as api:
                monkeypatch.setattr(barriers, "PATIENCE_S", 0.2)
                assert (await api.patch(NUMBER, OFF)).status == 202
                process.stuck = False
                monkeypatch.setattr(barriers, "PATIENCE_S", PATIENCE_S)
                assert (await api.patch(NUMBER, OFF)).status == 200

    async def test_nobody_is_kept_waiting_at_the_end(self, settings, texts, server):
        """A registry that is told to stop answers 202 at once; the change is in the database."""
        async with in_store(server.url) as (redis, _), contextlib.AsyncExitStack() as stack:
            process = Process(redis)
            process.stuck = True
            await stack.enter_async_context(living(process))
            await eventually(lambda: redis.exists(PROCESSES_KEY))
            async with aiohttp.ClientSession() as session:
                async with serving(settings, server.url, texts) as api:
                    api.session = session
                    asked = asyncio.create_task(api.patch(NUMBER, OFF))

                    async def applied():
                        return documents.load_number(await redis.get(documents.number_key(DID))).assignment is None

                    await eventually(applied)
                answer = await asked

        assert (answer.status, answer.body["assignment"]) == (202, None)


SEQ = 7
MARK = Mark(epoch=1, seq=SEQ)
PROCESS = Follower(name="gateway:1", epoch=1, seq=SEQ, age_ms=100)


class Store:
    """A store that says what the test wants."""

    def __init__(self, mark, *processes):
        self.applied_at = boot_time() + 3600
        self.answer = Followers(mark=mark, processes=processes)
        self.looks = 0

    async def followers(self):
        """Say it."""
        self.looks += 1
        if self.answer is None:
            raise ConnectionResetError("gone")
        return self.answer


@contextlib.asynccontextmanager
async def watching(store):
    """A barrier on a store, and what it counts."""
    instruments = CollectorRegistry()
    barrier = Barrier(store, RegistryMetrics(instruments))
    task = asyncio.create_task(barrier.run())
    try:
        yield barrier, instruments
    finally:
        await stop(task)


@pytest.fixture
def impatient(monkeypatch):
    """Nobody waits long."""
    monkeypatch.setattr(barriers, "PATIENCE_S", 0.1)


@pytest.mark.usefixtures("impatient")
class TestWhoIsWaitedFor:
    @pytest.mark.parametrize(
        ("mark", "processes", "how"),
        [
            (MARK, [], How.PROCESSES),
            (MARK, [PROCESS], How.PROCESSES),
            (Mark(epoch=1, seq=SEQ + 1), [PROCESS], How.PROCESSES),
            (MARK, [dataclasses.replace(PROCESS, seq=SEQ - 1)], How.NOT_YET),
            (MARK, [PROCESS, dataclasses.replace(PROCESS, seq=SEQ - 1)], How.NOT_YET),
            (MARK, [dataclasses.replace(PROCESS, epoch=0)], How.NOT_YET),
            (MARK, [dataclasses.replace(PROCESS, epoch=2)], How.NOT_YET),
            (MARK, [dataclasses.replace(PROCESS, seq=0, epoch=0)], How.NOT_YET),
            (MARK, [dataclasses.replace(PROCESS, seq=0, age_ms=SILENT_MS - 1)], How.NOT_YET),
            (MARK, [dataclasses.replace(PROCESS, seq=0, age_ms=SILENT_MS)], How.PROCESSES),
            (MARK, [dataclasses.replace(PROCESS, seq=0, age_ms=-5000)], How.NOT_YET),
            (Mark(epoch=1, seq=SEQ - 1), [PROCESS], How.NOT_YET),
            (None, [PROCESS], How.NOT_YET),
            (None, [], How.NOT_YET),
        ],
    )
    async def test_everybody_who_may_have_older_facts(self, mark, processes, how):
        """And the copy itself, which whoever starts now reads."""
        async with watching(Store(mark, *processes)) as (barrier, instruments):
            outcome = await barrier.effective(SEQ, boot_time())

        assert outcome.how is how
        assert bool(outcome.awaits) == (how is How.NOT_YET)
        assert counted(instruments, how) == 1
        observed = instruments.get_sample_value("registry_effective_seconds_count")
        assert observed == (how is not How.NOT_YET)

    async def test_while_the_store_is_away_nobody_is_taken_for_informed(self):
        """What it said before may be over."""
        store = Store(MARK, PROCESS)
        async with watching(store) as (barrier, _):
            assert (await barrier.effective(SEQ, boot_time())).how is How.PROCESSES
            store.answer, looks = None, store.looks

            async def noticed():
                return store.looks > looks + 1

            await eventually(noticed)
            assert (await barrier.effective(SEQ, boot_time())).how is How.NOT_YET

    async def test_facts_run_out_after_the_last_apply_and_the_commit(self, monkeypatch):
        """Whichever is later: another registry may have read the database just before the commit."""
        monkeypatch.setattr(barriers, "PATIENCE_S", PATIENCE_S)
        store = Store(None)
        now = boot_time()
        async with watching(store) as (barrier, _):
            for applied_at, committed_at in ((now - 60, now - RUN_OUT_S + 0.3), (now - RUN_OUT_S + 0.3, now - 7.5)):
                store.applied_at = applied_at
                outcome = await barrier.effective(SEQ, committed_at)

                assert outcome.how is How.LEASES
                assert boot_time() >= max(applied_at, committed_at) + RUN_OUT_S

    async def test_a_store_that_lost_its_data_lost_its_list(self):
        """A process that is cut off is not on the new one, and its facts are still live."""
        store = Store(MARK, dataclasses.replace(PROCESS, seq=SEQ - 1))
        async with watching(store) as (barrier, _):
            assert (await barrier.effective(SEQ, boot_time())).how is How.NOT_YET
            store.answer = Followers(mark=Mark(epoch=2, seq=SEQ), processes=())
            outcome = await barrier.effective(SEQ, boot_time())

        assert (outcome.how, "made anew" in outcome.awaits) == (How.NOT_YET, True)

    async def test_many_wait_at_once(self, monkeypatch):
        """One look serves all."""
        monkeypatch.setattr(barriers, "PATIENCE_S", PATIENCE_S)
        store = Store(Mark(epoch=1, seq=0))
        async with watching(store) as (barrier, instruments):
            waiting = [asyncio.create_task(barrier.effective(seq, boot_time())) for seq in range(1, 50)]
            await asyncio.sleep(0)
            store.answer = Followers(mark=Mark(epoch=1, seq=100), processes=())
            outcomes = await asyncio.gather(*waiting)

        assert {outcome.how for outcome in outcomes} == {How.PROCESSES}
        assert counted(instruments, "processes") == 49

    async def test_one_who_hangs_up_is_not_waited_with(self):
        """Nor counted."""
        async with watching(Store(None)) as (barrier, instruments):
            task = asyncio.create_task(barrier.effective(SEQ, boot_time() + 60))
            await asyncio.sleep(0)
            await stop(task)

            assert barrier._waiting == 0
        assert counted(instruments, "not_yet") == 0

    async def test_how_far_the_last_is_behind(self):
        """Only of those that live; none of this epoch is everything behind."""
        store = Store(
            MARK, PROCESS, dataclasses.replace(PROCESS, seq=4), dataclasses.replace(PROCESS, seq=1, age_ms=9e9)
        )
        async with watching(store) as (_, instruments):

            async def counts(live, behind):
                found = [instruments.get_sample_value(f"registry_processes{end}") for end in ("", "_behind_changes")]
                return found == [live, behind]

            await eventually(lambda: counts(2, 3))
            store.answer = Followers(mark=MARK, processes=(dataclasses.replace(PROCESS, epoch=0),))
            await eventually(lambda: counts(1, SEQ))
            store.answer = Followers(mark=None, processes=())
            await eventually(lambda: counts(0, 0))
