"""The projector: the store is equal to SQL, in order, whatever happens to either."""

import asyncio
import contextlib

import pytest
import sqlalchemy as sa
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from compliance import documents
from compliance.documents import MARK_KEY
from metrics.registry import RegistryMetrics
from registry.commands import change
from registry.database import Database
from registry.projector import HistoryError, Projector, new_epoch
from registry.store import Mark, RegistryStore
from registry.tables import outbox, projection
from registry.tasks import stop
from tests.registry.builders import (
    BASICS,
    DID,
    a_brand,
    a_campaign,
    a_number,
    a_user,
    eventually,
    everything,
    feed,
    stored,
)
from tests.valkey import Valkey


@contextlib.asynccontextmanager
async def projecting(database, store, instruments=None):
    """Run a projector for the length of the block; gives its task and itself."""
    projector = Projector(database, store, RegistryMetrics(instruments or CollectorRegistry()))
    task = asyncio.create_task(projector.run())
    try:
        yield task, projector
    finally:
        await stop(task)


async def do(database, *put):
    """Make one change."""
    async with database.writing() as connection:
        await change(connection, actor="test", put=put)


async def last_seq(database):
    """The last change in SQL."""
    async with database.reading() as connection:
        return await connection.scalar(sa.select(sa.func.coalesce(sa.func.max(outbox.c.seq), 0)))


async def in_step(database, store):
    """Wait until the store has the last change."""

    async def reached():
        mark = await store.mark()
        return mark is not None and mark.seq == await last_seq(database)

    await eventually(reached)


class TestFollowing:
    async def test_the_gateway_can_read_what_is_stored(self, database, store, redis):
        """With the readers of compliance.documents."""
        await do(database, *BASICS)
        async with projecting(database, store):
            await in_step(database, store)

        number = documents.load_number(await redis.get(documents.number_key(DID)))
        assert (number.owner.user, number.assignment.campaign_id) == ("ben", "CACME")
        assert documents.load_campaign(await redis.get(documents.campaign_key("CACME"))).att_class == "A"
        assert documents.load_brand(await redis.get(documents.brand_key("BACME"))).vetting_score == 78
        assert documents.load_user(await redis.get(documents.user_key("ben"))).number == DID

    async def test_what_answers_to_people_need(self, database, store, redis):
        """Who the texts are from, what the campaign promised to say, and whose a number without an owner is."""
        pooled = a_number("+12125550199", user=None)
        await do(database, *BASICS, a_campaign(help_message="Call us"), pooled)
        async with projecting(database, store):
            await in_step(database, store)

        assert documents.load_brand_name(await redis.get(documents.brand_key("BACME"))) == a_brand().legal_name != ""
        assert documents.load_help_message(await redis.get(documents.campaign_key("CACME"))) == "Call us"
        assert documents.load_pool_of(await redis.get(documents.number_key("+12125550199"))) == "acme"
        assert documents.load_pool_of(await redis.get(documents.number_key(DID))) == ""

    async def test_changes_come_in_the_order_of_their_commits(self, database, store, redis):
        """A suspension and its lifting must not change places."""
        async with projecting(database, store):
            await in_step(database, store)
            for status in ("suspended", "active", "expired"):
                await do(database, *BASICS, a_campaign(status=status))
                await in_step(database, store)

        key = documents.campaign_key("CACME")
        told = [documents.load_campaign(entry[key]).status for _, entry in await feed(redis) if key in entry]
        assert told == ["suspended", "active", "expired"]
        assert [seq for seq, _ in await feed(redis)] == sorted({seq for seq, _ in await feed(redis)})
        assert await stored(redis) == await everything(database)

    async def test_more_than_a_batch(self, database, store, redis):
        """1,200 users go in three applies, none lost, none twice."""
        async with projecting(database, store):
            await in_step(database, store)
            await do(database, *BASICS, *(a_user(f"u{n}") for n in range(1200)))
            await in_step(database, store)

        entries = await feed(redis)
        assert max(len(entry) for _, entry in entries) <= 500
        assert sum(len(entry) for _, entry in entries) == len(await stored(redis)) == 1200 + 4
        assert await stored(redis) == await everything(database)

    async def test_changes_of_another_process_are_found(self, settings, database, store):
        """An import does not wake it; it looks by itself."""
        async with projecting(database, store):
            await in_step(database, store)
            async with Database.opened(settings) as another:
                await do(another, *BASICS)
            await in_step(database, store)

    async def test_it_shows_that_it_is_alive(self, database, store, redis):
        """Heartbeats move the mark's instant, and nothing else, while nothing happens."""
        instruments = CollectorRegistry()
        async with projecting(database, store, instruments):
            await in_step(database, store)
            first = int(await redis.hget(MARK_KEY, "at_ms"))

            async def beaten():
                return instruments.get_sample_value("registry_heartbeats_total") >= 3

            await eventually(beaten)
            assert int(await redis.hget(MARK_KEY, "at_ms")) >= first + 500
        assert await feed(redis) == []

    async def test_readiness_says_whether_the_copy_is_kept(self, database, store):
        """One word for why not."""
        async with projecting(database, store) as (_, projector):
            assert projector.trouble == "starting"
            await in_step(database, store)

            async def ready():
                return projector.trouble is None

            await eventually(ready)


class TestRestart:
    async def test_it_goes_on_where_it_was(self, database, store, redis):
        """What happened meanwhile is applied once; what was applied is not applied again."""
        async with projecting(database, store):
            await do(database, *BASICS)
            await in_step(database, store)
        before = len(await feed(redis))
        await do(database, a_brand(status="suspended"))
        await do(database, a_number(sms="disabled"))
        async with projecting(database, store):
            await in_step(database, store)

        keys = {documents.brand_key("BACME"), documents.number_key(DID), documents.user_key("ben")}
        assert [set(entry) for _, entry in (await feed(redis))[before:]] == [keys]
        assert await store.mark() == Mark(epoch=1, seq=await last_seq(database))
        assert await stored(redis) == await everything(database)

    async def test_stopped_anywhere_nothing_is_lost_or_doubled(self, database, store, redis):
        """Cancelled over and over in the middle of its work."""
        async with projecting(database, store):
            await in_step(database, store)
        for n in range(40):
            await do(database, *BASICS, *(a_user(f"u{n}-{m}") for m in range(50)))
            async with projecting(database, store):
                await asyncio.sleep(0.0005 * n)
        async with projecting(database, store):
            await in_step(database, store)

        users = [key for _, entry in await feed(redis) for key in entry if key.startswith("{reg}:user:u")]
        assert len(users) == len(set(users)) == 40 * 50
        assert await stored(redis) == await everything(database)

    async def test_two_of_them_do_no_harm(self, database, store, redis):
        """Each change is applied by one or the other; the store is filled already, which both may do at first."""
        async with projecting(database, store):
            await in_step(database, store)
        async with projecting(database, store), projecting(database, store):
            for n in range(20):
                await do(database, *BASICS, a_user(f"u{n}"))
            await in_step(database, store)

        users = [key for _, entry in await feed(redis) for key in entry if key.startswith("{reg}:user:u")]
        assert sorted(users) == sorted(documents.user_key(f"u{n}") for n in range(20))
        assert await stored(redis) == await everything(database)


class TestLostStore:
    @pytest.mark.parametrize("functions_too", [False, True])
    async def test_an_emptied_store_is_filled_again(self, database, store, redis, functions_too):
        """As a new epoch, so that readers forget what they had; equal to a full projection."""
        await do(database, *BASICS)
        async with projecting(database, store):
            await in_step(database, store)
            if functions_too:
                await redis.function_flush()
            await redis.flushall()
            await in_step(database, store)
            await do(database, a_brand(status="suspended"))
            await in_step(database, store)

        assert await store.mark() == Mark(epoch=2, seq=await last_seq(database))
        assert await stored(redis) == await everything(database)

    async def test_what_is_gone_from_sql_does_not_survive_a_rebuild(self, database, store, redis):
        """A document of an older copy that no row stands for any more."""
        await store.apply(Mark(epoch=1, seq=0), 3, {"{reg}:num:+12025550199": b"stale"})
        await do(database, *BASICS)
        async with database.writing() as connection:
            await new_epoch(connection, 2)
        async with projecting(database, store):

            async def rebuilt():
                mark = await store.mark()
                return mark is not None and mark.epoch == 2

            await eventually(rebuilt)

        assert await stored(redis) == await everything(database)

    async def test_a_rebuild_may_be_asked_for_while_it_runs(self, database, store, redis):
        """The command writes the new epoch; the projector notices."""
        await do(database, *BASICS)
        async with projecting(database, store):
            await in_step(database, store)
            await redis.set(documents.number_key("+12025550199"), b"damage")
            async with database.writing() as connection:
                assert await new_epoch(connection, 0) == 2

            async def rebuilt():
                return await store.mark() == Mark(epoch=2, seq=await last_seq(database))

            await eventually(rebuilt)
        assert await stored(redis) == await everything(database)

    async def test_a_rebuild_that_died_is_taken_over(self, database, store, redis):
        """Half a copy without a mark: it counts as nothing."""
        await do(database, *BASICS)
        await store.reset(1)
        await store.stage(1, {"{reg}:brand:half": b"{}"})
        await redis.pexpire("{reg}:rebuild", 50)
        async with projecting(database, store):
            await in_step(database, store)

        assert await stored(redis) == await everything(database)

    async def test_it_waits_for_a_store_that_is_away(self, database):
        """Killed, and back with its data: it goes on in the same epoch."""
        with Valkey() as server:
            async with (
                RegistryStore.connected(server.url) as store,
                Redis.from_url(server.url, socket_timeout=None) as redis,
            ):
                await do(database, *BASICS)
                async with projecting(database, store) as (task, projector):
                    await in_step(database, store)
                    server.kill()
                    await do(database, a_brand(status="suspended"))

                    async def noticed():
                        return projector.trouble == "store"

                    await eventually(noticed)
                    server.start()
                    await in_step(database, store)
                    assert not task.done()

                assert (await store.mark()).epoch == 1
                assert await stored(redis) == await everything(database)

    async def test_an_apply_that_was_not_answered_is_not_repeated(self, database, store, redis):
        """The mark tells whether it happened."""
        real, lose = store._call, []

        async def call(function, keys, *args):
            answer = await real(function, keys, *args)
            if lose:
                lose.pop()
                raise ConnectionResetError("the answer was lost")
            return answer

        store._call = call
        async with projecting(database, store):
            await in_step(database, store)
            lose.append("the next answer")
            await do(database, *BASICS)
            await in_step(database, store)
            await do(database, a_brand(status="suspended"))
            await in_step(database, store)

        assert [len(entry) for _, entry in await feed(redis)] == [4, 1]

    async def test_what_was_missed_is_there_before_the_facts_are_live(self, database, store, redis):
        """Somebody may have been told that a change is effective because all leases ran out: a part is not enough."""
        async with projecting(database, store):
            await in_step(database, store)
        await do(database, *BASICS, *(a_user(f"u{n}") for n in range(1200)))
        real, instants = store._call, []

        async def call(function, keys, *args):
            if function == "apply":
                await redis.hset(MARK_KEY, "at_ms", 5)
            answer = await real(function, keys, *args)
            if function == "apply":
                instants.append(await redis.hget(MARK_KEY, "at_ms"))
            return answer

        store._call = call
        async with projecting(database, store):
            await in_step(database, store)
        assert instants[:2] == [b"5", b"5"]
        assert instants[2] != b"5"


class TestHistory:
    async def test_a_database_behind_the_store_is_refused(self, database, store, redis):
        """It was restored from an older copy: to go on would apply new changes to a copy of another history."""
        await do(database, *BASICS)
        async with projecting(database, store):
            await in_step(database, store)
        before = await stored(redis)
        async with database.writing() as connection:
            await connection.execute(sa.delete(outbox).where(outbox.c.seq > 2))
        async with projecting(database, store) as (task, _):
            await asyncio.wait({task}, timeout=60)

        assert isinstance(task.exception(), HistoryError)
        assert "a2p-registry rebuild" in str(task.exception())
        assert await stored(redis) == before

    async def test_so_is_one_of_an_older_epoch(self, database, store):
        """The store was rebuilt after the backup was taken."""
        await store.apply(Mark(epoch=5, seq=0), 0, {})
        async with projecting(database, store) as (task, _):
            await asyncio.wait({task}, timeout=60)

        assert isinstance(task.exception(), HistoryError)

    async def test_it_notices_while_it_runs(self, database, store):
        """The database is swapped under it."""
        await do(database, *BASICS)
        async with projecting(database, store) as (task, _):
            await in_step(database, store)
            async with database.writing() as connection:
                await connection.execute(sa.delete(outbox))
            await asyncio.wait({task}, timeout=60)

        assert isinstance(task.exception(), HistoryError)

    async def test_a_rebuild_puts_it_right(self, database, store, redis):
        """An epoch above both."""
        await do(database, *BASICS)
        await store.apply(Mark(epoch=5, seq=0), 900, {"{reg}:brand:B1": b"{}"})
        async with database.writing() as connection:
            assert await new_epoch(connection, 6) == 6
        async with projecting(database, store):
            await in_step(database, store)

        assert (await store.mark()).epoch == 6
        assert await stored(redis) == await everything(database)


async def test_what_it_counts(database, store):
    """Documents applied and the way behind; a failure counts too."""
    instruments = CollectorRegistry()
    async with projecting(database, store, instruments):
        await in_step(database, store)
        await do(database, *BASICS)
        await in_step(database, store)

        async def caught_up():
            return instruments.get_sample_value("registry_applied_documents_total") == 4

        await eventually(caught_up)
        assert instruments.get_sample_value("registry_outbox_lag_changes") == 0
        assert instruments.get_sample_value("registry_apply_failures_total") == 0
        async with database.writing() as connection:
            await connection.execute(sa.update(projection).values(epoch=projection.c.epoch + 1))

        async def failed():
            return instruments.get_sample_value("registry_apply_failures_total") > 0

        await eventually(failed)
