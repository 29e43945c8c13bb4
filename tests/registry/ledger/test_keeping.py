"""Texts that are erased are gone, records stay; what is too old goes, and nothing else."""

import asyncio
import time

import pytest
import sqlalchemy as sa
from prometheus_client import CollectorRegistry

from metrics.registry import RegistryMetrics
from registry.ledger import erasure as erasing
from registry.ledger import retention
from registry.ledger.batch import Batch
from registry.ledger.erasure import begin, carry_on, forget_numbers, is_there, unfinished
from registry.ledger.keeper import Keeper
from registry.ledger.retention import Keep, trim
from registry.ledger.tables import decisions, erasures, events, messages, texts
from registry.ledger.writer import MovedError, start, write
from registry.tasks import stop
from tests.registry.builders import eventually
from tests.registry.dialects import only_sqlite
from tests.registry.ledger.filling import fill
from tests.registry.ledger.journal import OTHER, RECIPIENT, SENDER, START_MS, TENANT
from tests.registry.ledger.looking import message, rows

DAY_MS = 86_400_000
NOW = START_MS + 10 * DAY_MS
LONG = Keep(texts=9_999, codes=9_999, decisions=9_999, events=9_999, refusals=9_999, messages=9_999)


@pytest.fixture(autouse=True)
def _now(monkeypatch):
    """Erasures are of after the messages that tests make."""
    monkeypatch.setattr(time, "time", lambda: NOW / 1000)


async def erase(ledger, kind, subject="", **options):
    """Erase, to the end."""
    options = {"tenant": TENANT, "actor": "key:x"} | options
    return await carry_on(ledger, await begin(ledger, kind=kind, subject=subject, **options), within_s=60)


async def with_text(ledger):
    """Messages that have one."""
    return {row["message_id"] for row in await rows(ledger, texts)}


class TestErasure:
    async def test_of_one_message(self, ledger):
        """The text goes; message, decision and events stay, and say so."""
        first, second = await fill(ledger, {"text": "one"}, {"text": "two"})
        done = await erase(ledger, "message", first)

        assert (done.texts, done.done_ms is not None) == (1, True)
        assert await with_text(ledger) == {second}
        assert (await message(ledger, first))["erasure"] == done.id
        assert (await message(ledger, second))["erasure"] is None
        assert {row["message_id"] for row in await rows(ledger, decisions)} == {first, second}
        assert len(await rows(ledger, events)) == 4

    async def test_of_a_person(self, ledger, monkeypatch):
        """What was sent to the number and from it, however much; nobody else's."""
        monkeypatch.setattr(erasing, "_AT_ONCE", 3)
        person = "+16465550177"
        mine = [{"recipient": person, "accepted_ms": START_MS + n // 4} for n in range(11)]
        names = await fill(ledger, *mine, {"sender": person}, {"recipient": person, "verdict": "block"})
        others = await fill(ledger, {}, {"recipient": person, "tenant": OTHER})
        done = await erase(ledger, "number", person)

        assert done.texts == len(names) == 13
        assert await with_text(ledger) == set(others)
        (row,) = await rows(ledger, erasures)
        assert (row["tenant"], row["actor"], row["texts"], row["at_ms"]) == (TENANT, "key:x", 13, NOW)

    async def test_of_a_company(self, ledger):
        """All of its texts, and no other company's."""
        await fill(ledger, {}, {"verdict": "block"}, {"accepted_ms": START_MS + 5})
        (other,) = await fill(ledger, {"tenant": OTHER})

        assert (await erase(ledger, "tenant")).texts == 3
        assert await with_text(ledger) == {other}

    async def test_another_companys_message_is_as_unknown_as_none(self, ledger):
        """And nothing is put on record."""
        (other,) = await fill(ledger, {"tenant": OTHER})
        for subject in (other, "0-1-1-0"):
            assert not await is_there(ledger, tenant=TENANT, kind="message", subject=subject)

        assert await with_text(ledger) == {other}
        assert await rows(ledger, erasures) == []

    @pytest.mark.parametrize(("kind", "subject"), [("number", RECIPIENT), ("number", SENDER), ("tenant", "")])
    async def test_a_text_of_before_that_comes_later_is_never_written(self, ledger, kind, subject):
        """The journal may be behind; a later text of the same person is kept, and another company's."""
        done = await erase(ledger, kind, subject)
        before, after, other = await fill(ledger, {}, {"accepted_ms": NOW + 1}, {"tenant": OTHER})

        assert await with_text(ledger) == {after, other}
        assert (await message(ledger, before))["erasure"] == done.id
        assert {row["message_id"] for row in await rows(ledger, decisions)} == {before, after, other}

    async def test_an_erasure_in_the_middle_of_a_batch_is_not_missed(self, ledger):
        """What was made ready before it is made ready again."""
        begun = await start(ledger, 1)
        await erase(ledger, "tenant")
        with pytest.raises(MovedError):
            await write(ledger, begun, Batch(), [])

    async def test_one_that_was_not_done_is_carried_on(self, ledger, monkeypatch):
        """By the keeper, whoever began it and was killed."""
        monkeypatch.setattr(erasing, "_AT_ONCE", 2)
        await fill(ledger, *({} for _ in range(9)))
        half = await carry_on(
            ledger, await begin(ledger, tenant=TENANT, actor="x", kind="tenant", subject=""), within_s=0
        )
        assert (half.done_ms, half.texts) == (None, 2)
        assert [one.texts for one in await unfinished(ledger)] == [2]

        await Keeper(ledger, LONG, RegistryMetrics(CollectorRegistry())).once()
        assert await with_text(ledger) == set()
        assert await unfinished(ledger) == []
        (row,) = await rows(ledger, erasures)
        assert (row["texts"], row["done_ms"]) == (9, NOW)

    async def test_the_number_itself_is_forgotten(self, ledger, monkeypatch):
        """Once no text of before can come any more; until then it is needed."""
        await erase(ledger, "number", RECIPIENT)
        await forget_numbers(ledger)
        assert (await rows(ledger, erasures))[0]["subject"] == RECIPIENT

        monkeypatch.setattr(time, "time", lambda: (NOW + erasing.WATCHED_MS) / 1000)
        await forget_numbers(ledger)
        await forget_numbers(ledger)
        assert (await rows(ledger, erasures))[0]["subject"] == "+1 646 ••• 0151"
        (late,) = await fill(ledger, {})
        assert await with_text(ledger) == {late}

    @only_sqlite
    async def test_nothing_of_it_is_left_in_the_file(self, ledger, ledger_settings):
        """What SQLite deletes it would leave in the file otherwise."""
        (name,) = await fill(ledger, {"text": "Zqerased7c1e"})
        path = ledger_settings.data_dir / "ledger.db"
        async with ledger.writing() as connection:
            assert await connection.scalar(sa.text("PRAGMA secure_delete")) == 1
        await _checkpoint(ledger)
        assert b"Zqerased7c1e" in path.read_bytes()

        await erase(ledger, "message", name)
        await _checkpoint(ledger)
        assert b"Zqerased7c1e" not in path.read_bytes()


async def _checkpoint(ledger):
    async with ledger._engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.exec_driver_sql("ROLLBACK")
        await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


class TestRetention:
    #: Kind to what is left of an old message, an old one-time code, an old refusal and a young message.
    CASES = (
        ({}, {"texts": "mcry", "decisions": "mcry", "events": "mcy", "messages": "mcry"}),
        ({"texts": 5}, {"texts": "cy", "decisions": "mcry", "events": "mcy", "messages": "mcry"}),
        ({"codes": 5}, {"texts": "mry", "decisions": "mcry", "events": "mcy", "messages": "mcry"}),
        ({"decisions": 5}, {"texts": "mcry", "decisions": "y", "events": "mcy", "messages": "mcry"}),
        ({"events": 5}, {"texts": "mcry", "decisions": "mcry", "events": "y", "messages": "mcry"}),
        ({"refusals": 5}, {"texts": "mcy", "decisions": "mcy", "events": "mcy", "messages": "mcy"}),
        ({"messages": 5}, {"texts": "ry", "decisions": "ry", "events": "y", "messages": "ry"}),
    )

    @pytest.mark.parametrize(("days", "left"), CASES, ids=lambda value: "-".join(value) or "nothing")
    @pytest.mark.parametrize("at_once", [1, 2, 500])
    async def test_each_kind_has_its_time(self, ledger, monkeypatch, at_once, days, left):
        """However small the steps are."""
        monkeypatch.setattr(retention, "_AT_ONCE", at_once)
        old = [{}, {"traffic_class": "urgent"}, {"verdict": "block"}]
        names = await fill(ledger, *old, *old, {"accepted_ms": NOW})
        kinds = dict(zip(names, "mcrmcry", strict=True))
        for _ in range(2):
            gone = [one async for one in trim(ledger, LONG._replace(**days), now_ms=NOW)]

        assert gone == []
        found = {
            table.name: "".join(sorted({kinds[row[key]] for row in await rows(ledger, table)}, key="mcry".index))
            for table, key in (
                (texts, "message_id"),
                (decisions, "message_id"),
                (events, "message_id"),
                (messages, "id"),
            )
        }
        assert found == left

    async def test_the_border_is_to_the_millisecond(self, ledger):
        """What is five days old is kept, what is older is not."""
        _, kept = await fill(ledger, {"accepted_ms": NOW - 5 * DAY_MS - 1}, {"accepted_ms": NOW - 5 * DAY_MS})
        assert [one async for one in trim(ledger, LONG._replace(texts=5), now_ms=NOW)] == [("texts", 1)]
        assert await with_text(ledger) == {kept}

    async def test_the_running_registry_does_it(self, ledger):
        """And counts it."""
        counted = CollectorRegistry()
        await fill(ledger, {"accepted_ms": 86_400_000})
        running = asyncio.create_task(Keeper(ledger, LONG._replace(messages=1), RegistryMetrics(counted)).run())

        async def trimmed():
            return not await rows(ledger, messages)

        await eventually(trimmed)
        await stop(running)

        assert counted.get_sample_value("registry_ledger_trimmed_rows_total") == 5
