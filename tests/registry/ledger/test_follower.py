"""The journal becomes rows, each entry once, whatever happens between."""

import asyncio
import os
import random
import sys
from pathlib import Path

import pytest
import structlog
from prometheus_client import CollectorRegistry
from redis.exceptions import RedisError
from sqlalchemy.exc import OperationalError

from gateway.queue import Accept, Begin, Finish, Park, Receipt, Status
from metrics.registry import RegistryMetrics
from registry.ledger import follower as follower_module
from registry.ledger import writer
from registry.ledger.batch import Batch
from registry.ledger.database import LedgerDatabase
from registry.ledger.follower import Follower
from registry.ledger.journals import Journals
from registry.ledger.tables import cursors, decisions, events, messages, tallies, texts
from registry.tasks import stop
from tests.metrics.reading import value
from tests.registry.builders import eventually
from tests.registry.dialects import only_sqlite
from tests.registry.ledger.journal import Scribe, a_line, an_envelope
from tests.registry.ledger.looking import kept, message, missing, numbers, rows, written

ROOT = Path(__file__).parents[3]
KEY = "{q:0}:events"


async def a_life(queue):
    """Let some messages live in a real store; gives their ids by what became of them."""
    legs = tuple(an_envelope(text=f"text {n}") for n in range(4))
    (taken,) = await queue.accept([Accept(partition=1, messages=legs, refusals=(an_envelope(verdict="block"),))])
    epoch = await queue.own(1, "w", 60_000)
    found, _ = await queue.take(1, epoch, count=10, pending_after=None)
    first, second, third, fourth = found
    await queue.begin(1, epoch, [Begin(id=one.id, payload=one.payload) for one in (first, second, fourth)])
    said = {"carrier": "emulator", "carrier_reference": "em-1", "attempt": 1}
    await queue.finish(1, epoch, [Finish(id=first.id, status=Status.SUBMITTED, **said)])
    await queue.receipts([Receipt(id=first.id, status=Status.DELIVERED, carrier="emulator", carrier_reference="em-1")])
    await queue.receipts([Receipt(id=first.id, status=Status.FAILED, carrier="emulator", carrier_reference="em-1")])
    later = {"lane": "l", "due_ms": 1, "status": Status.QUEUED, "attempt": 1, "code": "doubt_lost"}
    await queue.park(1, epoch, [Park(id=second.id, payload=b"", **later)])
    await queue.cancel(third.id, third.payload)
    await queue.finish(
        1, epoch, [Finish(id=fourth.id, status=Status.FAILED, code="30003", detail="no\tsuch", attempt=1)]
    )
    return [one.id for one in found], taken.refusal_ids[0]


class TestWhatIsWritten:
    async def test_the_ledger_says_what_the_store_says(self, queue, follower, ledger):
        """Status, attempts, events of every message, as the gateway would answer for it."""
        names, _ = await a_life(queue)
        assert await follower.step()

        for stored in await queue.look(names):
            found = await message(ledger, stored.id)
            assert (found["status"], found["attempts"]) == (stored.status, stored.attempts)
            assert (found["changes"], found["status_ms"]) == (len(stored.events), stored.events[-1].at_ms)
            assert (found["tenant"], found["sender"], found["reason"]) == ("acme", "+12125550101", "ok_registered")
            changes = [row for row in await rows(ledger, events) if row["message_id"] == stored.id]
            said = [
                (row["seq"], row["status"], row["at_ms"], row["code"], row["detail"])
                for row in changes
                if row["kind"] == "status"
            ]
            assert said == [(one.seq, one.status, one.at_ms, one.code, one.detail) for one in stored.events]

    async def test_doubts_and_contradictions_are_counted(self, queue, follower, ledger):
        """They change no status."""
        names, _ = await a_life(queue)
        await follower.step()
        first, second, *_ = [await message(ledger, name) for name in names]

        assert (first["status"], first["doubts"]) == ("delivered", 1)
        assert (second["status"], second["doubts"]) == ("queued", 1)
        kinds = {row["kind"] for row in await rows(ledger, events) if row["message_id"] == names[0]}
        assert kinds == {"status", "contradicted"}

    async def test_a_refusal_is_a_message_that_was_refused(self, queue, follower, ledger):
        """Under the id that its sender was told, with text and decision."""
        _, refusal = await a_life(queue)
        await follower.step()
        found = await message(ledger, refusal)

        assert (found["status"], found["refused"], found["verdict"], found["changes"]) == ("refused", 1, "block", 0)
        assert {row["message_id"] for row in await rows(ledger, texts)} >= {refusal}
        assert {row["message_id"] for row in await rows(ledger, decisions)} >= {refusal}

    async def test_texts_are_in_one_table_only(self, queue, follower, ledger):
        """Or erasing them would leave some."""
        await a_life(queue)
        await follower.step()

        assert {"text 0", "text 1", "text 2", "text 3"} <= {row["text"] for row in await rows(ledger, texts)}
        assert all(row["judged"] is None for row in await rows(ledger, texts))
        others = [await rows(ledger, table) for table in (messages, events, decisions, tallies)]
        assert "text 1" not in repr(others)

    async def test_what_comes_later_changes_the_row_that_is_there(self, raw, follower, ledger):
        """A message's lines come in many batches."""
        Scribe(raw, partitions=1)
        name = "0-1795204800000-0-0"
        for seq, status in enumerate(("queued", "submitting", "submitted", "delivered"), start=1):
            line = a_line(
                name, seq, status, 1000 + seq, attempt=1 if seq > 1 else "", payload=b"" if seq > 1 else an_envelope()
            )
            raw.xadd(KEY, {"lines": line})
            await follower.step()
        raw.xadd(KEY, {"lines": a_line(name, 4, "delivered", 2000, kind="doubt", attempt=1)})
        await follower.step()
        found = await message(ledger, name)

        assert (found["status"], found["status_ms"], found["changes"], found["attempts"]) == ("delivered", 1004, 4, 1)
        assert found["doubts"] == 1
        assert await numbers(ledger) == {
            "messages": 1,
            "events": 5,
            "texts": 1,
            "decisions": 1,
            "tallies": 1,
            "cursors": 1,
        }

    async def test_nothing_new_is_nothing_to_do(self, raw, follower, ledger):
        """A store on which no gateway ever started, and one whose journals were read."""
        assert not await follower.step()
        Scribe(raw).write(10)
        assert await follower.step()
        before = await numbers(ledger)

        assert not await follower.step()
        assert await numbers(ledger) == before


class TestExactlyOnce:
    async def test_a_journal_becomes_its_rows(self, raw, follower, ledger):
        """Every line and every refusal of thousands, and nothing else."""
        Scribe(raw).write(3_000)
        await follower.step()

        assert await kept(ledger) == written(raw)
        assert sum(row["messages"] for row in await rows(ledger, tallies)) == 3_000

    async def test_two_at_once_do_no_harm(self, raw, ledger_settings, ledger, valkey_server):
        """Each finds out that the other was quicker."""

        async def one(seed):
            async with LedgerDatabase.made(ledger_settings) as own, Journals.connected(valkey_server.url) as journals:
                follower = Follower(journals, own, RegistryMetrics(CollectorRegistry()))
                pauses = random.Random(seed)
                while not writing.done() or await follower.step():
                    await follower.step()
                    await asyncio.sleep(pauses.random() / 50)

        scribe = Scribe(raw)

        async def write():
            for _ in range(20):
                scribe.write(100)
                await asyncio.sleep(0.02)

        writing = asyncio.create_task(write())
        await asyncio.gather(one(1), one(2), one(3), writing)

        assert await kept(ledger) == written(raw)
        assert sum(row["messages"] for row in await rows(ledger, tallies)) == 2_000

    @pytest.mark.parametrize("where", ["insert", "_stand", "tally", "_advance"])
    async def test_what_fails_in_the_middle_leaves_nothing(self, raw, follower, ledger, monkeypatch, where):
        """And is done whole the next time."""
        Scribe(raw).write(200)
        real = getattr(writer, where)
        calls = []

        async def fails_once(*args):
            calls.append(None)
            if len(calls) == 2 - (where != "insert"):
                raise OperationalError("it", None, Exception("is away"))
            return await real(*args)

        monkeypatch.setattr(writer, where, fails_once)
        with pytest.raises(OperationalError):
            await follower.step()
        assert await numbers(ledger) == {}

        await follower.step()
        assert await kept(ledger) == written(raw)

    async def test_whoever_was_slower_writes_nothing(self, raw, ledger, follower):
        """The cursor is not where the reader began: what was read is another's by now."""
        Scribe(raw, partitions=1).write(10)
        begun = await writer.start(ledger, 1)
        piece = await follower._journals.read(0, begun.cursors[0], 100)
        batch = Batch()
        for entry in piece.entries:
            batch.add(0, entry)
        await follower.step()
        before = await numbers(ledger)
        with pytest.raises(writer.MovedError):
            await writer.write(ledger, begun, batch, [piece])

        assert await numbers(ledger) == before

    async def test_rows_that_are_there_already_are_left_out(self, raw, follower, ledger):
        """The keys say it a second time: cursors that were lost, of a copy of the database, say, double nothing."""
        scribe = Scribe(raw)
        scribe.write(100)
        await follower.step()
        before = await rows(ledger, messages), await rows(ledger, tallies)
        async with ledger.writing() as connection:
            await connection.execute(cursors.delete())
        follower._begun = None
        await follower.step()
        assert (await rows(ledger, messages), await rows(ledger, tallies)) == before

        scribe.write(100)
        async with ledger.writing() as connection:
            await connection.execute(cursors.delete())
        follower._begun = None
        await follower.step()
        assert await kept(ledger) == written(raw)
        assert sum(row["messages"] for row in await rows(ledger, tallies)) == 200

    async def test_killed_at_random_moments_it_loses_and_doubles_nothing(self, raw, ledger_settings, ledger):
        """A sudden end for a real process, again and again, between any two of its steps."""
        Scribe(raw).write(2_000)
        urls = (ledger_settings.queue_url, ledger_settings.ledger_sql_url())
        command = [sys.executable, "-m", "tests.registry.ledger.following", *urls, "10"]
        killer = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
        said, _ = await killer.communicate()

        assert killer.returncode == 0
        assert said.split().count(b"killed") >= 5
        assert await kept(ledger) == written(raw)
        assert sum(row["messages"] for row in await rows(ledger, tallies)) == 2_000


class TestGaps:
    async def test_what_is_gone_is_counted_to_the_entry(self, raw, follower, ledger, counted):
        """Before the first look, between two, and in the middle; said in the log, the metrics and the database."""
        Scribe(raw, partitions=1)
        names = [raw.xadd(KEY, {"refusal": an_envelope()}) for _ in range(30)]
        raw.xtrim(KEY, maxlen=25, approximate=False)
        with structlog.testing.capture_logs() as logged:
            await follower.step()
        assert [entry for entry in logged if entry["event"] == "ledger_gap"] == [
            {"event": "ledger_gap", "log_level": "error", "partition": 0, "entries": 5}
        ]
        names += [raw.xadd(KEY, {"refusal": an_envelope()}) for _ in range(20)]
        raw.xtrim(KEY, maxlen=13, approximate=False)
        await follower.step()
        names += [raw.xadd(KEY, {"refusal": an_envelope()}) for _ in range(5)]
        raw.xdel(KEY, names[-3], names[-2])
        await follower.step()

        assert await missing(ledger) == [5, 7, 2]
        assert value(counted, "registry_ledger_gaps_total") == 3
        assert value(counted, "registry_ledger_lost_entries_total") == 14
        (cursor,) = await rows(ledger, cursors)
        assert (cursor["lost"], cursor["entry_number"]) == (14, 55)
        assert len(await rows(ledger, messages)) == 55 - 14

    async def test_what_was_read_and_then_dropped_is_no_gap(self, raw, follower, ledger):
        """The cap takes the oldest, all the time."""
        scribe = Scribe(raw)
        for _ in range(3):
            scribe.write(100)
            await follower.step()
            for partition in range(4):
                raw.xtrim(f"{{q:{partition}}}:events", maxlen=0)

        assert await missing(ledger) == []
        assert len(await rows(ledger, messages)) == 300

    async def test_a_message_whose_first_line_is_lost_is_made_whole(self, queue, raw, follower, ledger):
        """From its state, which the store keeps for a day after the end."""
        names, _ = await a_life(queue)
        whole = "{q:1}:events"
        raw.xdel(whole, raw.xrange(whole, count=2)[1][0])
        await follower.step()

        assert await missing(ledger) == [1]
        found = await message(ledger, names[0])
        assert (found["tenant"], found["status"], found["reason"]) == ("acme", "delivered", "ok_registered")
        assert {row["message_id"] for row in await rows(ledger, texts)} >= set(names)
        assert sum(row["messages"] for row in await rows(ledger, tallies)) == 5

    async def test_what_nobody_knows_any_more_is_nobodys(self, raw, follower, ledger):
        """Its changes are kept, and nobody is shown them."""
        Scribe(raw, partitions=1)
        raw.xadd(KEY, {"lines": a_line("0-1795204800000-0-0", 4, "delivered", 1000)})
        await follower.step()

        found = await message(ledger, "0-1795204800000-0-0")
        assert (found["tenant"], found["status"], found["accepted_ms"]) == ("", "delivered", 1_795_204_800_000)

    async def test_a_store_that_lost_its_data_is_followed_on(self, raw, follower, ledger):
        """Nobody can say how much is missing, so that is said."""
        scribe = Scribe(raw)
        scribe.write(300)
        await follower.step()
        raw.flushall()
        later = Scribe(raw, seed=8)
        later._at = scribe._at
        later.write(100)
        with structlog.testing.capture_logs() as logged:
            await follower.step()
            later.write(100)
            await follower.step()

        assert {entry["event"] for entry in logged} == {"ledger_journal_replaced"}
        assert len(await rows(ledger, messages)) == 500
        assert set(await missing(ledger)) == {0}


class TestWhatCannotBeRead:
    async def test_it_is_counted_and_stops_nothing(self, raw, follower, ledger, counted):
        """Lines, envelopes and refusals of nobody's making, beside good ones."""
        Scribe(raw, partitions=1)
        good = a_line("0-1795204800000-0-0", 1, "queued", payload=an_envelope())
        bad = a_line("0-1795204800000-0-1", 1, "queued", payload=b'{"v":2}')
        raw.xadd(KEY, {"lines": b"\n".join((b"nonsense", good, bad, a_line("who?", 1, "queued")))})
        raw.xadd(KEY, {"refusal": b"\xff"})
        raw.xadd(KEY, {"refusal": an_envelope(verdict="al\0low")})
        raw.xadd(KEY, {"something": b"else"})
        await follower.step()

        assert value(counted, "registry_ledger_unreadable_total") == 5
        assert (await rows(ledger, cursors))[0]["unreadable"] == 5
        tenants = {row["id"]: row["tenant"] for row in await rows(ledger, messages)}
        assert [name for name, tenant in tenants.items() if tenant] == ["0-1795204800000-0-0"]
        assert len(tenants) == 4
        assert [row["message_id"][-1] for row in await rows(ledger, events)] == ["0", "1"]

    async def test_a_text_with_nul_is_kept(self, raw, follower, ledger):
        """PostgreSQL has no room for it; the gateway refuses it, and here it must not stand in the way."""
        Scribe(raw, partitions=1)
        raw.xadd(KEY, {"refusal": an_envelope(text="a\0b", user="be\0n")})
        await follower.step()

        assert [row["text"] for row in await rows(ledger, texts)] == ["a\ufffdb"]


class TestRunning:
    async def test_what_is_away_is_waited_out(self, raw, follower, ledger, monkeypatch, counted):
        """A store, a database, a fault of ours: said once, and then it goes on."""
        Scribe(raw).write(50)
        failures = [RedisError(), RedisError(), OperationalError("", None, Exception()), ZeroDivisionError()]
        real = follower_module.start

        async def start(*args):
            if failures:
                raise failures.pop(0)
            return await real(*args)

        monkeypatch.setattr(follower_module, "start", start)
        monkeypatch.setattr(follower_module, "_BACKOFF_FIRST_S", 0.01)
        with structlog.testing.capture_logs() as logged:
            running = asyncio.create_task(follower.run())

            async def works():
                return follower.trouble is None

            await eventually(works)
            await stop(running)

        stops = [entry["trouble"] for entry in logged if entry["event"] == "ledger_stopped"]
        assert stops == ["queue_store", "ledger_database", "fault"]
        assert logged[-1]["event"] == "ledger_goes_on"
        assert await kept(ledger) == written(raw)
        assert value(counted, "registry_ledger_failures_total") == 4

    async def test_lag_is_told_and_alarms_before_anything_is_lost(self, raw, follower, ledger, monkeypatch, counted):
        """Half a journal behind is time to look."""
        monkeypatch.setattr(follower_module, "LENGTH", 60)
        follower._count = 10
        Scribe(raw, partitions=1)
        for _ in range(50):
            raw.xadd(KEY, {"refusal": an_envelope()})
        seen = []
        real = follower._metrics.ledger_lag
        monkeypatch.setattr(follower._metrics, "ledger_lag", lambda entries: (seen.append(entries), real(entries)))
        with structlog.testing.capture_logs() as logged:
            await follower.step()

        assert seen == [40, 30, 20, 10, 0]
        assert [(entry["event"], entry["entries"]) for entry in logged] == [("ledger_falling_behind", 40)]
        assert value(counted, "registry_ledger_lag_entries") == 0

    @only_sqlite
    async def test_the_store_is_only_read(self, raw, queue, follower, ledger):
        """Nothing that sends can be stopped from here: a registry may have an account that cannot write."""
        await a_life(queue)
        raw.acl_setuser(
            "reader", enabled=True, nopass=True, keys=["*"], categories=["+@read", "+@connection", "+@transaction"]
        )
        url = f"{os.fspath(follower._journals._client.connection_pool.connection_kwargs['path'])}"
        async with Journals.connected(f"unix://reader:x@{url}") as journals:
            assert await Follower(journals, ledger, RegistryMetrics(CollectorRegistry())).step()
        raw.acl_deluser("reader")

        assert await kept(ledger) == written(raw)
