"""The functions of the registry store: a copy moves from one change to another whole, or not at all."""

import pytest
from redis.exceptions import ResponseError

from compliance.documents import FEED_KEY, MARK_KEY, PROCESSES_KEY
from registry.store import REBUILD_KEY, Follower, Followers, Mark, RegistryStore, StaleError, boot_time
from tests.registry.builders import feed, follow, leave, stored

START = Mark(epoch=1, seq=0)
KEY, OTHER_KEY = "{reg}:brand:B1", "{reg}:brand:B2"


async def everything_in(redis):
    """All that could have changed, but for the instant of the mark."""
    mark = await redis.hmget(MARK_KEY, ["epoch", "seq"])
    return mark, await stored(redis), await feed(redis), await redis.get(REBUILD_KEY)


class TestApply:
    async def test_the_first_makes_the_mark(self, store, redis):
        """Documents, feed and mark at once, the mark with the store's own clock."""
        before = (await redis.time())[0]
        await store.apply(START, 7, {KEY: b"one", OTHER_KEY: b"two"})

        assert await store.mark() == Mark(epoch=1, seq=7)
        assert await stored(redis) == {KEY: b"one", OTHER_KEY: b"two"}
        assert await feed(redis) == [(7, {KEY: b"one", OTHER_KEY: b"two"})]
        # (A script's clock is the server's, of when its loop last looked: it may be some milliseconds slow.)
        assert (before - 1) * 1000 <= int(await redis.hget(MARK_KEY, "at_ms")) <= (before + 60) * 1000

    async def test_no_bytes_delete(self, store, redis):
        """The feed says so too."""
        mark = await store.apply(START, 7, {KEY: b"one"})
        await store.apply(mark, 8, {KEY: b""})

        assert await stored(redis) == {}
        assert (await feed(redis))[-1] == (8, {KEY: b""})

    async def test_bytes_are_bytes(self, store, redis):
        """Whatever they are."""
        await store.apply(START, 1, {KEY: bytes(range(256))})

        assert await stored(redis) == {KEY: bytes(range(256))}

    async def test_a_heartbeat_moves_only_the_instant(self, store, redis):
        """No feed entry: nothing happened."""
        mark = await store.apply(START, 7, {KEY: b"one"})
        await redis.hset(MARK_KEY, "at_ms", 0)
        before = await everything_in(redis)
        await store.apply(mark, 7, {})

        assert await everything_in(redis) == before
        assert int(await redis.hget(MARK_KEY, "at_ms")) > 0

    @pytest.mark.parametrize(
        "wrong",
        [
            Mark(epoch=1, seq=6),
            Mark(epoch=1, seq=8),
            Mark(epoch=1, seq=0),
            Mark(epoch=2, seq=7),
            Mark(epoch=0, seq=7),
            Mark(epoch=2, seq=0),
        ],
    )
    async def test_what_does_not_start_at_the_mark_is_refused(self, store, redis, wrong):
        """It would skip changes, repeat them, or mix two copies; nothing is written."""
        await store.apply(START, 7, {KEY: b"one"})
        before = await everything_in(redis)

        with pytest.raises(StaleError, match="STALE 1 7"):
            await store.apply(wrong, 9, {KEY: b"two"})
        assert await everything_in(redis) == before

    async def test_without_a_mark_only_a_first_is_taken(self, store, redis):
        """A store that lost its data must not get the rest of a copy."""
        with pytest.raises(StaleError, match="STALE 0 0"):
            await store.apply(Mark(epoch=1, seq=7), 8, {KEY: b"one"})
        assert await redis.keys("*") == []

    async def test_the_feed_says_where_an_entry_begins(self, store, redis):
        """A follower sees that it missed nothing, whatever numbers SQL left out."""
        mark = await store.apply(START, 7, {KEY: b"one"})
        await store.apply(await store.apply(mark, 7, {}), 12, {KEY: b"two"})

        entries = [entry for _, entry in await redis.xrange(FEED_KEY)]
        assert [(entry[b"from"], entry[b"seq"]) for entry in entries] == [(b"0", b"7"), (b"7", b"12")]

    async def test_catching_up_makes_nothing_younger(self, store, redis):
        """Facts that are known to be behind must not become live by a part of what they miss."""
        mark = await store.apply(START, 7, {KEY: b"one"})
        await redis.hset(MARK_KEY, "at_ms", 5)
        mark = await store.apply(mark, 8, {KEY: b"two"}, fresh=False)
        assert (mark.seq, await redis.hget(MARK_KEY, "at_ms"), await stored(redis)) == (8, b"5", {KEY: b"two"})

        await store.apply(mark, 9, {KEY: b"three"})
        assert int(await redis.hget(MARK_KEY, "at_ms")) > 5

    async def test_the_facts_are_of_when_they_were_read(self, store, redis):
        """What was committed while an apply was on its way is not in it: the way must not make its facts younger."""
        await store.apply(START, 7, {KEY: b"one"})
        seconds, micros = await redis.time()
        now_ms = seconds * 1000 + micros // 1000
        args = (1, 7, 8, 40, now_ms + 500, 1, KEY, b"one")  # Set out a second ago, 40 ms after SQL was read.
        await redis.fcall("apply", 2, MARK_KEY, FEED_KEY, *args)
        assert int(await redis.hget(MARK_KEY, "at_ms")) == now_ms - 1_040

        await store.apply(Mark(epoch=1, seq=8), 8, {}, read_at=boot_time() - 2)
        told_ms = int(await redis.hget(MARK_KEY, "at_ms"))
        seconds, micros = await redis.time()
        assert told_ms <= seconds * 1000 + micros // 1000 - 2_000

    async def test_a_copy_that_was_lost_before_its_mark_gets_none(self, store, redis):
        """A store that lost everything between the last part of a copy and its mark has nothing to set a mark over."""
        await store.reset(2)
        await store.stage(2, {KEY: b"one"})
        await redis.flushdb()

        with pytest.raises(StaleError):
            await store.apply(Mark(epoch=2, seq=0), 9, {})
        assert await store.mark() is None

    async def test_a_late_one_is_refused(self, store, redis):
        """It lay in a frozen store's socket while its sender counted on the leases' running out."""
        await store.apply(START, 7, {KEY: b"one"})
        seconds, _ = await redis.time()
        with pytest.raises(ResponseError, match="STALE the apply came too late"):
            await redis.fcall("apply", 2, MARK_KEY, FEED_KEY, 1, 7, 7, 1, seconds * 1000 - 1, 0)

    async def test_it_sets_out_with_a_limit(self, store):
        """By the store's clock, also when that is not ours; its stepping is one refusal."""
        await store.apply(START, 7, {KEY: b"one"})
        heard_ms, at = store._clock
        store._clock = heard_ms - 3_600_000, at
        with pytest.raises(StaleError, match="too late"):
            await store.apply(Mark(epoch=1, seq=7), 7, {})

        assert await store.mark() == Mark(epoch=1, seq=7)
        assert await store.apply(Mark(epoch=1, seq=7), 7, {}) == Mark(epoch=1, seq=7)

    @pytest.mark.parametrize(
        "args",
        [
            [1, 0, 1, 1, 9e15, 2, KEY, b"one"],
            [1, 0, 1, 1, 9e15, 0, KEY, b"one"],
            [1, 5, 4, 1, 9e15, 0],
            [1, 0, 1, 0],
        ],
    )
    async def test_arguments_that_do_not_fit_are_refused(self, store, redis, args):
        """Half a document, or a way back."""
        with pytest.raises(ResponseError, match="do not fit"):
            await redis.fcall("apply", 2, MARK_KEY, FEED_KEY, *args)
        assert await redis.keys("*") == []


class TestRebuild:
    async def test_the_old_copy_is_gone_and_the_new_one_shows_at_the_end(self, store, redis):
        """A reader finds no mark, which says unavailable, until the copy is whole."""
        await store.apply(START, 7, {KEY: b"old"})
        await store.reset(2)
        await store.stage(2, {OTHER_KEY: b"new"})
        assert await store.mark() is None
        assert await store.rebuilding()

        await store.apply(Mark(epoch=2, seq=0), 9, {})
        assert await store.mark() == Mark(epoch=2, seq=9)
        assert await stored(redis) == {OTHER_KEY: b"new"}
        assert not await store.rebuilding()

    @pytest.mark.parametrize("epoch", [0, 1])
    async def test_a_copy_is_replaced_only_by_a_newer_one(self, store, redis, epoch):
        """A projector that slept must not empty the store."""
        await store.apply(START, 7, {KEY: b"one"})
        before = await everything_in(redis)

        with pytest.raises(StaleError):
            await store.reset(epoch)
        assert await everything_in(redis) == before

    @pytest.mark.parametrize("epoch", [1, 2])
    async def test_two_rebuilds_of_one_epoch_do_not_mix(self, store, redis, epoch):
        """The second would empty what the first has staged, and the first would set the mark over the rest."""
        await store.reset(2)
        await store.stage(2, {KEY: b"one"})

        with pytest.raises(StaleError):
            await store.reset(epoch)
        assert await stored(redis) == {KEY: b"one"}

    async def test_an_older_rebuild_ends_when_a_newer_begins(self, store, redis):
        """Neither its documents nor its mark are taken."""
        await store.reset(2)
        await store.reset(3)

        with pytest.raises(StaleError):
            await store.stage(2, {KEY: b"one"})
        with pytest.raises(StaleError):
            await store.apply(Mark(epoch=2, seq=0), 9, {})
        assert await stored(redis) == {}
        assert await store.mark() is None

    async def test_nothing_is_staged_behind_a_mark(self, store, redis):
        """A reader would see it before its change."""
        await store.apply(START, 7, {KEY: b"one"})

        with pytest.raises(StaleError):
            await store.stage(1, {KEY: b"two"})
        assert await stored(redis) == {KEY: b"one"}

    async def test_a_dead_rebuild_is_forgotten(self, store, redis):
        """Its note expires by itself."""
        await store.reset(2)

        assert 0 < await redis.pttl(REBUILD_KEY) <= 5000

    async def test_other_keys_are_left_alone(self, store, redis):
        """Somebody may keep other things on the same server."""
        await redis.set("{q:0}:n", "1")
        await store.reset(2)

        assert await redis.get("{q:0}:n") == b"1"


class TestFollowers:
    async def test_a_process_learns_where_the_copy_stands(self, store, redis):
        """And the store's clock, by which the mark's age counts."""
        await store.apply(START, 7, {KEY: b"one"})
        epoch, seq, at_ms, now_ms = await follow(redis, "gateway:1", 1, 5)

        assert (epoch, seq, at_ms) == (b"1", b"7", await redis.hget(MARK_KEY, "at_ms"))
        assert int(at_ms) <= int(now_ms) <= int(at_ms) + 60_000

    async def test_without_a_mark_it_learns_that(self, store, redis):
        """Three empty texts; it is noted all the same."""
        assert (await follow(redis, "gateway:1", 0, 0))[:3] == [b"", b"", b""]
        assert [process.name for process in (await store.followers()).processes] == ["gateway:1"]

    async def test_the_registry_learns_who_has_what(self, store, redis):
        """What a process said last counts."""
        await store.apply(START, 7, {KEY: b"one"})
        await follow(redis, "gateway:1", 1, 5)
        await follow(redis, "worker:2", 1, 6)
        await follow(redis, "gateway:1", 1, 7)

        found = await store.followers()
        assert found.mark == Mark(epoch=1, seq=7)
        assert {(one.name, one.epoch, one.seq) for one in found.processes} == {("gateway:1", 1, 7), ("worker:2", 1, 6)}
        assert all(0 <= one.age_ms <= 60_000 for one in found.processes)

    async def test_who_leaves_is_gone(self, store, redis):
        """Nobody waits for a process that ended in good order; leaving twice is no fault."""
        await follow(redis, "gateway:1", 1, 5)
        await leave(redis, "gateway:1")
        await leave(redis, "gateway:1")

        assert await store.followers() == Followers(mark=None, processes=())

    async def test_the_silent_are_forgotten_after_a_minute(self, store, redis):
        """Not before: until then the age shows."""
        now = (await redis.time())[0] * 1000
        await redis.hset(PROCESSES_KEY, mapping={"a": f"1 5 {now - 61_000}", "b": f"1 5 {now - 30_000}", "c": "?"})
        (found,) = (await store.followers()).processes

        assert found == Follower(name="b", epoch=1, seq=5, age_ms=found.age_ms)
        assert 30_000 <= found.age_ms < 60_000
        assert await redis.hkeys(PROCESSES_KEY) == [b"b"]

    async def test_a_rebuild_keeps_them(self, store, redis):
        """The processes are still there, with old facts in memory."""
        await store.apply(START, 7, {KEY: b"one"})
        await follow(redis, "gateway:1", 1, 7)
        await store.reset(2)
        await store.apply(Mark(epoch=2, seq=0), 9, {})

        assert [(one.name, one.epoch) for one in (await store.followers()).processes] == [("gateway:1", 1)]

    @pytest.mark.parametrize(
        "args",
        [["", 1, 1], ["gateway:1", "", 1], ["gateway:1", 1, "x"], ["gateway:1", 1, -1], ["gateway:1", 1]],
    )
    async def test_a_note_that_nobody_could_read_is_refused(self, redis, store, args):
        """It would be taken for none, and its process for gone."""
        with pytest.raises(ResponseError, match="follow: a name"):
            await follow(redis, *args)
        assert await redis.exists(PROCESSES_KEY) == 0


async def test_functions_may_be_loaded_again(store):
    """Every start does."""
    await store.load_functions()

    assert await store.apply(START, 0, {}) == START


async def test_a_refusal_of_the_server_is_not_taken_for_stale(redis, valkey_server):
    """Functions that are missing are an error of another kind."""
    async with RegistryStore.connected(valkey_server.url) as store:
        with pytest.raises(ResponseError, match="Function not found"):
            await store.apply(START, 0, {})
